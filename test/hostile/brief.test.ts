/**
 * Acceptances in brief: what nodes of ours spare each other, and that nobody misses anything by it.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { Decoder } from '../../src/transport/decode.ts';
import {
  encodeAccept,
  encodeAccepted,
  encodeChosen,
  encodeClientValue,
  encodeRepeat,
  encodeStatus,
} from '../../src/transport/encode.ts';
import { MessageLog } from '../../src/transport/message-log.ts';
import { Capability, Role } from '../../src/transport/messages.ts';
import { MemoryCluster, type RawPeer, type Sequence } from '../support/memory-cluster.ts';

const REPLICA = Role.acceptor | Role.proposer | Role.learner;
const bytes = (text: string) => new TextEncoder().encode(text);
const tokenOnly = { token: 0, highestBallot: 0, trimInstanceId: 0, chosen: 0, leaderBallot: 0 };

describe('replicas of ours', () => {
  let cluster: MemoryCluster;

  afterEach(() => cluster.closeAll());

  it('let each value go to each of them once', async () => {
    cluster = new MemoryCluster({ replicas: 3 });
    await cluster.startAll();
    const sequence: Sequence = { values: [] };
    await cluster.client('client', sequence);
    cluster.world.advance(1000);
    const submit = (count: number): void => {
      for (let i = 0; i < count; i++) cluster.nodes.get('client')?.offer(bytes('value'), undefined);
      cluster.world.advance(10);
    };
    submit(1);

    const counts = new Map<string, number>();
    cluster.world.tap = (_port, _direction, said) => {
      const log = new MessageLog();
      new Decoder(log, { maxMessageBytes: 2 ** 20 }).push(said);
      for (const { type } of log.messages) counts.set(type, (counts.get(type) ?? 0) + 1);
    };
    submit(100);
    expect(sequence.values).toHaveLength(101);
    expect(counts.get('accept')).toBe(2 * 100);
    expect(counts.get('accepted')).toBe(100); // to the client, by the leader's acceptor alone
    expect(counts.get('acceptedRange')).toBeLessThan(20);
    const delivered = [0, 1, 2].map((id) => cluster.nodes.get(`replica ${id}`)?.delivered);
    expect(delivered).toEqual([101, 101, 101]);
  });

  it('tell an original that gives values what is accepted a little later there, and at once where it only listens', async () => {
    cluster = new MemoryCluster({ replicas: 3 });
    await cluster.startAll();
    const giver = cluster.connect('proposer', 0);
    const listener = cluster.connect('acceptor', 0);
    const writes = () => giver.messages.filter(({ type }) => type === 'accepted').length;
    for (let round = 1; round <= 10; round++) {
      giver.say((out) => encodeClientValue(out, bytes('value')));
      cluster.world.settle();
      expect(listener.messages.filter(({ type }) => type === 'accepted')).toHaveLength(round);
      expect(writes()).toBe(0);
    }
    cluster.world.advance(2);
    expect(writes()).toBe(10);

    // Who asks for something listens, whatever else it does.
    giver.say((out) => encodeRepeat(out, 1, 1));
    giver.say((out) => encodeClientValue(out, bytes('value')));
    cluster.world.settle();
    expect(writes()).toBe(12);
  });

  it('of two, none of which can be done without, tell an original at once, even if it gives values', async () => {
    cluster = new MemoryCluster({ replicas: 2 });
    await cluster.startAll();
    const giver = cluster.connect('proposer', 0);
    giver.say((out) => encodeClientValue(out, bytes('value')));
    cluster.world.settle();
    expect(giver.messages.filter(({ type }) => type === 'accepted')).toHaveLength(1);
  });

  it('know both ends of a pair of connections, whichever was there first', async () => {
    cluster = new MemoryCluster({ replicas: 3, proposers: 1 });
    await cluster.startAll();
    await cluster.proposer(3);
    cluster.world.advance(3000);
    await cluster.close('replica 0');
    cluster.world.advance(500);
    await cluster.replica(0);
    cluster.world.advance(5000);

    const pairs = [...cluster.nodes.values()].map(({ peers }) => {
      const ends = [...peers.inbound, ...peers.ready()].filter((peer) => !peers.isSelf(peer));
      return ends.filter(({ counterpart }) => counterpart !== undefined).length;
    });
    // Each replica with the two others and with the proposer, two ends a pair; the proposer with three replicas.
    expect(pairs.sort()).toEqual([6, 6, 6, 6]);
  });

  it('take no ACCEPT at the ballot of the leader they hear from anybody else', async () => {
    cluster = new MemoryCluster({ replicas: 3 });
    await cluster.startAll();
    const { core } = cluster.leader.node.proposer ?? {};
    const intruder = cluster.connect('acceptor', 2);
    intruder.say((out) => encodeAccept(out, core?.nextToAccept ?? 0, core?.ballot ?? 0, bytes('theirs')));
    cluster.world.advance(10);
    expect(intruder.messages.filter(({ type }) => type === 'accepted')).toEqual([]);
  });
});

describe('a learner that is told in brief', () => {
  let cluster: MemoryCluster;
  let replicas: RawPeer[];
  let sequence: Sequence;

  afterEach(() => cluster.closeAll());

  /** A learner whose three replicas are played; replica 1 owns the ballot 11. */
  async function start(): Promise<void> {
    cluster = new MemoryCluster({ replicas: 3 });
    replicas = [];
    sequence = { values: [] };
    for (const id of [0, 1, 2]) {
      await cluster.play(id, (peer) => {
        replicas[id] = peer;
        peer.sayHello({ ...cluster.hello(REPLICA, id), process: 1 + id, capabilities: Capability.brief });
      });
    }
    await cluster.learner('learner', sequence);
    cluster.world.advance(50);
  }

  function spared(id: number): number[] {
    const said = replicas[id]?.messages ?? [];
    return said.flatMap((message) => (message.type === 'spare' ? [message.ballot] : []));
  }

  function accepted(id: number, instanceId: number, value: string): void {
    replicas[id]?.say((out) => encodeAccepted(out, id, instanceId, 11, 11, bytes(value)));
  }

  it('spares all but the one in the leader’s process, and delivers what that one tells', async () => {
    await start();
    accepted(1, 1, 'a');
    replicas[1]?.say((out) => encodeChosen(out, 11, 1, 1));
    accepted(1, 2, 'b');
    replicas[1]?.say((out) => encodeChosen(out, 11, 1, 2));
    cluster.world.settle();
    expect(sequence.values).toEqual(['a', 'b']);
    expect([0, 1, 2].map(spared)).toEqual([[11], [], [11]]);
  });

  it('believes only the ballot’s owner', async () => {
    await start();
    accepted(1, 1, 'a');
    replicas[2]?.say((out) => encodeChosen(out, 11, 1, 1));
    cluster.world.settle();
    expect(sequence.values).toEqual([]);
    expect([0, 1, 2].map(spared)).toEqual([[], [], []]);
  });

  it('listens to everybody again when it misses something, and asks for it', async () => {
    await start();
    replicas[1]?.say((out) => encodeChosen(out, 11, 1, 3));
    for (const id of [0, 1, 2])
      replicas[id]?.say((out) => encodeStatus(out, { ...tokenOnly, acceptorId: id, highestAccepted: 3 }));
    cluster.world.advance(250);
    expect([0, 1, 2].map(spared)).toEqual([[11, 0], [0], [11, 0]]);
    expect(replicas[0]?.messages.some(({ type }) => type === 'repeat')).toBe(true);
    accepted(0, 1, 'a');
    cluster.world.settle();
    expect(sequence.values).toEqual(['a']);
  });

  it('listens to everybody again when it loses the one it listened to', async () => {
    await start();
    replicas[1]?.say((out) => encodeChosen(out, 11, 1, 1));
    cluster.world.settle();
    replicas[1]?.link?.close();
    cluster.world.settle();
    expect([0, 2].map(spared)).toEqual([
      [11, 0],
      [11, 0],
    ]);
  });
});
