/**
 * MemoryStorage: an acceptor's memory that ends with the process. Durable at once, since it claims nothing.
 *
 *   put → the record's page, or the sparse map     trim → whole pages are dropped, and their room with them
 *
 * Instances usually come densely, and live in pages. An instance alone in its thousand lives in a plain map, at some
 * 150 bytes: whoever prepares the instances 1, 1e9, 2e9, … pays for a record each, not for a page. A page is made when
 * 16 of its instances have come. The map is bounded; beyond the bound the storage is full.
 *
 * Nothing here depends on time or chance: the same calls give the same storage, and `copy` another that shares nothing.
 */
import { PaxosError } from '../paxos/error.ts';
import { invariant } from '../paxos/invariant.ts';
import type { AcceptorRecord, Storage } from '../paxos/storage.ts';
import { Arena } from './arena.ts';
import { PAGE_INSTANCES, Page } from './page.ts';
import { type AcceptedRecord, checkRecord, withId } from './record.ts';

const EMPTY = new Uint8Array(0);
/** A page is made when so many of its instances have a record. */
const DENSE_FROM = 16;
/** A page so far above the last one at most is one of those that follow. */
const NEAR_PAGES = 64;
/** The most records outside pages: about 600 MB. (A Map takes 16.7 million.) */
const MAX_SPARSE_RECORDS = 4_194_304;
/** What a record outside pages costs beside its value; measured, rounded. */
const SPARSE_RECORD_BYTES = 150;

export interface MemoryOptions {
  /** the most records outside pages before the storage is full */
  readonly maxSparseRecords?: number;
}

/** An acceptor's memory without a disk. An acceptor that restarts on it has forgotten what it promised. */
export class MemoryStorage implements Storage {
  readonly durability = 'memory';

  readonly #maxSparseRecords: number;
  readonly #arena = new Arena();
  /** the last page that has its room there */
  #lastInArena = -1;
  readonly #pages = new Map<number, Page>();
  /** records of instances whose page is not made yet; never changed, only replaced */
  readonly #sparse = new Map<number, AcceptorRecord>();
  /** by page number, how many of its instances are in #sparse */
  readonly #sparseCounts = new Map<number, number>();
  #hotNumber = -1;
  #hotPage: Page | undefined;
  #trimInstanceId = 0;
  #promiseFloor = 0;
  #highestAccepted = 0;
  #highestBallot = 0;
  #highestPut = 0;
  #ended: PaxosError | undefined;

  constructor(options: MemoryOptions = {}) {
    this.#maxSparseRecords = options.maxSparseRecords ?? MAX_SPARSE_RECORDS;
  }

  get trimInstanceId(): number {
    return this.#trimInstanceId;
  }

  get promiseFloor(): number {
    return this.#promiseFloor;
  }

  get highestAccepted(): number {
    return this.#highestAccepted;
  }

  get highestBallot(): number {
    return this.#highestBallot;
  }

