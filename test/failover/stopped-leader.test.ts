/**
 * A leader whose process stands still, or whose disk does: nobody is told of it, others lead in the end, and values go on.
 */
import { describe, expect, it } from 'vitest';
import { PartitionCluster } from '../support/partition-cluster.ts';

const REPLICAS = 3;
const EVERY_MS = 10;

/** Submits a value at each replica in `at` every 10 ms; tells the longest time without any delivered by `watcher`. */
async function longestGap(cluster: PartitionCluster, ms: number, at: readonly number[], watcher: number) {
  let longest = 0;
  let last = cluster.now;
  for (const end = cluster.now + ms; cluster.now < end; ) {
    for (const id of at) cluster.submit(id, `${id} at ${cluster.now}`);
    const before = cluster.delivered[watcher]?.length;
    await cluster.pass(EVERY_MS);
    if (cluster.delivered[watcher]?.length !== before) last = cluster.now;
    longest = Math.max(longest, cluster.now - last);
  }
  return longest;
}

async function led(seed: number) {
  const cluster = new PartitionCluster(REPLICAS, seed);
  await cluster.start();
  const { leader } = cluster;
  if (leader === undefined) throw new Error('nobody leads');
  const others = [0, 1, 2].filter((id) => id !== leader);
  await longestGap(cluster, 200, others, leader);
  return { cluster, leader, others };
}

describe.each([1, 2])('a leader of %i replicas', (replicas) => {
  it('without whom nobody leads goes on, however slow its disk is', async () => {
    const cluster = new PartitionCluster(replicas);
    await cluster.start();
    for (let id = 0; id < replicas; id++) cluster.slowDisk(id, 5 * cluster.leaderTimeoutMs);
    for (let i = 0; i < 3; i++) {
      cluster.submit(0, `value ${i}`);
      await cluster.pass(20 * cluster.leaderTimeoutMs);
      expect(cluster.delivered[0]).toHaveLength(i + 1);
    }
    expect(cluster.events.filter(({ event }) => event.type === 'stepped-down')).toEqual([]);
  });
});

describe.each([1, 2, 3])('a leader (seed %i)', (seed) => {
  it('that stood still for 5 s steps back at once; there is one gap, and every value is chosen', async () => {
    const { cluster, leader, others } = await led(seed);
    const [watcher = 0] = others;
    cluster.pause(leader, 5000);
    const gap = await longestGap(cluster, 4990, others, watcher);
    expect(gap).toBeLessThan(2 * cluster.leaderTimeoutMs);
    const follower = cluster.leader;

    const before = cluster.events.length;
    expect(await longestGap(cluster, 1000, others, watcher)).toBeLessThan(100);
    expect(cluster.leader).toBe(follower);
    const said = cluster.events.slice(before).filter(({ event }) => event.type === 'stepped-down');
    expect(said.map(({ replica }) => replica)).toEqual([leader]);

    await cluster.pass(2000);
    const [first, ...rest] = cluster.delivered;
    for (const values of rest) expect(values).toEqual(first);
    expect(new Set(first).size).toBe(2 * (20 + 499 + 100));
  });

  it('whose disk does not answer any more gives up, and another leads', async () => {
    const { cluster, leader, others } = await led(seed);
    cluster.slowDisk(leader, 60_000);
    await longestGap(cluster, 4 * cluster.leaderTimeoutMs + 2000, others, others[0] ?? 0);
    expect(cluster.leader).not.toBe(leader);
    expect(cluster.leader).not.toBeUndefined();
    expect(await longestGap(cluster, 3000, others, others[0] ?? 0)).toBeLessThan(100);
  });
});

it('connections that are in use stay, those to a replica that had stood still too', async () => {
  const { cluster, others } = await led(2);
  cluster.pause(others[0] ?? 0, 8000);
  await cluster.pass(12_000);
  const before = cluster.events.length;
  await longestGap(cluster, 5000, others, 0);
  const types = new Set(cluster.events.slice(before).map(({ event }) => event.type));
  expect([...types].filter((type) => type === 'disconnected' || type === 'connecting')).toEqual([]);
});

it('a replica that stands still, and is connected to by its system, is not taken for an original', async () => {
  const { cluster, leader, others } = await led(1);
  cluster.pause(leader, 20_000);
  for (let second = 0; second < 19; second++) {
    await cluster.pass(1000);
    expect(others.map((id) => cluster.knowsItsOwn(id))).toEqual([true, true]);
  }
});
