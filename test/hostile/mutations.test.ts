/**
 * What nodes say to each other, damaged, and fed to one node of each kind while the others go on. Damaged ACCEPTs and
 * PREPAREs may be whole messages, and then the node takes them: it is one acceptor of three that was told nonsense, so
 * values go through all the same, and everybody learns the same.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { Node } from '../../src/evpaxos/node.ts';
import { randomInt, SeededRandom } from '../../src/transport/random.ts';
import { MemoryCluster, type RawPeer, type Sequence } from '../support/memory-cluster.ts';
import { type Direction, mutated, recordedBy } from '../support/mutation.ts';

/** All kinds together are 100,000 of the original's, and 40,000 of ours. */
const ROUNDS = 25_000;
const OWN_ROUNDS = 10_000;
/** So often another proposer has to lead. */
const ROUNDS_PER_LEADER = 2_500;
/** So often a good value is given in between; it has so long to be chosen, on the virtual clock. */
const ROUNDS_PER_VALUE = 250;
const PATIENCE_MS = 3000;
const STEP_MS = 20;
const PIECES_PER_CONNECTION = 3;
const RECONNECTION_MS = 120;

type Source = (random: SeededRandom) => Uint8Array;

interface Scene {
  readonly cluster: MemoryCluster;
  readonly sequences: readonly Sequence[];
  /** feeds damaged bytes to whom this scene is about */
  readonly feed: (bytes: Uint8Array) => void;
}

/** Who is fed, and by what was said to, or by, whom. */
const SCENES: Readonly<
  Record<string, { direction: Direction; port: number; link: RegExp; make: () => Promise<Scene> }>
> = {
  'an acceptor': { direction: 'toServer', port: 1, link: /./, make: () => inbound('acceptor') },
  'a proposer': { direction: 'toServer', port: 100, link: /./, make: () => inbound('proposer') },
  'a replica': { direction: 'toServer', port: 1, link: /./, make: replicas },
  'a learner, a client and two proposers, by an acceptor': {
    direction: 'toClient',
    port: 1,
    link: /(acceptor|replica)0/,
    make: outbound,
  },
};

async function observed(cluster: MemoryCluster, withLearner: boolean): Promise<Sequence[]> {
  const sequences: Sequence[] = [{ values: [] }, { values: [] }];
  await cluster.client('client', sequences[0]);
  if (withLearner) await cluster.learner('learner', sequences[1] ?? { values: [] });
  cluster.world.advance(1000);
  return withLearner ? sequences : sequences.slice(0, 1);
}

/**
 * Everything comes in by connections to acceptor or proposer 0, a new one for every few pieces: a long value announced
 * by damage would swallow all that follows.
 */
function feeder(cluster: MemoryCluster, to: 'acceptor' | 'proposer'): (bytes: Uint8Array) => void {
  let peer: RawPeer | undefined;
  let pieces = 0;
  return (bytes) => {
    if (peer === undefined || peer.isClosed || pieces++ % PIECES_PER_CONNECTION === 0) {
      peer?.link?.close();
      peer = cluster.connect(to, 0);
    }
    peer.link?.write(bytes);
    cluster.world.settle();
  };
}

async function inbound(to: 'acceptor' | 'proposer'): Promise<Scene> {
  const cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
  await cluster.startAll();
  return { cluster, sequences: await observed(cluster, true), feed: feeder(cluster, to) };
}

async function replicas(): Promise<Scene> {
  const cluster = new MemoryCluster({ replicas: 3 });
  const own: Sequence[] = [0, 1, 2].map(() => ({ values: [] }));
  for (const id of [0, 1, 2]) await cluster.replica(id, own[id]);
  cluster.world.advance(1000);
  const sequences = [...(await observed(cluster, false)), ...own];
  return { cluster, sequences, feed: feeder(cluster, 'acceptor') };
}

/** Acceptor 0 is played: whoever connects to it is fed. */
async function outbound(): Promise<Scene> {
  const cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
  const peers = new Set<RawPeer>();
  await cluster.play(0, (peer) => peers.add(peer));
  await cluster.startAll([0]);
  let pieces = 0;
  const feed = (bytes: Uint8Array): void => {
    const isLast = ++pieces % PIECES_PER_CONNECTION === 0;
    for (const peer of peers) {
      peer.link?.write(bytes);
      if (isLast) cluster.world.soon(() => peer.link?.close());
      if (isLast || peer.isClosed) peers.delete(peer);
    }
    // Whoever was cut off comes again after a while.
    cluster.world.advance(peers.size === 0 ? RECONNECTION_MS : 0);
  };
  return { cluster, sequences: await observed(cluster, true), feed };
}

