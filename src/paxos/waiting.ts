/**
 * Waiting values: first in, first out. A value that lost its instance goes back to where it stood, before all that were
 * handed in after it, so that what one submitter sent stays in its order as far as the protocol lets it. A ring that
 * grows; counts its bytes, so that its owner can push back.
 */

import type { StateWriter } from './state.ts';

/** A value on its way to be chosen. Its identity is the object: equal bytes are not the same value. */
export interface Submission {
  readonly value: Uint8Array;
}

/** What waits, seen by whoever takes what is proposed next. */
export interface Waiting<S> {
  /** what shift() takes next */
  readonly first: S | undefined;
  shift(): S | undefined;
}

/** Takes one submission that stands for one or several of those that wait; undefined: none waits. */
export type Join<S> = (waiting: Waiting<S>) => S | undefined;

const FIRST_SIZE = 64;

export class WaitingValues<S extends Submission> implements Waiting<S> {
  #ring: (S | undefined)[] = new Array<S | undefined>(FIRST_SIZE).fill(undefined);
  /** per ring slot, when its value was handed in: the first is 1 */
  #orders = new Float64Array(FIRST_SIZE);
  #head = 0;
  #count = 0;
  #bytes = 0;
  #lastOrder = 0;

  get count(): number {
    return this.#count;
  }

  /** The bytes of all values that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  get first(): S | undefined {
    return this.#ring[this.#head];
  }

  /** The order of the value that shift() takes next, for putBack(). */
  get firstOrder(): number {
    return this.#orders[this.#head] ?? 0;
  }

  /** Puts a value that is new here behind all others. */
  push(submission: S): void {
    this.#grow();
    const slot = (this.#head + this.#count) & (this.#ring.length - 1);
    this.#ring[slot] = submission;
    this.#orders[slot] = ++this.#lastOrder;
    this.#count++;
    this.#bytes += submission.value.length;
  }

  /** Puts a value back that had this order: before all that were handed in after it. */
  putBack(submission: S, order: number): void {
    this.#grow();
    const last = this.#ring.length - 1;
    this.#head = (this.#head - 1) & last;
    let slot = this.#head;
    for (let i = 0; i < this.#count; i++) {
      const next = (slot + 1) & last;
      const theirs = this.#orders[next] ?? 0;
      if (theirs > order) break;
      this.#ring[slot] = this.#ring[next];
      this.#orders[slot] = theirs;
      slot = next;
    }
    this.#ring[slot] = submission;
    this.#orders[slot] = order;
    this.#count++;
    this.#bytes += submission.value.length;
  }

  shift(): S | undefined {
    const submission = this.#ring[this.#head];
    if (this.#count === 0 || submission === undefined) return undefined;
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#count--;
    this.#bytes -= submission.value.length;
    return submission;
  }

  copy(): WaitingValues<S> {
    const copy = new WaitingValues<S>();
    copy.#ring = [...this.#ring];
    copy.#orders = this.#orders.slice();
    copy.#head = this.#head;
    copy.#count = this.#count;
    copy.#bytes = this.#bytes;
    copy.#lastOrder = this.#lastOrder;
    return copy;
  }

  writeState(to: StateWriter): void {
    to.number(this.#count);
    to.number(this.#lastOrder);
    for (let i = 0; i < this.#count; i++) {
      const slot = (this.#head + i) & (this.#ring.length - 1);
      to.number(this.#orders[slot] ?? 0);
      to.bytes(this.#ring[slot]?.value);
    }
  }

  #grow(): void {
    const size = this.#ring.length;
    if (this.#count < size) return;
    const ring = new Array<S | undefined>(size * 2).fill(undefined);
    const orders = new Float64Array(size * 2);
    for (let i = 0; i < size; i++) {
      const slot = (this.#head + i) & (size - 1);
      ring[i] = this.#ring[slot];
      orders[i] = this.#orders[slot] ?? 0;
    }
    this.#ring = ring;
    this.#orders = orders;
    this.#head = 0;
  }
}
