/**
 * Gathering before a database that takes as long as the test wants: at every moment, what the database has and what the
 * journal has above the database's mark is together all that was committed. The journal is a real one.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { PaxosError } from '../paxos/error.ts';
import { eachRecord } from './batch.ts';
import { patternOf } from './conformance.ts';
import { JOURNAL_FILE } from './directory.ts';
import { PAGE_BYTES, SALT_BYTES } from './frame.ts';
import { Gathering } from './gathering.ts';
import { Journal } from './journal.ts';
import { FIRST_PAGE, makeJournal, missingFrames } from './journal-file.ts';
import type { Load } from './lmdb-database.ts';
import type { Mark } from './mark.ts';
import { instanceIdOf } from './record.ts';

const IDENTITY = '0123456789abcdef0123456789abcdef';
/** A record's bytes in a frame beside its value. */
const RECORD_BYTES = 24;

const scratch = mkdtempSync(join(tmpdir(), 'libpaxos-gathering-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let path = scratch;
beforeEach(() => {
  path = mkdtempSync(join(scratch, 'journal-'));
});

/** A database that has a load when it is told so. */
class HeldDatabase {
  readonly journal: Journal;
  readonly gathering: Gathering;
  readonly has = new Map<number, string>();
  state: string | undefined;
  failure: PaxosError | undefined;
  loads = 0;
  #mark: Mark;
  #held: { readonly finish: () => void; readonly fail: (error: Error) => void } | undefined;
  #isPatient = true;

  constructor(ringPages: number) {
    const pages = makeJournal(path, IDENTITY, (ringPages + FIRST_PAGE) * PAGE_BYTES);
    this.#mark = { salt: patternOf(SALT_BYTES, 3), applied: 0, page: FIRST_PAGE, pages };
    this.journal = new Journal(path, this.#mark, false);
    this.gathering = new Gathering(this.journal, {
      store: (load) => this.#store(load),
      stored: () => undefined,
      failed: async (error) => {
        this.failure = error instanceof PaxosError ? error : new PaxosError('STORAGE_FAILED', String(error));
        return this.failure;
      },
    });
  }

  get isHolding(): boolean {
    return this.#held !== undefined;
  }

  /** Lets it have what it is held up with; `always`: and all that comes. */
  release(always = false): void {
    if (always) this.#isPatient = false;
    this.#held?.finish();
  }

  fail(error: Error): void {
    this.#held?.fail(error);
  }

  /** What would be there after a crash now. */
  recovered() {
    const { frames, lost } = missingFrames(readFileSync(join(path, JOURNAL_FILE)), this.#mark);
    expect(lost).toBeUndefined();
    const records = new Map(this.has);
    let { state } = this;
    for (const frame of frames) {
      eachRecord(frame.records, (key, record) => records.set(instanceIdOf(key), textOf(record)));
      if (frame.state !== undefined) state = textOf(frame.state);
    }
    return { records, state };
  }

  async #store({ batch, trimInstanceId, state, mark }: Load): Promise<void> {
    const records: [number, string][] = [];
    batch.forEach(trimInstanceId, (key, record) => void records.push([instanceIdOf(key), textOf(record)]));
    this.loads++;
    if (this.#isPatient) {
      await new Promise<void>((finish, fail) => {
        this.#held = { finish, fail };
      });
    }
    this.#held = undefined;
    for (const [id, text] of records) this.has.set(id, text);
    if (state !== undefined) this.state = textOf(state);
    this.#mark = mark;
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

test('database and journal have together all that was committed, however slow the database is', async () => {
  const database = new HeldDatabase(16);
  const { gathering, journal } = database;
  let waited = 0;
  let uncommittedBytes = 0;
  for (let id = 1; id <= 400; id++) {
    const bytes = id % 50 === 0 ? 40_000 : ([10, 3_000, 500, 5_000, 100, 2_000][id % 6] ?? 0);
    const value = patternOf(bytes, id);
    // Each instance twice: the later record counts.
    const instanceId = Math.ceil(id / 2);
    gathering.put(instanceId, id, id, value);
    const state = id % 5 === 0 ? patternOf(140, id) : undefined;
    const records = new Uint8Array(uncommittedBytes + RECORD_BYTES + value.length);
    const hasRoom = journal.hasRoom({ state, spans: undefined, records });
    const before = database.recovered();
    const committing = gathering.commit({ state, spans: undefined, trimInstanceId: 0 });
    // It is not committed, and must not be recovered.
    gathering.put(1_000_000 + id, id, id, value);
    uncommittedBytes = RECORD_BYTES + value.length;
    expect(gathering.get(instanceId)?.promisedBallot).toBe(id);
    if (!hasRoom) {
      waited++;
      expect(database.recovered()).toEqual(before);
      while (!(await isSettled(committing))) database.release();
    }
    await committing;
    const { records: found, state: foundState } = database.recovered();
    expect(Number.parseInt(found.get(instanceId)?.slice(0, 8) ?? '', 16)).toBe(id);
    expect(found.size).toBe(instanceId + id - 1);
    expect(foundState).toBe(id < 5 ? undefined : textOf(patternOf(140, id - (id % 5))));
  }
  expect(waited).toBeGreaterThan(30);
  database.release(true);
  await gathering.drain();
  expect(database.has.size).toBe(200 + 399);
  expect(database.recovered().records).toEqual(database.has);
  journal.close();
});

test('one transaction takes what many commits wrote', async () => {
  const database = new HeldDatabase(4_096);
  const { gathering, journal } = database;
  for (let id = 1; id <= 1_000; id++) {
    gathering.put(id, 1, 1, patternOf(100, id));
    await gathering.commit({ state: undefined, spans: undefined, trimInstanceId: 0 });
    if (database.isHolding) database.release();
  }
  expect(database.loads).toBeLessThan(50);
  database.release(true);
  await gathering.drain();
  expect(database.has.size).toBe(1_000);
  journal.close();
});

test('a database that fails ends what waits for it, and whatever comes', async () => {
  const database = new HeldDatabase(16);
  const { gathering, journal } = database;
  const commit = () => gathering.commit({ state: undefined, spans: undefined, trimInstanceId: 0 });
  gathering.put(1, 1, 1, patternOf(100_000, 1));
  const committing = commit();
  while (!database.isHolding) await Promise.resolve();
  database.fail(new Error('the disk is gone'));
  await expect(committing).rejects.toThrow('the disk is gone');
  expect(database.failure?.message).toContain('the disk is gone');
  await expect(gathering.drain()).rejects.toThrow('the disk is gone');
  expect(database.recovered().records.size).toBe(0);
  journal.close();
});

/** Whether a promise is settled after all that is ready now has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  await new Promise((next) => setImmediate(next));
  return settled;
}
