/**
 * A replica that comes back when another is gone: one acceptor alone can say that the log was trimmed. It is believed so
 * far that a snapshot is fetched, which does no harm if it was wrong.
 */
import { expect, it } from 'vitest';
import { Ledger } from '../support/ledger.ts';
import { MachineCluster } from '../support/machine-cluster.ts';

it('a replica that only one other can tell of the trim fetches a snapshot from it', async () => {
  const cluster = new MachineCluster({ machine: () => new Ledger(), options: { snapshotLogBytes: 2048 } });
  await cluster.start();
  const away = cluster.follower;
  cluster.kill(away);
  const { leader = 0 } = cluster;
  for (let i = 0; i < 200; i++) await cluster.result(cluster.replica(leader).propose(`a${i}`));
  await cluster.pass(1000);
  const isTrimmed = cluster.events.some(
    ({ process, event }) => process === `replica ${leader}` && event.type === 'trimmed',
  );
  expect(isTrimmed).toBe(true);
  const gone = [0, 1, 2].find((id) => id !== away && id !== leader) ?? 0;
  cluster.kill(gone);
  await cluster.startReplica(away);
  const applied = () => cluster.replica(away).status.applied;
  expect(await cluster.until(() => applied() >= cluster.replica(leader).status.applied, 10_000)).toBe(true);
  expect(await cluster.result(cluster.replica(away).propose('a0'))).toBe(2);
  expect(cluster.failures).toEqual([]);
});
