/**
 * ReplicaReads: reads that a replica was asked for, until it can answer them. None writes to the log.
 *
 *   local          → answered at once, from what is applied here
 *   linearizable   → end of the turn: one question for all of them, how far one has to have applied
 *                  → applied so far → answered
 *
 * Invariants: a read is answered from a state that holds everything whose result anybody had before the read was asked
 * for: the question is asked after all of the reads that it is for. What waits is bounded.
 */
import { Consistency, ReadStatus } from '../transport/messages.ts';

/** How many reads, and how many bytes of queries, wait at a time. */
export const MAX_WAITING_READS = 65_536;
export const MAX_WAITING_READ_BYTES = 64 * 1024 * 1024;

/** What a read came to. */
export interface ReadAnswer {
  /** one of ReadStatus */
  readonly status: number;
  /** the answer, or the message of what was thrown */
  readonly bytes: Uint8Array;
}

export interface ReplicaReadsOptions {
  /** calls once when everything is applied here that was chosen before now; gives what withdraws it */
  readonly whenCurrent: (done: () => void) => () => void;
  readonly answer: (query: Uint8Array) => ReadAnswer;
  /** asks for step() at the end of this turn */
  readonly wake: () => void;
}

/** A read, and who is told. */
interface WaitingRead {
  readonly query: Uint8Array;
  readonly done: (answer: ReadAnswer) => void;
}

/** Reads that were asked about together. */
interface Batch {
  readonly reads: readonly WaitingRead[];
  readonly withdraw: () => void;
}

/** Another replica, or this one later. */
export const UNAVAILABLE: ReadAnswer = { status: ReadStatus.unavailable, bytes: new Uint8Array(0) };

export class ReplicaReads {
  readonly #options: ReplicaReadsOptions;
  #asked: WaitingRead[] = [];
  readonly #batches = new Set<Batch>();
  #count = 0;
  #bytes = 0;
  #isClosed = false;

  constructor(options: ReplicaReadsOptions) {
    this.#options = options;
  }

  /** Reads; `done` is called once, at once if it can be. */
  read(query: Uint8Array, consistency: number, done: (answer: ReadAnswer) => void): void {
    const isFull = this.#count >= MAX_WAITING_READS || this.#bytes >= MAX_WAITING_READ_BYTES;
    if (this.#isClosed || isFull) done(UNAVAILABLE);
    else if (consistency === Consistency.local) done(this.#options.answer(query));
    else {
      this.#count++;
      this.#bytes += query.length;
      this.#asked.push({ query, done });
      this.#options.wake();
    }
  }

  /** Asks for what came in this turn. */
  step(): void {
    if (this.#asked.length === 0 || this.#isClosed) return;
    const reads = this.#asked;
    this.#asked = [];
    const withdraw = this.#options.whenCurrent(() => this.#end(batch, this.#options.answer));
    const batch: Batch = { reads, withdraw };
    this.#batches.add(batch);
  }

  close(): void {
    this.#isClosed = true;
    const asked: Batch = { reads: this.#asked, withdraw: () => undefined };
    this.#asked = [];
    for (const batch of [asked, ...this.#batches]) {
      batch.withdraw();
      this.#end(batch, () => UNAVAILABLE);
    }
  }

  #end(batch: Batch, answer: (query: Uint8Array) => ReadAnswer): void {
    this.#batches.delete(batch);
    this.#count -= batch.reads.length;
    for (const { query, done } of batch.reads) {
      this.#bytes -= query.length;
      done(answer(query));
    }
  }
}
