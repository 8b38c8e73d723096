/**
 * Values as the original's client makes them, and as its learner prints them. The learner reads a C struct out of every
 * value, so what a client of ours submits where an original learns has to be one.
 */

/** int32 client id, 4 bytes of padding, int64 seconds, int64 microseconds, uint64 size; then the text, ending in NUL. */
const HEAD_BYTES = 32;
/** The learner prints so much of the text. */
const SHOWN_CHARACTERS = 16;

/** A value with this number in its text. */
export function numberedValue(number: number, textBytes = 64): Uint8Array {
  const bytes = Buffer.alloc(HEAD_BYTES + textBytes);
  bytes.writeInt32LE(1, 0);
  bytes.writeBigInt64LE(BigInt(number), 8);
  bytes.writeBigInt64LE(BigInt(number % 1_000_000), 16);
  bytes.writeBigUInt64LE(BigInt(textBytes), 24);
  bytes.write(String(number).padStart(textBytes - 1, '0'), HEAD_BYTES, 'latin1');
  return bytes;
}

/** What the original's learner prints for a value: when it was submitted, the beginning of its text, its size. */
export function printedLine(value: Uint8Array): string {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const seconds = bytes.readBigInt64LE(8);
  const micros = String(bytes.readInt32LE(16)).padStart(6, '0');
  const size = bytes.readBigInt64LE(24);
  const text = bytes.toString('latin1', HEAD_BYTES, HEAD_BYTES + SHOWN_CHARACTERS);
  const end = text.indexOf('\0');
  return `${seconds}.${micros} [${end < 0 ? text : text.slice(0, end)}] ${size} bytes`;
}
