/**
 * An acceptor whose storage was lost and replaced by an empty one, as when somebody deletes its data directory: it must
 * not be counted any more.
 */
import { describe, expect, it } from 'vitest';
import { PartitionCluster } from '../support/partition-cluster.ts';

async function withHistory(seed: number) {
  const cluster = new PartitionCluster(3, seed);
  await cluster.start();
  for (let i = 0; i < 10; i++) cluster.submit(0, `before ${i}`);
  await cluster.pass(1000);
  return cluster;
}

function replacedOnes(cluster: PartitionCluster): number[] {
  return cluster.events.flatMap(({ replica, event }) => (event.type === 'storage-replaced' ? [replica] : []));
}

describe.each([0, 1, 2])('acceptor %i, with an empty storage in place of its own', (lost) => {
  it('is told so and falls silent; the others go on, and it learns what they choose', async () => {
    const cluster = await withHistory(lost);
    cluster.loseStorage(lost);
    cluster.restart(lost);
    await cluster.pass(2000);
    expect(replacedOnes(cluster)).toEqual([lost]);
    cluster.submit((lost + 1) % 3, 'after');
    await cluster.pass(3000);
    for (const values of cluster.delivered) expect(values).toHaveLength(11);
  });

  it('makes no quorum with another one, not after a restart either', async () => {
    const cluster = await withHistory(lost);
    const [gone, left] = [(lost + 1) % 3, (lost + 2) % 3];
    cluster.kill(gone);
    cluster.loseStorage(lost);
    cluster.restart(lost);
    await cluster.pass(3000);
    cluster.kill(lost);
    cluster.restart(lost);
    await cluster.pass(3000);
    cluster.submit(left, 'after');
    await cluster.pass(10_000);
    expect(cluster.delivered[left]).toHaveLength(10);
    expect(replacedOnes(cluster)).toEqual([lost, lost]);

    cluster.restart(gone);
    await cluster.pass(5000);
    expect(cluster.delivered[left]).toHaveLength(11);
  });
});
