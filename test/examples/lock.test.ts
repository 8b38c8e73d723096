/** examples/lock.mjs: leases and fencing tokens, on three replicas in virtual time. */
import { expect, it } from 'vitest';
import { type Command, Locks } from '../../examples/lock.mjs';
import { MachineCluster } from '../support/machine-cluster.ts';

const LEASE_MS = 5000;
const acquire = (owner: string) => ({ do: 'acquire', lock: 'a', owner, leaseMs: LEASE_MS }) as const;

async function started() {
  const cluster = new MachineCluster({ machine: () => new Locks() });
  await cluster.start();
  const client = await cluster.client();
  const tell = (command: Command) => cluster.result(client.propose(command));
  return { cluster, tell };
}

it('gives a lock to one at a time, with a token that rises', async () => {
  const { tell } = await started();
  expect(await tell(acquire('ann'))).toEqual({ done: true, token: 1, owner: 'ann' });
  expect(await tell(acquire('bob'))).toEqual({ done: false, token: 1, owner: 'ann' });
  expect(await tell({ do: 'release', lock: 'a', token: 1 })).toEqual({ done: true, token: 1 });
  expect(await tell(acquire('bob'))).toEqual({ done: true, token: 2, owner: 'bob' });
  expect(await tell({ do: 'release', lock: 'a', token: 1 })).toEqual({ done: false, token: 1 });
  expect(await tell({ ...acquire('ann'), lock: 'b' })).toEqual({ done: true, token: 3, owner: 'ann' });
});

it('keeps the lock of who renews it, across the loss of a leader, and takes that of who does not', async () => {
  const { cluster, tell } = await started();
  await tell(acquire('ann'));
  cluster.kill(cluster.leader ?? 0);
  for (let i = 0; i < 3; i++) {
    await cluster.pass(LEASE_MS / 2);
    expect(await tell({ do: 'renew', lock: 'a', token: 1, leaseMs: LEASE_MS })).toMatchObject({ done: true });
    expect(await tell(acquire('bob'))).toMatchObject({ done: false });
  }
  await cluster.pass(2 * LEASE_MS);
  expect(await tell({ do: 'renew', lock: 'a', token: 1, leaseMs: LEASE_MS })).toMatchObject({ done: false });
  expect(await tell(acquire('bob'))).toEqual({ done: true, token: 2, owner: 'bob' });
});

it('refuses the write of a holder that slept through its lease', async () => {
  const { cluster, tell } = await started();
  await tell(acquire('ann'));
  await cluster.pass(2 * LEASE_MS);
  await tell(acquire('bob'));
  expect(await tell({ do: 'write', lock: 'a', token: 2 })).toEqual({ done: true, token: 2 });
  expect(await tell({ do: 'write', lock: 'a', token: 1 })).toEqual({ done: false, token: 2 });
});

it('has in a snapshot what it knew', async () => {
  const { cluster, tell } = await started();
  await tell(acquire('ann'));
  await tell({ do: 'write', lock: 'a', token: 1 });
  const [machine] = cluster.machines;
  expect(await cluster.until(() => machine?.read?.('a') !== undefined)).toBe(true);
  expect(JSON.parse(String(machine?.snapshot()))).toMatchObject([
    1,
    [['a', { owner: 'ann', token: 1 }]],
    [['a', 1]],
  ]);
});
