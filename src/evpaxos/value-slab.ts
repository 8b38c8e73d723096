/**
 * ValueSlab: copies of short values, many to a piece of memory. A piece of its own for each value costs more than the
 * copy: 6 % of all that three replicas do for values of 96 bytes.
 *
 * A value that stays keeps its whole slab: sixteen times its own size at most for the longest that are put here, and
 * never more than one slab.
 */

const SLAB_BYTES = 8192;
const MAX_SHARED_BYTES = 512;

export class ValueSlab {
  #slab = new Uint8Array(SLAB_BYTES);
  #used = 0;

  /** A copy, which is not written again. Hot. */
  copy(value: Uint8Array): Uint8Array {
    const { length } = value;
    if (length > MAX_SHARED_BYTES) return value.slice();
    if (this.#used + length > SLAB_BYTES) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    this.#slab.set(value, start);
    this.#used += length;
    return new Uint8Array(this.#slab.buffer, start, length);
  }
}
