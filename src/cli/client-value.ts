/**
 * The value that the original's client submits: a C struct, little-endian, as a 64-bit compiler lays it out.
 *
 *   0  int32   client id            8  int64   seconds since 1970     24  uint64  size of the text
 *   4          4 bytes of padding  16  int64   microseconds           32          the text: letters, digits, a NUL
 *
 * Read without trust: any bytes may come out of a cluster.
 */
import type { Random } from '../transport/transport.ts';

export const HEAD_BYTES = 32;
const ID_AT = 0;
const SECONDS_AT = 8;
const MICROS_AT = 16;
const SIZE_AT = 24;

const LETTERS = '0123456789abcdefghijklmnopqrstuvwxyz';
/** The text of a value begins anywhere in this many random letters. */
const RANDOM_STARTS = 4096;
const SHOWN_CHARACTERS = 16;
const TWO_32 = 2 ** 32;
const MICROS_PER_SECOND = 1_000_000;

/** Makes the values of one client, one after another in the same memory. */
export class ValueMaker {
  readonly #textBytes: number;
  readonly #letters: Uint8Array;
  readonly #random: Random;
  readonly #value: Uint8Array;
  readonly #head: DataView;

  /**
   * @param clientId tells this client's values from others', 0 to 2^31-1
   * @param textBytes size of the text with its NUL, from 1
   */
  constructor(clientId: number, textBytes: number, random: Random) {
    this.#textBytes = textBytes;
    this.#random = random;
    this.#letters = new Uint8Array(textBytes + RANDOM_STARTS);
    for (let i = 0; i < this.#letters.length; i++) {
      this.#letters[i] = LETTERS.charCodeAt(Math.floor(random.next() * LETTERS.length));
    }
    // Of zeros: so are the padding and the NUL, and nothing is written there.
    this.#value = new Uint8Array(HEAD_BYTES + textBytes);
    this.#head = new DataView(this.#value.buffer, 0, HEAD_BYTES);
    this.#head.setInt32(ID_AT, clientId, true);
    writeUint53(this.#head, SIZE_AT, textBytes);
  }

  get valueBytes(): number {
    return HEAD_BYTES + this.#textBytes;
  }

  /** Hot. The next value: to be read until the one after it is made. */
  make(stampMicros: number): Uint8Array {
    const seconds = Math.floor(stampMicros / MICROS_PER_SECOND);
    writeUint53(this.#head, SECONDS_AT, seconds);
    writeUint53(this.#head, MICROS_AT, stampMicros - seconds * MICROS_PER_SECOND);
    const start = Math.floor(this.#random.next() * RANDOM_STARTS);
    this.#value.set(this.#letters.subarray(start, start + this.#textBytes - 1), HEAD_BYTES);
    return this.#value;
  }
}

/** Hot. When a value of this client says that it was submitted, in microseconds; undefined if it is none of its. */
export function ownStamp(value: Uint8Array, clientId: number): number | undefined {
  if (value.length <= HEAD_BYTES || int32(value, ID_AT) !== clientId) return undefined;
  return uint53(value, SECONDS_AT) * MICROS_PER_SECOND + uint53(value, MICROS_AT);
}

/**
 * A delivered value as the original's learner and replica print it: `1763978587.104233 [k3x09qz2m1v7c4wb] 64 bytes`.
 * What is not a client's value is shown without the time, with its own size.
 */
export function deliveryLine(value: Uint8Array): string {
  if (!isClientValue(value)) return `[${shownText(value, 0)}] ${value.length} bytes\n`;
  const micros = String(uint53(value, MICROS_AT)).padStart(6, '0');
  const text = shownText(value, HEAD_BYTES);
  return `${uint53(value, SECONDS_AT)}.${micros} [${text}] ${uint53(value, SIZE_AT)} bytes\n`;
}

function isClientValue(value: Uint8Array): boolean {
  if (value.length <= HEAD_BYTES || uint53(value, SIZE_AT) !== value.length - HEAD_BYTES) return false;
  return uint53(value, MICROS_AT) < MICROS_PER_SECOND && uint53(value, SECONDS_AT) < TWO_32 * 1024;
}

/** The first characters, up to a NUL; what could do harm to a terminal is a dot. */
function shownText(value: Uint8Array, from: number): string {
  let text = '';
  for (let i = from; i < Math.min(value.length, from + SHOWN_CHARACTERS); i++) {
    const byte = value[i] ?? 0;
    if (byte === 0) break;
    text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
  }
  return text;
}

function writeUint53(to: DataView, at: number, number: number): void {
  to.setUint32(at, number % TWO_32, true);
  to.setUint32(at + 4, Math.floor(number / TWO_32), true);
}

function int32(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
  return low | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}

/** A 64-bit number; beyond 2^53 it loses its last digits. */
function uint53(bytes: Uint8Array, at: number): number {
  return (int32(bytes, at) >>> 0) + (int32(bytes, at + 4) >>> 0) * TWO_32;
}
