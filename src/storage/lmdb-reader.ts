/**
 * LmdbReader: looks into an acceptor's data directory, whether its node runs or not. Beside lmdb.ts the only file that
 * knows lmdb.
 *
 *   open(directory) → state, as it is now      records(from, to) → each with its checksum compared
 *
 * It takes no lock and writes no data: lmdb lets other processes read while one writes, and all that a reader leaves is
 * its entry in lock.mdb, for as long as it reads. No read transaction outlives a piece, so a node that runs meanwhile
 * can use its pages again; what it writes meanwhile may be seen or not.
 *
 * Invariant: a damaged record is told as damaged, and ends nothing.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import type { AcceptorRecord } from '../paxos/storage.ts';
import { DATABASE_FILE, requireStorage } from './directory.ts';
import { asPaxosError, recordsLost } from './failure.ts';
import { lmdbDamage } from './lmdb-file.ts';
import { lockHolder } from './lock.ts';
import { decodeRecord, decodeState, instanceIdOf, keyOf, type StoredState } from './record.ts';
import { STATE_KEY } from './state.ts';

/** What is read at a time. */
const PIECE_RECORDS = 256;
const PIECE_BYTES = 1_048_576;

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
  readonly #database: RootDatabase<Uint8Array, Uint8Array>;

  private constructor(
    path: string,
    holder: string | undefined,
    database: RootDatabase<Uint8Array, Uint8Array>,
  ) {
    this.path = path;
    this.holder = holder;
    this.#database = database;
    this.state = stateOf(database, path);
  }

  /**
   * Opens a data directory to look at it.
   * @throws PaxosError STORAGE_FOREIGN if it holds no storage of ours that this version can read, STORAGE_CORRUPT if the
   * storage lost what it held, STORAGE_FAILED if it cannot be read
   */
  static async open(path: string): Promise<LmdbReader> {
    try {
      checkReadable(path);
      const holder = await lockHolder(path);
      const database: RootDatabase<Uint8Array, Uint8Array> = open({
        path,
        noSubdir: false,
        readOnly: true,
        encoding: 'binary',
        keyEncoding: 'binary',
      });
      try {
        return new LmdbReader(path, holder, database);
      } catch (error) {
        await database.close();
        throw error;
      }
    } catch (error) {
      throw await asPaxosError(error, path);
    }
  }

  /** What the database takes, in bytes. */
  get sizeBytes(): number {
    const stats: Record<string, unknown> = { ...this.#database.getStats() };
    return (Number(stats['lastPageNumber'] ?? 0) + 1) * Number(stats['pageSize'] ?? 0);
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
    const records: StoredRecord[] = [];
    let bytes = 0;
    for (const { key, value } of this.#database.getRange({ start: keyOf(first), end: keyOf(last + 1) })) {
      const instanceId = instanceIdOf(key);
      records.push({ instanceId, record: decodeRecord(key, value) });
      bytes += value.length;
      if (records.length >= PIECE_RECORDS || bytes >= PIECE_BYTES) return { records, end: instanceId };
    }
    return { records, end: last };
  }
}

/** @throws PaxosError STORAGE_FOREIGN, STORAGE_CORRUPT */
function checkReadable(path: string): void {
  requireStorage(path);
  const file = join(path, DATABASE_FILE);
  const damage = existsSync(file) ? lmdbDamage(file) : `${DATABASE_FILE} is gone`;
  if (damage !== undefined) throw recordsLost(path, damage);
}

function stateOf(database: RootDatabase<Uint8Array, Uint8Array>, path: string): StoredState {
  const content = database.getBinary(STATE_KEY);
  const state = content === undefined ? undefined : decodeState(STATE_KEY, content);
  if (state !== undefined) return state;
  throw recordsLost(path, content === undefined ? 'its database is empty' : 'its state is damaged');
}
