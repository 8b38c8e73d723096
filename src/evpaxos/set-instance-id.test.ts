/** setInstanceId of the public handles: what the original's three functions of that name are for. */
import { describe, expect, it } from 'vitest';
import { MemoryWorld } from '../../test/support/memory-world.ts';
import { type Config, makeConfig } from '../config/index.ts';
import { SeededRandom } from '../transport/random.ts';
import { AcceptorNode, Client, type Delivered, LearnerNode, ProposerNode, Replica } from './index.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

/** A world, and the sequence that a node delivers in it: `5 e` for value e at instance 5. */
function makeWorld() {
  const world = new MemoryWorld();
  let seed = 1;
  const sequence: string[] = [];
  return {
    world,
    sequence,
    worldOf: () => ({ transport: world, clock: world, random: new SeededRandom(seed++) }),
    deliver: ({ instanceId, value }: Delivered) => {
      sequence.push(`${instanceId} ${new TextDecoder().decode(value)}`);
    },
  };
}

function apart(): Config {
  return makeConfig({
    acceptors: [1, 2, 3].map((port) => ({ host: 'memory', port })),
    proposers: [{ host: 'memory', port: 10 }],
  });
}

describe('setInstanceId', () => {
  it('makes a learner deliver only what is above a checkpoint', async () => {
    const { world, worldOf, sequence, deliver } = makeWorld();
    const config = apart();
    for (const id of [0, 1, 2]) await AcceptorNode.start({ ...worldOf(), config, id });
    await ProposerNode.start({ ...worldOf(), config, id: 0 });
    const client = await Client.start({ ...worldOf(), config, deliver: () => undefined });
    for (const value of ['a', 'b', 'c', 'd', 'e']) client.offer(bytes(value));
    world.advance(2000);

    const learner = await LearnerNode.start({ ...worldOf(), config, deliver });
    learner.setInstanceId(3);
    world.advance(2000);
    expect(sequence).toEqual(['4 d', '5 e']);
    learner.setInstanceId(2);
    world.advance(2000);
    expect(sequence).toEqual(['4 d', '5 e']);
    expect(learner.delivered).toBe(5);
  });

  it('makes a replica go on above a checkpoint, as a learner and as a proposer', async () => {
    const { world, worldOf, sequence, deliver } = makeWorld();
    const config = makeConfig({ replicas: [1, 2, 3].map((port) => ({ host: 'memory', port })) });
    const [first] = [
      await Replica.start({ ...worldOf(), config, id: 0, deliver }),
      await Replica.start({ ...worldOf(), config, id: 1, deliver: () => undefined, after: 7 }),
      await Replica.start({ ...worldOf(), config, id: 2, deliver: () => undefined, after: 7 }),
    ];
    first.setInstanceId(7);
    world.advance(2000);
    const submitted = first.submit(bytes('x'));
    world.advance(2000);
    await submitted;
    expect(sequence).toEqual(['8 x']);
  });

  it('makes a proposer propose only above an instance', async () => {
    const { world, worldOf, sequence, deliver } = makeWorld();
    const config = apart();
    for (const id of [0, 1, 2]) await AcceptorNode.start({ ...worldOf(), config, id });
    const proposer = await ProposerNode.start({ ...worldOf(), config, id: 0 });
    proposer.setInstanceId(41);
    await LearnerNode.start({ ...worldOf(), config, deliver, catchUp: false });
    world.advance(2000);
    const client = await Client.start({ ...worldOf(), config, deliver: () => undefined });
    world.advance(2000);
    client.offer(bytes('x'));
    world.advance(2000);
    expect(sequence).toEqual(['42 x']);
  });
});
