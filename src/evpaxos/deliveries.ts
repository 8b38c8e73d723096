/**
 * Deliveries: the chosen sequence as an async iterator. Holds a bounded number of instances; while it is full the
 * learner stops handing on, and fetches later what it had to let pass.
 */

/** How many instances wait for a reader that is slow. */
export const MAX_WAITING_DELIVERIES = 4096;

/** A chosen value in its place. */
export interface Delivered {
  readonly instanceId: number;
  readonly value: Uint8Array;
}

export class Deliveries implements AsyncIterableIterator<Delivered> {
  readonly #roomAgain: () => void;
  #queue: Delivered[] = [];
  #head = 0;
  #waiting: { resolve: (result: IteratorResult<Delivered>) => void; reject: (error: unknown) => void }[] = [];
  #ended = false;
  #error: unknown;

  /** @param roomAgain called when a full queue has half its room again */
  constructor(roomAgain: () => void) {
    this.#roomAgain = roomAgain;
  }

  get wantsMore(): boolean {
    return this.#queue.length - this.#head < MAX_WAITING_DELIVERIES;
  }

  /** Copies the value. */
  push({ instanceId, value }: Delivered): void {
    const delivered = { instanceId, value: value.slice() };
    const reader = this.#waiting.shift();
    if (reader !== undefined) reader.resolve({ done: false, value: delivered });
    else this.#queue.push(delivered);
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
    const delivered = this.#queue[this.#head];
    if (delivered !== undefined) {
      this.#head++;
      if (this.#head >= MAX_WAITING_DELIVERIES / 2) {
        this.#queue = this.#queue.slice(this.#head);
        this.#head = 0;
        this.#roomAgain();
      } else if (this.#head === this.#queue.length) {
        this.#queue.length = 0;
        this.#head = 0;
        this.#roomAgain();
      }
      return Promise.resolve({ done: false, value: delivered });
    }
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<Delivered>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
