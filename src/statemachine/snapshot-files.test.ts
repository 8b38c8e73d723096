/** What only files can do: be left half written, be damaged, lie beside others, and meet a disk that is full. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SeededRandom } from '../transport/random.ts';
import { contentIn, contentOf, streamOf, wholeOf } from './snapshot-conformance.ts';
import { FileSnapshotStore } from './snapshot-files.ts';
import type { SnapshotInfo } from './snapshot-store.ts';

let path: string;
let reports: string[];
const random = new SeededRandom(7);

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'libpaxos-snapshot-files-'));
  reports = [];
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

function openStore(
  options: { readonly clusterName?: string; readonly trash?: boolean; readonly path?: string } = {},
) {
  const report = (sentence: string) => {
    reports.push(sentence);
  };
  return FileSnapshotStore.open({ path, clusterName: 'test', random, report, ...options });
}

/** A directory with two snapshots, of instances 1 and 2, nobody at it. */
async function withTwo(): Promise<{ readonly newest: SnapshotInfo; readonly previous: SnapshotInfo }> {
  const store = await openStore();
  const previous = await store.write(1, streamOf(contentOf(100_000, 1)));
  const newest = await store.write(2, streamOf(contentOf(100_000, 2)));
  await store.close();
  return { newest, previous };
}

/** The file of the snapshot of an instance. */
function fileOf(instanceId: number): string {
  const name = readdirSync(path).find((each) =>
    each.startsWith(`snapshot-${String(instanceId).padStart(16, '0')}`),
  );
  expect(name).toBeDefined();
  return join(path, name ?? '');
}

