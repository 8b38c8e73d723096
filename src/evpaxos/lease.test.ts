import { afterEach, describe, expect, it } from 'vitest';
import { MemoryCluster, type RawPeer } from '../../test/support/memory-cluster.ts';
import { PartitionCluster } from '../../test/support/partition-cluster.ts';
import type { Options } from '../config/index.ts';
import { Decoder } from '../transport/decode.ts';
import { encodeAccept, encodePrepare, encodePrepareFrom } from '../transport/encode.ts';
import { encodeConfirm } from '../transport/encode-commands.ts';
import { MessageLog } from '../transport/message-log.ts';
import { Role } from '../transport/messages.ts';
import { MAX_CLOCK_DRIFT } from './confirmations.ts';

const LEASE_MS = 1000;
const OPTIONS: Partial<Options> = { valueFormat: 'commands', readLeaseMs: LEASE_MS };
const value = new TextEncoder().encode('x');
const END = Number.MAX_SAFE_INTEGER;

describe('an acceptor with leases', () => {
  let cluster: MemoryCluster;

  afterEach(() => cluster.closeAll());

  /** An acceptor alone, its first wait behind it unless told. */
  async function start(advanceMs = LEASE_MS): Promise<void> {
    cluster = new MemoryCluster({ acceptors: 3, proposers: 3 }, OPTIONS);
    await cluster.acceptor(0);
    cluster.world.advance(advanceMs);
  }

  function proposer(id: number, process = 100 + id): RawPeer {
    const peer = cluster.connect('acceptor', 0);
    peer.sayHello({ ...cluster.hello(Role.proposer, id), process, capabilities: 7 });
    cluster.world.settle();
    return peer;
  }

  const told = (peer: RawPeer) =>
    peer.messages.flatMap(({ type }) =>
      ['promise', 'promiseFrom', 'accepted', 'acceptedRange', 'preempted', 'confirmed'].includes(type)
        ? [type]
        : [],
    );

  /** Asks for everything that would be a promise; how many of the answers came. */
  function ask(peer: RawPeer, ballot: number): number {
    const before = told(peer).length;
    peer.say((out) => encodePrepareFrom(out, 1, END, ballot));
    peer.say((out) => encodePrepare(out, 7, ballot + 10));
    peer.say((out) => encodeAccept(out, 8, ballot + 20, value));
    cluster.world.settle();
    cluster.world.advance(1);
    return told(peer).length - before;
  }

  it('promises nobody else anything while one stands, and everybody when it has run out', async () => {
    await start();
    const leader = proposer(1);
    const other = proposer(2);
    leader.say((out) => encodePrepareFrom(out, 1, END, 11));
    leader.say((out) => encodeConfirm(out, 11, 1, LEASE_MS));
    cluster.world.settle();
    expect(told(leader)).toEqual(['promiseFrom', 'confirmed']);
    expect(ask(other, 22)).toBe(0);
    cluster.world.advance(LEASE_MS - 10);
    expect(ask(other, 22)).toBe(0);
    cluster.world.advance(10);
    expect(ask(other, 22)).toBe(3);
  });

  it('goes on answering what is no new promise, and its holder', async () => {
    await start();
    const leader = proposer(1);
    const other = proposer(2);
    leader.say((out) => encodePrepareFrom(out, 1, END, 11));
    leader.say((out) => encodeConfirm(out, 11, 1, LEASE_MS));
    other.say((out) => encodePrepare(out, 5, 2));
    cluster.world.settle();
    expect(told(other)).toEqual(['promise']);
    expect(other.messages.find(({ type }) => type === 'promise')).toMatchObject({ ballot: 11 });
    expect(ask(leader, 21)).toBe(3);
  });

  it('takes a second process of the same id for another', async () => {
    await start();
    const leader = proposer(1);
    leader.say((out) => encodeConfirm(out, 11, 1, LEASE_MS));
    cluster.world.settle();
    leader.link?.close();
    await cluster.settled();
    const second = proposer(1, 999);
    expect(ask(second, 21)).toBe(0);
    cluster.world.advance(LEASE_MS);
    expect(ask(second, 21)).toBe(3);
  });

  it('grants one process a lease at a time, and none that is longer than its own config says', async () => {
    await start();
    const leader = proposer(1);
    const other = proposer(2);
    leader.say((out) => encodeConfirm(out, 11, 1, LEASE_MS + 1));
    cluster.world.settle();
    expect(told(leader)).toEqual([]);
    leader.say((out) => encodeConfirm(out, 11, 2, LEASE_MS));
    other.say((out) => encodeConfirm(out, 22, 3, LEASE_MS));
    other.say((out) => encodeConfirm(out, 22, 4, 0));
    cluster.world.settle();
    expect(leader.messages.at(-1)).toMatchObject({ type: 'confirmed', token: 2 });
    expect(other.messages.filter(({ type }) => type === 'confirmed')).toEqual([
      { type: 'confirmed', acceptorId: 0, ballot: 22, token: 4 },
    ]);
  });

  it('confirms nothing below what it promised, to nobody who does not own the ballot', async () => {
    await start();
    const leader = proposer(1);
    const other = proposer(2);
    other.say((out) => encodePrepare(out, 1, 22));
    leader.say((out) => encodeConfirm(out, 11, 1, 0));
    leader.say((out) => encodeConfirm(out, 32, 2, 0));
    cluster.world.settle();
    expect(told(leader)).toEqual([]);
  });

  it('promises nothing for one lease after it was started: it does not know what it granted before', async () => {
    await start(0);
    const leader = proposer(1);
    expect(ask(leader, 11)).toBe(0);
    // What is granted meanwhile does not end that.
    leader.say((out) => encodeConfirm(out, 11, 1, 10));
    cluster.world.settle();
    expect(told(leader)).toEqual(['confirmed']);
    cluster.world.advance(LEASE_MS - 20);
    expect(ask(leader, 11)).toBe(0);
    cluster.world.advance(20);
    expect(ask(leader, 11)).toBe(3);
  });
});

