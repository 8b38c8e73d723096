/**
 * The three partial partitions of "Omni-Paxos: Breaking the Barriers of Partial Connectivity" (EuroSys 2023, section 2),
 * by which other protocols lose their leader for as long as the partition lasts.
 */
import { describe, expect, it } from 'vitest';
import { PartitionCluster } from '../support/partition-cluster.ts';

const REPLICAS = 5;

/** A cluster with a leader and some history; `hub` is a replica that does not lead. */
async function led(replicas: number, seed: number) {
  const cluster = new PartitionCluster(replicas, seed);
  await cluster.start();
  const { leader } = cluster;
  if (leader === undefined) throw new Error('nobody leads');
  for (let i = 0; i < 20; i++) cluster.submit(i % replicas, `before ${i}`);
  await cluster.pass(1000);
  expect(cluster.delivered.map((values) => values.length)).toEqual(new Array(replicas).fill(20));
  const hub = (leader + 1) % replicas;
  return { cluster, leader, hub, within: 4 * cluster.leaderTimeoutMs };
}

function others(replicas: number, ...without: readonly number[]): number[] {
  return Array.from({ length: replicas }, (_, id) => id).filter((id) => !without.includes(id));
}

describe.each([1, 2, 3, 4, 5])('a cluster in parts (seed %i)', (seed) => {
  it('quorum loss: one replica alone reaches all others, and leads within four timeouts', async () => {
    const { cluster, hub, within } = await led(REPLICAS, seed);
    cluster.cutAllBut(others(REPLICAS, hub).map((id) => [hub, id]));
    expect(await cluster.until(() => cluster.leader === hub, within)).toBe(true);
    for (const id of others(REPLICAS)) cluster.submit(id, `after ${id}`);
    const isChosen = () => cluster.delivered[hub]?.length === 20 + REPLICAS;
    expect(await cluster.until(isChosen, within)).toBe(true);
    // Nobody disturbs it who reaches fewer.
    const before = cluster.events.length;
    await cluster.pass(5000);
    expect(cluster.leader).toBe(hub);
    const given = cluster.events.slice(before).filter(({ event }) => event.type === 'stepped-down');
    expect(given).toEqual([]);
  });

  it('constrained election: the leader is gone, and one replica alone reaches a quorum', async () => {
    const { cluster, leader, hub, within } = await led(REPLICAS, seed);
    cluster.cutAllBut(others(REPLICAS, hub, leader).map((id) => [hub, id]));
    expect(await cluster.until(() => cluster.leader === hub, within)).toBe(true);
    for (const id of others(REPLICAS, leader)) cluster.submit(id, `after ${id}`);
    const isChosen = () => cluster.delivered[hub]?.length === 20 + REPLICAS - 1;
    expect(await cluster.until(isChosen, within)).toBe(true);
  });

  it('chained: who does not reach the leader leaves it alone, and gets its values through', async () => {
    const { cluster, leader, hub, within } = await led(3, seed);
    const [far = 0] = others(3, leader, hub);
    cluster.cutAllBut([
      [leader, hub],
      [hub, far],
    ]);
    const before = cluster.events.length;
    for (const id of others(3)) cluster.submit(id, `after ${id}`);
    const isChosen = () => cluster.delivered[leader]?.length === 20 + 3;
    expect(await cluster.until(isChosen, within)).toBe(true);
    expect(cluster.leader).toBe(leader);
    const raised = cluster.events.slice(before).filter(({ event }) => event.type === 'leading');
    expect(raised).toEqual([]);
  });
});
