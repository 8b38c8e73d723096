/**
 * Mark: what the database says of the journal, and how far it has what lies there. Written with every transaction.
 *
 *   key    eight bytes of 0, and a 2: behind the state and the spans, before every record
 *   mark   salt, 8 bytes | applied u64 | page u32 | pages u32 | checksum u32
 *
 * The frames that the database lacks have the salt, and the sequence numbers above `applied`, one after another; the
 * first of them is at `page`, or at the first page of the ring if it did not fit behind `page`.
 */
import { crc32 } from './crc32.ts';
import { SALT_BYTES } from './frame.ts';
import { instanceIdOf, readUint32, writeKey, writeUint32 } from './record.ts';

export const MARK_KEY = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 2);

export interface Mark {
  /** 64 random bits, drawn anew whenever the storage is opened: what is older is no frame any more */
  readonly salt: Uint8Array;
  /** the last frame that the database has */
  readonly applied: number;
  /** where the next one is looked for, counted from the beginning of the file */
  readonly page: number;
  /** how many pages the journal's file has */
  readonly pages: number;
}

const APPLIED_AT = SALT_BYTES;
const PAGE_AT = APPLIED_AT + 8;
const PAGES_AT = PAGE_AT + 4;
const CHECKSUM_AT = PAGES_AT + 4;
const MARK_BYTES = CHECKSUM_AT + 4;

export function encodeMark({ salt, applied, page, pages }: Mark): Uint8Array {
  const content = new Uint8Array(MARK_BYTES);
  content.set(salt);
  writeKey(content, APPLIED_AT, applied);
  writeUint32(content, PAGE_AT, page);
  writeUint32(content, PAGES_AT, pages);
  writeUint32(content, CHECKSUM_AT, crc32(content, 0, CHECKSUM_AT, crc32(MARK_KEY)));
  return content;
}

/** Undefined: its checksum is wrong. */
export function decodeMark(content: Uint8Array): Mark | undefined {
  if (content.length !== MARK_BYTES) return undefined;
  const isIntact = readUint32(content, CHECKSUM_AT) === crc32(content, 0, CHECKSUM_AT, crc32(MARK_KEY));
  if (!isIntact) return undefined;
  return {
    salt: Uint8Array.from(content.subarray(0, SALT_BYTES)),
    applied: instanceIdOf(content, APPLIED_AT),
    page: readUint32(content, PAGE_AT),
    pages: readUint32(content, PAGES_AT),
  };
}

/** Whether two marks are the same. */
export function isSameMark(one: Mark, other: Mark): boolean {
  return Buffer.compare(encodeMark(one), encodeMark(other)) === 0;
}
