/**
 * Acceptors that are no replicas have no snapshots of their own: replicas tell them what they may forget.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryCluster } from '../support/memory-cluster.ts';

describe('an acceptor beside replicas', () => {
  let cluster: MemoryCluster;
  afterEach(() => cluster.closeAll());

  it('forgets what a replica lets its own forget, and other replicas look to themselves', async () => {
    cluster = new MemoryCluster({ replicas: 2, acceptors: 1 }, { valueFormat: 'commands' });
    const replica = await cluster.replica(0);
    await cluster.replica(1);
    await cluster.acceptor(2);
    cluster.world.advance(1000);
    for (let i = 0; i < 10; i++) {
      replica.offer(Uint8Array.of(4, 1, i), undefined);
      cluster.world.advance(10);
    }
    replica.sendTrim(5, 'own');
    cluster.world.advance(100);
    const trimmed = cluster.events.filter(({ event }) => event.type === 'trimmed').map(({ node }) => node);
    expect(trimmed.sort()).toEqual(['acceptor 2', 'replica 0']);
  });
});
