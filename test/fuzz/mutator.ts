/**
 * Mutator: makes an input of others. Everything is drawn from one seeded generator.
 */
import { randomInt, type SeededRandom } from '../../src/transport/random.ts';

/** So many changes are made to an input at most. */
const MAX_CHANGES = 6;
/** One alone leaves most of an input as it was. */
const ONE_CHANGE_SHARE = 0.5;
/** The longest stretch that is taken out, doubled, or taken over from another input; most are short. */
const MAX_STRETCH = 64;
const SHORT_STRETCH = 4;
/** Bytes at which something changes: signs, widths, heads of msgpack's forms, ends of lines. */
const EDGES = Uint8Array.of(
  ...[0, 1, 0x0a, 0x20, 0x7f, 0x80, 0x90, 0x9f, 0xa0, 0xc0, 0xc4, 0xcc, 0xcf, 0xd9, 0xdc, 0xe0, 0xff],
);
/** How many bytes follow each head of an integer of msgpack: 0xcc to 0xcf. */
const INTEGER_WIDTHS = [1, 2, 4, 8] as const;

/** What most values in messages begin with. */
const SHORT_VALUE_HEAD = 0xc4;
/** The heads of a value of msgpack, and how many bytes say its length. */
const VALUE_HEADS = [
  [0xc4, 1],
  [0xc5, 2],
  [0xc6, 4],
  [0xd9, 1],
  [0xda, 2],
  [0xdb, 4],
] as const;

type Change = (bytes: Uint8Array, at: number, other: Uint8Array) => Uint8Array;

export class Mutator {
  readonly #random: SeededRandom;
  readonly #words: readonly Uint8Array[];
  readonly #maxBytes: number;
  readonly #changes: readonly Change[];

  constructor(random: SeededRandom, words: readonly Uint8Array[], maxBytes: number) {
    this.#random = random;
    this.#words = words;
    this.#maxBytes = maxBytes;
    this.#changes = [
      (bytes, at) => spliced(bytes, at, 1, Uint8Array.of((bytes[at] ?? 0) ^ (1 << this.#int(0, 7)))),
      (bytes, at) => spliced(bytes, at, 1, Uint8Array.of(this.#int(0, 255))),
      (bytes, at) => spliced(bytes, at, 1, this.#edge()),
      (bytes, at) => spliced(bytes, at, 0, this.#edge()),
      (bytes, at) => spliced(bytes, at, this.#length(), new Uint8Array(0)),
      (bytes, at) => spliced(bytes, at, 0, bytes.subarray(at, at + this.#length())),
      (bytes, at) => spliced(bytes, at, this.#int(0, 1), this.#integer()),
      (bytes, at) => spliced(bytes, at, this.#int(0, SHORT_STRETCH), this.#value()),
      (bytes, at) => this.#inAnotherForm(bytes, at),
      (bytes, at) => spliced(bytes, at, 0, this.#word()),
      (bytes, at) => spliced(bytes, at, this.#length(), this.#word()),
      (bytes, at, other) => spliced(bytes, at, this.#int(0, 1) * MAX_STRETCH, this.#stretchOf(other)),
      (bytes) => bytes.subarray(0, this.#int(0, bytes.length)),
      (bytes, _at, other) => spliced(bytes, bytes.length, 0, other),
    ];
  }

  /** Another input, made of one, and perhaps of a second. */
  mutate(input: Uint8Array, other: Uint8Array): Uint8Array {
    let bytes = input;
    const most = this.#random.next() < ONE_CHANGE_SHARE ? 1 : MAX_CHANGES;
    for (let left = this.#int(1, most); left > 0; left--) {
      const change = this.#pick(this.#changes);
      bytes = change?.(bytes, this.#int(0, bytes.length), other) ?? bytes;
    }
    return bytes.slice(0, this.#maxBytes);
  }

  #int(least: number, most: number): number {
    return randomInt(this.#random, least, most);
  }

  #pick<T>(from: ArrayLike<T>): T | undefined {
    return from.length === 0 ? undefined : from[this.#int(0, from.length - 1)];
  }

  #length(): number {
    return this.#int(1, this.#random.next() < 0.7 ? SHORT_STRETCH : MAX_STRETCH);
  }

  #edge(): Uint8Array {
    return Uint8Array.of(this.#pick(EDGES) ?? 0);
  }

  #word(): Uint8Array {
    return this.#pick(this.#words) ?? this.#edge();
  }

  #stretchOf(bytes: Uint8Array): Uint8Array {
    const from = this.#int(0, bytes.length);
    return bytes.subarray(from, from + this.#length());
  }

  /** An integer as msgpack has it, of any width, often at one of its ends. */
  #integer(): Uint8Array {
    const which = this.#int(0, INTEGER_WIDTHS.length - 1);
    const fill = this.#pick([0, 0xff, undefined]);
    const bytes = Array.from({ length: INTEGER_WIDTHS[which] ?? 1 }, () => fill ?? this.#int(0, 255));
    return Uint8Array.of(0xcc + which, ...bytes);
  }

  /** The next value behind `at` in another form, as long as it is short; now and then it says that it is very long. */
  #inAnotherForm(bytes: Uint8Array, at: number): Uint8Array {
    const begin = bytes.indexOf(SHORT_VALUE_HEAD, at);
    const [head, width] = this.#pick(VALUE_HEADS) ?? [SHORT_VALUE_HEAD, 1];
    const fill = this.#random.next() < 0.2 ? 0xff : 0;
    if (begin < 0) return bytes;
    const length = fill === 0 ? (bytes[begin + 1] ?? 0) : fill;
    return spliced(bytes, begin, 2, Uint8Array.of(head, ...new Uint8Array(width - 1).fill(fill), length));
  }

  /** A few bytes as msgpack has them, in any of its forms. */
  #value(): Uint8Array {
    const [head, width] = this.#pick(VALUE_HEADS) ?? [0xc4, 1];
    const length = this.#int(0, SHORT_STRETCH);
    const zeros = new Uint8Array(width - 1);
    return Uint8Array.of(head, ...zeros, length, ...new Uint8Array(length).fill(this.#int(0, 255)));
  }
}

/** Bytes with some of them replaced by others. */
function spliced(bytes: Uint8Array, at: number, count: number, by: Uint8Array): Uint8Array {
  const after = bytes.subarray(at + count);
  const made = new Uint8Array(Math.min(at, bytes.length) + by.length + after.length);
  made.set(bytes.subarray(0, at), 0);
  made.set(by, at);
  made.set(after, at + by.length);
  return made;
}