describe('files of snapshots', () => {
  it('are named by instance and id, and nothing else is left beside them', async () => {
    await withTwo();
    const names = readdirSync(path);
    expect(names).toHaveLength(2);
    for (const name of names) expect(name).toMatch(/^snapshot-000000000000000[12]-[0-9a-f]{14}\.lps$/);
  });

  it('that a kill left half written are removed when the store is opened', async () => {
    const { newest, previous } = await withTwo();
    const whole = readFileSync(fileOf(2));
    const leftover = join(path, 'snapshot-0000000000000003-00000000000abc.lps.partial');
    writeFileSync(leftover, whole.subarray(0, 50_000));
    const store = await openStore();
    expect(store.snapshots).toEqual([newest, previous]);
    expect(readdirSync(path)).toHaveLength(2);
    expect(reports).toEqual([]);
    await store.close();
  });

  it('are half written under another name until they are whole', async () => {
    const store = await openStore();
    const seen: string[][] = [];
    const content = async function* () {
      for (let i = 0; i < 3; i++) {
        yield contentOf(100_000, i);
        seen.push(readdirSync(path));
      }
    };
    await store.write(5, content());
    expect(seen.flat().filter((name) => !name.endsWith('.partial'))).toEqual([]);
    expect(seen.flat()).toHaveLength(3);
    expect(readdirSync(path)[0]).toMatch(/\.lps$/);
    await store.close();
  });

  it.each([0, 9, 13, 25, 31, 40, 70_000, 100_040, 100_090])(
    'with a wrong bit at byte %d are reported, and the one before is the newest',
    async (at) => {
      const { previous } = await withTwo();
      const file = fileOf(2);
      const bytes = readFileSync(file);
      bytes[at] = (bytes[at] ?? 0) ^ 4;
      writeFileSync(file, bytes);
      const store = await openStore();
      expect(store.snapshots).toEqual([previous]);
      expect(reports).toHaveLength(1);
      expect(reports[0]).toMatch(/snapshot-0000000000000002-.* is passed over: the snapshot/);
      expect(Buffer.compare(await contentIn(store, previous.snapshotId), contentOf(100_000, 1))).toBe(0);
      // The damaged one is gone with the next.
      await store.write(3, streamOf(contentOf(10, 3)));
      expect(readdirSync(path)).toHaveLength(2);
      await store.close();
    },
  );

  it.each([0, 20, 50_000, 100_050, 100_100])('cut to %d bytes are passed over', async (length) => {
    const { previous } = await withTwo();
    truncateSync(fileOf(2), length);
    const store = await openStore();
    expect([store.newest, reports.length]).toEqual([previous, 1]);
    await store.close();
  });

  it('that are all damaged leave none', async () => {
    await withTwo();
    for (const instanceId of [1, 2]) truncateSync(fileOf(instanceId), 1_000);
    const store = await openStore();
    expect([store.newest, reports.length]).toEqual([undefined, 2]);
    await store.close();
  });

  it('that are damaged while they are here are found when they are read', async () => {
    const store = await openStore();
    const { snapshotId } = await store.write(1, streamOf(contentOf(100_000, 1)));
    const file = fileOf(1);
    const bytes = readFileSync(file);
    bytes[90_000] = (bytes[90_000] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    await expect(contentIn(store, snapshotId)).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' });
    await store.close();
  });

  it("of another cluster or format stay, and are nobody's", async () => {
    await withTwo();
    const other = await openStore({ clusterName: 'other' });
    expect([other.newest, reports.length]).toEqual([undefined, 2]);
    expect(reports[0]).toMatch(/belongs to cluster "test", this is cluster "other"/);
    for (let i = 3; i <= 6; i++) await other.write(i, streamOf(contentOf(10, i)));
    expect(readdirSync(path)).toHaveLength(4);
    await other.close();
  });

  it("leave strangers' files alone", async () => {
    writeFileSync(join(path, 'data.mdb'), 'x');
    mkdirSync(join(path, 'snapshot-0000000000000001'));
    const { newest } = await withTwo();
    const store = await openStore({ trash: true });
    expect(store.newest).toBeUndefined();
    expect(readdirSync(path).sort()).toEqual(['data.mdb', 'snapshot-0000000000000001']);
    expect(newest.instanceId).toBe(2);
    await store.close();
  });

  it('go on being read by pieces after they were removed', async () => {
    const store = await openStore();
    const info = await store.write(1, streamOf(contentOf(100_000, 1)));
    const whole = await wholeOf(store, info.snapshotId, 30_000);
    const opened = await store.open(info.snapshotId);
    for (let i = 2; i <= 3; i++) await store.write(i, streamOf(contentOf(10, i)));
    expect(readdirSync(path).some((name) => name.includes('0000000001-'))).toBe(false);
    const piece = await opened?.piece(40_000, 5_000);
    expect(Buffer.compare(piece ?? new Uint8Array(0), whole.subarray(40_000, 45_000))).toBe(0);
    await opened?.close();
    await store.close();
  });

  it('that are gone from under the store are not there any more', async () => {
    const store = await openStore();
    const { snapshotId } = await store.write(1, streamOf(contentOf(10, 1)));
    rmSync(fileOf(1));
    expect(await store.open(snapshotId)).toBeUndefined();
    await store.close();
  });

  it('that are being written end with the store, and leave nothing', async () => {
    const store = await openStore();
    const writing = store.write(
      1,
      (async function* () {
        yield contentOf(200_000, 1);
        await store.close();
        yield contentOf(200_000, 1);
      })(),
    );
    await expect(writing).rejects.toMatchObject({ code: 'CLOSED' });
    expect(readdirSync(path)).toEqual([]);
  });
});

describe('a directory for snapshots', () => {
  it('that cannot be one is refused with a sentence', async () => {
    const file = join(path, 'file');
    writeFileSync(file, '');
    await expect(openStore({ path: join(file, 'snapshots') })).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringMatching(/could not be read or written .*; check the disk/),
    });
  });

  it('that is full rejects, keeps what it has, and goes on when there is room', async (context) => {
    const why = whyNoMount(path);
    context.skip(why !== undefined, `needs a small disk: ${why}`);
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path]);
    try {
      const store = await openStore();
      const first = await store.write(1, streamOf(contentOf(300_000, 1)));
      const tooMuch = store.write(2, streamOf(contentOf(2_000_000, 2)));
      await expect(tooMuch).rejects.toMatchObject({
        code: 'STORAGE_FULL',
        message: expect.stringMatching(/no room/),
      });
      expect([store.snapshots, readdirSync(path).length]).toEqual([[first], 1]);
      const incoming = await store.receive({ instanceId: 3, snapshotId: 3, bytes: 5_000_000 });
      const filling = async () => {
        for (let i = 0; i < 20; i++) await incoming.append(contentOf(100_000, i));
      };
      await expect(filling()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      expect(readdirSync(path)).toHaveLength(1);
      const second = await store.write(4, streamOf(contentOf(300_000, 4)));
      expect(store.snapshots).toEqual([second, first]);
      expect(Buffer.compare(await contentIn(store, first.snapshotId), contentOf(300_000, 1))).toBe(0);
      await store.close();
    } finally {
      execFileSync('umount', [path]);
    }
  });
});

/** Why no small disk can be made here; undefined if one can. */
function whyNoMount(directory: string): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux may mount one';
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory]);
  if (status !== 0) return String(stderr).trim();
  execFileSync('umount', [directory]);
  return undefined;
}
