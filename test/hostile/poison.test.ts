import { afterEach, describe, expect, it } from 'vitest';
import type { ByteBuffer } from '../../src/transport/buffer.ts';
import {
  encodeAccept,
  encodeAccepted,
  encodeAcceptorState,
  encodeChosenValue,
  encodeHeartbeat,
  encodeLeader,
  encodePrepare,
  encodePromise,
  encodePromiseFrom,
  encodeRefused,
  encodeStatus,
  encodeStorageIdentity,
  encodeTrim,
} from '../../src/transport/encode.ts';
import { Role } from '../../src/transport/messages.ts';
import { MemoryCluster, type RawPeer, type Sequence } from '../support/memory-cluster.ts';

const FAR_INSTANCE = 4_000_000_000;
const HIGHEST_INSTANCE = 2 ** 32 - 1;
const VALUE = new TextEncoder().encode('poison');

/** What an acceptor of ours may say about itself, true or not. */
const STATUS = {
  acceptorId: 0,
  token: 0,
  highestBallot: 0,
  highestAccepted: 0,
  trimInstanceId: 0,
  chosen: 0,
  leaderBallot: 0,
};

describe('a cluster that was told nonsense', () => {
  let cluster: MemoryCluster;
  const sequence: Sequence = { values: [] };
  let submitted = 0;

  afterEach(() => cluster.closeAll());

  async function start(without: readonly number[] = []): Promise<void> {
    sequence.values.length = 0;
    submitted = 0;
    cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
    await cluster.startAll(without);
    await cluster.client('client', sequence);
    cluster.world.advance(1000);
  }

  /** Values go through within two seconds, and a learner sees them. */
  async function works(values = 10, order: 'as given' | 'any' = 'as given'): Promise<void> {
    const before = submitted;
    while (submitted < before + values) {
      cluster.nodes.get('client')?.offer(new TextEncoder().encode(`value ${submitted++}`), undefined);
      cluster.world.advance(100 / values);
    }
    cluster.world.advance(2000);
    await cluster.settled();
    expect(cluster.failures).toEqual([]);
    const expected = Array.from({ length: submitted }, (_, i) => `value ${i}`);
    const learned = sequence.values.filter((value) => value !== 'poison');
    if (order === 'as given') expect(learned).toEqual(expected);
    else expect(learned.sort()).toEqual(expected.sort());
  }

  /** The proposer that leads is gone; the other takes over. */
  async function changeLeader(): Promise<void> {
    await cluster.close(cluster.leader.name);
    cluster.world.advance(2000);
  }

  function tell(acceptorId: number, encode: (out: ByteBuffer) => void): RawPeer {
    const peer = cluster.connect('acceptor', acceptorId);
    peer.say(encode);
    cluster.world.advance(1500);
    return peer;
  }

  it.each([1, 2, 3])(
    'a high instance in %i of 3 acceptors stops nobody, and no leader goes there',
    async (count) => {
      await start();
      await works();
      for (let a = 0; a < count; a++) tell(a, (out) => encodeAccept(out, FAR_INSTANCE + a, 1000, VALUE));
      await works();
      await changeLeader();
      await works();
      expect(cluster.leader.node.proposer?.core.low).toBeLessThan(1000);
    },
  );

  it.each([1, 2, 3])('nor does an instance that is not so high, in %i of 3', async (count) => {
    await start();
    await works();
    for (let a = 0; a < count; a++) tell(a, (out) => encodeAccept(out, 30_000 + a, 1000, VALUE));
    await works();
    await changeLeader();
    await works();
  });

  it.each([1, 30_000, FAR_INSTANCE])(
    'a client that learns from now on does not begin at %i',
    async (wrong) => {
      await start();
      await works(3000);
      const later: Sequence = { values: [] };
      await cluster.newcomer('newcomer', later);
      cluster.world.advance(1000);
      tell(2, (out) => encodeAccept(out, wrong, 1000, VALUE));
      await works();
      expect(later.values).toEqual(sequence.values.slice(-later.values.length));
      expect(later.values.length).toBeGreaterThanOrEqual(10);
      expect(later.values.length).toBeLessThan(1500);
    },
  );

  it('a high instance does not open the way for a trim', async () => {
    await start();
    await works();
    for (const a of [0, 1, 2]) {
      const peer = tell(a, (out) => encodeAccept(out, FAR_INSTANCE, 1000, VALUE));
      peer.say((out) => encodeTrim(out, FAR_INSTANCE));
    }
    cluster.world.advance(2000);
    await works();
    await changeLeader();
    await works();
  });

  it.each([1, 2, 3])('TRIM 2^32-1 in %i of 3 acceptors is refused', async (count) => {
    await start();
    for (let a = 0; a < count; a++) tell(a, (out) => encodeTrim(out, HIGHEST_INSTANCE));
    await works();
    expect(cluster.events.filter(({ event }) => event.type === 'trim-refused')).toHaveLength(count);
  });

  it.each([2 ** 32 - 1, 2 ** 31 - 1, 2 ** 24 - 1, 1000])(
    'PREPARE of every open instance at %i',
    async (ballot) => {
      await start();
      await works();
      for (const a of [0, 1, 2]) {
        tell(a, (out) => {
          for (let i = 1; i < 300; i++) encodePrepare(out, i, ballot);
        });
      }
      await works();
      await changeLeader();
      await works();
    },
  );

  it('ballots that climb as fast as acceptors let them', async () => {
    await start();
    for (let round = 1; round < 20; round++) {
      tell(round % 3, (out) => encodePrepare(out, FAR_INSTANCE, round * (2 ** 24 - 1)));
      if (round % 5 === 0) await works();
    }
    await changeLeader();
    await works();
  });

  it('another value that somebody gets accepted at the leader’s ballot is not taken for the leader’s', async () => {
    await start();
    await works();
    await cluster.close('acceptor 2');
    const intruder = cluster.connect('acceptor', 0);
    // At one of these delays the other's acceptance is told while the leader's own ACCEPT is under way.
    for (let delay = 0; delay < 8; delay++) {
      const { core } = cluster.leader.node.proposer ?? {};
      const [instanceId = 0, ballot = 0] = [core?.nextToAccept, core?.ballot];
      const text = `value ${submitted++}`;
      let isChosen = false;
      cluster.nodes.get('client')?.offer(new TextEncoder().encode(text), () => {
        isChosen = true;
      });
      later(delay, () => intruder.say((out) => encodeAccept(out, instanceId, ballot, VALUE)));
      cluster.world.settle();
      expect([delay, isChosen]).toEqual([delay, sequence.values.includes(text)]);
      await works(10, 'any');
    }
  });

  function later(rounds: number, task: () => void): void {
    if (rounds === 0) task();
    else cluster.world.soon(() => later(rounds - 1, task));
  }

  it('an acceptor that comes back without its memory follows, however high ballots have climbed', async () => {
    await start();
    for (let round = 1; round < 8; round++) {
      for (const a of [0, 1, 2]) tell(a, (out) => encodePrepare(out, 1, round * (2 ** 24 - 1)));
      await works();
    }
    await changeLeader();
    await works();
    expect(cluster.leader.node.proposer?.core.ballot).toBeGreaterThan(3 * 2 ** 24);
    await cluster.close('acceptor 0');
    await cluster.acceptor(0);
    await cluster.close('acceptor 1');
    cluster.world.advance(5000);
    await works();
  });

  describe('by one acceptor', () => {
    /** Acceptor 0 is played; what it says goes to everybody who connects to it. */
    async function startWithLiar(...says: ((out: ByteBuffer) => void)[]): Promise<RawPeer[]> {
      const peers: RawPeer[] = [];
      sequence.values.length = 0;
      submitted = 0;
      cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
      await cluster.play(0, (peer) => {
        peers.push(peer);
        peer.sayHello(cluster.hello(Role.acceptor));
        for (const say of says) peer.say(say);
      });
      await cluster.startAll([0]);
      await cluster.client('client', sequence);
      cluster.world.advance(2000);
      return peers;
    }

    it.each([2 ** 53 - 1, FAR_INSTANCE])('STATUS: all up to %i is chosen', async (chosen) => {
      const says = [0, 1, 2, 3].map(
        (token) => (out: ByteBuffer) => encodeStatus(out, { ...STATUS, token, chosen }),
      );
      await startWithLiar(...says);
      await works();
      await changeLeader();
      await works();
    });

    it('STATUS: it accepted, trimmed and promised all there is', async () => {
      const numbers = {
        highestAccepted: 2 ** 53 - 1,
        trimInstanceId: 2 ** 53 - 1,
        highestBallot: 2 ** 53 - 1,
      };
      await startWithLiar((out) => encodeStatus(out, { ...STATUS, token: 1, ...numbers }));
      await works();
      await changeLeader();
      await works();
    });

    it.each([HIGHEST_INSTANCE, FAR_INSTANCE])('ACCEPTOR_STATE: trimmed up to %i', async (trim) => {
      await startWithLiar((out) => encodeAcceptorState(out, 0, trim));
      await works();
      await changeLeader();
      await works();
    });

    it.each([2 ** 31, 2 ** 31 - 10, 2 ** 30])('PROMISE: ballot %i', async (ballot) => {
      const peers = await startWithLiar();
      for (let i = 1; i < 300; i++) {
        for (const peer of peers) {
          peer.say((out) => encodePromise(out, 0, i, ballot, 0, new Uint8Array(0)));
          peer.say((out) => encodePromiseFrom(out, 0, 10, i, i, ballot, 0, 0));
        }
      }
      cluster.world.advance(1000);
      await works();
      await changeLeader();
      await works();
    });

    it('ACCEPTED in the name of every acceptor', async () => {
      await startWithLiar((out) => {
        for (const acceptorId of [0, 1, 2]) encodeAccepted(out, acceptorId, 1, 1000, 1000, VALUE);
      });
      await works();
      expect(sequence.values).not.toContain('poison');
    });

    it('REFUSED, because our id is in use', async () => {
      await startWithLiar((out) => encodeRefused(out, 2, 'proposer 0 is running already'));
      await works();
    });
  });

  it('what only nodes of ours say, by an acceptor that never said HELLO', async () => {
    const told: RawPeer[] = [];
    sequence.values.length = 0;
    submitted = 0;
    cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
    await cluster.play(0, (peer) => told.push(peer));
    await cluster.startAll([0]);
    await cluster.client('client', sequence);
    cluster.world.advance(1000);
    const ballot = 128;
    for (const peer of told) {
      peer.say((out) => encodeHeartbeat(out, ballot, 1, 2));
      peer.say((out) => encodeLeader(out, 0, ballot, 1, 2));
      peer.say((out) => encodeStorageIdentity(out, 2, 7));
      peer.say((out) => encodeChosenValue(out, 0, 1, ballot, VALUE));
    }
    cluster.world.settle();
    expect(cluster.leader.node.proposer?.core.highestSeen).toBeLessThan(ballot);
    await works();
  });

  it('a second process with a proposer’s id ends, when those that refuse it are most of ours', async () => {
    cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
    for (const id of [0, 1]) {
      await cluster.play(id, (peer) => {
        peer.sayHello(cluster.hello(Role.acceptor, id));
        peer.say((out) =>
          encodeRefused(out, 2, 'proposer 0 is running already, at 10.0.0.1:1; give this one another id'),
        );
      });
    }
    await cluster.acceptor(2);
    await cluster.proposer(0);
    await cluster.learner('learner', sequence);
    cluster.world.advance(3000);
    await cluster.settled();
    expect(cluster.failures).toHaveLength(1);
    expect(cluster.failures[0]).toMatch(/^proposer 0: .*proposer 0 is running already/);
  });
});
