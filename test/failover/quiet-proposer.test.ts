/**
 * A proposer that has little to say is not taken for one that stands still, however long a leader may be silent.
 */
import { afterEach, expect, it } from 'vitest';
import { MemoryCluster } from '../support/memory-cluster.ts';

let cluster: MemoryCluster;

afterEach(async () => {
  await cluster.closeAll();
  expect(cluster.failures).toEqual([]);
});

it.each([500, 2000, 10_000])(
  'a client keeps its proposer, with leader-timeout %i',
  async (leaderTimeoutMs) => {
    cluster = new MemoryCluster(
      { replicas: 3 },
      { leaderTimeoutMs, heartbeatIntervalMs: leaderTimeoutMs / 5 },
    );
    // Each speaks once a second, at a moment of its own.
    for (const id of [2, 1, 0]) {
      await cluster.replica(id);
      cluster.world.advance(300);
    }
    cluster.world.advance(5000);
    const client = await cluster.client('client');
    cluster.world.advance(1000);
    for (let i = 0; i < 100; i++) {
      client.values?.submit(new TextEncoder().encode(`value ${i}`));
      cluster.world.advance(777);
    }
    const others = cluster.events.filter(({ event }) => event.type === 'other-proposer');
    expect(others).toEqual([]);
    expect([...cluster.nodes.values()].map((node) => node.delivered)).toEqual([100, 100, 100, 100]);
  },
);
