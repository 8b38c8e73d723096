/**
 * The database of an open storage. The only file that writes lmdb.
 *
 *   openDatabase → what the journal has above the database's mark is written → state, and a mark to go on from
 *   storeLoad(load) → one transaction: records, state, spans and mark, or nothing of them
 *
 * How lmdb is opened decides whether "resolved" means "on disk": without overlapping sync a transaction resolves after
 * fdatasync and the meta page; without event-turn batching a failed one rejects and does no more. After a failed sync
 * lmdb would take the next write as if nothing were, so whoever sees a failure here has to end.
 *
 * Every opening draws a new salt, in the transaction that has the last of what the old one names: what lies in the journal
 * then, torn frames too, is no frame for ever after.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { PaxosError } from '../paxos/error.ts';
import { type Batch, eachRecord } from './batch.ts';
import { DATABASE_FILE, finishStorage, type Marker, raiseFormat } from './directory.ts';
import { recordsLost } from './failure.ts';
import { type Frame, SALT_BYTES } from './frame.ts';
import { FIRST_PAGE, makeJournal, missingFrames, readJournal } from './journal-file.ts';
import { decodeMark, encodeMark, MARK_KEY, type Mark } from './mark.ts';
import { decodeState, encodeState, FORMAT_VERSION, instanceIdOf, keyOf, type StoredState } from './record.ts';
import { mustFit, type Sizes } from './room.ts';
import { SPANS_KEY } from './spans.ts';
import { STATE_KEY } from './state.ts';

/** Deletions behind the trim point in one transaction: some 3 ms of this thread. */
const SWEEP_RECORDS = 2_048;
/** The map grows by itself; a first size that the address space does not have would end the process. */
const MAX_FIRST_MAP_BYTES = 2 ** 40;

export type Database = RootDatabase<Uint8Array, Uint8Array>;

export interface DatabaseOptions {
  readonly path: string;
  readonly sync: boolean;
  readonly mapSizeBytes: number;
  /** of a journal that is made; one that is there stays as large as it is */
  readonly journalBytes: number;
}

/** What goes to the database as one. */
export interface Load {
  /** finished */
  readonly batch: Batch;
  /** the trim point that belongs to it: no record at or below is needed */
  readonly trimInstanceId: number;
  /** undefined: as the database has it */
  readonly state: Uint8Array | undefined;
  readonly spans: Uint8Array | undefined;
  readonly mark: Mark;
}

export interface OpenedDatabase {
  readonly database: Database;
  readonly state: StoredState;
  /** durable; the journal's ring is free */
  readonly mark: Mark;
}

