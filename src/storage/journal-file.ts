/**
 * The journal's file, `journal.bin` in the data directory: made once, at its full size, and read when a storage is opened
 * or looked at. journal.ts writes to it.
 *
 *   page 0       whose it is, as text, so that another file in its place is noticed
 *   page 1 …     the ring: frames (frame.ts), and what is left of older ones
 *
 *   makeJournal → readJournal → missingFrames(bytes, mark): what the database lacks
 *
 * It is filled with zeros and synced before its first use, so that a later write changes no metadata and costs one sync.
 *
 * What is found is judged so. A frame is begun only when all before it are durable. So the frame after the last whole one
 * may be torn: nobody was told of it, and it counts as never written. If any later one has left its header, the missing
 * one had been durable: that is damage. Frames are looked for only where they have to be; a copy of one in a value is at
 * such a place never, and of a later one there is no copy.
 */
import { closeSync, existsSync, fstatSync, fsyncSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { PaxosError } from '../paxos/error.ts';
import { invariant } from '../paxos/invariant.ts';
import { JOURNAL_FILE, proveRoom, syncDirectory } from './directory.ts';
import { recordsLost } from './failure.ts';
import { decodeFrame, type Frame, frameSequence, PAGE_BYTES } from './frame.ts';
import type { Mark } from './mark.ts';

export const DEFAULT_JOURNAL_BYTES = 16 * 1024 * 1024;
/** The first page of the ring. */
export const FIRST_PAGE = 1;
/** A frame may take a fourth of the ring; so there have to be some pages. */
const MIN_PAGES = 9;
const CHUNK_BYTES = 1024 * 1024;
const TITLE = 'libpaxos journal of the storage ';
const IDENTITY_HEX_DIGITS = 32;

/**
 * Makes the journal of the storage with this identity, durably; what was there before is gone. Returns its pages. Leaves
 * none behind where there is no room for it and the database.
 */
export function makeJournal(path: string, identity: string, bytes: number): number {
  invariant(identity.length === IDENTITY_HEX_DIGITS, 'an identity has 128 bits');
  const pages = Math.max(MIN_PAGES, Math.floor(bytes / PAGE_BYTES));
  const file = join(path, JOURNAL_FILE);
  try {
    const handle = openSync(file, 'w');
    try {
      const title = Buffer.alloc(PAGE_BYTES);
      title.write(`${TITLE}${identity}\n`);
      writeAll(handle, title);
      const zeros = Buffer.alloc(CHUNK_BYTES);
      for (let left = (pages - FIRST_PAGE) * PAGE_BYTES; left > 0; left -= CHUNK_BYTES) {
        writeAll(handle, zeros.subarray(0, Math.min(left, CHUNK_BYTES)));
      }
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    proveRoom(path);
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  }
  syncDirectory(path);
  return pages;
}

function writeAll(handle: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(handle, bytes, done);
}

/**
 * The whole file. Throws PaxosError STORAGE_CORRUPT if it is gone, cut short or damaged where it says whose it is,
 * STORAGE_FOREIGN if it is another storage's.
 */
export function readJournal(path: string, identity: string, { pages }: Mark): Uint8Array {
  const file = join(path, JOURNAL_FILE);
  if (!existsSync(file)) throw recordsLost(path, `${JOURNAL_FILE} is gone`);
  const bytes = readFile(file);
  if (bytes.length !== pages * PAGE_BYTES) throw recordsLost(path, `${JOURNAL_FILE} was cut short`);
  const title = bytes.toString('latin1', 0, TITLE.length);
  const found = bytes.toString('latin1', TITLE.length, TITLE.length + IDENTITY_HEX_DIGITS);
  if (title !== TITLE || !/^[0-9a-f]+$/.test(found)) {
    throw recordsLost(path, `${JOURNAL_FILE} is damaged in its first page`);
  }
  if (found === identity) return bytes;
  const what = `${path} mixes the files of two storages: ${identity} and, in ${JOURNAL_FILE}, ${found}`;
  throw new PaxosError('STORAGE_FOREIGN', `${what}; put back the files that belong together`);
}

function readFile(file: string): Buffer {
  const handle = openSync(file, 'r');
  try {
    const bytes = Buffer.allocUnsafe(fstatSync(handle).size);
    let done = 0;
    while (done < bytes.length) {
      const more = readSync(handle, bytes, done, bytes.length - done, done);
      if (more === 0) break;
      done += more;
    }
    return bytes.subarray(0, done);
  } finally {
    closeSync(handle);
  }
}

export interface MissingFrames {
  /** what the database lacks, in order. Views of the bytes that were read. */
  readonly frames: readonly Frame[];
  /** the sequence number of a frame that was durable and is not whole any more; undefined: there is none */
  readonly lost: number | undefined;
}

/** What lies in a journal above its mark. */
export function missingFrames(bytes: Uint8Array, { salt, applied, page }: Mark): MissingFrames {
  const frames: Frame[] = [];
  let at = page;
  for (;;) {
    const expected = applied + frames.length + 1;
    let frame = frameAt(bytes, at, salt, expected);
    if (frame === undefined) {
      at = FIRST_PAGE;
      frame = frameAt(bytes, at, salt, expected);
    }
    if (frame === undefined) break;
    frames.push(frame);
    at += frame.pages;
  }
  const expected = applied + frames.length + 1;
  for (let start = FIRST_PAGE * PAGE_BYTES; start < bytes.length; start += PAGE_BYTES) {
    const sequence = frameSequence(bytes, start, salt);
    if (sequence !== undefined && sequence > expected) return { frames, lost: expected };
  }
  return { frames, lost: undefined };
}

function frameAt(bytes: Uint8Array, page: number, salt: Uint8Array, sequence: number): Frame | undefined {
  const frame = decodeFrame(bytes, page * PAGE_BYTES, salt);
  return frame?.sequence === sequence ? frame : undefined;
}