  get sizeBytes(): number {
    let bytes = this.#sparse.size * SPARSE_RECORD_BYTES;
    for (const record of this.#sparse.values()) bytes += record.value.length;
    for (const page of this.#pages.values()) bytes += page.sizeBytes;
    return bytes;
  }

  promisedBallot(instanceId: number): number {
    this.#mustBeOpen();
    if (instanceId > this.#highestPut || instanceId <= this.#trimInstanceId) return 0;
    const page = this.#page(instanceId);
    if (page !== undefined) return page.promisedBallot(instanceId % PAGE_INSTANCES);
    return this.#sparse.get(instanceId)?.promisedBallot ?? 0;
  }

  get(instanceId: number): AcceptorRecord | undefined {
    this.#mustBeOpen();
    if (instanceId > this.#highestPut || instanceId <= this.#trimInstanceId) return undefined;
    const page = this.#page(instanceId);
    if (page !== undefined) return page.get(instanceId % PAGE_INSTANCES);
    return this.#sparse.get(instanceId);
  }

  *accepted(from: number, to: number): Generator<AcceptedRecord> {
    const first = Math.max(from, this.#trimInstanceId + 1);
    const last = Math.min(to, this.#highestPut);
    for (const number of this.#pageNumbers(pageNumber(first), pageNumber(last))) {
      const start = Math.max(first, number * PAGE_INSTANCES);
      const end = Math.min(last, number * PAGE_INSTANCES + PAGE_INSTANCES - 1);
      for (let instanceId = start; instanceId <= end; instanceId++) {
        const record = this.get(instanceId);
        if (record === undefined || record.acceptedBallot === 0) continue;
        yield withId(instanceId, record);
      }
    }
  }

  put(instanceId: number, promisedBallot: number, acceptedBallot: number, value: Uint8Array): void {
    checkRecord(instanceId, promisedBallot, acceptedBallot, value.length, this.#trimInstanceId);
    invariant(promisedBallot >= this.promisedBallot(instanceId), 'a promised ballot never sinks');

    const page = this.#page(instanceId) ?? this.#pageForOneMore(instanceId);
    if (page !== undefined) page.put(instanceId % PAGE_INSTANCES, promisedBallot, acceptedBallot, value);
    else this.#putSparse(instanceId, promisedBallot, acceptedBallot, value);

    if (instanceId > this.#highestPut) this.#highestPut = instanceId;
    if (promisedBallot > this.#highestBallot) this.#highestBallot = promisedBallot;
    if (acceptedBallot > 0 && instanceId > this.#highestAccepted) this.#highestAccepted = instanceId;
  }

  setPromiseFloor(ballot: number): void {
    this.#mustBeOpen();
    this.#promiseFloor = Math.max(this.#promiseFloor, ballot);
    this.#highestBallot = Math.max(this.#highestBallot, ballot);
  }

  trim(instanceId: number): void {
    this.#mustBeOpen();
    if (instanceId <= this.#trimInstanceId) return;
    const whole = pageNumber(instanceId + 1);
    for (const number of this.#pageNumbers(pageNumber(this.#trimInstanceId), whole - 1)) {
      this.#pages.get(number)?.giveUp();
      this.#pages.delete(number);
    }
    for (const sparseId of this.#sparse.keys()) if (sparseId <= instanceId) this.#dropSparse(sparseId);
    this.#trimInstanceId = instanceId;
    this.#hotNumber = -1;
    this.#hotPage = undefined;
  }

  commit(): undefined {
    this.#mustBeOpen();
    return undefined;
  }

  async close(): Promise<void> {
    this.#ended = new PaxosError('CLOSED', 'the storage was closed');
    for (const page of this.#pages.values()) page.giveUp();
    this.#pages.clear();
    this.#sparse.clear();
    this.#sparseCounts.clear();
    this.#hotPage = undefined;
    this.#hotNumber = -1;
  }

  /** Another storage with the same contents, sharing nothing that changes; for simulations and searches. */
  copy(): MemoryStorage {
    this.#mustBeOpen();
    const copy = new MemoryStorage({ maxSparseRecords: this.#maxSparseRecords });
    for (const [number, page] of this.#pages) copy.#pages.set(number, page.copy(copy.#arenaFor(number)));
    for (const [instanceId, record] of this.#sparse) copy.#sparse.set(instanceId, record);
    for (const [number, count] of this.#sparseCounts) copy.#sparseCounts.set(number, count);
    copy.#trimInstanceId = this.#trimInstanceId;
    copy.#promiseFloor = this.#promiseFloor;
    copy.#highestAccepted = this.#highestAccepted;
    copy.#highestBallot = this.#highestBallot;
    copy.#highestPut = this.#highestPut;
    return copy;
  }

  #mustBeOpen(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }

  #page(instanceId: number): Page | undefined {
    const number = pageNumber(instanceId);
    if (number === this.#hotNumber) return this.#hotPage;
    const page = this.#pages.get(number);
    if (page === undefined) return undefined;
    this.#hotNumber = number;
    this.#hotPage = page;
    return page;
  }

  /** The numbers of the pages from `first` to `last` that have records, in order; walks whichever is shorter. */
  #pageNumbers(first: number, last: number): Iterable<number> {
    if (last - first <= this.#pages.size + this.#sparseCounts.size) return range(first, last);
    const numbers = [...this.#pages.keys(), ...this.#sparseCounts.keys()];
    return numbers.filter((number) => number >= first && number <= last).sort((a, b) => a - b);
  }

  /** The page an instance now belongs to, made if this is its sixteenth; undefined: the instance is sparse. */
  #pageForOneMore(instanceId: number): Page | undefined {
    if (this.#sparse.has(instanceId)) return undefined;
    const number = pageNumber(instanceId);
    const count = (this.#sparseCounts.get(number) ?? 0) + 1;
    if (count >= DENSE_FROM) return this.#makePage(number);
    if (this.#sparse.size >= this.#maxSparseRecords) throw this.#full();
    this.#sparseCounts.set(number, count);
    return undefined;
  }

  #putSparse(instanceId: number, promisedBallot: number, acceptedBallot: number, value: Uint8Array): void {
    const kept = value.length === 0 ? EMPTY : new Uint8Array(value);
    this.#sparse.set(instanceId, { promisedBallot, acceptedBallot, value: kept });
  }

  #makePage(number: number): Page {
    const page = new Page(this.#arenaFor(number));
    const start = number * PAGE_INSTANCES;
    for (let slot = 0; slot < PAGE_INSTANCES; slot++) {
      const record = this.#sparse.get(start + slot);
      if (record === undefined) continue;
      page.put(slot, record.promisedBallot, record.acceptedBallot, record.value);
      this.#sparse.delete(start + slot);
    }
    this.#sparseCounts.delete(number);
    this.#pages.set(number, page);
    return page;
  }

  /** Pages that come one after another share memory, and free it together. One far ahead, for good perhaps, has its own. */
  #arenaFor(number: number): Arena {
    if (number > this.#lastInArena + NEAR_PAGES && this.#pages.has(this.#lastInArena)) return new Arena();
    this.#lastInArena = number;
    return this.#arena;
  }

  #dropSparse(instanceId: number): void {
    this.#sparse.delete(instanceId);
    const number = pageNumber(instanceId);
    const count = (this.#sparseCounts.get(number) ?? 0) - 1;
    if (count > 0) this.#sparseCounts.set(number, count);
    else this.#sparseCounts.delete(number);
  }

  #full(): PaxosError {
    this.#ended = new PaxosError(
      'STORAGE_FULL',
      `the memory storage holds ${this.#maxSparseRecords} scattered instances, its bound: some proposer prepares ` +
        'instances far apart; find it, and start this acceptor again',
    );
    return this.#ended;
  }
}

function pageNumber(instanceId: number): number {
  return Math.floor(instanceId / PAGE_INSTANCES);
}

function* range(first: number, last: number): Generator<number> {
  for (let number = first; number <= last; number++) yield number;
}
