/**
 * LmdbStorage beyond the conformance suite: what lasts, what a trim leaves, what a damaged or full disk does.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open as openDatabase } from 'lmdb';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { openHandles } from '../../test/support/open-handles.ts';
import { patternOf, plain } from './conformance.ts';
import { type LmdbOptions, LmdbStorage } from './lmdb.ts';
import { encodeState, keyOf } from './record.ts';

const MARKER = 'libpaxos-acceptor.txt';
const VALUE = patternOf(64, 1);
const NOTHING = new Uint8Array(0);

const scratch = mkdtempSync(join(tmpdir(), 'libpaxos-lmdb-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let path = '';
let directories = 0;
beforeEach(() => {
  path = join(scratch, `acceptor_${directories++}`);
});

function open(change: Partial<LmdbOptions> = {}): Promise<LmdbStorage> {
  const options = { path, acceptorId: 0, clusterName: 'test', sync: false, mapSizeBytes: 10_485_760 };
  return LmdbStorage.open({ ...options, ...change });
}

/** A closed storage with instances 1 to `count`. */
async function filled(count: number): Promise<void> {
  const storage = await open();
  for (let instanceId = 1; instanceId <= count; instanceId++) storage.put(instanceId, 11, 11, VALUE);
  await storage.commit();
  await storage.close();
}

/** Changes a closed storage's database behind its back. */
async function tamper(change: (database: ReturnType<typeof rawDatabase>) => void): Promise<void> {
  const database = rawDatabase();
  await database.batch(() => change(database));
  await database.close();
}

function rawDatabase() {
  const options = {
    noSubdir: false,
    overlappingSync: false,
    encoding: 'binary',
    keyEncoding: 'binary',
  } as const;
  return openDatabase<Uint8Array, Uint8Array>({ path, ...options });
}

/** How many records lie in a closed storage's database, the state and the mark not counted. */
async function recordCount(): Promise<number> {
  const database = rawDatabase();
  const count = database.getKeysCount() - 2;
  await database.close();
  return count;
}

/** Puts another file behind the handles that this process has open on `file`: what a broken disk looks like. */
function breakDisk(file: string, substitute: string): void {
  for (const handle of openHandles(file)) {
    closeSync(handle);
    const opened: number[] = [];
    while (opened.at(-1) !== handle) opened.push(openSync(substitute, 'r+'));
    for (const other of opened) if (other !== handle) closeSync(other);
  }
}

