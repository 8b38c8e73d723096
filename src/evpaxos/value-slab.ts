/**
 * ValueSlab: keeps values for longer than what they came in. Short ones are copied, many to a piece of memory: a piece of
 * its own for each costs more than the copy, 6 % of all that three replicas do for values of 96 bytes.
 *
 * A value that stays keeps its whole slab: sixteen times its own size at most for the longest that are put here, and
 * never more than one slab.
 */

const SLAB_BYTES = 8192;
const MAX_SHARED_BYTES = 512;

export class ValueSlab {
  #slab = new Uint8Array(SLAB_BYTES);
  #used = 0;

  /** A copy, or the view itself where it keeps no more alive than a copy would; not written again. Hot. */
  keep(value: Uint8Array): Uint8Array {
    const { length } = value;
    if (value.buffer.byteLength <= Math.max(SLAB_BYTES, 2 * length)) return value;
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
