/**
 * Frames: how a commit lies in the journal. Knows no file.
 *
 *   frame    header | state | spans | records | zeros to the end of the page
 *   header   magic u32 | checksum of the 36 bytes that follow u32 | salt, 8 bytes | sequence u64
 *            | bytes of state u32 | of spans u32 | of records u32 | checksum of all three u32
 *
 * State and spans are as they are stored, and absent if they did not change: neither is ever empty. The records are a
 * stretch of a batch's arena (batch.ts). A frame begins on a page and has its pages for itself, so that no page with
 * what is durable is written again before it is free.
 *
 * The header has a checksum of its own because it proves something alone: it lies in one sector, which a disk writes as a
 * whole or not at all, and a frame is begun only when all before it are durable. The salt is 64 random bits that only this
 * directory has, so that nothing that came over the network is ever taken for a frame.
 */
import { crc32 } from './crc32.ts';
import { instanceIdOf, readUint32, writeKey, writeUint32 } from './record.ts';

export const PAGE_BYTES = 4_096;
export const SALT_BYTES = 8;

const MAGIC = 0x6a6f_7572; // "jour"
const HEADER_BYTES = 40;
const CHECKED_FROM = 8;
const SALT_AT = 8;
const SEQUENCE_AT = 16;
const STATE_BYTES_AT = 24;
const SPANS_BYTES_AT = 28;
const RECORDS_BYTES_AT = 32;
const BODY_CHECKSUM_AT = 36;

/** What one commit writes. */
export interface FrameContent {
  readonly state: Uint8Array | undefined;
  readonly spans: Uint8Array | undefined;
  readonly records: Uint8Array;
}

/** A frame that was read: whole, as far as its checksums tell. */
export interface Frame extends FrameContent {
  readonly sequence: number;
  readonly pages: number;
}

/** How many pages a frame with this content takes. */
export function framePages({ state, spans, records }: FrameContent): number {
  return pagesOf((state?.length ?? 0) + (spans?.length ?? 0) + records.length);
}

function pagesOf(bodyBytes: number): number {
  return Math.ceil((HEADER_BYTES + bodyBytes) / PAGE_BYTES);
}

/** Writes a frame at the beginning of `into`, which has room for its pages. Returns its bytes, zeros included. */
export function encodeFrame(
  into: Uint8Array,
  salt: Uint8Array,
  sequence: number,
  content: FrameContent,
): number {
  const { state, spans, records } = content;
  let end = HEADER_BYTES;
  for (const part of [state, spans, records]) {
    if (part === undefined) continue;
    into.set(part, end);
    end += part.length;
  }
  const bytes = framePages(content) * PAGE_BYTES;
  into.fill(0, end, bytes);
  writeUint32(into, 0, MAGIC);
  into.set(salt, SALT_AT);
  writeKey(into, SEQUENCE_AT, sequence);
  writeUint32(into, STATE_BYTES_AT, state?.length ?? 0);
  writeUint32(into, SPANS_BYTES_AT, spans?.length ?? 0);
  writeUint32(into, RECORDS_BYTES_AT, records.length);
  writeUint32(into, BODY_CHECKSUM_AT, crc32(into, HEADER_BYTES, end));
  writeUint32(into, 4, crc32(into, CHECKED_FROM, HEADER_BYTES));
  return bytes;
}

/** The sequence number in the header at `at`, or undefined if none of this salt is there. */
export function frameSequence(bytes: Uint8Array, at: number, salt: Uint8Array): number | undefined {
  if (at + HEADER_BYTES > bytes.length || readUint32(bytes, at) !== MAGIC) return undefined;
  for (let i = 0; i < SALT_BYTES; i++) if (bytes[at + SALT_AT + i] !== salt[i]) return undefined;
  if (readUint32(bytes, at + 4) !== crc32(bytes, at + CHECKED_FROM, at + HEADER_BYTES)) return undefined;
  return instanceIdOf(bytes, at + SEQUENCE_AT);
}

/** The frame at `at`, or undefined if there is none that is whole. Its parts are views of `bytes`. */
export function decodeFrame(bytes: Uint8Array, at: number, salt: Uint8Array): Frame | undefined {
  const sequence = frameSequence(bytes, at, salt);
  if (sequence === undefined) return undefined;
  const stateAt = at + HEADER_BYTES;
  const spansAt = stateAt + readUint32(bytes, at + STATE_BYTES_AT);
  const recordsAt = spansAt + readUint32(bytes, at + SPANS_BYTES_AT);
  const end = recordsAt + readUint32(bytes, at + RECORDS_BYTES_AT);
  if (end > bytes.length) return undefined;
  if (crc32(bytes, stateAt, end) !== readUint32(bytes, at + BODY_CHECKSUM_AT)) return undefined;
  return {
    sequence,
    pages: pagesOf(end - stateAt),
    state: spansAt > stateAt ? bytes.subarray(stateAt, spansAt) : undefined,
    spans: recordsAt > spansAt ? bytes.subarray(spansAt, recordsAt) : undefined,
    records: bytes.subarray(recordsAt, end),
  };
}
