/** examples/kv.mjs: compare-and-set and watch, on three replicas in virtual time. */
import { expect, it } from 'vitest';
import { KeyValue } from '../../examples/kv.mjs';
import { MachineCluster } from '../support/machine-cluster.ts';

it('changes a key only where its revision is the one that was seen', async () => {
  const cluster = new MachineCluster({ machine: () => new KeyValue() });
  await cluster.start();
  const store = await cluster.client();
  const change = (change: { key: string; value?: string; ifRevision?: number }) =>
    cluster.result(store.propose(change));
  expect(await change({ key: 'a', value: 'x', ifRevision: 0 })).toEqual({ done: true, revision: 1 });
  expect(await change({ key: 'a', value: 'y', ifRevision: 0 })).toEqual({ done: false, revision: 1 });
  expect(await change({ key: 'a', value: 'y', ifRevision: 1 })).toEqual({ done: true, revision: 2 });
  expect(await change({ key: 'a', ifRevision: 2 })).toEqual({ done: true, revision: 3 });
  // Deleted and there again: who saw it before has seen another one.
  expect(await change({ key: 'a', value: 'z' })).toEqual({ done: true, revision: 4 });
  expect(await change({ key: 'a', value: 'w', ifRevision: 2 })).toEqual({ done: false, revision: 4 });
});

it('loses no addition of many that are made at once by compare-and-set', async () => {
  const cluster = new MachineCluster({ machine: () => new KeyValue() });
  await cluster.start();
  const clients = [await cluster.client(), await cluster.client(), await cluster.client()];
  const addTen = async (client: (typeof clients)[number]) => {
    let seen = { value: '0', revision: 0 };
    for (let added = 0; added < 10; ) {
      const value = String(Number(seen.value) + 1);
      const { done, revision } = await client.propose({ key: 'n', value, ifRevision: seen.revision });
      if (done) added++;
      seen = done ? { value, revision } : ((await client.read('n')) ?? seen);
    }
  };
  await cluster.result(Promise.all(clients.map(addTen)));
  expect(cluster.machines.map((machine) => machine.read?.('n'))).toContainEqual({
    value: '30',
    revision: 30,
  });
});

it('tells watchers of every change until they end it, and goes on from a snapshot', async () => {
  const cluster = new MachineCluster({ machine: () => new KeyValue() });
  await cluster.start();
  const watched = cluster.machines[0];
  if (!(watched instanceof KeyValue)) throw new Error('the machine is ours');
  const seen: string[] = [];
  const end = watched.watch((key, entry) => void seen.push(`${key} ${entry?.value}`));
  const client = await cluster.client();
  await cluster.result(client.propose({ key: 'a', value: '1' }));
  await cluster.result(client.propose({ key: 'a' }));
  expect(await cluster.until(() => seen.length === 2)).toBe(true);
  expect(seen).toEqual(['a 1', 'a undefined']);
  end();
  await cluster.result(client.propose({ key: 'b', value: '2' }));
  expect(await cluster.until(() => watched.read('b') !== undefined)).toBe(true);
  expect(seen).toHaveLength(2);
  expect(JSON.parse(String(watched.snapshot()))).toEqual({
    revision: 3,
    entries: [['b', { value: '2', revision: 3 }]],
  });
});
