import { expect, it } from 'vitest';
import { Ledger } from '../support/ledger.ts';
import { MachineCluster } from '../support/machine-cluster.ts';

it('applies a command once, on every replica, and gives its result', async () => {
  const cluster = new MachineCluster({ machine: () => new Ledger() });
  await cluster.start();
  const client = await cluster.client();
  expect(await cluster.result(client.propose('a'))).toBe(1);
  expect(await cluster.result(client.propose('a'))).toBe(2);
  expect(await cluster.result(cluster.replica(cluster.follower).propose('a'))).toBe(3);
  expect(await cluster.result(cluster.replica(cluster.leader ?? 0).propose('a'))).toBe(4);
});
