/**
 * LmdbStorage: an acceptor's memory on disk. The only file that writes lmdb.
 *
 *   put, trim, … → the open batch → commit() → one transaction, in flight → on disk: its promise resolves
 *   get          → the open batch, the one in flight, the database; above the highest instance put: a miss at once
 *
 * One unnamed database: records under their instance id, the state under key 0, all with checksums (record.ts). The
 * state is part of every transaction that changes it, so a trim point is durable as a whole; the records below it are
 * deleted behind it, a few thousand to a transaction, and what a crash leaves over at the next open. Nothing at or below
 * the trim point is ever read.
 *
 * How lmdb is opened decides whether "resolved" means "on disk": without overlapping sync a transaction resolves after
 * fdatasync and the meta page; without event-turn batching a failed one rejects and does no more. After a failed sync
 * lmdb would take the next write as if nothing were, so the first failure ends the storage here.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import type { ValueFormat } from '../config/config.ts';
import { PaxosError } from '../paxos/error.ts';
import { invariant } from '../paxos/invariant.ts';
import type { AcceptorRecord, Storage, StorageIdentities } from '../paxos/storage.ts';
import { Batch } from './batch.ts';
import {
  DATABASE_FILE,
  finishStorage,
  inspectDirectory,
  type Marker,
  makeDirectory,
  prepareDirectory,
} from './directory.ts';
import { asPaxosError, recordDamaged, recordsLost } from './failure.ts';
import { DirectoryLock } from './lock.ts';
import {
  type AcceptedRecord,
  checkRecord,
  decodePromise,
  decodeRecord,
  decodeState,
  encodeState,
  instanceIdOf,
  keyOf,
  type StoredState,
  withId,
  writeKey,
} from './record.ts';
import { mustFit, type Sizes } from './room.ts';
import { OpenSpans, SPANS_KEY } from './spans.ts';
import { OpenState, STATE_KEY } from './state.ts';
import { Sweeper } from './sweeper.ts';
import { Uncounted } from './uncounted.ts';

/** Deletions behind the trim point in one transaction: some 3 ms of this thread. */
const SWEEP_RECORDS = 2_048;
/** What is read from the database at a time for `accepted`; no read transaction is held between. */
const PIECE_RECORDS = 256;
const PIECE_BYTES = 1_048_576;
/** The map grows by itself; a first size that the address space does not have would end the process. */
const MAX_FIRST_MAP_BYTES = 2 ** 40;

type Database = RootDatabase<Uint8Array, Uint8Array>;

export interface LmdbOptions {
  /** the data directory; made if it is absent */
  readonly path: string;
  readonly acceptorId: number;
  readonly clusterName: string;
  /** what its values are; raw unless told */
  readonly valueFormat?: ValueFormat;
  /** whether a commit waits until the data is on disk */
  readonly sync: boolean;
  /** the size of the map at first, in bytes; it grows by itself */
  readonly mapSizeBytes: number;
  /** the most bytes of records, as pages; undefined: what the disk takes */
  readonly maxBytes?: number | undefined;
  /** deletes what the storage held, if it is this acceptor's */
  readonly trash?: boolean;
}

/** An acceptor's memory in an LMDB database. */
export class LmdbStorage implements Storage {
  readonly durability: 'unsynced' | 'synced';
  /** The directory it lies in. */
  readonly path: string;
  /** 128 random bits in hex, drawn when the storage was made: tells it from a new one in its place. */
  readonly identity: string;

