import { describe, expect, it } from 'vitest';
import { MemoryCluster } from '../../test/support/memory-cluster.ts';
import { MemoryWorld } from '../../test/support/memory-world.ts';
import { makeConfig } from '../config/index.ts';
import { PaxosError } from '../paxos/error.ts';
import { encodeAcceptorState } from '../transport/encode.ts';
import { SeededRandom } from '../transport/random.ts';
import { BehindTrim, type TrimOutcome } from './behind-trim.ts';
import { AcceptorNode, Client, LearnerNode, type NodeEvent, ProposerNode } from './index.ts';

/** What it says to so many looks at an instance, each outcome that is none with the number of its look. */
function looks(trims: BehindTrim, instanceId: number, count: number): [number, TrimOutcome][] {
  const outcomes = Array.from({ length: count }, (_, look): [number, TrimOutcome] => [
    look + 1,
    trims.look(instanceId),
  ]);
  return outcomes.filter(([, outcome]) => outcome !== 'none');
}

function told(acceptors: number, ...trims: number[]): BehindTrim {
  const behind = new BehindTrim(acceptors);
  for (const [id, trim] of trims.entries()) behind.note(id, trim);
  return behind;
}

describe('BehindTrim', () => {
  it.each([
    [1, [7], 7],
    [2, [7], 0],
    [2, [7, 8], 7],
    [3, [7], 0],
    [3, [7, 8], 7],
    [4, [7], 0],
    // The other two of four are no quorum.
    [4, [7, 8], 7],
    [5, [7, 8], 0],
    [5, [7, 8, 9], 7],
  ])('of %i acceptors, with trim points %j, nothing is left up to %i', (acceptors, trims, lost) => {
    expect(told(acceptors, ...trims).lost).toBe(lost);
  });

  it('is behind once it has stood still for three looks', () => {
    expect(looks(told(3, 7, 7), 7, 3)).toEqual([[3, 'behind']]);
    expect(looks(told(3, 7, 7), 8, 30)).toEqual([]);
  });

  it('is not behind while it moves on', () => {
    const trims = told(3, 7, 7);
    for (const next of [1, 2, 3, 4, 5, 6, 7]) expect(looks(trims, next, 2)).toEqual([]);
  });

  it('is in doubt, once for each trim point, where one acceptor alone has trimmed', () => {
    const trims = told(3, 7);
    expect(looks(trims, 7, 50)).toEqual([[20, 'in doubt']]);
    trims.note(0, 9);
    expect(looks(trims, 7, 1)).toEqual([[1, 'in doubt']]);
  });

  it('believes an acceptor that came back with a lower trim point', () => {
    const trims = told(3, 7, 7);
    trims.note(1, 0);
    expect(looks(trims, 1, 10)).toEqual([]);
  });
});

describe('a learner behind the trim point', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  /** Three acceptors with values a to e, of which the first `trimmed` are trimmed at so many of them. */
  async function makeCluster(trimmed: number, at = 3) {
    const world = new MemoryWorld();
    let seed = 1;
    const worldOf = () => ({ transport: world, clock: world, random: new SeededRandom(seed++) });
    const config = makeConfig({
      acceptors: [1, 2, 3].map((port) => ({ host: 'memory', port })),
      proposers: [{ host: 'memory', port: 10 }],
    });
    const acceptors = await Promise.all(
      [0, 1, 2].map((id) => AcceptorNode.start({ ...worldOf(), config, id })),
    );
    await ProposerNode.start({ ...worldOf(), config, id: 0 });
    const client = await Client.start({ ...worldOf(), config, deliver: () => undefined });
    for (const value of ['a', 'b', 'c', 'd', 'e']) client.offer(bytes(value));
    world.advance(2000);
    for (const acceptor of acceptors.slice(at)) await acceptor.close();
    world.advance(100);
    const trimmer = await LearnerNode.start({ ...worldOf(), config, deliver: () => undefined });
    world.advance(100);
    trimmer.sendTrim(trimmed);
    world.advance(1100);
    return { world, worldOf, config, acceptors };
  }

  it('ends with BEHIND_TRIM within half a second, and tells the trim point', async () => {
    const { world, worldOf, config } = await makeCluster(3);
    const events: NodeEvent[] = [];
    const observer = { report: (event: NodeEvent) => void events.push(event) };
    const learner = await LearnerNode.start({ ...worldOf(), config, observer });
    const read = learner[Symbol.asyncIterator]().next();
    world.advance(500);
    const error: unknown = await learner.closed.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PaxosError);
    expect(error).toMatchObject({ code: 'BEHIND_TRIM', instanceId: 1, trimInstanceId: 3 });
    await expect(read).rejects.toBe(error);
    const told = events.filter(({ type }) => type === 'behind-trim');
    expect(told).toEqual([{ type: 'behind-trim', instanceId: 1, trimInstanceId: 3 }]);
  });

  it('is so by the word of originals, which say nothing else', async () => {
    const cluster = new MemoryCluster({ acceptors: 3 });
    for (const id of [0, 1]) {
      await cluster.play(id, (peer) => {
        cluster.world.after(10, () => peer.say((out) => encodeAcceptorState(out, id, 7)));
      });
    }
    await cluster.learner('learner', { values: [] });
    cluster.world.advance(500);
    await cluster.settled();
    const told = cluster.events.map(({ event }) => event).filter(({ type }) => type === 'behind-trim');
    expect(told).toEqual([{ type: 'behind-trim', instanceId: 1, trimInstanceId: 7 }]);
    expect(cluster.failures).toHaveLength(1);
    await cluster.closeAll();
  });

  it('goes on if setInstanceId is called while it is told', async () => {
    const { world, worldOf, config } = await makeCluster(3);
    const sequence: number[] = [];
    const learner: LearnerNode = await LearnerNode.start({
      ...worldOf(),
      config,
      deliver: ({ instanceId }) => void sequence.push(instanceId),
      observer: {
        report: (event) => event.type === 'behind-trim' && learner.setInstanceId(event.trimInstanceId),
      },
    });
    world.advance(1000);
    expect(sequence).toEqual([4, 5]);
  });

  it('is not behind with a checkpoint of the trim point itself', async () => {
    const { world, worldOf, config } = await makeCluster(3);
    const sequence: number[] = [];
    await LearnerNode.start({
      ...worldOf(),
      config,
      after: 3,
      deliver: ({ instanceId }) => void sequence.push(instanceId),
    });
    world.advance(1000);
    expect(sequence).toEqual([4, 5]);
  });

  it('is told that it cannot know, and waits, where one acceptor alone says so', async () => {
    // One acceptor trimmed, the second is up and has forgotten all, the third is away.
    const { world, worldOf, config } = await makeCluster(3, 1);
    await AcceptorNode.start({ ...worldOf(), config, id: 1 });
    const events: NodeEvent[] = [];
    const observer = { report: (event: NodeEvent) => void events.push(event) };
    const learner = await LearnerNode.start({ ...worldOf(), config, observer });
    world.advance(10_000);
    const told = events.filter(({ type }) => type === 'behind-trim' || type === 'trim-in-doubt');
    expect(told).toEqual([{ type: 'trim-in-doubt', instanceId: 1, trimInstanceId: 3 }]);
    await learner.close();
  });
});