describe('what lasts', () => {
  test('the identity is drawn once, and stays', async () => {
    const first = await open();
    expect(first.identity).toMatch(/^[0-9a-f]{32}$/);
    await first.close();
    const again = await open();
    expect(again.identity).toBe(first.identity);
    await again.close();
    path += '-other';
    const other = await open();
    expect(other.identity).not.toBe(first.identity);
    await other.close();
  });

  test('the marker tells a person what the directory is', async () => {
    const storage = await open({ acceptorId: 3, clusterName: 'a "name"' });
    const marker = readFileSync(join(path, MARKER), 'utf8');
    expect(marker).toContain('acceptor: 3\n');
    expect(marker).toContain('cluster: "a \\"name\\""\n');
    expect(marker).toContain(`identity: ${storage.identity}\n`);
    await storage.close();
    await (await open({ acceptorId: 3, clusterName: 'a "name"' })).close();
  });

  test('tells its durability', async () => {
    const synced = await open({ sync: true });
    expect(synced.durability).toBe('synced');
    await synced.close();
    const unsynced = await open({ sync: false });
    expect(unsynced.durability).toBe('unsynced');
    await unsynced.close();
  });

  test('what was committed before a kill -9 is there', async () => {
    const program = `
      import { LmdbStorage } from ${JSON.stringify(import.meta.resolve('./lmdb.ts'))};
      const storage = await LmdbStorage.open({
        path: ${JSON.stringify(path)}, acceptorId: 0, clusterName: 'test', sync: true, mapSizeBytes: 10485760,
      });
      for (let id = 1; ; id++) {
        storage.put(id, 11, 11, Buffer.alloc(64, id));
        await storage.commit();
        process.stdout.write(id + '\\n');
      }`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let told = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => {
      told += text;
      if (told.length > 200) child.kill('SIGKILL');
    });
    await once(child, 'close');
    const last = Number(told.slice(0, told.lastIndexOf('\n')).split('\n').at(-1));
    expect(last).toBeGreaterThan(20);

    const storage = await open();
    for (let id = 1; id <= last; id++) {
      expect(storage.get(id)?.value.every((byte) => byte === (id & 0xff))).toBe(true);
    }
    await storage.close();
  });

  test('the map grows past its first size, and is opened with a smaller one afterwards', async () => {
    const value = patternOf(10_000, 1);
    const storage = await open({ mapSizeBytes: 10_485_760 });
    for (let instanceId = 1; instanceId <= 5_000; instanceId++) {
      storage.put(instanceId, 11, 11, value);
      if (instanceId % 500 === 0) await storage.commit();
    }
    expect(storage.sizeBytes).toBeGreaterThan(50_000_000);
    await storage.close();
    const again = await open({ mapSizeBytes: 1_048_576 });
    expect([...again.accepted(1, 10_000)].length).toBe(5_000);
    await again.close();
  });

  test('opens with 100,000 records in less than half a second', async () => {
    const storage = await open();
    for (let instanceId = 1; instanceId <= 100_000; instanceId++) storage.put(instanceId, 11, 11, VALUE);
    await storage.commit();
    await storage.close();
    const start = performance.now();
    const again = await open();
    expect(performance.now() - start).toBeLessThan(500);
    expect(again.highestAccepted).toBe(100_000);
    await again.close();
  });
});

describe('trim', () => {
  test('deletes the records behind it, across many transactions', async () => {
    await filled(10_000);
    const storage = await open();
    storage.trim(9_990);
    await storage.commit();
    expect([...storage.accepted(1, 20_000)].length).toBe(10);
    await storage.swept();
    await storage.close();
    expect(await recordCount()).toBe(10);
  });

  test('that was not committed deletes nothing', async () => {
    await filled(100);
    const storage = await open();
    storage.trim(90);
    await storage.swept();
    await storage.close();
    expect(await recordCount()).toBe(100);
  });

  test('what a crash left at or below the trim point is not read, and is deleted after the next open', async () => {
    await filled(10_000);
    await tamper((database) => {
      const known = new Map<number, number>();
      const state = { format: 3, acceptorId: 0, clusterName: 'test', identity: identityIn(path), known };
      const numbers = { trimInstanceId: 9_000, promiseFloor: 0, highestAccepted: 10_000, highestBallot: 11 };
      void database.put(keyOf(0), encodeState(keyOf(0), { ...state, ...numbers }));
    });
    const storage = await open();
    expect(storage.trimInstanceId).toBe(9_000);
    expect(storage.get(9_000)).toBeUndefined();
    expect([...storage.accepted(1, 20_000)].length).toBe(1_000);
    await storage.swept();
    await storage.close();
    expect(await recordCount()).toBe(1_000);
  });

  test('frees the pages for the records that follow', async () => {
    const storage = await open();
    let size = 0;
    for (let round = 1; round <= 14; round++) {
      for (let i = 1; i <= 1_000; i++) storage.put(round * 1_000 + i, 11, 11, patternOf(500, 1));
      storage.trim(round * 1_000 - 1_000);
      await storage.commit();
      await storage.swept();
      if (round === 6) size = statSync(join(path, 'data.mdb')).size;
    }
    expect(statSync(join(path, 'data.mdb')).size).toBeLessThan(size * 1.5);
    await storage.close();
  });
});

