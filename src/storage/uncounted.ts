/**
 * Uncounted: has V8 look for garbage of which it does not know how large it is.
 *
 * lmdb's package writes what it is to do into shared memory, 64 kB after 64 kB. V8 frees such memory with the object that
 * stands for it, but counts it as nothing; so where these objects grow old, as they do under load, nothing has it look
 * for them: a storage under load grew by 47 bytes for each record, for as long as was tried. Memory that is asked for and
 * never touched costs nothing but address space, and V8 counts it: it begins to mark, beside the work, and finds the rest.
 */

/** What one write or deletion takes of such memory: 47 bytes were measured. */
const INSTRUCTION_BYTES = 48;
/** So much may be garbage at a time. */
const MAX_UNCOUNTED_BYTES = 32 * 1024 * 1024;
/** V8 begins to mark once it counts 64 MB more than after it did so last. */
const TOLD_BYTES = 80 * 1024 * 1024;

export class Uncounted {
  #bytes = 0;

  /** So many records were written or deleted. */
  note(records: number): void {
    this.#bytes += INSTRUCTION_BYTES * records;
    if (this.#bytes < MAX_UNCOUNTED_BYTES) return;
    this.#bytes = 0;
    try {
      void new ArrayBuffer(TOLD_BYTES);
    } catch (error) {
      // There is no room for it; then V8 has looked for garbage before it gave up.
      if (!(error instanceof RangeError)) throw error;
    }
  }
}
