/** The conformance suite on both stores. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '../transport/random.ts';
import { SNAPSHOT_CONFORMANCE, type SnapshotHarness } from './snapshot-conformance.ts';
import { FileSnapshotStore } from './snapshot-files.ts';
import { MemorySnapshotStore } from './snapshot-memory.ts';
import { drawSnapshotId, type SnapshotStore, withSnapshot } from './snapshot-store.ts';

const scratch = mkdtempSync(join(tmpdir(), 'libpaxos-snapshots-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const random = new SeededRandom(1);

function files(): SnapshotHarness {
  const paths = new Map<SnapshotStore, { readonly path: string; readonly clusterName: string }>();
  const openAt = async (path: string, clusterName: string) => {
    const report = (sentence: string) => expect.fail(sentence);
    const store = await FileSnapshotStore.open({ path, clusterName, random, report });
    paths.set(store, { path, clusterName });
    return store;
  };
  return {
    create: (clusterName) => openAt(join(mkdtempSync(join(scratch, 'store-')), 'made', 'deep'), clusterName),
    reopen: async (store) => {
      await store.close();
      const { path = '', clusterName = '' } = paths.get(store) ?? {};
      return openAt(path, clusterName);
    },
  };
}

const memory: SnapshotHarness = {
  create: async (clusterName) => new MemorySnapshotStore({ clusterName, random }),
  reopen: undefined,
};

describe.each<[string, SnapshotHarness]>([
  ['memory', memory],
  ['files', files()],
])('a store of snapshots in %s', (_, harness) => {
  const cases = SNAPSHOT_CONFORMANCE.filter(({ durable }) => !durable || harness.reopen !== undefined);
  it.each(cases)('$claim', ({ run }) => run(harness));
});

describe('ids of snapshots', () => {
  it('have 53 bits, and are not 0', () => {
    const drawn = Array.from({ length: 2_000 }, () => drawSnapshotId(random));
    expect(new Set(drawn).size).toBe(2_000);
    expect(drawn.every((id) => Number.isSafeInteger(id) && id > 0)).toBe(true);
    expect(Math.max(...drawn)).toBeGreaterThan(2 ** 52);
    expect(drawSnapshotId({ next: () => 0 })).toBe(1);
    expect(drawSnapshotId({ next: () => 1 - 2 ** -32 })).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('a list of snapshots', () => {
  it('has the newest first, the later one of an instance, and each once', () => {
    const info = (instanceId: number, snapshotId: number) => ({ instanceId, snapshotId, bytes: 1 });
    let list = [info(1, 1)];
    for (const each of [info(3, 3), info(2, 2), info(3, 4), info(2, 2)]) list = withSnapshot(list, each);
    expect(list.map(({ snapshotId }) => snapshotId)).toEqual([4, 3, 2, 1]);
  });
});
