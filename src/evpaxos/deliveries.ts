/**
 * Deliveries: the chosen sequence as an async iterator. Holds a bounded number of instances; while it is full the
 * learner stops handing on, and fetches later what it had to let pass.
 */

import { PaxosError } from '../paxos/error.ts';

/** How many instances, and how many bytes of values, wait for a reader that is slow. */
export const MAX_WAITING_DELIVERIES = 4096;
export const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** A chosen value in its place. */
export interface Delivered {
  readonly instanceId: number;
  readonly value: Uint8Array;
}

export class Deliveries implements AsyncIterableIterator<Delivered> {
  readonly #roomAgain: () => void;
  #queue: Delivered[] = [];
  #head = 0;
  #bytes = 0;
  #isFull = false;
  #waiting: { resolve: (result: IteratorResult<Delivered>) => void; reject: (error: unknown) => void }[] = [];
  #ended = false;
  #error: unknown;
  readonly #needsReader: boolean;
  #wasRead = false;
  #abandoned = false;

  /**
   * @param roomAgain called when a full queue has half its room again
   * @param needsReader true: waits for a reader, however long. false: a program that never reads is not waited for,
   * since the node has other work than to deliver; reading later fails
   */
  constructor(roomAgain: () => void, needsReader: boolean) {
    this.#roomAgain = roomAgain;
    this.#needsReader = needsReader;
  }

  get wantsMore(): boolean {
    return this.#ended || this.#abandoned || !this.#isFull;
  }

  /** Copies the value. */
  push({ instanceId, value }: Delivered): void {
    if (this.#ended || this.#abandoned) return;
    const delivered = { instanceId, value: value.slice() };
    const reader = this.#waiting.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: delivered });
      return;
    }
    this.#queue.push(delivered);
    this.#bytes += value.length;
    const count = this.#queue.length - this.#head;
    this.#isFull = count >= MAX_WAITING_DELIVERIES || this.#bytes >= MAX_WAITING_BYTES;
    if (!this.#isFull || this.#needsReader || this.#wasRead) return;
    this.#abandoned = true;
    this.#queue = [];
  }

  /** No more will come: readers end, or fail with `error`, after what is still queued. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const reader of this.#waiting) {
      if (error === undefined) reader.resolve({ done: true, value: undefined });
      else reader.reject(error);
    }
    this.#waiting = [];
  }

  next(): Promise<IteratorResult<Delivered>> {
    this.#wasRead = true;
    if (this.#abandoned) return Promise.reject(unreadError());
    const delivered = this.#queue[this.#head];
    if (delivered !== undefined) {
      this.#head++;
      this.#bytes -= delivered.value.length;
      if (this.#head >= MAX_WAITING_DELIVERIES / 2 || this.#head === this.#queue.length) {
        this.#queue = this.#queue.slice(this.#head);
        this.#head = 0;
      }
      this.#makeRoom();
      return Promise.resolve({ done: false, value: delivered });
    }
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Half of it is read: the learner may go on. */
  #makeRoom(): void {
    const count = this.#queue.length - this.#head;
    if (!this.#isFull || count > MAX_WAITING_DELIVERIES / 2 || this.#bytes > MAX_WAITING_BYTES / 2) return;
    this.#isFull = false;
    this.#roomAgain();
  }

  return(): Promise<IteratorResult<Delivered>> {
    this.end();
    this.#queue = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#roomAgain();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

function unreadError(): PaxosError {
  const text = `nobody read the first ${MAX_WAITING_DELIVERIES} instances: iterate right after start, or pass deliver`;
  return new PaxosError('QUEUE_FULL', text);
}
