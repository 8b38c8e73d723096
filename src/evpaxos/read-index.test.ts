import { afterEach, describe, expect, it } from 'vitest';
import { MemoryCluster, type RawPeer } from '../../test/support/memory-cluster.ts';
import { MemoryWorld } from '../../test/support/memory-world.ts';
import { PartitionCluster } from '../../test/support/partition-cluster.ts';
import { PeerConnection } from '../../test/support/peer-connection.ts';
import { makeConfig, type Options } from '../config/index.ts';
import { Decoder } from '../transport/decode.ts';
import { encodeConfirmed, encodeReadIndex } from '../transport/encode-commands.ts';
import { type Message, MessageLog } from '../transport/message-log.ts';
import { Role } from '../transport/messages.ts';
import { MAX_QUESTIONS } from './confirmations.ts';
import type { Node } from './node.ts';
import { MAX_WAITING_READS, ReadIndex } from './read-index.ts';
import { Turn } from './turn.ts';
import type { Route } from './values.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const ALL: readonly (readonly [number, number])[] = [
  [0, 1],
  [0, 2],
  [1, 2],
];

/** What became of reads, in order. */
class Outcomes {
  readonly done: { readonly name: string; readonly index: number }[] = [];
  readonly failed: string[] = [];

  read(name: string, node: Node | undefined, signal?: AbortSignal): void {
    node?.readIndex(signal).then(
      (index) => this.done.push({ name, index }),
      (error: { code: string }) => this.failed.push(`${name} ${error.code}`),
    );
  }

  get names(): string[] {
    return this.done.map(({ name }) => name);
  }
}

