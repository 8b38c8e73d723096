/**
 * Batch: with value-format commands a value is a concatenation of items, so what waits is proposed together by putting
 * it one behind the other. In front goes a CLOCK: the wall time and the chance that the commands in it are given, the
 * same on every replica.
 *
 *   fragments that wait, in order → CLOCK, fragment, fragment, … → one instance → every fragment's giver is told
 *
 * It knows of items only that one, and waits for nothing: a fragment that finds a free instance goes alone.
 *
 * Invariants: what was joined keeps its bytes for as long as it is with an instance; what is joined anew, after its
 * instance was lost, is another value with the same fragments. No fragment is in two values at a time.
 */
import { invariant } from '../paxos/invariant.ts';
import type { Waiting } from '../paxos/waiting.ts';
import { unwritten } from '../transport/slab.ts';
import type { Clock, Random } from '../transport/transport.ts';
import type { Value } from './values.ts';

/** So many bytes of fragments share an instance; a larger one has its own. */
export const MAX_BATCH_BYTES = 16 * 1024;

/** The kind of the item, its first byte. What follows are two varints: milliseconds since 1970, and 32 random bits. */
export const CLOCK_ITEM = 1;
/** The most bytes of a CLOCK: its kind, 53 bits and 32 bits in sevens. */
export const MAX_CLOCK_BYTES = 1 + 8 + 5;

const MAX_VARINT = Number.MAX_SAFE_INTEGER;

/** The CLOCK item. */
export function encodeClock(wallMs: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(MAX_CLOCK_BYTES);
  bytes[0] = CLOCK_ITEM;
  const end = writeVarint(bytes, writeVarint(bytes, 1, wallMs), seed);
  return bytes.subarray(0, end);
}

/** Takes what is proposed next out of what waits. */
export class Batches {
  readonly #clock: Pick<Clock, 'wallMicros'>;
  readonly #random: Random;
  readonly #maxBytes: number;

  /** @param maxValueBytes a value that is joined has no more */
  constructor(clock: Pick<Clock, 'wallMicros'>, random: Random, maxValueBytes = Number.POSITIVE_INFINITY) {
    this.#clock = clock;
    this.#random = random;
    this.#maxBytes = Math.min(MAX_BATCH_BYTES, maxValueBytes - MAX_CLOCK_BYTES);
  }

  /** As much as fits of what waits, in its order, as one value; undefined: nothing waits. */
  join(waiting: Waiting<Value>): Value | undefined {
    const first = waiting.shift();
    if (first === undefined) return undefined;
    const parts = [...partsOf(first)];
    let bytes = bytesOf(parts);
    for (let next = waiting.first; next !== undefined; next = waiting.first) {
      const more = partsOf(next);
      const moreBytes = bytesOf(more);
      if (bytes + moreBytes > this.#maxBytes) break;
      waiting.shift();
      for (const part of more) parts.push(part);
      bytes += moreBytes;
    }
    return this.#concatenate(parts, bytes);
  }

  #concatenate(parts: readonly Value[], bytes: number): Value {
    const clock = this.#clockFor(parts);
    const value = unwritten(clock.length + bytes);
    value.set(clock);
    let at = clock.length;
    for (const part of parts) {
      value.set(part.value, at);
      at += part.value.length;
    }
    invariant(at === value.length, 'a batch is its clock and its fragments');
    const hops = Math.max(...parts.map((part) => part.hops));
    return { value, parts, hops, giver: undefined, token: 0, chosen: undefined };
  }

  /** One that another leader joined has its own clock, which will do: with one more it might be too large. */
  #clockFor([first]: readonly Value[]): Uint8Array {
    if (first?.value[0] === CLOCK_ITEM) return new Uint8Array(0);
    const wallMs = Math.max(0, Math.floor(this.#clock.wallMicros() / 1000));
    return encodeClock(wallMs, Math.floor(this.#random.next() * 2 ** 32));
  }
}

/** The fragments of a value that was joined here; itself, if it was not. */
function partsOf(value: Value): readonly Value[] {
  return value.parts ?? [value];
}

function bytesOf(parts: readonly Value[]): number {
  let bytes = 0;
  for (const { value } of parts) bytes += value.length;
  return bytes;
}

/** LEB128: seven bits a byte, the lowest first. Returns where it ended. */
function writeVarint(bytes: Uint8Array, at: number, number: number): number {
  invariant(Number.isSafeInteger(number) && number >= 0 && number <= MAX_VARINT, 'a varint has 53 bits');
  let rest = number;
  let next = at;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[next++] = (rest % 0x80) | 0x80;
  bytes[next++] = rest;
  return next;
}
