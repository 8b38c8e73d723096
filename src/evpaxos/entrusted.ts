/**
 * Entrusted: the values of ours that one peer has, each under a token, until it says what became of it.
 */
import type { Value } from './values.ts';

/** How many values, and how many of their bytes, may be with one peer at a time. */
const MAX_FORWARDED = 16_384;
const MAX_FORWARDED_BYTES = 32 * 1024 * 1024;

export class Entrusted {
  readonly #values = new Map<number, Value>();
  #bytes = 0;
  #nextToken = 1;

  get count(): number {
    return this.#values.size;
  }

  get hasRoom(): boolean {
    return this.#values.size < MAX_FORWARDED && this.#bytes < MAX_FORWARDED_BYTES;
  }

  /** A token that was not given before. */
  token(): number {
    return this.#nextToken++;
  }

  keep(token: number, value: Value): void {
    this.#values.set(token, value);
    this.#bytes += value.value.length;
  }

  /** The value is not with the peer any more; undefined: there is none under this token. */
  take(token: number): Value | undefined {
    const value = this.#values.get(token);
    if (value === undefined) return undefined;
    this.#values.delete(token);
    this.#bytes -= value.value.length;
    return value;
  }

  /** All of them, in the order in which they were given. */
  all(): Iterable<Value> {
    return this.#values.values();
  }
}
