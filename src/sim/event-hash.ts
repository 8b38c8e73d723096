/**
 * EventHash: one number for all that was sent and delivered in a run, in order, with who, when and every byte. Two runs
 * with the same number were, for all that we care, the same. Not for secrets: FNV-1a, a word at a time.
 */
const PRIME = 0x01000193;

export class EventHash {
  #hash = 0x811c9dc5;
  readonly #number = new Float64Array(1);
  readonly #words = new Uint32Array(this.#number.buffer);

  get value(): number {
    return this.#hash >>> 0;
  }

  /** Something happened between two: when, or what, as a number, and its bytes. */
  write(from: string, to: string, number: number, bytes: Uint8Array): void {
    let hash = this.#hash;
    for (let i = 0; i < from.length; i++) hash = Math.imul(hash ^ from.charCodeAt(i), PRIME);
    for (let i = 0; i < to.length; i++) hash = Math.imul(hash ^ to.charCodeAt(i), PRIME);
    this.#number[0] = number;
    hash = Math.imul(hash ^ (this.#words[0] ?? 0), PRIME);
    hash = Math.imul(hash ^ (this.#words[1] ?? 0), PRIME);
    const { length } = bytes;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), PRIME);
    this.#hash = Math.imul(hash ^ length, PRIME);
  }
}
