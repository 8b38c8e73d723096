/**
 * What a proposer makes of the storages that acceptors name, and of what they tell of one another's.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryStorage } from '../../src/storage/memory.ts';
import {
  encodeFetch,
  encodePromiseFrom,
  encodeQuery,
  encodeStatus,
  encodeStorageIdentity,
} from '../../src/transport/encode.ts';
import { Role } from '../../src/transport/messages.ts';
import { MemoryCluster, type RawPeer } from '../support/memory-cluster.ts';

const ENDLESS = Number.MAX_SAFE_INTEGER;

describe('an acceptor that lost its storage', () => {
  it('says nothing, but that it has nothing for a learner, which then need not wait for it', async () => {
    const cluster = new MemoryCluster({ acceptors: 3, proposers: 1 });
    const identities = { own: 70, known: new Map([[0, 7]]), note: () => undefined };
    await cluster.acceptor(0, Object.assign(new MemoryStorage(), { identities }));
    const learner = cluster.connect('acceptor', 0);
    learner.sayHello(cluster.hello(Role.learner));
    learner.say((out) => encodeQuery(out, 1));
    learner.say((out) => encodeFetch(out, 1, 10, 1000));
    cluster.world.advance(3000);
    const [hello, ...rest] = learner.messages;
    expect(hello?.type).toBe('hello');
    expect(rest).toEqual([{ type: 'fetched', acceptorId: 0, from: 1, to: 0, next: ENDLESS }]);
    await cluster.closeAll();
  });
});

describe('a proposer whose three acceptors are played', () => {
  let cluster: MemoryCluster;
  let acceptors: RawPeer[];

  beforeEach(async () => {
    cluster = new MemoryCluster({ acceptors: 3, proposers: 1 });
    acceptors = [];
    for (const id of [0, 1, 2]) {
      await cluster.play(id, (peer) => {
        acceptors[id] = peer;
      });
    }
    await cluster.proposer(0);
    cluster.world.settle();
  });

  afterEach(() => cluster.closeAll());

  function sayHello(at: number, storage: number, id = at): void {
    acceptors[at]?.sayHello({ ...cluster.hello(Role.acceptor, id), process: 1 + id, storage });
    cluster.world.settle();
  }

  function sayStatus(acceptorId: number): void {
    const nothing = { highestBallot: 0, highestAccepted: 0, trimInstanceId: 0, chosen: 0, leaderBallot: 0 };
    for (const { token } of said(acceptorId, 'query'))
      acceptors[acceptorId]?.say((out) => encodeStatus(out, { acceptorId, token, ...nothing }));
    cluster.world.settle();
  }

  function promise(acceptorId: number): void {
    const asked = said(acceptorId, 'prepareFrom').at(-1);
    const { ballot = 0, from = 0 } = asked ?? {};
    acceptors[acceptorId]?.say((out) =>
      encodePromiseFrom(out, acceptorId, ballot, from, ENDLESS, ballot, 0, 0),
    );
    cluster.world.settle();
  }

  function tell(at: number, acceptorId: number, identity: number): void {
    acceptors[at]?.say((out) => encodeStorageIdentity(out, acceptorId, identity));
    cluster.world.settle();
  }

  function said<const Type extends string>(at: number, type: Type) {
    const isOf = <M extends { readonly type: string }>(message: M): message is M & { readonly type: Type } =>
      message.type === type;
    return (acceptors[at]?.messages ?? []).filter(isOf);
  }

  it('counts no promise of an acceptor that turns out to have lost its storage', async () => {
    sayHello(0, 70);
    sayHello(1, 11);
    cluster.world.advance(300);
    for (const id of [0, 1]) sayStatus(id);
    expect(said(0, 'prepareFrom')).toHaveLength(1);
    promise(0);
    cluster.nodes.get('proposer 0')?.values?.submit(new TextEncoder().encode('a value'));
    sayHello(2, 12);
    tell(2, 0, 7);
    sayStatus(2);
    promise(2);
    expect(acceptors[0]?.isClosed).toBe(true);
    expect(said(2, 'accept')).toEqual([]);

    cluster.world.advance(1000);
    for (const id of [1, 2]) sayStatus(id);
    for (const id of [1, 2]) promise(id);
    expect(said(2, 'accept')).toHaveLength(1);
  });

  it('counts no acceptor of whose storage another one says otherwise than the first that told of it', async () => {
    // Two that lost their storages at once know of each other what they are now; who never lost one knows what they were.
    sayHello(1, 71);
    sayHello(2, 72);
    tell(1, 2, 72);
    tell(2, 1, 71);
    expect([1, 2].map((id) => acceptors[id]?.isClosed)).toEqual([false, false]);
    sayHello(0, 10);
    tell(0, 1, 11);
    tell(0, 2, 12);
    expect([1, 2].map((id) => acceptors[id]?.isClosed)).toEqual([true, true]);
    // Who came after that is told by nobody here which of the two it was.
    expect(said(0, 'storageIdentity').filter(({ acceptorId }) => acceptorId === 1)).toHaveLength(1);

    cluster.world.advance(1000);
    sayHello(1, 71);
    expect(acceptors[1]?.isClosed).toBe(true);
    cluster.world.advance(1000);
    sayHello(1, 11);
    expect(acceptors[1]?.isClosed).toBe(true);
  });

  it('takes what another acceptor at the place of one tells for nothing', () => {
    sayHello(0, 10);
    sayHello(2, 12);
    sayHello(1, 990, 2);
    tell(1, 0, 991);
    expect([0, 2].map((id) => acceptors[id]?.isClosed)).toEqual([false, false]);
  });

  it('asks an acceptor nothing that has another storage than it was told', () => {
    sayHello(2, 12);
    tell(2, 0, 7);
    sayHello(0, 70);
    expect(acceptors[0]?.isClosed).toBe(true);
    expect(said(0, 'query')).toEqual([]);
  });

  it('tells every acceptor what one of them tells it', () => {
    sayHello(1, 11);
    sayHello(2, 12);
    tell(2, 0, 7);
    expect(said(1, 'storageIdentity')).toContainEqual({
      type: 'storageIdentity',
      acceptorId: 0,
      identity: 7,
    });
  });

  it('takes the storage of another acceptor at the place of one for nothing that concerns this one', () => {
    sayHello(1, 12, 2);
    sayHello(0, 10);
    const aboutOne = () => said(0, 'storageIdentity').filter(({ acceptorId }) => acceptorId === 1);
    expect(aboutOne()).toEqual([]);
    tell(0, 1, 11);
    expect(said(1, 'refused')).toEqual([]);
  });
});