describe('a leader with a lease', () => {
  it('asks once for many reads, and again when it has run out', async () => {
    const cluster = new MemoryCluster({ replicas: 3 }, OPTIONS);
    for (const id of [0, 1, 2]) await cluster.replica(id);
    cluster.world.advance(5000);
    const { node } = cluster.leader;
    let confirms = 0;
    cluster.world.tap = (_port, _direction, told) => {
      const log = new MessageLog();
      new Decoder(log, { maxMessageBytes: 2 ** 22 }).push(told);
      confirms += log.messages.filter(({ type }) => type === 'confirm').length;
    };
    let done = 0;
    const read = () => {
      node.reads?.read(() => done++);
      cluster.world.settle();
    };
    read();
    expect([done, confirms]).toEqual([1, 2]);
    // The lease stands, and nobody is asked.
    cluster.world.advance(100);
    for (let i = 0; i < 10; i++) read();
    expect([done, confirms]).toEqual([11, 2]);
    // More than half of it is over: answered at once all the same, and a new one is asked for.
    const lastsMs = (LEASE_MS * (1 - MAX_CLOCK_DRIFT)) / (1 + MAX_CLOCK_DRIFT);
    cluster.world.advance(lastsMs - 101);
    node.reads?.read(() => done++);
    node.reads?.read(() => done++);
    cluster.world.settle();
    expect([done, confirms]).toEqual([13, 4]);
    cluster.world.advance(lastsMs + 1);
    read();
    expect([done, confirms]).toEqual([14, 6]);
    await cluster.closeAll();
  });

  it('and acceptors that grant none still answer reads', async () => {
    const cluster = new MemoryCluster({ replicas: 3 }, { ...OPTIONS, readLeaseMs: 0 });
    const [first] = [await cluster.replica(0)];
    for (const id of [1, 2]) await cluster.replica(id);
    cluster.world.advance(3000);
    expect(first.reads).toBeDefined();
    let done = 0;
    cluster.leader.node.reads?.read(() => done++);
    cluster.world.advance(10);
    expect(done).toBe(1);
    await cluster.closeAll();
  });

  it('that stood still answers nothing from what another has overwritten since', async () => {
    const parted = new PartitionCluster(3, 1, OPTIONS);
    await parted.start();
    await parted.until(() => parted.leader !== undefined, 5000);
    const first = parted.leader ?? Number.NaN;
    let done = 0;
    parted.node(first)?.reads?.read(() => done++);
    expect(await parted.until(() => done === 1, 2000)).toBe(true);
    parted.pause(first, 6000);
    expect(await parted.until(() => parted.leader !== first, 5000)).toBe(true);
    const next = parted.leader ?? Number.NaN;
    let chosen = false;
    parted.submit(next, 'new', () => {
      chosen = true;
    });
    expect(await parted.until(() => chosen, 5000)).toBe(true);
    let isCurrent: boolean | undefined;
    parted.node(first)?.reads?.read(() => {
      isCurrent = parted.delivered[first]?.at(-1)?.includes('new') === true;
    });
    expect(await parted.until(() => isCurrent !== undefined, 20_000)).toBe(true);
    expect(isCurrent).toBe(true);
  });

  it('keeps another from having anything chosen until the lease has run out', async () => {
    const parted = new PartitionCluster(3, 4, { ...OPTIONS, readLeaseMs: 3000 });
    await parted.start();
    expect(await parted.until(() => parted.leader !== undefined, 5000)).toBe(true);
    await parted.pass(4000);
    const first = parted.leader ?? Number.NaN;
    const [one = first, other = first] = [0, 1, 2].filter((id) => id !== first);
    let done = 0;
    parted.node(first)?.reads?.read(() => done++);
    expect(await parted.until(() => done === 1, 2000)).toBe(true);
    const grantedAt = parted.now;
    parted.cutAllBut([[one, other]]);
    let chosenAt = 0;
    parted.submit(one, 'new', () => {
      chosenAt = parted.now;
    });
    expect(await parted.until(() => chosenAt > 0, 10_000)).toBe(true);
    expect(chosenAt - grantedAt).toBeGreaterThan(2900);
  });
});
