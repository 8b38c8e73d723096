import { afterEach, describe, expect, it } from 'vitest';
import { encodeAccepted, encodeStatus } from '../../src/transport/encode.ts';
import { Role } from '../../src/transport/messages.ts';
import { MemoryCluster, type RawPeer, type Sequence } from '../support/memory-cluster.ts';

/** More than a learner asks for at a time. */
const MANY = 5000;

describe('a learner that missed something', () => {
  let cluster: MemoryCluster;
  let acceptors: RawPeer[];
  let sequence: Sequence;

  afterEach(() => cluster.closeAll());

  /** A learner whose three acceptors are played. */
  async function start(): Promise<void> {
    cluster = new MemoryCluster({ acceptors: 3, proposers: 1 });
    acceptors = [];
    sequence = { values: [] };
    for (const id of [0, 1, 2]) {
      await cluster.play(id, (peer) => {
        acceptors[id] = peer;
        peer.sayHello(cluster.hello(Role.acceptor, id));
      });
    }
    await cluster.learner('learner', sequence);
    cluster.world.advance(50);
  }

  function accept(from: number, to: number, id: number): void {
    acceptors[id]?.say((out) => {
      for (let i = from; i <= to; i++) encodeAccepted(out, id, i, 10, 10, new TextEncoder().encode(`${i}`));
    });
  }

  function asked(): string[] {
    const repeats = (acceptors[0]?.messages ?? []).filter((message) => message.type === 'repeat');
    return repeats.map((message) => (message.type === 'repeat' ? `${message.from}..${message.to}` : ''));
  }

  it('asks for that, and not for what it has', async () => {
    await start();
    for (const id of [0, 1]) {
      accept(1, 3, id);
      accept(5, 8, id);
      accept(11, MANY, id);
    }
    cluster.world.advance(250);
    expect([...new Set(asked())]).toEqual(['4..4', '9..10']);
    for (const id of [0, 1]) accept(4, 4, id);
    for (const id of [1, 2]) accept(9, 10, id);
    cluster.world.advance(1000);
    expect(sequence.values).toHaveLength(MANY);
    expect([...new Set(asked())]).toEqual(['4..4', '9..10']);
  });

  it('asks for few stretches at a time, however many it misses', async () => {
    await start();
    for (const id of [0, 1]) for (let i = 2; i <= MANY; i += 2) accept(i, i, id);
    cluster.world.advance(250);
    expect(new Set(asked()).size).toBe(64);
    for (let round = 0; round < 2000 && sequence.values.length < MANY - 1; round++) {
      const last = asked().slice(-64);
      for (const stretch of last) {
        const [from = 0, to = 0] = stretch.split('..').map(Number);
        for (const id of [0, 1]) accept(from, to, id);
      }
      cluster.world.advance(100);
    }
    expect(sequence.values).toHaveLength(MANY);
  });

  /** Every acceptor says that it has accepted so much, and trimmed so much. */
  function tell(highestAccepted: number, trimInstanceId: number): void {
    for (const id of [0, 1, 2]) {
      const numbers = { highestBallot: 10, highestAccepted, trimInstanceId, chosen: 0, leaderBallot: 0 };
      acceptors[id]?.say((out) => encodeStatus(out, { acceptorId: id, token: 0, ...numbers }));
    }
  }

  it('asks for nothing while what comes next is trimmed: nobody has it', async () => {
    await start();
    tell(MANY, 10);
    for (const id of [0, 1]) accept(11, 20, id);
    let askedBefore: readonly string[] | undefined;
    cluster.heed = (_, event) => {
      if (event.type !== 'behind-trim') return;
      askedBefore = asked();
      // A checkpoint is installed.
      sequence.values.push(...new Array<string>(10).fill(''));
      cluster.nodes.get('learner')?.setInstanceId(10);
    };
    cluster.world.advance(2000);
    expect(askedBefore).toEqual([]);
    expect(cluster.events.filter(({ event }) => event.type === 'behind-trim')).toHaveLength(1);
    expect(asked().length).toBeGreaterThan(1);
    expect(asked().filter((stretch) => !stretch.startsWith('21..'))).toEqual([]);
  });

  it('asks for history in long stretches', async () => {
    await start();
    tell(MANY, 0);
    cluster.world.advance(50);
    expect(asked()).toEqual(['1..2048']);
    for (const id of [0, 1]) accept(1, 2048, id);
    cluster.world.advance(10);
    expect(asked()).toEqual(['1..2048', '2049..4096']);
  });
});