describe('damage', () => {
  test('a map size beyond the address space is no reason to die', async () => {
    const storage = await open({ mapSizeBytes: 2 ** 60 });
    storage.put(1, 11, 11, VALUE);
    await storage.commit();
    await storage.close();
  });

  test('a flipped bit in a record is told with the instance, and the others still read', async () => {
    await filled(100);
    await tamper((database) => {
      const record = Uint8Array.from(database.getBinary(keyOf(42)) ?? NOTHING);
      record[20] = (record[20] ?? 0) ^ 1;
      void database.put(keyOf(42), record);
    });
    const storage = await open();
    const corrupt = { code: 'STORAGE_CORRUPT', message: expect.stringContaining('instance 42 ') };
    expect(() => storage.get(42)).toThrow(expect.objectContaining(corrupt));
    expect(() => storage.promisedBallot(42)).toThrow(expect.objectContaining(corrupt));
    expect(() => storage.put(42, 21, 0, NOTHING)).toThrow(expect.objectContaining(corrupt));
    expect(() => [...storage.accepted(1, 100)]).toThrow(expect.objectContaining(corrupt));
    expect(plain(storage.get(41))).toEqual(plain({ promisedBallot: 11, acceptedBallot: 11, value: VALUE }));
    await storage.close();
  });

  test("a whole record under another's key is damage", async () => {
    await filled(100);
    await tamper((database) => void database.put(keyOf(43), database.getBinary(keyOf(42)) ?? NOTHING));
    const storage = await open();
    expect(() => storage.get(43)).toThrow(expect.objectContaining({ code: 'STORAGE_CORRUPT' }));
    await storage.close();
  });

  test('a damaged or missing state is refused', async () => {
    await filled(10);
    await tamper((database) => {
      const state = Uint8Array.from(database.getBinary(keyOf(0)) ?? NOTHING);
      state[15] = (state[15] ?? 0) ^ 1;
      void database.put(keyOf(0), state);
    });
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' });
    await tamper((database) => void database.remove(keyOf(0)));
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' });
  });

  test('a storage whose database is gone is refused, and not begun anew', async () => {
    await filled(10);
    rmSync(join(path, 'data.mdb'));
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' });
    expect(existsSync(join(path, 'data.mdb'))).toBe(false);
  });

  test('a database of garbage, or cut short, is refused', async () => {
    await filled(10_000);
    const file = join(path, 'data.mdb');
    const whole = readFileSync(file);
    const refused = { code: 'STORAGE_CORRUPT' };
    for (const page of [0, 4_096]) {
      writeFileSync(file, Buffer.from(whole).fill(0x5a, page, page + 4_096));
      await expect(open()).rejects.toMatchObject(refused);
    }
    for (const bytes of [0, 100, 5_000, whole.length / 2]) {
      writeFileSync(file, whole.subarray(0, bytes));
      await expect(open()).rejects.toMatchObject(refused);
    }
    writeFileSync(file, whole);
    await (await open()).close();
  });

  test('files of two storages mixed are refused', async () => {
    await filled(10);
    const first = path;
    path += '-other';
    await filled(10);
    rmSync(join(path, 'data.mdb'));
    renameSync(join(first, 'data.mdb'), join(path, 'data.mdb'));
    await expect(open()).rejects.toMatchObject({
      code: 'STORAGE_FOREIGN',
      message: expect.stringContaining('mixes'),
    });
  });

  test('a damaged marker is refused', async () => {
    await filled(10);
    writeFileSync(join(path, MARKER), 'libpaxos acceptor storage, format 1\nacceptor: 0\n');
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' });
  });
});

