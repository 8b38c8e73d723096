/**
 * LmdbStorage: an acceptor's memory on disk: a journal, which makes a commit durable, and an lmdb database behind it.
 *
 *   put, trim, … → commit() → a frame in the journal: its promise resolves … → one transaction for many commits
 *   get          → what the database lacks, the database; above the highest instance put: a miss at once
 *
 * One unnamed database: records under their instance id, the state under key 0, all with checksums (record.ts). The
 * state is part of every commit that changes it, so a trim point is durable as a whole; the records below it are deleted
 * in the database once that has the trim point, a few thousand to a transaction, and what a crash leaves over at the next
 * open. Nothing at or below the trim point is ever read.
 *
 * The first failure, of the journal or the database, with a commit waiting or not, ends the storage: nobody can know any
 * more what is on disk.
 */
import type { ValueFormat } from '../config/config.ts';
import { PaxosError } from '../paxos/error.ts';
import { invariant } from '../paxos/invariant.ts';
import type { AcceptorRecord, Storage, StorageIdentities } from '../paxos/storage.ts';
import { inspectDirectory, makeDirectory, prepareDirectory } from './directory.ts';
import { asPaxosError, recordDamaged } from './failure.ts';
import { Gathering } from './gathering.ts';
import { Journal } from './journal.ts';
import { DEFAULT_JOURNAL_BYTES } from './journal-file.ts';
import {
  type Database,
  deletePiece,
  lastInstance,
  type OpenedDatabase,
  openDatabase,
  sizes,
  storeLoad,
} from './lmdb-database.ts';
import { DirectoryLock } from './lock.ts';
import {
  type AcceptedRecord,
  checkRecord,
  decodePromise,
  decodeRecord,
  instanceIdOf,
  keyOf,
  withId,
  writeKey,
} from './record.ts';
import { mustFit } from './room.ts';
import { OpenSpans, SPANS_KEY } from './spans.ts';
import { OpenState } from './state.ts';
import { Sweeper } from './sweeper.ts';
import { Uncounted } from './uncounted.ts';

/** What is read from the database at a time for `accepted`; no read transaction is held between. */
const PIECE_RECORDS = 256;
const PIECE_BYTES = 1_048_576;

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
  /** the size of the journal, if it is made; 16 MB unless told */
  readonly journalBytes?: number;
  /** deletes what the storage held, if it is this acceptor's */
  readonly trash?: boolean;
}

/** An acceptor's memory in an LMDB database, behind a journal. */
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
  readonly #journal: Journal;
  readonly #gathering: Gathering;
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

  private constructor(options: LmdbOptions, { database, state, mark }: OpenedDatabase, lock: DirectoryLock) {
    this.durability = options.sync ? 'synced' : 'unsynced';
    this.path = options.path;
    this.identity = state.identity;
    this.#database = database;
    this.#lock = lock;
    this.#maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY;
    this.#journal = new Journal(options.path, mark, options.sync);
    this.#gathering = new Gathering(this.#journal, {
      store: (load) => storeLoad(database, load),
      stored: ({ batch, trimInstanceId }) => {
        this.#uncounted.note(batch.size);
        this.#sweeper.follow(trimInstanceId);
      },
      failed: (error) => this.#fail(error),
    });
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
    let opened: OpenedDatabase | undefined;
    try {
      const owner = { ...options, valueFormat: options.valueFormat ?? 'raw' };
      inspectDirectory(options.path, owner, options.trash ?? false);
      makeDirectory(options.path);
      lock = await DirectoryLock.take(options.path);
      const marker = prepareDirectory(options.path, owner, options.trash ?? false);
      const journalBytes = options.journalBytes ?? DEFAULT_JOURNAL_BYTES;
      opened = await openDatabase({ ...options, journalBytes }, marker);
      return new LmdbStorage(options, opened, lock);
    } catch (error) {
      await opened?.database.close();
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
    return (lastPageNumber + 1) * pageSize + this.#journal.sizeBytes;
  }

  promisedBallot(instanceId: number): number {
    this.#mustBeOpen();
    if (instanceId > this.#highestPut || instanceId <= this.#state.trimInstanceId) return 0;
    this.#lastPromised = this.#gathering.promisedBallot(instanceId) ?? this.#readPromise(instanceId);
    this.#lastAsked = instanceId;
    return this.#lastPromised;
  }

  get(instanceId: number): AcceptorRecord | undefined {
    this.#mustBeOpen();
    if (instanceId > this.#highestPut || instanceId <= this.#state.trimInstanceId) return undefined;
    return this.#gathering.get(instanceId) ?? this.#read(instanceId);
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

    this.#gathering.put(instanceId, promisedBallot, acceptedBallot, value);
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
    if (!this.#gathering.hasUncommitted && !this.#state.changed && !this.spans.changed) return undefined;
    this.#committing = this.#write();
    return this.#committing;
  }

  /** Waits until what lies at or below the trim point on disk is deleted there, or the storage has ended. */
  async swept(): Promise<void> {
    await this.#gathering.flush();
    await this.#sweeper.settled();
  }

  close(): Promise<void> {
    this.#closing ??= this.#giveBack();
    return this.#closing;
  }

  async #giveBack(): Promise<void> {
    const hasFailed = this.#ended !== undefined;
    this.#ended ??= new PaxosError('CLOSED', `the storage in ${this.path} was closed`);
    await Promise.allSettled([this.#committing]);
    try {
      await this.#gathering.drain();
    } catch (error) {
      // What failed before was told; and what was committed is durable in the journal.
      if (!hasFailed) throw error;
    } finally {
      await this.#sweeper.stop();
      this.#journal.close();
      await this.#database.close();
      await this.#lock.release();
    }
  }

  #mustBeOpen(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }

  async #write(): Promise<void> {
    try {
      if (this.#gathering.hasUncommitted) {
        mustFit(this.path, this.#gathering.waitingBytes, () => sizes(this.#database), this.#maxBytes);
      }
      await this.#gathering.commit({
        state: this.#state.takeChanges(),
        spans: this.spans.takeChanges(),
        trimInstanceId: this.#state.trimInstanceId,
      });
    } catch (error) {
      throw await this.#fail(error);
    }
  }

  /** A piece of the sweeper's work; false: it was the last. */
  async #deletePiece(trimInstanceId: number): Promise<boolean> {
    const { records, isLast } = await deletePiece(this.#database, trimInstanceId);
    this.#uncounted.note(records);
    return !isLast;
  }

  /** Ends the storage, and tells why: the first failure is what later calls throw. */
  async #fail(error: unknown): Promise<PaxosError> {
    const provisional = new PaxosError('STORAGE_FAILED', `${this.path} could not be written`);
    this.#ended ??= provisional;
    void this.#sweeper.stop();
    this.#gathering.stop();
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
    for (const batch of this.#gathering.batches()) {
      for (const instanceId of batch.instanceIds()) {
        const record = instanceId >= first && instanceId <= end ? batch.get(instanceId) : undefined;
        if (record !== undefined) records.set(instanceId, withId(instanceId, record));
      }
    }
    return { records: [...records.values()].sort((a, b) => a.instanceId - b.instanceId), end };
  }
}
