import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PaxosError } from '../../src/paxos/error.ts';
import {
  encodeAccept,
  encodeClientValue,
  encodePrepare,
  encodePrepareFrom,
  encodeQuery,
  encodeRepeat,
  encodeTrim,
} from '../../src/transport/encode.ts';
import { Role } from '../../src/transport/messages.ts';
import { HeldStorage } from '../support/held-storage.ts';
import { MemoryCluster, type RawPeer } from '../support/memory-cluster.ts';

const VALUE = new Uint8Array([7]);
const FULL = new PaxosError('STORAGE_FULL', 'there is no room left on the disk; make some, and restart');

describe('an acceptor, while the disk takes its time', () => {
  let cluster: MemoryCluster;
  let storage: HeldStorage;
  let proposer: RawPeer;
  let bystander: RawPeer;

  beforeEach(async () => {
    cluster = new MemoryCluster({ acceptors: 3, proposers: 1 });
    storage = new HeldStorage();
    await cluster.acceptor(0, storage);
    proposer = cluster.connect('acceptor', 0);
    proposer.sayHello(cluster.hello(Role.proposer));
    bystander = cluster.connect('acceptor', 0);
    cluster.world.settle();
  });

  afterEach(() => cluster.closeAll());

  /** What the acceptor said of what it has on disk. */
  const said = (peer: RawPeer) =>
    peer.messages.map(({ type }) => type).filter((type) => type !== 'hello' && type !== 'originals');

  async function finish(how: 'resolve' | 'reject', error?: unknown): Promise<void> {
    storage.commits.shift()?.[how](error);
    for (let i = 0; i < 10; i++) {
      await Promise.resolve();
      cluster.world.settle();
    }
  }

  it('says nothing of what it promised and accepted until the commit has ended', async () => {
    proposer.say((out) => encodePrepareFrom(out, 1, 100, 10));
    proposer.say((out) => encodePrepare(out, 1, 10));
    proposer.say((out) => encodeAccept(out, 1, 10, VALUE));
    cluster.world.advance(5000);
    expect([said(proposer), said(bystander)]).toEqual([[], []]);
    await finish('resolve');
    expect(said(proposer).slice(0, 3)).toEqual(['promiseFrom', 'promise', 'accepted']);
    expect(said(bystander)[0]).toBe('accepted');
  });

  it('tells who only gives values a little later still, and never sooner', async () => {
    bystander.say((out) => encodeClientValue(out, VALUE));
    proposer.say((out) => encodeAccept(out, 1, 10, VALUE));
    cluster.world.advance(10);
    expect(said(bystander)).toEqual([]);
    await finish('resolve');
    expect([said(proposer), said(bystander)]).toEqual([['forward', 'accepted'], []]);
    cluster.world.advance(2);
    expect(said(bystander)).toEqual(['accepted']);
  });

  it('lets an answer wait that wrote nothing, since it may tell of what is being written', async () => {
    proposer.say((out) => encodeAccept(out, 1, 10, VALUE));
    cluster.world.settle();
    bystander.say((out) => encodeRepeat(out, 1, 1));
    bystander.say((out) => encodePrepare(out, 1, 0));
    bystander.say((out) => encodeQuery(out, 5));
    cluster.world.settle();
    expect(said(bystander)).toEqual([]);
    await finish('resolve');
    expect(said(bystander)).toEqual(['accepted', 'accepted', 'promise', 'status']);
  });

  it('lets what came during a commit wait for the next one', async () => {
    proposer.say((out) => encodeAccept(out, 1, 10, VALUE));
    cluster.world.settle();
    proposer.say((out) => encodeAccept(out, 2, 10, VALUE));
    cluster.world.settle();
    await finish('resolve');
    expect(said(proposer)).toEqual(['accepted']);
    await finish('resolve');
    expect(said(proposer)).toEqual(['accepted', 'accepted']);
  });

  it('shows no trim point that is not on disk', async () => {
    proposer.say((out) => encodeAccept(out, 1, 10, VALUE));
    cluster.world.settle();
    await finish('resolve');
    proposer.say((out) => encodeTrim(out, 1));
    cluster.world.advance(3000);
    expect(
      bystander.messages.filter((one) => one.type === 'acceptorState' && one.trimInstanceId > 0),
    ).toEqual([]);
    await finish('resolve');
    cluster.world.advance(1000);
    expect(bystander.messages.at(-1)).toMatchObject({ type: 'acceptorState', trimInstanceId: 1 });
  });

  it('ends with the first commit that fails, and says nothing any more', async () => {
    proposer.say((out) => encodeAccept(out, 1, 10, VALUE));
    cluster.world.settle();
    await finish('reject', FULL);
    proposer.say((out) => encodePrepare(out, 5, 10));
    cluster.world.advance(5000);
    expect(said(proposer)).toEqual([]);
    expect(proposer.isClosed).toBe(true);
    expect(cluster.failures).toEqual([`acceptor 0: ${String(FULL)}`]);
  });

  it('ends in the same way when the storage has failed behind its back', async () => {
    storage.broken = FULL;
    bystander.say((out) => encodeClientValue(out, VALUE));
    cluster.world.settle();
    await finish('resolve');
    expect(cluster.failures).toEqual([`acceptor 0: ${String(FULL)}`]);
    expect(bystander.isClosed).toBe(true);
  });

  it('asks the storage for few records, however often it is asked to repeat them', () => {
    for (let i = 1; i <= 5000; i++) proposer.say((out) => encodeAccept(out, i, 10, VALUE));
    cluster.world.settle();
    storage.commits.shift()?.resolve();
    const before = storage.reads;
    bystander.say((out) => encodeRepeat(out, 1, 4096), 1000);
    cluster.world.settle();
    expect(storage.reads - before).toBeLessThan(10);
  });
});

describe('a replica, while its disk stands still', () => {
  const MEGABYTE = new Uint8Array(1024 * 1024);
  const BOUND_BYTES = 16 * 1024 * 1024;
  const ACCEPTS = 40;
  let cluster: MemoryCluster;

  afterEach(() => cluster.closeAll());

  it('keeps a bounded part of what it accepted for its own learner, and says when that begins and ends', async () => {
    cluster = new MemoryCluster({ replicas: 3 });
    const storage = new HeldStorage();
    await cluster.replica(0, undefined, { storage });
    const proposer = cluster.connect('acceptor', 0);
    cluster.world.settle();
    for (let i = 1; i <= ACCEPTS; i++) proposer.say((out) => encodeAccept(out, i, 10, MEGABYTE));
    cluster.world.settle();

    const told = () =>
      cluster.events
        .map(({ event }) => event)
        .filter((event) => 'remote' in event && event.remote === 'itself');
    const [slow] = told();
    expect(told()).toMatchObject([{ type: 'slow-peer' }]);
    const bytes = slow?.type === 'slow-peer' ? slow.waitingBytes : 0;
    expect(bytes).toBeGreaterThan(BOUND_BYTES);
    expect(bytes).toBeLessThan(BOUND_BYTES + 2 * MEGABYTE.length);
    while (storage.commits.length > 0) {
      storage.commits.shift()?.resolve();
      await cluster.settled();
    }
    const droppedMessages = ACCEPTS - Math.floor(bytes / MEGABYTE.length);
    expect(told()).toMatchObject([{ type: 'slow-peer' }, { type: 'peer-reads-again', droppedMessages }]);
  });
});