describe('a failing disk', () => {
  test('the bound is kept: a commit beyond it rejects, and everything after it throws', async () => {
    const storage = await open({ maxBytes: 2_000_000 });
    let failure: unknown;
    for (let instanceId = 1; failure === undefined && instanceId < 10_000; instanceId++) {
      storage.put(instanceId, 11, 11, patternOf(10_000, 1));
      if (instanceId % 10 !== 0) continue;
      failure = await storage.commit()?.then(
        () => undefined,
        (error: unknown) => error,
      );
    }
    expect(failure).toMatchObject({
      code: 'STORAGE_FULL',
      message: expect.stringContaining('2000000 bytes'),
    });
    expect(() => storage.get(1)).toThrow(expect.objectContaining({ code: 'STORAGE_FULL' }));
    await storage.close();
    expect(statSync(join(path, 'data.mdb')).size).toBeLessThan(2_200_000);
  });

  test('a bounded storage that is trimmed goes on in the room that became free', async () => {
    const storage = await open({ maxBytes: 3_000_000 });
    for (let round = 1; round <= 100; round++) {
      for (let i = 0; i < 10; i++) storage.put(round * 10 + i, 11, 11, patternOf(10_000, 1));
      storage.trim(Math.max(0, round * 10 - 50));
      await storage.commit();
      await storage.swept();
    }
    await storage.close();
    expect(statSync(join(path, 'data.mdb')).size).toBeLessThan(3_000_000);
  });

  test('a full disk is STORAGE_FULL, and ends the storage (by /proc, so on Linux)', async (context) => {
    context.skip(process.platform !== 'linux', 'the disk is broken by way of /proc, which only Linux has');
    const storage = await open({ sync: true });
    storage.put(1, 11, 11, VALUE);
    await storage.commit();
    breakDisk(join(path, 'journal.bin'), '/dev/full');
    storage.put(2, 11, 11, VALUE);
    await expect(storage.commit()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    const full = expect.objectContaining({ code: 'STORAGE_FULL' });
    expect(() => storage.put(3, 11, 11, VALUE)).toThrow(full);
    expect(() => storage.commit()).toThrow(full);
    expect(() => storage.get(1)).toThrow(full);
    await storage.close();
    const again = await open();
    expect(again.get(1)).toBeDefined();
    expect(again.get(2)).toBeUndefined();
    await again.close();
  });

  test.for([
    ['is full', '/dev/full', { code: 'STORAGE_FULL', message: expect.stringContaining('is full') }],
    ['cannot sync', '/dev/zero', { code: 'STORAGE_FAILED', message: expect.stringContaining('EINVAL') }],
  ] as const)(
    'a disk that %s under the database ends the storage, which loses nothing (by /proc)',
    async ([, disk, refused], context) => {
      context.skip(process.platform !== 'linux', 'the disk is broken by way of /proc, which only Linux has');
      const storage = await open({ sync: true });
      storage.put(1, 11, 11, VALUE);
      await storage.commit();
      await storage.swept();
      breakDisk(join(path, 'data.mdb'), disk);
      storage.put(2, 11, 11, VALUE);
      await storage.commit();
      await storage.swept();
      const failed = expect.objectContaining(refused);
      expect(() => storage.put(3, 11, 11, VALUE)).toThrow(failed);
      expect(() => storage.commit()).toThrow(failed);
      expect(() => storage.get(1)).toThrow(failed);
      await storage.close();
      const again = await open();
      expect([again.get(1), again.get(2)]).not.toContain(undefined);
      await again.close();
    },
  );

  test('a commit under way when the database fails, and close, tell of it', async (context) => {
    context.skip(process.platform !== 'linux', 'the disk is broken by way of /proc, which only Linux has');
    const storage = await open({ sync: true });
    storage.put(1, 11, 11, VALUE);
    await storage.commit();
    await storage.swept();
    breakDisk(join(path, 'data.mdb'), '/dev/full');
    // It is too large for the journal, and so waits for the database.
    storage.put(2, 11, 11, patternOf(5_000_000, 1));
    await expect(storage.commit()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    await storage.close();

    const second = await open({ sync: true });
    second.put(2, 11, 11, VALUE);
    await second.commit();
    breakDisk(join(path, 'data.mdb'), '/dev/full');
    await expect(second.close()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    const third = await open();
    expect(third.get(2)).toBeDefined();
    await third.close();
  });
});

function identityIn(directory: string): string {
  return /^identity: ([0-9a-f]+)$/m.exec(readFileSync(join(directory, MARKER), 'utf8'))?.[1] ?? '';
}
