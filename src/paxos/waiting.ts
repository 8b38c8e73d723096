/**
 * Waiting values: first in, first out, and a value that lost its instance goes back to the front, so that what one
 * submitter sent stays in its order. A ring that grows; counts its bytes, so that its owner can push back.
 */

/** A value on its way to be chosen. Its identity is the object: equal bytes are not the same value. */
export interface Submission {
  readonly value: Uint8Array;
}

export class WaitingValues<S extends Submission> {
  #ring: (S | undefined)[] = new Array<S | undefined>(64).fill(undefined);
  #head = 0;
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  /** The bytes of all values that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  push(submission: S): void {
    this.#grow();
    this.#ring[(this.#head + this.#count) & (this.#ring.length - 1)] = submission;
    this.#count++;
    this.#bytes += submission.value.length;
  }

  /** Puts a value before all others. */
  unshift(submission: S): void {
    this.#grow();
    this.#head = (this.#head - 1) & (this.#ring.length - 1);
    this.#ring[this.#head] = submission;
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

  #grow(): void {
    if (this.#count < this.#ring.length) return;
    const grown = new Array<S | undefined>(this.#ring.length * 2).fill(undefined);
    for (let i = 0; i < this.#count; i++) grown[i] = this.#ring[(this.#head + i) & (this.#ring.length - 1)];
    this.#ring = grown;
    this.#head = 0;
  }
}
