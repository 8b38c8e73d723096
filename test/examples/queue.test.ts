/** examples/queue.mjs on three replicas, in virtual time. */
import { expect, it } from 'vitest';
import { type Command, MAX_ATTEMPTS, Queue } from '../../examples/queue.mjs';
import { MachineCluster } from '../support/machine-cluster.ts';

const HIDDEN_MS = 5000;
const TAKE = { do: 'take', hiddenMs: HIDDEN_MS } as const;

async function started(...works: readonly string[]) {
  const cluster = new MachineCluster({ machine: () => new Queue() });
  await cluster.start();
  const client = await cluster.client();
  const tell = (command: Command) => cluster.result(client.propose(command));
  for (const work of works) await tell({ do: 'add', work });
  return { cluster, tell };
}

it('gives each job to one taker, the oldest first', async () => {
  const { tell } = await started('a', 'b');
  expect(await tell(TAKE)).toMatchObject({ id: 1, work: 'a', attempt: 1 });
  expect(await tell(TAKE)).toMatchObject({ id: 2, work: 'b', attempt: 1 });
  expect(await tell(TAKE)).toBe(false);
  expect(await tell({ do: 'done', id: 1, attempt: 1 })).toBe(true);
  expect(await tell({ do: 'done', id: 1, attempt: 1 })).toBe(false);
});

it('gives a job again that was not done in time, and heeds its first taker no more', async () => {
  const { cluster, tell } = await started('a');
  await tell(TAKE);
  cluster.kill(cluster.leader ?? 0);
  await cluster.pass(2 * HIDDEN_MS);
  expect(await tell(TAKE)).toMatchObject({ id: 1, attempt: 2 });
  expect(await tell({ do: 'done', id: 1, attempt: 1 })).toBe(false);
  expect(await tell({ do: 'retry', id: 1, attempt: 1 })).toBe(false);
  expect(await tell(TAKE)).toBe(false);
  expect(await tell({ do: 'done', id: 1, attempt: 2 })).toBe(true);
});

it('gives a job again at once that is to be retried, and puts it aside when it fails too often', async () => {
  const { cluster, tell } = await started('a', 'b');
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    expect(await tell(TAKE)).toMatchObject({ work: 'a', attempt });
    expect(await tell({ do: 'retry', id: 1, attempt })).toBe(true);
  }
  expect(await tell(TAKE)).toMatchObject({ work: 'b', attempt: 1 });
  const [machine] = cluster.machines;
  const summary = { waiting: 1, failed: ['a'] };
  expect(await cluster.until(() => JSON.stringify(machine?.read?.(null)) === JSON.stringify(summary))).toBe(
    true,
  );
  expect(JSON.parse(String(machine?.snapshot()))).toMatchObject([
    2,
    [{ id: 2, work: 'b', attempt: 1 }],
    ['a'],
  ]);
});