  readonly #database: Database;
  readonly #lock: DirectoryLock;
  readonly #maxBytes: number;
  readonly #state: OpenState;
  readonly spans: OpenSpans;
  #open = new Batch();
  #spare = new Batch();
  #flight: Batch | undefined;
  #committing: Promise<void> | undefined;
  readonly #sweeper = new Sweeper({
    deletePiece: (trimInstanceId) => this.#deletePiece(trimInstanceId),
    failed: (error) => this.#fail(error),
  });
  #closing: Promise<void> | undefined;
  /** the key of the read under way */
  readonly #key = keyOf(0);
  #highestPut: number;
  /** the last instance whose promise was looked up or written, so that a write after a look costs no second one */
  #lastAsked = 0;
  #lastPromised = 0;
  #ended: PaxosError | undefined;
  readonly #uncounted = new Uncounted();

  private constructor(options: LmdbOptions, database: Database, state: StoredState, lock: DirectoryLock) {
    this.durability = options.sync ? 'synced' : 'unsynced';
    this.path = options.path;
    this.identity = state.identity;
    this.#database = database;
    this.#lock = lock;
    this.#maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY;
    this.#state = new OpenState(state);
    this.spans = new OpenSpans(database.getBinary(SPANS_KEY));
    this.#highestPut = lastInstance(database);
    this.#sweeper.follow(state.trimInstanceId);
  }

  /**
   * Opens the storage in a directory, or makes one there. Throws PaxosError STORAGE_LOCKED if a living process has it,
   * STORAGE_FOREIGN if it is another acceptor's, cluster's, format's or program's (which is then left untouched),
   * STORAGE_CORRUPT if its records are lost or damaged, STORAGE_FAILED if it cannot be read or written.
   */
  static async open(options: LmdbOptions): Promise<LmdbStorage> {
    let lock: DirectoryLock | undefined;
    try {
      const owner = { ...options, valueFormat: options.valueFormat ?? 'raw' };
      inspectDirectory(options.path, owner, options.trash ?? false);
      makeDirectory(options.path);
      lock = await DirectoryLock.take(options.path);
      const marker = prepareDirectory(options.path, owner, options.trash ?? false);
      const { database, state } = await openDatabase(options, marker);
      return new LmdbStorage(options, database, state, lock);
    } catch (error) {
      await lock?.release();
      throw await asPaxosError(error, options.path);
    }
  }

  get identities(): StorageIdentities {
    return this.#state;
  }

  get trimInstanceId(): number {
    return this.#state.trimInstanceId;
  }

  get promiseFloor(): number {
    return this.#state.promiseFloor;
  }

  get highestAccepted(): number {
    return this.#state.highestAccepted;
  }

  get highestBallot(): number {
    return this.#state.highestBallot;
  }

  get sizeBytes(): number {
    this.#mustBeOpen();
    const { lastPageNumber, pageSize } = sizes(this.#database);
    return (lastPageNumber + 1) * pageSize;
  }

  promisedBallot(instanceId: number): number {
    this.#mustBeOpen();
    if (instanceId > this.#highestPut || instanceId <= this.#state.trimInstanceId) return 0;
    this.#lastPromised =
      this.#open.promisedBallot(instanceId) ??
      this.#flight?.promisedBallot(instanceId) ??
      this.#readPromise(instanceId);
    this.#lastAsked = instanceId;
    return this.#lastPromised;
  }

  get(instanceId: number): AcceptorRecord | undefined {
    this.#mustBeOpen();
    if (instanceId > this.#highestPut || instanceId <= this.#state.trimInstanceId) return undefined;
    return this.#open.get(instanceId) ?? this.#flight?.get(instanceId) ?? this.#read(instanceId);
  }

  *accepted(from: number, to: number): Generator<AcceptedRecord> {
    let next = Math.max(from, 1);
    for (;;) {
      this.#mustBeOpen();
      next = Math.max(next, this.#state.trimInstanceId + 1);
      const last = Math.min(to, this.#highestPut);
      if (next > last) return;
      const { records, end } = this.#piece(next, last);
      for (const record of records) if (record.acceptedBallot > 0) yield record;
      next = end + 1;
    }
  }

  put(instanceId: number, promisedBallot: number, acceptedBallot: number, value: Uint8Array): void {
    this.#mustBeOpen();
    checkRecord(instanceId, promisedBallot, acceptedBallot, value.length, this.#state.trimInstanceId);
    const before = instanceId === this.#lastAsked ? this.#lastPromised : this.promisedBallot(instanceId);
    invariant(promisedBallot >= before, 'a promised ballot never sinks');

    this.#open.put(instanceId, promisedBallot, acceptedBallot, value);
    this.#lastAsked = instanceId;
    this.#lastPromised = promisedBallot;
    if (instanceId > this.#highestPut) this.#highestPut = instanceId;
    this.#state.noteRecord(instanceId, promisedBallot, acceptedBallot);
  }

  setPromiseFloor(ballot: number): void {
    this.#mustBeOpen();
    this.#state.raiseFloor(ballot);
  }

  trim(instanceId: number): void {
    this.#mustBeOpen();
    this.#state.raiseTrim(instanceId);
  }

  commit(): Promise<void> | undefined {
    this.#mustBeOpen();
    invariant(this.#flight === undefined, 'one batch is in flight at a time');
    if (this.#open.size === 0 && !this.#state.changed && !this.spans.changed) return undefined;
    this.#committing = this.#write();
    return this.#committing;
  }

  /** Waits until what lies at or below the trim point on disk is deleted there, or the storage has ended. */
  swept(): Promise<void> {
    return this.#sweeper.settled();
  }

  close(): Promise<void> {
    this.#closing ??= this.#giveBack();
    return this.#closing;
  }

  async #giveBack(): Promise<void> {
    this.#ended = new PaxosError('CLOSED', `the storage in ${this.path} was closed`);
    await Promise.allSettled([this.#committing, this.#sweeper.stop()]);
    await this.#database.close();
    await this.#lock.release();
  }

  #mustBeOpen(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }

  async #write(): Promise<void> {
    const batch = this.#open;
    const trimInstanceId = this.#state.trimInstanceId;
    try {
      if (batch.size > 0) mustFit(this.path, batch.usedBytes, () => sizes(this.#database), this.#maxBytes);
      batch.seal();
      const state = this.#state.takeChanges();
      const spans = this.spans.takeChanges();
      this.#flight = batch;
      this.#open = this.#spare;
      await this.#database.batch(() => {
        if (state !== undefined) void this.#database.put(STATE_KEY, state);
        if (spans !== undefined) void this.#database.put(SPANS_KEY, spans);
        batch.forEach(trimInstanceId, (key, record) => void this.#database.put(key, record));
      });
    } catch (error) {
      throw await this.#fail(error);
    }
    this.#uncounted.note(batch.size);
    batch.clear();
    this.#spare = batch;
    this.#flight = undefined;
    this.#sweeper.follow(trimInstanceId);
  }

  /** A piece of the sweeper's work: the lowest records at or below the trim point, in one transaction. */
  async #deletePiece(trimInstanceId: number): Promise<boolean> {
    const range = { start: keyOf(1), end: keyOf(trimInstanceId + 1), limit: SWEEP_RECORDS };
    const keys = [...this.#database.getKeys(range)];
    if (keys.length === 0) return false;
    await this.#database.batch(() => {
      for (const key of keys) void this.#database.remove(key);
    });
    this.#uncounted.note(keys.length);
    return keys.length === SWEEP_RECORDS;
  }

  /** Ends the storage, and tells why: the first failure is what later calls throw. */
  async #fail(error: unknown): Promise<PaxosError> {
    const provisional = new PaxosError('STORAGE_FAILED', `${this.path} could not be written`);
    this.#ended ??= provisional;
    void this.#sweeper.stop();
    const failure = await asPaxosError(error, this.path);
    if (this.#ended === provisional) this.#ended = failure;
    return failure;
  }

  /** The ballot promised in the database; 0: no record. What lmdb lends is used before the next read. */
  #readPromise(instanceId: number): number {
    writeKey(this.#key, 0, instanceId);
    const lent = this.#database.getBinaryFast(this.#key);
    if (lent === undefined) return 0;
    const promisedBallot = decodePromise(this.#key, lent, lent.length);
    if (promisedBallot === undefined) throw recordDamaged(this.path, instanceId);
    return promisedBallot;
  }

  /** A record from the database, in a buffer of its own. */
  #read(instanceId: number): AcceptorRecord | undefined {
    writeKey(this.#key, 0, instanceId);
    const content = this.#database.getBinary(this.#key);
    return content === undefined ? undefined : this.#decode(instanceId, this.#key, content);
  }

  #decode(instanceId: number, key: Uint8Array, content: Uint8Array): AcceptorRecord {
    const record = decodeRecord(key, content);
    if (record !== undefined) return record;
    throw recordDamaged(this.path, instanceId);
  }

  /** The records from `first` on, in order, as many as are read at a time: all up to `end` are there. */
  #piece(first: number, last: number): { readonly records: readonly AcceptedRecord[]; readonly end: number } {
    const records = new Map<number, AcceptedRecord>();
    let end = last;
    let bytes = 0;
    for (const { key, value } of this.#database.getRange({ start: keyOf(first), end: keyOf(last + 1) })) {
      const instanceId = instanceIdOf(key);
      records.set(instanceId, withId(instanceId, this.#decode(instanceId, key, value)));
      bytes += value.length;
      if (records.size < PIECE_RECORDS && bytes < PIECE_BYTES) continue;
      end = instanceId;
      break;
    }
    for (const batch of [this.#flight, this.#open]) {
      for (const instanceId of batch?.instanceIds() ?? []) {
        const record = instanceId >= first && instanceId <= end ? batch?.get(instanceId) : undefined;
        if (record !== undefined) records.set(instanceId, withId(instanceId, record));
      }
    }
    return { records: [...records.values()].sort((a, b) => a.instanceId - b.instanceId), end };
  }
}

/** Opens the database of a marker, or makes it if the marker is new. */
async function openDatabase(
  { path, sync, mapSizeBytes }: LmdbOptions,
  marker: Marker,
): Promise<{ readonly database: Database; readonly state: StoredState }> {
  const isNew = !existsSync(join(path, DATABASE_FILE));
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
    if (!isNew) return { database, state: readState(database, path, marker) };
    const numbers = { trimInstanceId: 0, promiseFloor: 0, highestAccepted: 0, highestBallot: 0 };
    const state = { ...marker, ...numbers, known: new Map<number, number>() };
    await database.batch(() => void database.put(STATE_KEY, encodeState(STATE_KEY, state)));
    finishStorage(path);
    return { database, state };
  } catch (error) {
    await database.close();
    throw error;
  }
}

function readState(database: Database, path: string, marker: Marker): StoredState {
  const content = database.getBinary(STATE_KEY);
  if (content === undefined) throw recordsLost(path, 'its database is empty');
  const state = decodeState(STATE_KEY, content);
  if (state === undefined) throw recordsLost(path, "the checksum of its state doesn't match");
  if (state.identity !== marker.identity) {
    const what = `${path} mixes the files of two storages: ${marker.identity} and ${state.identity}`;
    throw new PaxosError('STORAGE_FOREIGN', `${what}; put back the files that belong together`);
  }
  return state;
}

/** The highest instance that has a record; 0: none. */
function lastInstance(database: Database): number {
  for (const key of database.getKeys({ reverse: true, limit: 1 })) return instanceIdOf(key);
  return 0;
}

/** lmdb's own figures: of the file, and of the pages in it that are in use. */
function sizes(database: Database): Sizes {
  const stats: Record<string, unknown> = { ...database.getStats() };
  const figure = (name: string): number => Number(stats[name] ?? 0);
  const usedPages = figure('treeBranchPageCount') + figure('treeLeafPageCount') + figure('overflowPages');
  return { lastPageNumber: figure('lastPageNumber'), pageSize: figure('pageSize'), usedPages };
}
