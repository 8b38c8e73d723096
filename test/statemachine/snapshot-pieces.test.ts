/**
 * Snapshots in pieces: as large as messages may be, and in order, however the disk gives them.
 */
import { describe, expect, it } from 'vitest';
import type { OpenSnapshot, SnapshotStore } from '../../src/statemachine/snapshot-store.ts';
import { Ledger } from '../support/ledger.ts';
import { MachineCluster } from '../support/machine-cluster.ts';

const KB = 1024;
/** Who fetches leaves a source that says nothing after 3 s: all of it has to have come before. */
const SOON_MS = 2500;

/** A disk that takes longer for what comes first. */
function slowAtFirst(store: SnapshotStore): SnapshotStore {
  const open = async (snapshotId: number): Promise<OpenSnapshot | undefined> => {
    const opened = await store.open(snapshotId);
    if (opened === undefined) return undefined;
    const piece = async (offset: number, maxBytes: number) => {
      if (offset === 0) for (let i = 0; i < 50; i++) await null;
      return opened.piece(offset, maxBytes);
    };
    return { ...opened, piece };
  };
  return {
    get newest() {
      return store.newest;
    },
    get snapshots() {
      return store.snapshots;
    },
    write: (instanceId, chunks, signal) => store.write(instanceId, chunks, signal),
    receive: (info) => store.receive(info),
    open,
    close: () => store.close(),
  };
}

async function fetchesSoon(
  limits: { readonly maxMessageBytes: number; readonly maxPeerBacklogBytes?: number },
  wrap: (store: SnapshotStore) => SnapshotStore = (store) => store,
) {
  const cluster = new MachineCluster({
    machine: () => new Ledger(),
    options: { snapshotLogBytes: 100 * KB, ...limits },
  });
  await cluster.start();
  const away = cluster.follower;
  cluster.kill(away);
  const { leader = 0 } = cluster;
  const proposed: Promise<number>[] = [];
  for (let i = 0; i < 400; i++) proposed.push(cluster.replica(leader).propose(`${i}`.padEnd(KB, '.')));
  await cluster.result(Promise.all(proposed));
  await cluster.pass(1000);
  for (const [id, store] of cluster.stores.entries()) if (id !== away) cluster.stores[id] = wrap(store);
  for (const id of [0, 1, 2]) {
    if (id === away) continue;
    cluster.kill(id);
    await cluster.startReplica(id);
  }
  await cluster.until(() => cluster.leader !== undefined);
  await cluster.startReplica(away);
  const { applied } = cluster.replica(cluster.leader ?? 0).status;
  const isLevel = () => cluster.replica(away).status.applied >= applied;
  const startedAt = cluster.now;
  expect(await cluster.until(isLevel)).toBe(true);
  expect(cluster.stores[away]?.newest?.bytes).toBeGreaterThan(300 * KB);
  expect(cluster.now - startedAt).toBeLessThan(SOON_MS);
  expect(cluster.failures).toEqual([]);
}

describe('pieces of a snapshot', () => {
  it('are no larger than messages may be', async () => {
    await fetchesSoon({ maxMessageBytes: 64 * KB });
  });

  it('come in order, whatever the disk gives first', async () => {
    await fetchesSoon({ maxMessageBytes: 64 * KB }, slowAtFirst);
  });

  it('wait for who has not read the ones before, where a backlog is smaller than they are', async () => {
    await fetchesSoon({ maxMessageBytes: 64 * KB, maxPeerBacklogBytes: 16 * KB });
  });
});
