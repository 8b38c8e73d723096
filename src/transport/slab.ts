/**
 * Slab: copies that stay for a while, many to a piece of memory. A piece of its own for each would cost more than the
 * copy: V8 asks for it, fills it with zeros, and looks for it again when it is garbage.
 *
 * What is copied is not written again. A copy that stays keeps its whole slab.
 */

/** Memory in which anything may stand: for who writes all of it. Filling it with zeros costs as much as the copy. */
export function unwritten(bytes: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
}

export class Slab {
  readonly #slabBytes: number;
  readonly #maxSharedBytes: number;
  #memory: Uint8Array = new Uint8Array(0);
  /** what is behind it: to ask for it each time costs as much as the copy */
  #buffer: ArrayBufferLike = this.#memory.buffer;
  #used = 0;

  /** @param maxSharedBytes what is longer has memory of its own; at most a fourth of `slabBytes` */
  constructor(slabBytes: number, maxSharedBytes: number) {
    this.#slabBytes = slabBytes;
    this.#maxSharedBytes = maxSharedBytes;
  }

  /** Hot. */
  copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (length > this.#maxSharedBytes) {
      const own = unwritten(length);
      own.set(bytes);
      return own;
    }
    if (this.#used + length > this.#memory.length) {
      this.#memory = unwritten(this.#slabBytes);
      this.#buffer = this.#memory.buffer;
      this.#used = 0;
    }
    const start = this.#used;
    this.#memory.set(bytes, start);
    this.#used += length;
    return new Uint8Array(this.#buffer, start, length);
  }
}
