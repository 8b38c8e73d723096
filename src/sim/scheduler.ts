/**
 * Scheduler: virtual time. What is to happen waits in a heap, ordered by time and then by who asked first, so that the
 * same requests give the same run.
 *
 * Time is in milliseconds, with fractions. Nothing here sleeps: a simulated hour takes as long as its events.
 */

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly call: () => void;
  cancelled: boolean;
}

/** Something that will happen; `cancel` may be called at any time. */
export interface Scheduled {
  cancel(): void;
}

export class Scheduler {
  #now = 0;
  #order = 0;
  #executed = 0;
  /** a binary heap: the earliest entry is first */
  readonly #heap: Entry[] = [];

  /** Virtual time, ms. */
  get now(): number {
    return this.#now;
  }

  /** How many events have happened. */
  get executed(): number {
    return this.#executed;
  }

  /** Lets `call` happen `delayMs` from now; at once means after all that was asked for this instant before. */
  after(delayMs: number, call: () => void): Scheduled {
    return this.at(this.#now + Math.max(0, delayMs), call);
  }

  /** Lets `call` happen at a time that is not over: after all that was asked for that instant before. */
  at(timeMs: number, call: () => void): Scheduled {
    const entry = { at: timeMs, order: this.#order++, call, cancelled: false };
    this.#push(entry);
    return {
      cancel: () => {
        entry.cancelled = true;
      },
    };
  }

  /** Lets the next event happen; false if there is none at or before `until`, and time is `until` then. */
  step(until: number): boolean {
    for (let next = this.#heap[0]; next !== undefined && next.at <= until; next = this.#heap[0]) {
      this.#pop();
      if (next.cancelled) continue;
      this.#now = next.at;
      this.#executed++;
      next.call();
      return true;
    }
    this.#now = Math.max(this.#now, until);
    return false;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(entry, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const right = heap[child + 1];
      const left = heap[child];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) child++;
      const least = heap[child];
      if (least === undefined || !isBefore(least, last)) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(left: Entry, right: Entry): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order);
}
