/**
 * ReplicaReads: reads that a replica was asked for, until it can answer them. None writes to the log.
 *
 *   local          → answered at once, from what is applied here
 *   linearizable   → end of the turn: one question for all of them, how far one has to have applied
 *                  → (known) applied so far → answered
 *
 * Invariants: a read is answered from a state that holds everything whose result anybody had before the read was asked
 * for: the question is asked after all of the reads that it is for. What waits is bounded.
 */
import type { PaxosError } from '../paxos/error.ts';
import { Consistency, ReadStatus } from '../transport/messages.ts';

/** How many reads wait at a time. */
export const MAX_WAITING_READS = 65_536;

/** What a read came to. */
export interface ReadAnswer {
  /** one of ReadStatus */
  readonly status: number;
  /** the answer, or the message of what was thrown */
  readonly bytes: Uint8Array;
}

export interface ReplicaReadsOptions {
  /** the first instance that need not be applied to read now */
  readonly readIndex: () => Promise<number>;
  /** the highest instance that is applied */
  readonly applied: () => number;
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
  /** undefined: not known yet */
  next: number | undefined;
}

const UNAVAILABLE: ReadAnswer = { status: ReadStatus.unavailable, bytes: new Uint8Array(0) };

export class ReplicaReads {
  readonly #options: ReplicaReadsOptions;
  #asked: WaitingRead[] = [];
  readonly #batches = new Set<Batch>();
  #count = 0;
  #isClosed = false;

  constructor(options: ReplicaReadsOptions) {
    this.#options = options;
  }

  /** How many wait. */
  get waitingCount(): number {
    return this.#count;
  }

  /** Reads; `done` is called once, at once if it can be. */
  read(query: Uint8Array, consistency: number, done: (answer: ReadAnswer) => void): void {
    if (this.#isClosed || this.#count >= MAX_WAITING_READS) done(UNAVAILABLE);
    else if (consistency === Consistency.local) done(this.#options.answer(query));
    else {
      this.#count++;
      this.#asked.push({ query, done });
      this.#options.wake();
    }
  }

  /** Asks for what came in this turn, and answers what can be answered. */
  step(): void {
    this.#answer();
    if (this.#asked.length === 0 || this.#isClosed) return;
    const batch: Batch = { reads: this.#asked, next: undefined };
    this.#asked = [];
    this.#batches.add(batch);
    this.#options.readIndex().then(
      (next) => {
        batch.next = next;
        this.#answer();
      },
      (_error: PaxosError) => this.#end(batch, () => UNAVAILABLE),
    );
  }

  close(): void {
    this.#isClosed = true;
    const asked = { reads: this.#asked, next: undefined };
    this.#asked = [];
    for (const batch of [asked, ...this.#batches]) this.#end(batch, () => UNAVAILABLE);
  }

  #answer(): void {
    if (this.#batches.size === 0) return;
    const { applied, answer } = this.#options;
    for (const batch of this.#batches) {
      if (batch.next === undefined || batch.next > applied() + 1) continue;
      this.#end(batch, answer);
    }
  }

  #end(batch: Batch, answer: (query: Uint8Array) => ReadAnswer): void {
    this.#batches.delete(batch);
    this.#count -= batch.reads.length;
    for (const { query, done } of batch.reads) done(answer(query));
  }
}