describe('a read index', () => {
  let cluster: MemoryCluster;
  let said: Message['type'][];
  const outcomes = () => new Outcomes();

  afterEach(() => cluster.closeAll());

  async function start(replicas: number, options: Partial<Options> = {}): Promise<void> {
    cluster = new MemoryCluster({ replicas }, { valueFormat: 'commands', ...options });
    for (let id = 0; id < replicas; id++) await cluster.replica(id);
    cluster.world.advance(3000);
    said = [];
    cluster.world.tap = (_port, _direction, told) => {
      const log = new MessageLog();
      new Decoder(log, { maxMessageBytes: 2 ** 22 }).push(told);
      said.push(...log.messages.map(({ type }) => type));
    };
  }

  const followers = () => [...cluster.nodes.values()].filter((node) => node !== cluster.leader.node);
  const count = (type: Message['type']) => said.filter((one) => one === type).length;

  it('is told by the leader to itself and to others, and nothing is written for it', async () => {
    await start(3);
    cluster.leader.node.values?.submit(bytes('x'));
    cluster.world.advance(100);
    const reads = outcomes();
    const [follower] = followers();
    reads.read('leader', cluster.leader.node);
    reads.read('follower', follower);
    await cluster.settled();
    expect(reads.done).toEqual([
      { name: 'leader', index: 1 },
      { name: 'follower', index: 1 },
    ]);
    cluster.world.advance(1000);
    expect(cluster.leader.node.delivered).toBe(1);
  });

  it('is there when nothing was ever written', async () => {
    await start(3);
    const reads = outcomes();
    reads.read('leader', cluster.leader.node);
    reads.read('follower', followers()[0]);
    await cluster.settled();
    expect(reads.done.map(({ index }) => index)).toEqual([0, 0]);
  });

  it('is there with one acceptor', async () => {
    await start(1);
    cluster.leader.node.values?.submit(bytes('x'));
    const reads = outcomes();
    reads.read('alone', cluster.leader.node);
    await cluster.settled();
    expect(reads.done).toEqual([{ name: 'alone', index: 1 }]);
  });

  it('covers what was proposed before, although nobody knows yet that it is chosen', async () => {
    await start(3);
    const reads = outcomes();
    cluster.leader.node.values?.submit(bytes('x'));
    reads.read('follower', followers()[0]);
    await cluster.settled();
    expect(reads.done).toEqual([{ name: 'follower', index: 1 }]);
  });

  it('costs one round for all that wait when it begins', async () => {
    await start(3);
    const reads = outcomes();
    for (let i = 0; i < 100; i++) reads.read(`${i}`, cluster.leader.node);
    await cluster.settled();
    expect(reads.done).toHaveLength(100);
    expect(count('confirm')).toBe(2);
  });

  it('takes no confirmation of an earlier round, nor one that an acceptor says for another', async () => {
    cluster = new MemoryCluster({ replicas: 3 }, { valueFormat: 'commands' });
    const played: RawPeer[] = [];
    await cluster.replica(0);
    await cluster.replica(1);
    cluster.world.advance(3000);
    await cluster.play(2, (peer) => {
      played.push(peer);
      peer.sayHello({ ...cluster.hello(Role.acceptor, 2), capabilities: 7 });
    });
    cluster.world.advance(3000);
    const leader = cluster.leader;
    const { ballot } = leader.node.proposer?.core ?? { ballot: 0 };
    // The other replica is gone: the played acceptor alone can make the quorum.
    await cluster.close(`replica ${1 - leader.id}`);
    const reads = outcomes();
    reads.read('one', leader.node);
    await cluster.settled();
    // Both replicas are connected to it; the leader is the one that asks.
    const asked = (one: RawPeer) => one.messages.flatMap((m) => (m.type === 'confirm' ? [m.token] : []));
    const peer = played.find((one) => asked(one).length > 0);
    const token = () => (peer === undefined ? 0 : (asked(peer).at(-1) ?? 0));
    peer?.say((out) => encodeConfirmed(out, 2, ballot, token() - 1));
    peer?.say((out) => encodeConfirmed(out, 1 - leader.id, ballot, token()));
    peer?.say((out) => encodeConfirmed(out, 2, ballot + 10, token()));
    await cluster.settled();
    expect(reads.done).toEqual([]);
    peer?.say((out) => encodeConfirmed(out, 2, ballot, token()));
    await cluster.settled();
    expect(reads.names).toEqual(['one']);
  });

  it('is told by who does not lead as the leader tells it', async () => {
    await start(3);
    const [follower] = followers();
    const id = follower?.proposer?.core.id ?? Number.NaN;
    const peer = cluster.connect('acceptor', id);
    peer.sayHello(cluster.hello(Role.client));
    peer.say((out) => encodeReadIndex(out, 7));
    await cluster.settled();
    expect(peer.messages).toContainEqual({ type: 'readIndexIs', token: 7, next: 1 });
  });

  it('waits with others up to a bound, in a node and at the leader', async () => {
    cluster = new MemoryCluster({ replicas: 3 }, { valueFormat: 'commands' });
    const node = await cluster.replica(0);
    const withdraw = Array.from({ length: MAX_WAITING_READS }, () => node.reads?.read(() => undefined));
    expect(() => node.reads?.read(() => undefined)).toThrow('too many reads wait');
    withdraw[0]?.();
    expect(() => node.reads?.read(() => undefined)).not.toThrow();
    for (const id of [1, 2]) await cluster.replica(id);
    cluster.world.advance(3000);
    expect(node.reads?.waitingCount).toBe(0);

    const peer = cluster.connect('acceptor', cluster.leader.id);
    peer.sayHello(cluster.hello(Role.client));
    peer.say((out) => encodeReadIndex(out, 7), MAX_QUESTIONS + 1);
    await cluster.settled();
    const answers = peer.messages.flatMap((one) => (one.type === 'readIndexIs' ? [one.next] : []));
    expect(answers.filter((next) => next === 0)).toHaveLength(1);
    expect(answers).toHaveLength(MAX_QUESTIONS + 1);
  });

  it('is waited for until there is a leader, the signal aborts or the node closes', async () => {
    cluster = new MemoryCluster({ replicas: 3 }, { valueFormat: 'commands' });
    const node = await cluster.replica(0);
    const reads = outcomes();
    const abort = new AbortController();
    reads.read('patient', node);
    reads.read('aborted', node, abort.signal);
    cluster.world.advance(2000);
    await cluster.settled();
    expect(reads.done).toEqual([]);
    abort.abort();
    await cluster.settled();
    expect(reads.failed).toEqual(['aborted ABORTED']);
    expect(node.reads?.waitingCount).toBe(1);
    await cluster.replica(1);
    cluster.world.advance(3000);
    await cluster.settled();
    expect(reads.names).toEqual(['patient']);
    await cluster.close('replica 1');
    cluster.world.advance(2000);
    reads.read('closed', node);
    await cluster.close('replica 0');
    expect(reads.failed).toEqual(['aborted ABORTED', 'closed CLOSED']);
  });
});

