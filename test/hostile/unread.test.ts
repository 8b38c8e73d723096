import { describe, expect, it } from 'vitest';
import type { ByteBuffer } from '../../src/transport/buffer.ts';
import {
  encodeAccept,
  encodeForward,
  encodeHeartbeat,
  encodePing,
  encodePrepare,
  encodePrepareFrom,
  encodeQuery,
  encodeRepeat,
  encodeTrim,
} from '../../src/transport/encode.ts';
import { Role } from '../../src/transport/messages.ts';
import { MemoryCluster } from '../support/memory-cluster.ts';

const KILOBYTE = 1024;
const BACKLOG = 64 * KILOBYTE;
const VALUE = new Uint8Array([1, 2, 3]);

/** Everything that is answered, asked so that the answer is long or a refusal. */
const QUESTIONS: Readonly<Record<string, (out: ByteBuffer) => void>> = {
  prepare: (out) => encodePrepare(out, 1, 1),
  'accept below what was promised': (out) => encodeAccept(out, 1, 1, VALUE),
  'accept again': (out) => encodeAccept(out, 2, 500, VALUE),
  repeat: (out) => encodeRepeat(out, 0, 2 ** 32 - 1),
  trim: (out) => encodeTrim(out, 2 ** 32 - 1),
  ping: (out) => encodePing(out, 1),
  query: (out) => encodeQuery(out, 1),
  'prepareFrom below what was promised': (out) => encodePrepareFrom(out, 1, 100, 1),
  'forward of what went round too often': (out) => encodeForward(out, 1, 99, VALUE),
  heartbeat: (out) => encodeHeartbeat(out, 9, 1, 1),
};

describe('a peer that asks and does not read the answers', () => {
  it.each(Object.keys(QUESTIONS))('%s: no more than its backlog waits for it', async (question) => {
    const cluster = new MemoryCluster({ acceptors: 3, proposers: 1 }, { maxPeerBacklogBytes: BACKLOG });
    await cluster.startAll();
    const peer = cluster.connect('acceptor', 0);
    peer.sayHello(cluster.hello(Role.client | Role.proposer, 9));
    peer.link?.pause();
    for (let i = 0; i < 200; i++) {
      peer.say(QUESTIONS[question] ?? (() => undefined), 1000);
      cluster.world.settle();
      expect(peer.unreadBytes).toBeLessThan(4 * BACKLOG);
    }
    expect(cluster.failures).toEqual([]);
    await cluster.closeAll();
  });

  it('what waits for it waits in few pieces, and all of it comes when it reads again', async () => {
    const cluster = new MemoryCluster({ acceptors: 3, proposers: 1 });
    await cluster.acceptor(0);
    const [peer, proposer] = [cluster.connect('acceptor', 0), cluster.connect('acceptor', 0)];
    peer.link?.pause();
    for (let i = 1; i <= 50_000; i++) {
      proposer.say((out) => encodeAccept(out, i, 10, VALUE));
      cluster.world.settle();
    }
    expect(peer.unreadPieces).toBeLessThan(10_000);
    peer.link?.resume();
    cluster.world.settle();
    expect(peer.messages.filter(({ type }) => type === 'accepted')).toHaveLength(50_000);
    await cluster.closeAll();
  });
});
