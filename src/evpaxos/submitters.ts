/**
 * Submitters: who handed in a value of this process and waits until it is chosen, or first until there is room for it.
 *
 *   submit(value) → no room: waits in a line, in order → handed in → chosen: the promise resolves
 *
 * Where the queue is full the line opens again when it is half empty, as it does for clients that were held back: so
 * neither keeps the other out. Invariant: nothing that was taken is dropped in silence, and the line is bounded.
 */
import { PaxosError } from '../paxos/error.ts';
import type { Turn } from './turn.ts';
import type { ValueRouter } from './values.ts';

/** So many submitters wait for room at most; and no more bytes of values with them than `max-waiting`. */
export const MAX_WAITING_SUBMITTERS = 16_384;

/** Where values go. */
type Values = Pick<ValueRouter, 'submit' | 'fault' | 'isFull' | 'isHalfEmpty'>;

export interface SubmittersOptions {
  readonly values: () => Values | undefined;
  readonly turn: Pick<Turn, 'addStep' | 'schedule'>;
  readonly maxWaitingBytes: number;
}

interface Waiting {
  readonly value: Uint8Array;
  readonly handIn: () => void;
}

export class Submitters {
  readonly #options: SubmittersOptions;
  /** in the order in which they came */
  readonly #line = new Set<Waiting>();
  #lineBytes = 0;
  #isOpen = true;
  readonly #pending = new Set<(error: PaxosError) => void>();
  #closed: PaxosError | undefined;

  /** Make it behind whatever takes values out of the queue: its step looks whether there is room by then. */
  constructor(options: SubmittersOptions) {
    this.#options = options;
    options.turn.addStep(() => this.#admit());
  }

  /** How many wait for room. */
  get waitingCount(): number {
    return this.#line.size;
  }

  /** Gets a value chosen, and resolves when it is. The bytes may be used again at once. */
  submit(value: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      let waiting: Waiting | undefined;
      const settle = () => {
        this.#pending.delete(fail);
        if (waiting !== undefined) this.#leave(waiting);
        signal?.removeEventListener('abort', abort);
      };
      const fail = (error: unknown) => {
        settle();
        reject(error);
      };
      const abort = () => fail(aborted(waiting !== undefined && this.#line.has(waiting)));
      const chosen = () => {
        settle();
        resolve();
      };
      if (this.#closed !== undefined) return fail(this.#closed);
      if (signal?.aborted === true) return fail(aborted(true));
      try {
        waiting = this.#take(value, chosen, fail);
      } catch (error) {
        return fail(error);
      }
      this.#pending.add(fail);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Nobody will know any more what becomes of what was handed in. */
  close(error: PaxosError): void {
    this.#closed = error;
    for (const fail of [...this.#pending]) fail(error);
  }

  /** Hands a value in, or puts it into the line. */
  #take(value: Uint8Array, chosen: () => void, failed: (error: unknown) => void): Waiting | undefined {
    const values = this.#options.values();
    const hasToWait = this.#line.size > 0 || values?.isFull === true;
    if (!hasToWait) {
      values?.submit(value, chosen);
      return undefined;
    }
    const fault = values?.fault(value) ?? this.#lineFault(value);
    if (fault !== undefined) throw fault;
    const own = new Uint8Array(value);
    const handIn = () => {
      try {
        values?.submit(own, chosen);
      } catch (error) {
        failed(error);
      }
    };
    const waiting = { value: own, handIn };
    this.#line.add(waiting);
    this.#lineBytes += own.length;
    this.#isOpen = false;
    this.#options.turn.schedule();
    return waiting;
  }

  #lineFault(value: Uint8Array): PaxosError | undefined {
    const isLong = this.#line.size >= MAX_WAITING_SUBMITTERS;
    const isHeavy = this.#line.size > 0 && this.#lineBytes + value.length > this.#options.maxWaitingBytes;
    if (!isLong && !isHeavy) return undefined;
    const reason = 'too many values wait to be proposed, and too many submitters for room';
    return new PaxosError('QUEUE_FULL', `${reason}; submit fewer at a time, each when one before is chosen`);
  }

  #leave(waiting: Waiting): void {
    if (this.#line.delete(waiting)) this.#lineBytes -= waiting.value.length;
  }

  /** Hands in what waits while there is room; true if something was. */
  #admit(): boolean {
    if (this.#line.size === 0) return false;
    const values = this.#options.values();
    this.#isOpen ||= values?.isHalfEmpty === true;
    if (!this.#isOpen) return false;
    for (const waiting of this.#line) {
      if (values?.isFull === true) {
        this.#isOpen = false;
        break;
      }
      this.#leave(waiting);
      waiting.handIn();
    }
    return true;
  }
}

function aborted(wasNotHandedIn: boolean): PaxosError {
  const fate = wasNotHandedIn ? 'was not handed in' : 'may still be chosen';
  return new PaxosError('ABORTED', `the wait was aborted; the value ${fate}`);
}
