/** examples/election.mjs on three replicas, in virtual time. */
import { expect, it } from 'vitest';
import { Election } from '../../examples/election.mjs';
import { MachineCluster } from '../support/machine-cluster.ts';

const LEASE_MS = 5000;

async function started() {
  const cluster = new MachineCluster({ machine: () => new Election() });
  await cluster.start();
  const client = await cluster.client();
  const ask = (candidate: string, leaseMs = LEASE_MS) =>
    cluster.result(client.propose({ candidate, leaseMs }));
  return { cluster, ask };
}

it('elects whoever asks first, for as long as he goes on asking', async () => {
  const { cluster, ask } = await started();
  expect(await ask('ann')).toMatchObject({ leader: 'ann', term: 1 });
  cluster.kill(cluster.leader ?? 0);
  for (let i = 0; i < 3; i++) {
    await cluster.pass(LEASE_MS / 2);
    expect(await ask('bob')).toMatchObject({ leader: 'ann', term: 1 });
    expect(await ask('ann')).toMatchObject({ leader: 'ann', term: 1 });
  }
});

it('elects another in a higher term when nothing is heard of the first, and never the first in his old one', async () => {
  const { cluster, ask } = await started();
  await ask('ann');
  await cluster.pass(2 * LEASE_MS);
  expect(await ask('bob')).toMatchObject({ leader: 'bob', term: 2 });
  expect(await ask('ann')).toMatchObject({ leader: 'bob', term: 2 });
  await cluster.pass(2 * LEASE_MS);
  expect(await ask('bob')).toMatchObject({ leader: 'bob', term: 3 });
});

it('is open at once when the leader resigns', async () => {
  const { ask } = await started();
  await ask('ann');
  await ask('bob', 0);
  expect(await ask('bob')).toMatchObject({ leader: 'ann' });
  await ask('ann', 0);
  expect(await ask('bob')).toMatchObject({ leader: 'bob', term: 2 });
});
