/**
 * ValueSlab: keeps values for longer than what they came in. Where what comes in is mostly values that are kept, they stay
 * where they are. Elsewhere short ones are copied, many to a piece of memory, since a piece of its own for each costs more
 * than the copy: 6 % of all that three replicas do for values of 96 bytes.
 *
 * So what is kept keeps alive four times its own size at most, on the whole, and 2 MB where what comes in changes; of what
 * is copied a short value that stays keeps its whole slab of 8 KB.
 */

import { Slab } from '../transport/slab.ts';

const SLAB_BYTES = 8192;
const MAX_SHARED_BYTES = 512;
/** Of what comes in, a fourth has to be kept. */
const SHARE = 4;
const ALLOWANCE_BYTES = 256 * 1024;
/** What came before the last so many bytes counts half, and so on. */
const MEMORY_BYTES = 1024 * 1024;

export class ValueSlab {
  readonly #slab = new Slab(SLAB_BYTES, MAX_SHARED_BYTES);
  /** what the last value came in, and whether values stay there */
  #source: ArrayBufferLike | undefined;
  /** the one before: a message that came in two reads is put together elsewhere, and the next one lies here again */
  #previous: ArrayBufferLike | undefined;
  #stay = false;
  /** how much came in that values were in, and how much of it they were */
  #sourceBytes = 0;
  #valueBytes = 0;

  /** A copy, or the view itself; either is not written again. Hot. */
  keep(value: Uint8Array): Uint8Array {
    const { length, buffer } = value;
    if (buffer !== this.#source) this.#begin(buffer);
    this.#valueBytes += length;
    return this.#stay ? value : this.#slab.copy(value);
  }

  /** A copy, of what its owner may write again. Hot. */
  copy(value: Uint8Array): Uint8Array {
    return this.#slab.copy(value);
  }

  #begin(source: ArrayBufferLike): void {
    if (source !== this.#previous) this.#sourceBytes += source.byteLength;
    this.#previous = this.#source;
    this.#source = source;
    this.#stay = this.#sourceBytes <= SHARE * this.#valueBytes + ALLOWANCE_BYTES;
    if (this.#sourceBytes < MEMORY_BYTES) return;
    this.#sourceBytes /= 2;
    this.#valueBytes /= 2;
  }
}
