/**
 * When a client's commands leave: where no disk is waited for, a great many do not wait for the end of the turn.
 */
import { expect, it } from 'vitest';
import { Ledger } from '../support/ledger.ts';
import { MachineCluster } from '../support/machine-cluster.ts';

const COUNT = 600;
/** As JSON a command has three bytes more than its name: 600 are 120 kB. */
const NAME = 'n'.repeat(197);

/** How many bytes of 600 commands a client has written while the turn goes on in which it proposes them. */
async function writtenEarly(durability: 'memory' | 'synced'): Promise<number> {
  const cluster = new MachineCluster({ machine: () => new Ledger(), durability });
  await cluster.start();
  const client = await cluster.client();
  await cluster.result(client.propose('first'));
  let written = 0;
  cluster.tap = (process, bytes) => {
    if (process === 'client 0') written += bytes.length;
  };
  const results = Array.from({ length: COUNT }, () => client.propose(NAME));
  const early = written;
  expect(await cluster.result(Promise.all(results))).toEqual(Array.from({ length: COUNT }, (_, i) => i + 1));
  return early;
}

it('sends what comes to 32 kB at once, and the rest at the end of the turn, to replicas in memory', async () => {
  const early = await writtenEarly('memory');
  expect(early).toBeGreaterThan(COUNT * NAME.length - 32 * 1024);
  expect(early).toBeLessThan(COUNT * NAME.length);
});

it('sends everything at the end of the turn where halves would each wait for a disk', async () => {
  expect(await writtenEarly('synced')).toBe(0);
});
