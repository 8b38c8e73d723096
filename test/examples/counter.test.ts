/** examples/counter.mjs on three replicas, in virtual time. */
import { expect, it } from 'vitest';
import { Counter } from '../../examples/counter.mjs';
import { MachineCluster } from '../support/machine-cluster.ts';

it('counts the same on every replica, with one killed and started again', async () => {
  const cluster = new MachineCluster({ machine: () => new Counter() });
  await cluster.start();
  const client = await cluster.client();
  expect(await cluster.result(client.propose({ add: 1 }))).toBe(1);
  const killed = cluster.leader ?? 0;
  cluster.kill(killed);
  expect(await cluster.result(client.propose({ add: 2 }))).toBe(3);
  await cluster.startReplica(killed);
  expect(await cluster.result(cluster.replica(killed).propose({ add: 3 }))).toBe(6);
  const counts = () => cluster.config.acceptors.map(({ id }) => cluster.machines[id]?.read?.(null));
  expect(await cluster.until(() => counts().every((count) => count === 6))).toBe(true);
});
