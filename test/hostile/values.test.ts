import { describe, expect, it } from 'vitest';
import { encodeClientValue, encodePrepare } from '../../src/transport/encode.ts';
import { MemoryCluster } from '../support/memory-cluster.ts';

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
});