/** Opens the database of a marker with all that its journal has, or makes both if the marker is new. */
export async function openDatabase(options: DatabaseOptions, marker: Marker): Promise<OpenedDatabase> {
  const { path, sync, mapSizeBytes } = options;
  const isNew = !existsSync(join(path, DATABASE_FILE));
  // Before the database: it is what fails where the disk is full.
  const pages = isNew ? makeJournal(path, marker.identity, options.journalBytes) : undefined;
  const database: Database = open({
    path,
    noSubdir: false,
    encoding: 'binary',
    keyEncoding: 'binary',
    overlappingSync: false,
    eventTurnBatching: false,
    noSync: !sync,
    mapSize: Math.min(mapSizeBytes, MAX_FIRST_MAP_BYTES),
  });
  try {
    return pages === undefined
      ? await resume(database, options, marker)
      : await begin(database, path, marker, pages);
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function begin(
  database: Database,
  path: string,
  marker: Marker,
  pages: number,
): Promise<OpenedDatabase> {
  const numbers = { trimInstanceId: 0, promiseFloor: 0, highestAccepted: 0, highestBallot: 0 };
  const state = { ...marker, ...numbers, known: new Map<number, number>() };
  const mark = newMark(0, pages);
  await database.batch(() => {
    void database.put(STATE_KEY, encodeState(STATE_KEY, state));
    void database.put(MARK_KEY, encodeMark(mark));
  });
  finishStorage(path);
  return { database, state, mark };
}

/** Gives the database what it lacks, durably, before anybody reads it. */
async function resume(database: Database, options: DatabaseOptions, marker: Marker): Promise<OpenedDatabase> {
  const { path } = options;
  const found = readMark(database.getBinary(MARK_KEY), path, marker);
  const stored = stateOf(database.getBinary(STATE_KEY), path);
  if (stored.identity !== marker.identity) {
    const what = `${path} mixes the files of two storages: ${marker.identity} and ${stored.identity}`;
    throw new PaxosError('STORAGE_FOREIGN', `${what}; put back the files that belong together`);
  }
  const frames = found === undefined ? [] : wholeFrames(path, marker, found);
  const last = frames.findLast((frame) => frame.state !== undefined)?.state;
  const state = { ...(last === undefined ? stored : stateOf(last, path)), format: FORMAT_VERSION };
  const spans = frames.findLast((frame) => frame.spans !== undefined)?.spans;
  const pages = found?.pages ?? makeJournal(path, marker.identity, options.journalBytes);
  const mark = newMark((found?.applied ?? 0) + frames.length, pages);
  const recordBytes = frames.reduce((sum, { records }) => sum + records.length, 0);
  if (recordBytes > 0) mustFit(path, recordBytes, () => sizes(database), Number.POSITIVE_INFINITY);
  await database.batch(() => {
    void database.put(STATE_KEY, encodeState(STATE_KEY, state));
    if (spans !== undefined) void database.put(SPANS_KEY, spans);
    void database.put(MARK_KEY, encodeMark(mark));
    for (const { records } of frames) {
      eachRecord(records, (key, record) => {
        if (instanceIdOf(key) > state.trimInstanceId) void database.put(key, record);
      });
    }
  });
  if (marker.format !== FORMAT_VERSION) raiseFormat(path, marker);
  return { database, state, mark };
}

/** What a closed storage's database lacks. Throws PaxosError STORAGE_CORRUPT if part of it is lost. */
function wholeFrames(path: string, { identity }: Marker, mark: Mark): readonly Frame[] {
  const { frames, lost } = missingFrames(readJournal(path, identity, mark), mark);
  if (lost === undefined) return frames;
  throw recordsLost(path, `its journal is damaged (frame ${lost} is missing, and there are later ones)`);
}

function newMark(applied: number, pages: number): Mark {
  return { salt: randomBytes(SALT_BYTES), applied, page: FIRST_PAGE, pages };
}

/**
 * The mark as it is stored; undefined: the storage is of the version before, and never had a journal. Throws PaxosError
 * STORAGE_CORRUPT if it is damaged or gone.
 */
export function readMark(content: Uint8Array | undefined, path: string, marker: Marker): Mark | undefined {
  if (content === undefined && marker.format !== FORMAT_VERSION) return undefined;
  if (content === undefined) throw recordsLost(path, 'what it says of its journal is gone');
  const mark = decodeMark(content);
  if (mark === undefined)
    throw recordsLost(path, "the checksum of what it says of its journal doesn't match");
  return mark;
}

/** The state as it is stored. Throws PaxosError STORAGE_CORRUPT if it is damaged or gone. */
export function stateOf(content: Uint8Array | undefined, path: string): StoredState {
  if (content === undefined) throw recordsLost(path, 'its database is empty');
  const state = decodeState(STATE_KEY, content);
  if (state === undefined) throw recordsLost(path, "the checksum of its state doesn't match");
  return state;
}

/** Writes a load, all or nothing; durable when this resolves. One at a time. */
export async function storeLoad(database: Database, load: Load): Promise<void> {
  const { batch, trimInstanceId, state, spans, mark } = load;
  await database.batch(() => {
    if (state !== undefined) void database.put(STATE_KEY, state);
    if (spans !== undefined) void database.put(SPANS_KEY, spans);
    void database.put(MARK_KEY, encodeMark(mark));
    batch.forEach(trimInstanceId, (key, record) => void database.put(key, record));
  });
}

/** Deletes the lowest records at or below the trim point, in one transaction; how many, and whether there are more. */
export async function deletePiece(
  database: Database,
  trimInstanceId: number,
): Promise<{ readonly records: number; readonly isLast: boolean }> {
  const range = { start: keyOf(1), end: keyOf(trimInstanceId + 1), limit: SWEEP_RECORDS };
  const keys = [...database.getKeys(range)];
  if (keys.length > 0) {
    await database.batch(() => {
      for (const key of keys) void database.remove(key);
    });
  }
  return { records: keys.length, isLast: keys.length < SWEEP_RECORDS };
}

/** The highest instance that has a record; 0: none. */
export function lastInstance(database: Database): number {
  for (const key of database.getKeys({ reverse: true, limit: 1 })) return instanceIdOf(key);
  return 0;
}

/** lmdb's own figures: of the file, and of the pages in it that are in use. */
export function sizes(database: Database): Sizes {
  const stats: Record<string, unknown> = { ...database.getStats() };
  const figure = (name: string): number => Number(stats[name] ?? 0);
  const usedPages = figure('treeBranchPageCount') + figure('treeLeafPageCount') + figure('overflowPages');
  return { lastPageNumber: figure('lastPageNumber'), pageSize: figure('pageSize'), usedPages };
}
