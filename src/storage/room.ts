/**
 * Room: what a batch needs is looked for before the database writes it. lmdb says so when the disk is full, but has
 * been seen to end the process a moment later, its memory in disorder, before anybody was told what to do.
 *
 * Who else fills the same disk meanwhile can still bring lmdb there: nothing that was answered is lost then either.
 */
import { statfsSync } from 'node:fs';
import { PaxosError } from '../paxos/error.ts';

/** A record in lmdb's pages against its bytes here: page headers, nodes, and pages that are partly empty. */
const PAGE_OVERHEAD = 1.5;
/** What is left on a disk for the pages that every transaction writes again, and for deletions behind a trim. */
const RESERVED_BYTES = 1_048_576;

/** lmdb's figures: of the file, and of the pages in it that are in use. */
export interface Sizes {
  readonly lastPageNumber: number;
  readonly pageSize: number;
  readonly usedPages: number;
}

/**
 * Throws PaxosError STORAGE_FULL if so many bytes of records do not fit. Pages that a trim has freed count as room.
 *
 * @param sizes asked only where it matters: it walks the database
 * @param maxBytes the most that the records may take, as pages
 */
export function mustFit(path: string, recordBytes: number, sizes: () => Sizes, maxBytes: number): void {
  const bytes = recordBytes * PAGE_OVERHEAD;
  if (maxBytes !== Number.POSITIVE_INFINITY) {
    const { usedPages, pageSize } = sizes();
    if (usedPages * pageSize + bytes > maxBytes) throw atItsBound(path, maxBytes);
  }
  const { bavail, bsize } = statfsSync(path);
  const room = bavail * bsize - RESERVED_BYTES;
  if (bytes <= room) return;
  const { lastPageNumber, usedPages, pageSize } = sizes();
  if (bytes > room + (lastPageNumber + 1 - usedPages) * pageSize) throw diskFull(path);
}

/** What a full disk is called, whoever notices it. */
export function diskFull(path: string, cause?: unknown): PaxosError {
  return new PaxosError('STORAGE_FULL', `the disk of ${path} is full; make room on it and restart`, {
    cause,
  });
}

function atItsBound(path: string, maxBytes: number): PaxosError {
  const what = `${path} has reached its bound of ${maxBytes} bytes`;
  return new PaxosError(
    'STORAGE_FULL',
    `${what}; trim the cluster more often, or raise the bound, and restart`,
  );
}