describe('a leader that is cut off', () => {
  const options: Partial<Options> = { valueFormat: 'commands' };

  it('answers no read by itself, and does when it hears of the next leader', async () => {
    const parted = new PartitionCluster(3, 1, options);
    await parted.start();
    const first = parted.leader ?? Number.NaN;
    const [one = first, other = first] = [0, 1, 2].filter((id) => id !== first);
    parted.cutAllBut([[one, other]]);
    const reads = new Outcomes();
    reads.read('stale', parted.node(first));
    expect(await parted.until(() => parted.leader !== first && parted.leader !== undefined, 5000)).toBe(true);
    parted.submit(parted.leader ?? first, 'new');
    await parted.pass(2000);
    expect(reads.done).toEqual([]);
    expect(parted.delivered[one]?.at(-1)).toContain('new');
    parted.cutAllBut(ALL);
    expect(await parted.until(() => reads.done.length > 0, 10_000)).toBe(true);
    expect(parted.delivered[first]?.at(-1)).toContain('new');
  });

  it('does not answer from what it knew before it stood still', async () => {
    const parted = new PartitionCluster(3, 2, options);
    await parted.start();
    const first = parted.leader ?? Number.NaN;
    parted.pause(first, 4000);
    expect(await parted.until(() => parted.leader !== first, 4000)).toBe(true);
    parted.submit(parted.leader ?? first, 'new');
    await parted.pass(1000);
    const reads = new Outcomes();
    // It runs again in the middle of this, and believes that it leads.
    reads.read('after', parted.node(first));
    expect(await parted.until(() => reads.done.length > 0, 15_000)).toBe(true);
    expect(parted.delivered[first]?.at(-1)).toContain('new');
  });

  it('keeps no read waiting by a question that nobody waits for any more', async () => {
    const parted = new PartitionCluster(3, 4, options);
    await parted.start();
    const first = parted.leader ?? Number.NaN;
    const [one = first, other = first] = [0, 1, 2].filter((id) => id !== first);
    parted.cutAllBut([[one, other]]);
    const reads = new Outcomes();
    const abort = new AbortController();
    reads.read('aborted', parted.node(one), abort.signal);
    await parted.pass(10);
    abort.abort();
    expect(await parted.until(() => parted.leader !== first && parted.leader !== undefined, 4000)).toBe(true);
    // The connection to the first leader is still there, and the question waits on it.
    expect(parted.node(one)?.peers.acceptors).toHaveLength(3);
    reads.read('next', parted.node(one));
    expect(await parted.until(() => reads.names.includes('next'), 500)).toBe(true);
    expect(reads.failed).toEqual(['aborted ABORTED']);
  });

  it('leaves a read waiting for an instance that only it knew of: the next leader names another', async () => {
    const parted = new PartitionCluster(3, 3, options);
    await parted.start();
    const first = parted.leader ?? Number.NaN;
    const [one = first] = [0, 1, 2].filter((id) => id !== first);
    const reads = new Outcomes();
    // Its ACCEPT does not arrive any more, what it answers does.
    const node = parted.node(first);
    const before = node?.proposer?.core.newValuesFrom ?? 0;
    reads.read('early', parted.node(one));
    expect(await parted.until(() => reads.done.length > 0, 2000)).toBe(true);
    parted.submit(first, 'lost');
    await parted.until(() => (node?.proposer?.core.newValuesFrom ?? 0) > before, 100);
    parted.kill(first);
    reads.read('late', parted.node(one));
    expect(await parted.until(() => reads.done.length > 1, 10_000)).toBe(true);
  });
});

describe('a question that nobody answers', () => {
  const options: Partial<Options> = { valueFormat: 'commands' };

  it('holds up none that comes after the reads it was for', () => {
    const world = new MemoryWorld();
    const turn = new Turn(world);
    const leader = new PeerConnection(Role.acceptor | Role.proposer | Role.learner);
    let delivered = 3;
    const reads = new ReadIndex({
      config: makeConfig({ replicas: [{ host: 'memory', port: 1 }] }, options),
      route: () => leader.peer,
      confirmations: undefined,
      delivered: () => delivered,
      clock: world,
      turn,
    });
    const asked = () => leader.heard().flatMap((one) => (one.type === 'readIndex' ? [one.token] : []));
    const done: string[] = [];
    reads.read(() => done.push('early'));
    world.settle();
    const [token = 0] = asked();
    reads.onReadIndexIs(leader.peer, token, 5);
    world.advance(60);
    expect(asked()).toHaveLength(1);
    // It is done by the first answer; the second never comes.
    delivered = 4;
    turn.schedule();
    world.advance(500);
    expect(done).toEqual(['early']);
    reads.read(() => done.push('late'));
    world.settle();
    const [last = 0] = asked();
    reads.onReadIndexIs(leader.peer, last, 5);
    world.settle();
    expect(done).toEqual(['early', 'late']);
    reads.close();
  });

  it('is put once more by who cannot reach the leader, through one that can', () => {
    const world = new MemoryWorld();
    const leader = new PeerConnection(Role.acceptor | Role.proposer | Role.learner);
    const far = new PeerConnection(Role.acceptor | Role.proposer | Role.learner, 1);
    let route: Route = leader.peer;
    const reads = new ReadIndex({
      config: makeConfig({ replicas: [{ host: 'memory', port: 1 }] }, options),
      route: () => route,
      confirmations: undefined,
      delivered: () => 7,
      clock: world,
      turn: new Turn(world),
    });
    const told = (connection: PeerConnection) =>
      connection.heard().flatMap((one) => (one.type === 'readIndexIs' ? [[one.token, one.next]] : []));
    reads.onReadIndex(far.peer, 1);
    world.settle();
    const asked = leader.heard().find((one) => one.type === 'readIndex');
    expect(asked?.type).toBe('readIndex');
    // Its newer question stands for the former, and is not answered by what was asked before it.
    reads.onReadIndex(far.peer, 2);
    if (asked?.type === 'readIndex') reads.onReadIndexIs(leader.peer, asked.token, 5);
    world.settle();
    const again = leader.heard().find((one) => one.type === 'readIndex');
    if (again?.type === 'readIndex') reads.onReadIndexIs(leader.peer, again.token, 5);
    world.settle();
    expect(told(far)).toEqual([[2, 8]]);
    // And nobody is sent back to where he came from.
    route = far.peer;
    reads.onReadIndex(far.peer, 3);
    world.settle();
    expect(told(far)).toEqual([[3, 0]]);
    reads.close();
  });
});