/** What nodes of ours say in the first seconds of a cluster, on connections to this port. */
async function recordedOfOurs(
  make: () => Promise<Scene>,
  port: number,
  direction: Direction,
): Promise<Source> {
  const pieces: Uint8Array[] = [];
  const tapped = port === 1 && direction === 'toClient' ? 2 : port;
  const scene = await make();
  scene.cluster.world.tap = (to, way, bytes) => {
    if (to === tapped && way === direction) pieces.push(bytes);
  };
  // Everybody introduces himself again, and a leader is chosen again.
  const { leader, config } = scene.cluster;
  await scene.cluster.close(leader.name);
  if (config.replicas) await scene.cluster.replica(leader.id);
  else await scene.cluster.proposer(leader.id);
  const late: Sequence = { values: [] };
  await scene.cluster.learner('late', late);
  for (let i = 0; i < 100; i++) {
    scene.cluster.nodes.get('client')?.offer(new Uint8Array([i]), undefined);
    scene.cluster.world.advance(STEP_MS);
  }
  await scene.cluster.closeAll();
  return (random) => {
    const from = randomInt(random, 0, pieces.length - 1);
    const count = randomInt(random, 1, 6);
    return mutated(asAcceptor0(Buffer.concat(pieces.slice(from, from + count)).subarray(0, 800)), random);
  };
}

/** Turns what acceptor 1 said into what acceptor 0 may say: its id comes first, behind the message's type. */
function asAcceptor0(bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  for (let i = 0; i + 2 < changed.length; i++) {
    if (((changed[i] ?? 0) & 0xf0) === 0x90 && changed[i + 2] === 1) changed[i + 2] = 0;
  }
  return changed;
}

describe('damaged messages', () => {
  let scene: Scene | undefined;

  afterEach(async () => {
    await scene?.cluster.closeAll();
    scene = undefined;
  });

  /** A value that is given now is chosen, and learned by everybody, within the patience of a person. */
  function goesThrough({ cluster, sequences }: Scene, text: string, round: number): void {
    const client: Node | undefined = cluster.nodes.get('client');
    let isChosen = false;
    client?.offer(new TextEncoder().encode(text), () => {
      isChosen = true;
    });
    const isLearned = () => sequences.every(({ values }) => values.includes(text, values.length - 20_000));
    for (let ms = 0; ms < PATIENCE_MS && !(isChosen && isLearned()); ms += STEP_MS)
      cluster.world.advance(STEP_MS);
    expect([`round ${round}`, isChosen, isLearned()]).toEqual([`round ${round}`, true, true]);
  }

  /** The proposer that leads goes, another takes over from what acceptors tell, and it comes back. */
  async function changeLeader(cluster: MemoryCluster): Promise<void> {
    if (cluster.config.replicas) return;
    const { name, id } = cluster.leader;
    await cluster.close(name);
    cluster.world.advance(PATIENCE_MS);
    await cluster.proposer(id);
  }

  async function run(name: string, rounds: number, source: Source, seed: number): Promise<void> {
    const found = SCENES[name];
    if (found === undefined) throw new Error(`there is no scene ${name}`);
    const random = new SeededRandom(seed);
    scene = await found.make();
    const { cluster, sequences } = scene;
    const before = process.memoryUsage().rss;
    for (let round = 0; round < rounds; round++) {
      scene.feed(source(random));
      if (round % ROUNDS_PER_VALUE === 0) goesThrough(scene, `good ${round}`, round);
      if (round % ROUNDS_PER_LEADER === 0) await changeLeader(cluster);
    }
    goesThrough(scene, 'the last', rounds);
    cluster.world.advance(PATIENCE_MS);
    await cluster.settled();
    expect(cluster.failures).toEqual([]);
    const longest = Math.max(...sequences.map(({ values }) => values.length));
    for (const { values } of sequences) expect(values).toEqual(sequences[0]?.values.slice(0, longest));
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 2 ** 20);
  }

  const names = Object.keys(SCENES);

  it.each(names)(
    `of the original's, ${ROUNDS} to %s`,
    async (name) => {
      const { direction, link } = SCENES[name] ?? { direction: 'toServer', link: /./ };
      const stretches = recordedBy(direction, link);
      await run(name, ROUNDS, (random) => mutated(stretches(random), random), 1);
    },
    120_000,
  );

  it.each(names)(
    `of ours, ${OWN_ROUNDS} to %s`,
    async (name) => {
      const { direction, port, make } = SCENES[name] ?? { direction: 'toServer', port: 1, make: replicas };
      const playing = direction === 'toClient' ? () => inbound('acceptor') : make;
      await run(name, OWN_ROUNDS, await recordedOfOurs(playing, port, direction), 2);
    },
    120_000,
  );
});
