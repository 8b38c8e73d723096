/**
 * LmdbStorage and its journal: whatever a crash leaves is what was committed, or the commit under way as a whole.
 *
 * A crash is a copy of the directory's files, made in one go while this thread does nothing else: at most one frame and
 * one transaction are being written meanwhile.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { open as openDatabase } from 'lmdb';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { openHandles } from '../../test/support/open-handles.ts';
import { patternOf, plain } from './conformance.ts';
import { type LmdbOptions, LmdbStorage } from './lmdb.ts';
import { LmdbReader } from './lmdb-reader.ts';
import { MARK_KEY } from './mark.ts';
import { keyOf } from './record.ts';

const MARKER = 'libpaxos-acceptor.txt';
const JOURNAL = 'journal.bin';
const VALUE = patternOf(64, 1);
const NOTHING = new Uint8Array(0);
/** 16 pages and the first: a frame may have 16 KB. */
const SMALL_BYTES = 17 * 4_096;

const scratch = mkdtempSync(join(tmpdir(), 'libpaxos-journal-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let path = '';
let directories = 0;
const newPath = () => join(scratch, `acceptor_${directories++}`);
beforeEach(() => {
  path = newPath();
});

function open(change: Partial<LmdbOptions> = {}): Promise<LmdbStorage> {
  const options = { path, acceptorId: 0, clusterName: 'test', sync: false, mapSizeBytes: 10_485_760 };
  return LmdbStorage.open({ ...options, journalBytes: SMALL_BYTES, ...change });
}

/** What a crash now would leave, in another directory. */
function crashed(from = path): string {
  const to = newPath();
  mkdirSync(to);
  for (const name of [MARKER, 'data.mdb', JOURNAL]) copyFileSync(join(from, name), join(to, name));
  return to;
}

/** A storage with instances 1 to `count` in the journal alone, each in a frame of its own, as a crash leaves it. */
async function unapplied(count: number): Promise<string> {
  const storage = await open({ journalBytes: 1_048_576 });
  for (let instanceId = 1; instanceId <= count; instanceId++) {
    storage.put(instanceId, 11, 11, VALUE);
    await storage.commit();
  }
  const left = crashed();
  await storage.close();
  return left;
}

function instances(storage: LmdbStorage): number[] {
  return [...storage.accepted(1, Number.MAX_SAFE_INTEGER)].map(({ instanceId }) => instanceId);
}

async function tamper(
  directory: string,
  change: (database: ReturnType<typeof rawDatabase>) => void,
): Promise<void> {
  const database = rawDatabase(directory);
  await database.batch(() => change(database));
  await database.close();
}

function rawDatabase(directory: string) {
  const options = {
    noSubdir: false,
    overlappingSync: false,
    encoding: 'binary',
    keyEncoding: 'binary',
  } as const;
  return openDatabase<Uint8Array, Uint8Array>({ path: directory, ...options });
}

interface Model {
  readonly records: Map<number, unknown>;
  trim: number;
  floor: number;
}

function contentsOf(storage: LmdbStorage): Model {
  const records = new Map<number, unknown>();
  for (let id = 1; id <= HIGHEST; id++) {
    const record = plain(storage.get(id));
    if (record !== undefined) records.set(id, record);
  }
  return { records, trim: storage.trimInstanceId, floor: storage.promiseFloor };
}

const HIGHEST = 60;
const anyCommit = fc.record({
  puts: fc.array(
    fc.record({
      id: fc.integer({ min: 1, max: HIGHEST }),
      size: fc.constantFrom(0, 1, 64, 500, 2_000, 5_000, 9_000, 30_000),
    }),
    { maxLength: 5 },
  ),
  trim: fc.option(fc.integer({ min: 1, max: HIGHEST - 20 }), { freq: 20 }),
  /** when the crash comes: before the commit, while it is under way, after it */
  crash: fc.option(fc.constantFrom('before', 'during', 'after'), { freq: 3 }),
  /** go on with what the crash left */
  continues: fc.boolean(),
});

type Commit = typeof anyCommit extends fc.Arbitrary<infer Step> ? Step : never;

describe('a crash', () => {
  test('leaves what was committed, or the commit under way as a whole, however often the ring goes around', async () => {
    let commits = 0;
    const follow = async (steps: readonly Commit[]) => {
      path = newPath();
      let storage = await open();
      let committed: Model = { records: new Map(), trim: 0, floor: 0 };
      try {
        for (const step of steps) {
          const model: Model = { ...committed, records: new Map(committed.records) };
          const ballot = ++commits;
          for (const { id, size } of step.puts) {
            if (id <= storage.trimInstanceId) continue;
            storage.put(id, ballot, ballot, patternOf(size, ballot));
            model.records.set(id, plain(storage.get(id)));
          }
          storage.setPromiseFloor(ballot);
          model.floor = ballot;
          if (step.trim !== null) storage.trim(step.trim);
          model.trim = storage.trimInstanceId;
          for (const id of model.records.keys()) if (id <= model.trim) model.records.delete(id);

          let left = step.crash === 'before' ? crashed() : undefined;
          const committing = storage.commit();
          if (step.crash === 'during') left = crashed();
          await committing;
          if (step.crash === 'after') left = crashed();
          expect(contentsOf(storage)).toEqual(model);
          if (left === undefined) {
            committed = model;
            continue;
          }
          const again = await open({ path: left });
          const found = contentsOf(again);
          const mayHaveIt = step.crash !== 'before';
          const mayLackIt = step.crash !== 'after';
          expect([mayHaveIt && model, mayLackIt && committed]).toContainEqual(found);
          if (!step.continues) {
            await again.close();
            committed = model;
            continue;
          }
          await storage.close();
          storage = again;
          path = left;
          committed = found;
        }
      } finally {
        await storage.close();
      }
      const last = await open();
      expect(contentsOf(last)).toEqual(committed);
      await last.close();
    };
    const steps = fc.array(anyCommit, { minLength: 30, maxLength: 80 });
    await fc.assert(fc.asyncProperty(steps, follow), { numRuns: 12 });
  }, 60_000);

  test('loses no commit, whatever it was killed at, in a ring that goes around', async () => {
    const { told, kill } = await writing();
    await told(3_000);
    const last = await kill();
    const storage = await open();
    expect(instances(storage).slice(0, last)).toEqual(Array.from({ length: last }, (_, i) => i + 1));
    await storage.close();
  }, 60_000);

  test('and another before the first is recovered changes nothing', async () => {
    path = await unapplied(20);
    await (await open({ path: crashed() })).close();
    const opened = await open();
    const again = crashed();
    await opened.close();
    const storage = await open({ path: again });
    expect(instances(storage)).toHaveLength(20);
    await storage.close();
  });

  test('brings back no record at or below the trim point', async () => {
    const storage = await open({ journalBytes: 1_048_576 });
    for (let instanceId = 1; instanceId <= 10; instanceId++) storage.put(instanceId, 11, 11, VALUE);
    await storage.commit();
    storage.trim(7);
    await storage.commit();
    path = crashed();
    await storage.close();
    const again = await open();
    expect([again.trimInstanceId, instances(again)]).toEqual([7, [8, 9, 10]]);
    await again.close();
    const database = rawDatabase(path);
    expect([database.getBinary(keyOf(7)), database.getBinary(keyOf(8))?.length]).toEqual([undefined, 76]);
    await database.close();
  });

  test('keeps what a process had learned, and what it was told of others', async () => {
    const storage = await open();
    storage.spans.keep([{ from: 1, to: 9, ballot: 11 }]);
    storage.identities.note(2, 77);
    await storage.commit();
    path = crashed();
    await storage.close();
    const again = await open();
    expect([again.spans.kept, again.identities.known]).toEqual([
      [{ from: 1, to: 9, ballot: 11 }],
      new Map([[2, 77]]),
    ]);
    await again.close();
  });
});

test.for([true, false])('with sync %s a write to the journal syncs, or does not', async (sync, context) => {
  context.skip(process.platform !== 'linux', 'how a file is open is told by /proc, which only Linux has');
  const storage = await open({ sync });
  const [handle] = openHandles(join(path, JOURNAL));
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${handle}`, 'utf8'))?.[1];
  expect((Number.parseInt(flags ?? '', 8) & constants.O_DSYNC) === constants.O_DSYNC).toBe(sync);
  await storage.close();
});

describe('the database', () => {
  test('has all after close, and needs the journal no more', async () => {
    const storage = await open({ journalBytes: 4_194_304 });
    for (let instanceId = 1; instanceId <= 200; instanceId++) {
      storage.put(instanceId, 11, 11, VALUE);
      await storage.commit();
    }
    await storage.close();
    writeFileSync(join(path, JOURNAL), readFileSync(join(path, JOURNAL)).fill(0, 4_096));
    const again = await open();
    expect(instances(again)).toHaveLength(200);
    await again.close();
  });

  test('gets what was committed by itself, a moment later', async () => {
    const storage = await open();
    const written = watch(join(path, 'data.mdb'));
    storage.put(1, 11, 11, VALUE);
    await storage.commit();
    for (let isThere = false; !isThere; ) {
      await once(written, 'change');
      const database = rawDatabase(crashed());
      isThere = database.getBinary(keyOf(1)) !== undefined;
      await database.close();
    }
    written.close();
    await storage.close();
  });

  test('is never given what was put and not committed', async () => {
    const storage = await open();
    storage.put(1, 11, 11, VALUE);
    storage.put(2, 11, 11, VALUE);
    await storage.commit();
    storage.put(2, 21, 21, patternOf(10, 2));
    storage.put(3, 21, 21, VALUE);
    await storage.close();
    const again = await open();
    expect(instances(again)).toEqual([1, 2]);
    expect(plain(again.get(2))).toEqual(plain({ promisedBallot: 11, acceptedBallot: 11, value: VALUE }));
    expect(again.highestBallot).toBe(11);
    await again.close();
  });

  test('takes a commit itself that is too large for the journal, with all before it', async () => {
    const storage = await open();
    storage.put(1, 11, 11, VALUE);
    await storage.commit();
    storage.put(2, 11, 11, patternOf(3_000_000, 2));
    storage.put(1, 21, 21, patternOf(10, 2));
    await storage.commit();
    storage.put(3, 11, 11, VALUE);
    await storage.commit();
    const left = crashed();
    expect(instances(storage)).toEqual([1, 2, 3]);
    await storage.close();
    const again = await open({ path: left });
    expect(instances(again)).toEqual([1, 2, 3]);
    expect(again.promisedBallot(1)).toBe(21);
    expect(again.get(2)?.value.length).toBe(3_000_000);
    await again.close();
  });

  test('is waited for when the journal is full, by commits that go on meanwhile', async () => {
    const storage = await open({ journalBytes: 9 * 4_096 });
    for (let instanceId = 1; instanceId <= 500; instanceId++) {
      storage.put(instanceId, 11, 11, patternOf(instanceId % 9_000, instanceId));
      const committing = storage.commit();
      storage.put(10_000 + instanceId, 11, 11, VALUE);
      await committing;
    }
    await storage.commit();
    const left = crashed();
    await storage.close();
    for (const each of [path, left]) {
      const again = await open({ path: each });
      expect(instances(again)).toHaveLength(1_000);
      await again.close();
    }
  });
});

describe('damage', () => {
  test('to the middle of the journal is refused, also once it was looked at, and nothing is changed', async () => {
    path = await unapplied(5);
    const file = join(path, JOURNAL);
    const bytes = readFileSync(file);
    bytes[2 * 4_096 + 100] = (bytes[2 * 4_096 + 100] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const refused = {
      code: 'STORAGE_CORRUPT',
      message: expect.stringMatching(/its journal is damaged [(]frame 2 is missing.* leave it stopped/),
    };
    await expect(open()).rejects.toMatchObject(refused);
    await expect(LmdbReader.open(path)).rejects.toMatchObject(refused);
    await expect(open()).rejects.toMatchObject(refused);
    expect(Buffer.compare(readFileSync(file), bytes)).toBe(0);
  });

  test('that cannot be told from a frame that was never whole is taken for one', async () => {
    path = await unapplied(5);
    const file = join(path, JOURNAL);
    const bytes = readFileSync(file);
    bytes[5 * 4_096 + 100] = (bytes[5 * 4_096 + 100] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const storage = await open();
    expect(instances(storage)).toEqual([1, 2, 3, 4]);
    storage.put(5, 21, 21, VALUE);
    await storage.commit();
    const left = crashed();
    await storage.close();
    const again = await open({ path: left });
    expect(again.promisedBallot(5)).toBe(21);
    await again.close();
  });

  test('to what the database says of its journal, or no journal, is refused', async () => {
    path = await unapplied(5);
    const kept = readFileSync(join(path, JOURNAL));
    rmSync(join(path, JOURNAL));
    const gone = { code: 'STORAGE_CORRUPT', message: expect.stringContaining('journal.bin is gone') };
    await expect(open()).rejects.toMatchObject(gone);
    await expect(LmdbReader.open(path)).rejects.toMatchObject(gone);
    expect(existsSync(join(path, JOURNAL))).toBe(false);
    writeFileSync(join(path, JOURNAL), kept);

    await tamper(path, (database) => {
      const mark = Uint8Array.from(database.getBinary(MARK_KEY) ?? NOTHING);
      mark[12] = (mark[12] ?? 0) ^ 1;
      void database.put(MARK_KEY, mark);
    });
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' });
    await tamper(path, (database) => void database.remove(MARK_KEY));
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' });
  });

  test("another storage's journal is refused", async () => {
    const other = await unapplied(5);
    path = newPath();
    await (await open()).close();
    copyFileSync(join(other, JOURNAL), join(path, JOURNAL));
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' }); // of another size
    const pages = readFileSync(join(other, JOURNAL)).subarray(0, SMALL_BYTES);
    writeFileSync(join(path, JOURNAL), pages);
    await expect(open()).rejects.toMatchObject({
      code: 'STORAGE_FOREIGN',
      message: expect.stringContaining('mixes the files of two storages'),
    });
  });

  test('values that hold the journal itself change nothing', async () => {
    path = await unapplied(4);
    let storage = await open();
    for (let round = 0; round < 30; round++) {
      const journal = readFileSync(join(path, JOURNAL));
      const first = journal.subarray(4_096, 4 * 4_096);
      // Whatever the frame begins with, one of these lies on a page's beginning.
      for (let shift = 0; shift < 4; shift++) {
        storage.put(100 + round, 11 + shift, 11, Buffer.concat([patternOf(shift * 900, 1), first]));
        await storage.commit();
      }
      if (round % 3 > 0) continue;
      const left = crashed();
      await storage.close();
      storage = await open({ path: left });
      path = left;
      expect(instances(storage)).toHaveLength(4 + round + 1);
      expect(storage.promisedBallot(100 + round)).toBe(14);
    }
    await storage.close();
  });
});

describe('a directory', () => {
  /** Makes a closed storage what the version before left. */
  async function makeFormer(): Promise<void> {
    const marker = join(path, MARKER);
    writeFileSync(marker, readFileSync(marker, 'utf8').replace('format 3', 'format 2'));
    await tamper(path, (database) => void database.remove(MARK_KEY));
    rmSync(join(path, JOURNAL));
  }

  async function filled(): Promise<void> {
    const storage = await open();
    storage.put(1, 11, 11, VALUE);
    storage.setPromiseFloor(31);
    await storage.commit();
    await storage.close();
  }

  test('of the version before is read as it is, and gets a journal when it is opened', async () => {
    await filled();
    const identity = readFileSync(join(path, MARKER), 'utf8');
    await makeFormer();
    const reader = await LmdbReader.open(path);
    expect([...reader.records(1, 9)]).toHaveLength(1);
    await reader.close();
    expect(existsSync(join(path, JOURNAL))).toBe(false);

    const storage = await open();
    expect(readFileSync(join(path, MARKER), 'utf8')).toBe(identity);
    expect([instances(storage), storage.promiseFloor]).toEqual([[1], 31]);
    storage.put(2, 41, 41, VALUE);
    await storage.commit();
    const left = crashed();
    await storage.close();
    const again = await open({ path: left });
    expect(instances(again)).toEqual([1, 2]);
    await again.close();
  });

  test('whose change was interrupted anywhere is changed', async () => {
    await filled();
    await makeFormer();
    writeFileSync(join(path, JOURNAL), 'not finished');
    await (await open()).close();
    // The database has its mark, and the marker did not get its line.
    const marker = readFileSync(join(path, MARKER), 'utf8');
    writeFileSync(join(path, MARKER), marker.replace('format 3', 'format 2'));
    const storage = await open();
    expect(instances(storage)).toEqual([1]);
    await storage.close();
    expect(readFileSync(join(path, MARKER), 'utf8')).toBe(marker);
  });

  test('has a journal of 16 MB unless told, keeps the size that it has, and counts it', async () => {
    const storage = await LmdbStorage.open({
      path,
      acceptorId: 0,
      clusterName: 'test',
      sync: true,
      mapSizeBytes: 10_485_760,
    });
    expect(statSync(join(path, JOURNAL)).size).toBe(16 * 1_048_576);
    expect(storage.sizeBytes).toBeGreaterThan(16 * 1_048_576);
    await storage.close();
    await (await open()).close();
    expect(statSync(join(path, JOURNAL)).size).toBe(16 * 1_048_576);
  });

  test('that is trashed has a new journal', async () => {
    await filled();
    const before = readFileSync(join(path, JOURNAL));
    const storage = await open({ trash: true });
    expect(readFileSync(join(path, JOURNAL)).subarray(0, 4_096)).not.toEqual(before.subarray(0, 4_096));
    expect(storage.highestBallot).toBe(0);
    await storage.close();
    expect(readdirSync(path).sort()).toContain(JOURNAL);
  });
});

describe('who looks', () => {
  test('sees what lies in the journal alone, and changes nothing', async () => {
    path = await unapplied(300);
    const before = readFileSync(join(path, JOURNAL));
    const reader = await LmdbReader.open(path);
    expect([...reader.records(1, 1_000)].map(({ instanceId }) => instanceId)).toHaveLength(300);
    expect(reader.state.highestAccepted).toBe(300);
    const [one] = reader.records(42, 42);
    expect(plain(one?.record)).toEqual(plain({ promisedBallot: 11, acceptedBallot: 11, value: VALUE }));
    expect(reader.sizeBytes).toBeGreaterThan(before.length);
    await reader.close();
    expect(Buffer.compare(readFileSync(join(path, JOURNAL)), before)).toBe(0);
  });

  test('sees a newer record of the journal over the one in the database, and none that was trimmed', async () => {
    const storage = await open();
    for (const instanceId of [1, 2, 3]) storage.put(instanceId, 11, 11, VALUE);
    await storage.commit();
    await storage.swept();
    storage.put(2, 21, 0, NOTHING);
    storage.trim(1);
    await storage.commit();
    const left = crashed();
    await storage.close();
    const reader = await LmdbReader.open(left);
    const seen = [...reader.records(1, 9)].map(({ instanceId, record }) => [
      instanceId,
      record?.promisedBallot,
    ]);
    expect(seen).toEqual([
      [2, 21],
      [3, 11],
    ]);
    await reader.close();
  });

  test('beside a node that writes sees all that it told before', async () => {
    const { told, kill } = await writing();
    let count = 0;
    for (let look = 0; look < 30; look++) {
      count = await told(count + 50);
      const reader = await LmdbReader.open(path);
      const seen = [...reader.records(1, count)];
      expect(seen).toHaveLength(count);
      expect(seen.every(({ record }) => record !== undefined)).toBe(true);
      expect(reader.state.highestAccepted).toBeGreaterThanOrEqual(count);
      await reader.close();
    }
    await kill();
  }, 60_000);
});

/** A process that commits one instance after another, and tells each once it is durable. */
async function writing() {
  const options = { path, acceptorId: 0, clusterName: 'test', sync: true, mapSizeBytes: 10_485_760 };
  const program = `
    import { LmdbStorage } from ${JSON.stringify(import.meta.resolve('./lmdb.ts'))};
    const storage = await LmdbStorage.open(${JSON.stringify({ ...options, journalBytes: 64 * 4_096 })});
    for (let id = 1; ; id++) {
      storage.put(id, 11, 11, Buffer.alloc(64, id));
      await storage.commit();
      process.stdout.write(id + '\\n');
    }`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  let last = 0;
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    const lines = (text + more).split('\n');
    text = lines.pop() ?? '';
    last = Number(lines.at(-1) ?? last);
  });
  return {
    /** Resolves with the last instance that was told, once that is `count` or later. */
    told: async (count: number): Promise<number> => {
      while (last < count) await once(child.stdout, 'data');
      return last;
    },
    kill: async (): Promise<number> => {
      child.kill('SIGKILL');
      await once(child, 'close');
      return last;
    },
  };
}
