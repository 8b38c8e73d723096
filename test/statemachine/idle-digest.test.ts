/**
 * A cluster in which nothing was applied has no digest to tell: what its leader put into the log would be malformed, and
 * whatever shared that instance would be passed over with it.
 */
import { expect, it } from 'vitest';
import { Ledger } from '../support/ledger.ts';
import { MachineCluster } from '../support/machine-cluster.ts';

it('an idle leader tells no digest of nothing, and commands that come at that moment are applied', async () => {
  const cluster = new MachineCluster({ machine: () => new Ledger() });
  await cluster.start();
  await cluster.pass(25_000);
  const warnings = cluster.events.filter(({ event }) => event.type === 'warning');
  expect(warnings).toEqual([]);
  expect(await cluster.result(cluster.replica(0).propose('a'))).toBe(1);
});
