/**
 * LmdbReader: looks into an acceptor's data directory, whether its node runs or not. Beside lmdb-database.ts the only file
 * that knows lmdb.
 *
 *   open(directory) → state, as it is now      records(from, to) → each with its checksum compared
 *
 * It takes no lock and writes no data: lmdb lets other processes read while one writes, and all that a reader leaves is
 * its entry in lock.mdb, for as long as it reads. No read transaction outlives a piece, so a node that runs meanwhile
 * can use its pages again; what it writes meanwhile may be seen or not. What the journal had above the database when this
 * was opened lies over the database.
 *
 * Invariant: a damaged record is told as damaged, and ends nothing.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { PaxosError } from '../paxos/error.ts';
import type { AcceptorRecord } from '../paxos/storage.ts';
import { eachRecord } from './batch.ts';
import { DATABASE_FILE, type Marker, requireStorage } from './directory.ts';
import { asPaxosError, recordsLost } from './failure.ts';
import type { Frame } from './frame.ts';
import { missingFrames, readJournal } from './journal-file.ts';
import { readMark, stateOf } from './lmdb-database.ts';
import { lmdbDamage } from './lmdb-file.ts';
import { lockHolder } from './lock.ts';
import { isSameMark, MARK_KEY, type Mark } from './mark.ts';
import { decodeRecord, instanceIdOf, keyOf, type StoredState } from './record.ts';
import { STATE_KEY } from './state.ts';

/** What is read at a time. */
const PIECE_RECORDS = 256;
const PIECE_BYTES = 1_048_576;
/** How often to look again when the node that writes was faster. */
const MAX_LOOKS = 200;

type Database = RootDatabase<Uint8Array, Uint8Array>;

/** What stands under an instance's key; without a record: its checksum is wrong. */
export interface StoredRecord {
  readonly instanceId: number;
  readonly record: AcceptorRecord | undefined;
}

export class LmdbReader {
  readonly path: string;
  /** who has it open, as a person would say it; undefined: nobody */
  readonly holder: string | undefined;
  readonly state: StoredState;
  readonly #database: Database;
  readonly #journal: JournalView;
  /** the instances of the records in the journal, in order */
  readonly #journaled: readonly number[];

  private constructor(path: string, holder: string | undefined, database: Database, journal: JournalView) {
    this.path = path;
    this.holder = holder;
    this.#database = database;
    this.#journal = journal;
    this.#journaled = [...journal.records.keys()].sort((a, b) => a - b);
    this.state = stateOf(journal.state ?? database.getBinary(STATE_KEY), path);
  }

  /**
   * Opens a data directory to look at it.
   * @throws PaxosError STORAGE_FOREIGN if it holds no storage of ours that this version can read, STORAGE_CORRUPT if the
   * storage lost what it held, STORAGE_FAILED if it cannot be read
   */
  static async open(path: string): Promise<LmdbReader> {
    try {
      const marker = readableMarker(path);
      const holder = await lockHolder(path);
      const database: Database = open({
        path,
        noSubdir: false,
        readOnly: true,
        encoding: 'binary',
        keyEncoding: 'binary',
      });
      try {
        return new LmdbReader(path, holder, database, await viewJournal(path, marker, database));
      } catch (error) {
        await database.close();
        throw error;
      }
    } catch (error) {
      throw await asPaxosError(error, path);
    }
  }

  /** What the database and the journal take, in bytes. */
  get sizeBytes(): number {
    const stats: Record<string, unknown> = { ...this.#database.getStats() };
    return (
      (Number(stats['lastPageNumber'] ?? 0) + 1) * Number(stats['pageSize'] ?? 0) + this.#journal.sizeBytes
    );
  }

  /** The records of instances `from` to `to` in order, those that wait to be deleted left out. The values are copies. */
  *records(from: number, to: number): Generator<StoredRecord> {
    let next = Math.max(from, this.state.trimInstanceId + 1);
    while (next <= to) {
      const { records, end } = this.#piece(next, to);
      yield* records;
      next = end + 1;
    }
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  #piece(first: number, last: number): { readonly records: readonly StoredRecord[]; readonly end: number } {
    const records = new Map<number, StoredRecord>();
    let end = last;
    let bytes = 0;
    for (const { key, value } of this.#database.getRange({ start: keyOf(first), end: keyOf(last + 1) })) {
      const instanceId = instanceIdOf(key);
      records.set(instanceId, { instanceId, record: decodeRecord(key, value) });
      bytes += value.length;
      if (records.size < PIECE_RECORDS && bytes < PIECE_BYTES) continue;
      end = instanceId;
      break;
    }
    for (const instanceId of this.#journaled) {
      const content = this.#journal.records.get(instanceId);
      if (instanceId < first || instanceId > end || content === undefined) continue;
      records.set(instanceId, { instanceId, record: decodeRecord(keyOf(instanceId), content) });
    }
    return { records: [...records.values()].sort((a, b) => a.instanceId - b.instanceId), end };
  }
}

/** @throws PaxosError STORAGE_FOREIGN, STORAGE_CORRUPT */
function readableMarker(path: string): Marker {
  const marker = requireStorage(path);
  const file = join(path, DATABASE_FILE);
  const damage = existsSync(file) ? lmdbDamage(file) : `${DATABASE_FILE} is gone`;
  if (damage !== undefined) throw recordsLost(path, damage);
  return marker;
}

/** What the journal has and the database lacks. */
interface JournalView {
  readonly state: Uint8Array | undefined;
  /** as stored, by instance */
  readonly records: ReadonlyMap<number, Uint8Array>;
  readonly sizeBytes: number;
}

/**
 * Reads the journal beside a node that may be writing it. What was read is whole if the database's mark is the same before
 * and after: until then nothing above it is written over. A frame that is missing below a later one was written between,
 * unless it is missing again.
 */
async function viewJournal(path: string, marker: Marker, database: Database): Promise<JournalView> {
  let missing: number | undefined;
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const mark = freshMark(path, marker, database);
    if (mark === undefined) return { state: undefined, records: new Map(), sizeBytes: 0 };
    const bytes = readJournal(path, marker.identity, mark);
    const { frames, lost } = missingFrames(bytes, mark);
    const after = freshMark(path, marker, database);
    const isStill = after !== undefined && isSameMark(mark, after);
    if (isStill && lost === undefined) return viewFrames(frames, bytes.length);
    if (isStill && lost === missing) {
      throw recordsLost(path, `its journal is damaged (frame ${lost} is missing, and there are later ones)`);
    }
    missing = isStill ? lost : undefined;
    await new Promise((next) => setImmediate(next));
  }
  throw new PaxosError('STORAGE_FAILED', `${path} is written faster than it can be read; look again`);
}

/** The mark as it is now, not as of the read transaction of before. */
function freshMark(path: string, marker: Marker, database: Database): Mark | undefined {
  database.resetReadTxn();
  return readMark(database.getBinary(MARK_KEY), path, marker);
}

function viewFrames(frames: readonly Frame[], sizeBytes: number): JournalView {
  const held = new Map<number, Uint8Array>();
  for (const frame of frames) {
    eachRecord(frame.records, (key, record) => void held.set(instanceIdOf(key), record));
  }
  return { state: frames.findLast(({ state }) => state !== undefined)?.state, records: held, sizeBytes };
}
