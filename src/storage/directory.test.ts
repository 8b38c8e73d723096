/**
 * Whose directory it is: what is made, what is opened, what is refused, and that what is refused stays as it was.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { patternOf } from './conformance.ts';
import { type LmdbOptions, LmdbStorage } from './lmdb.ts';

const MARKER = 'libpaxos-acceptor.txt';
const VALUE = patternOf(64, 1);

const scratch = mkdtempSync(join(tmpdir(), 'libpaxos-directory-'));
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

function identityIn(directory: string): string {
  return /^identity: ([0-9a-f]+)$/m.exec(readFileSync(join(directory, MARKER), 'utf8'))?.[1] ?? '';
}

/** Everything about a directory that must not change: names, contents, times. */
function fingerprint(directory: string): unknown {
  return readdirSync(directory).map((name) => {
    const file = join(directory, name);
    const status = statSync(file);
    const hash = status.isFile() ? createHash('sha256').update(readFileSync(file)).digest('hex') : 'no file';
    return { name, size: status.size, mtimeMs: status.mtimeMs, ctimeMs: status.ctimeMs, hash };
  });
}

/** The first pages of a database as LMDB 0.9 writes them on a 64-bit machine. */
function originalDatabase(): Buffer {
  const file = Buffer.alloc(3 * 4_096, 0x11);
  for (const page of [0, 1]) {
    const start = page * 4_096;
    file.fill(0, start, start + 4_096);
    file.writeBigUInt64LE(BigInt(page), start);
    file.writeUInt16LE(0x08, start + 10);
    file.writeUInt32LE(0xbeef_c0de, start + 16);
    file.writeUInt32LE(1, start + 20);
  }
  return file;
}

describe('whose directory', () => {
  test('one storage at a time', async () => {
    const storage = await open();
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_LOCKED' });
    storage.put(1, 11, 11, VALUE);
    await storage.commit();
    await storage.close();
    const again = await open();
    expect(again.get(1)).toBeDefined();
    await again.close();
  });

  test('an empty directory is used, an absent one is made with its parents', async () => {
    mkdirSync(path);
    await (await open()).close();
    path = join(path, 'a', 'b');
    await (await open()).close();
    expect(existsSync(join(path, MARKER))).toBe(true);
  });

  test('one of commands is opened as that, and nothing else', async () => {
    await (await open({ valueFormat: 'commands' })).close();
    await (await open({ valueFormat: 'commands' })).close();
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_FOREIGN' });
  });

  test("another acceptor's, another cluster's, and another format are refused, and both are named", async () => {
    await filled(10);
    const before = fingerprint(path);
    await expect(open({ acceptorId: 1 })).rejects.toMatchObject({
      code: 'STORAGE_FOREIGN',
      message: expect.stringContaining('belongs to acceptor 0, this is acceptor 1'),
    });
    await expect(open({ clusterName: 'prod' })).rejects.toMatchObject({
      code: 'STORAGE_FOREIGN',
      message: expect.stringContaining('belongs to cluster "test", this is cluster "prod"'),
    });
    await expect(open({ valueFormat: 'commands' })).rejects.toMatchObject({
      code: 'STORAGE_FOREIGN',
      message: expect.stringContaining('value-format raw, this is value-format commands'),
    });
    expect(fingerprint(path)).toEqual(before);
    const marker = readFileSync(join(path, MARKER), 'utf8');
    writeFileSync(join(path, MARKER), marker.replace('format 3', 'format 7'));
    await expect(open()).rejects.toMatchObject({
      code: 'STORAGE_FOREIGN',
      message: expect.stringContaining('has format 7, this program writes format 3'),
    });
  });

  test("the original's directory is recognised, refused, and not touched, with trash too", async () => {
    mkdirSync(path);
    writeFileSync(join(path, 'data.mdb'), originalDatabase());
    writeFileSync(join(path, 'lock.mdb'), Buffer.alloc(8_192));
    const before = fingerprint(path);
    for (const trash of [false, true]) {
      await expect(open({ trash })).rejects.toMatchObject({
        code: 'STORAGE_FOREIGN',
        message: expect.stringContaining('original LibPaxos (LMDB 0.9)'),
      });
    }
    expect(fingerprint(path)).toEqual(before);
  });

  test('any other directory, or a file, is refused and not touched, with trash too', async () => {
    mkdirSync(path);
    writeFileSync(join(path, 'thesis.txt'), 'three years of work');
    const before = fingerprint(path);
    for (const trash of [false, true]) {
      await expect(open({ trash })).rejects.toMatchObject({ code: 'STORAGE_FOREIGN' });
    }
    expect(fingerprint(path)).toEqual(before);
    path = join(path, 'thesis.txt');
    await expect(open({ trash: true })).rejects.toMatchObject({ code: 'STORAGE_FOREIGN' });
    expect(readFileSync(path, 'utf8')).toBe('three years of work');
  });

  test("an LMDB database that isn't the original's nor ours is refused", async () => {
    await filled(10);
    const database = join(path, 'data.mdb');
    path += '-other';
    mkdirSync(path);
    renameSync(database, join(path, 'data.mdb'));
    await expect(open({ trash: true })).rejects.toMatchObject({
      code: 'STORAGE_FOREIGN',
      message: expect.stringContaining('libpaxos did not make'),
    });
  });

  test('trash deletes what the storage held, draws a new identity, and leaves other files', async () => {
    await filled(10);
    writeFileSync(join(path, 'notes.txt'), 'mine');
    const old = identityIn(path);
    const storage = await open({ trash: true });
    expect(storage.identity).not.toBe(old);
    expect(storage.get(1)).toBeUndefined();
    expect(storage.highestBallot).toBe(0);
    await storage.close();
    expect(readFileSync(join(path, 'notes.txt'), 'utf8')).toBe('mine');
  });

  test("trash does not delete another acceptor's storage, nor one in use", async () => {
    await filled(10);
    await expect(open({ trash: true, acceptorId: 1 })).rejects.toMatchObject({ code: 'STORAGE_FOREIGN' });
    const storage = await open();
    await expect(open({ trash: true })).rejects.toMatchObject({ code: 'STORAGE_LOCKED' });
    expect(storage.get(10)).toBeDefined();
    await storage.close();
  });

  test('a storage that a crash left half made is made again', async () => {
    await filled(10);
    renameSync(join(path, MARKER), join(path, `${MARKER}.new`));
    const storage = await open();
    expect(storage.get(1)).toBeUndefined();
    await storage.close();
    expect(readdirSync(path).filter((name) => name.startsWith(MARKER))).toEqual([MARKER]);
  });
});
