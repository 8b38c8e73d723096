import { describe, expect, it } from 'vitest';
import {
  encodeClientValue,
  encodeForward,
  encodeForwarded,
  encodeLeader,
  encodePrepare,
} from '../../src/transport/encode.ts';
import { Role } from '../../src/transport/messages.ts';
import { MemoryCluster, type RawPeer } from '../support/memory-cluster.ts';

const KILOBYTE = 1024;
const MEGABYTE = 1024 * KILOBYTE;

describe('values', () => {
  it('an acceptor passes no more on to a proposer that does not read than its backlog', async () => {
    const maxPeerBacklogBytes = 64 * KILOBYTE;
    const cluster = new MemoryCluster({ acceptors: 3, proposers: 1 }, { maxPeerBacklogBytes });
    await cluster.acceptor(0);
    const proposer = cluster.connect('acceptor', 0);
    proposer.say((out) => encodePrepare(out, 1, 10));
    proposer.link?.pause();
    const giver = cluster.connect('acceptor', 0);
    const value = new Uint8Array(1000);
    for (let i = 0; i < 10; i++) {
      giver.say((out) => encodeClientValue(out, value), 100);
      cluster.world.settle();
    }
    expect(proposer.unreadBytes).toBeLessThan(2 * maxPeerBacklogBytes);
    proposer.link?.resume();
    cluster.world.settle();
    expect(proposer.messages.filter(({ type }) => type === 'clientValue')).toHaveLength(1000);
    await cluster.closeAll();
  });

  it('a client that gives a million tiny values is held back: what they take counts, not what they hold', async () => {
    const cluster = new MemoryCluster({ acceptors: 3, proposers: 1 }, { maxWaitingBytes: MEGABYTE });
    await cluster.proposer(0);
    const giver = cluster.connect('proposer', 0);
    const values = cluster.nodes.get('proposer 0')?.values;
    for (let i = 0; i < 100; i++) {
      giver.say((out) => encodeClientValue(out, new Uint8Array(1)), 1000);
      cluster.world.settle();
    }
    expect(values?.isFull).toBe(true);
    expect(values?.waitingCount).toBeLessThan(20_000);
    await cluster.closeAll();
  });

  it('a value that came a long way and is handed back begins anew where its giver is gone', async () => {
    const cluster = new MemoryCluster({ acceptors: 3, proposers: 1 });
    await cluster.acceptor(0);
    const [gone, giver] = [cluster.connect('acceptor', 0), cluster.connect('acceptor', 0)];
    for (const [token, from] of [gone, giver].entries()) {
      from.sayHello({ ...cluster.hello(Role.client, token), process: 1 + token });
      from.say((out) => encodeForward(out, token, 3, new Uint8Array([token])));
      cluster.world.settle();
    }
    gone.link?.close();
    cluster.world.settle();

    const proposer = cluster.connect('acceptor', 0);
    proposer.sayHello({ ...cluster.hello(Role.proposer), process: 9 });
    cluster.world.settle();
    const told = () => proposer.messages.filter(({ type }) => type === 'forward');
    expect(told()).toMatchObject([{ hops: 3, value: new Uint8Array([0]) }]);
    proposer.say((out) => encodeForwarded(out, 1, false));
    cluster.world.advance(100);
    expect(told()).toMatchObject([{ hops: 3 }, { hops: 1, value: new Uint8Array([0]) }]);
    expect(giver.messages.filter(({ type }) => type === 'forwarded')).toMatchObject([{ chosen: false }]);
    await cluster.closeAll();
  });

  it('a value goes to nobody who gave it, so that no copies of it are left where connections close', async () => {
    const cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
    // One acceptor tells of a leader whom nobody can reach; the other hears none, and knows the giver alone.
    let teller: RawPeer | undefined;
    await cluster.play(1, (peer) => {
      teller = peer;
    });
    const acceptor = await cluster.acceptor(0);
    const proposer = await cluster.proposer(0);
    const tellOfLeader = () => {
      teller?.sayHello({ ...cluster.hello(Role.acceptor, 1), process: 77 });
      teller?.say((out) => encodeLeader(out, 1, 101, 0, 1));
      cluster.world.settle();
      teller?.link?.close();
      cluster.world.settle();
    };
    cluster.world.settle();
    tellOfLeader();
    proposer.values?.submit(new Uint8Array([7]));
    for (let closing = 0; closing < 8; closing++) {
      cluster.world.advance(60);
      tellOfLeader();
      cluster.world.advance(5);
      for (const peer of proposer.peers.acceptors) peer.link.close();
      cluster.world.settle();
    }
    expect([proposer.values?.waitingCount, acceptor.values?.waitingCount]).toEqual([1, 0]);
    await cluster.closeAll();
  });

  it('a value that the last who may take it hands back goes on to its giver, for whom the way may be shorter', async () => {
    const cluster = new MemoryCluster({ acceptors: 3, proposers: 1 });
    await cluster.acceptor(0);
    const giver = cluster.connect('acceptor', 0);
    giver.sayHello({ ...cluster.hello(Role.client), process: 1 });
    const proposer = cluster.connect('acceptor', 0);
    proposer.sayHello({ ...cluster.hello(Role.proposer), process: 9 });
    for (const [token, hops] of [1, 2].entries())
      giver.say((out) => encodeForward(out, token, hops, new Uint8Array([hops])));
    cluster.world.settle();
    const told = () => proposer.messages.filter(({ type }) => type === 'forward');
    expect(told()).toMatchObject([{ hops: 2 }, { hops: 3 }]);
    for (const token of [1, 2]) proposer.say((out) => encodeForwarded(out, token, false));
    cluster.world.advance(100);
    expect(giver.messages.filter(({ type }) => type === 'forwarded')).toMatchObject([
      { token: 1, chosen: false },
    ]);
    expect(told()).toMatchObject([{ hops: 2 }, { hops: 3 }, { hops: 2 }]);
    await cluster.closeAll();
  });
});
