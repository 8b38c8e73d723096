/**
 * An LMDB file's first two pages, read as bytes: whether it is one, of which version, and whether it can be opened.
 *
 * The binding ends the process on a file whose meta pages it does not take, and reads on in a file that was cut short
 * until it dies of SIGBUS; so this is looked at first. It is no proof: a page that is overwritten with rubbish in the
 * middle is noticed by a record's checksum at best.
 *
 *   meta page   header 24 | magic u32 | version u32 | address u64 | map size u64 | two tables of 48 | last page u64
 *               | transaction u64
 *   table       page size u32 | flags u16 | depth u16 | branch, leaf, overflow pages u64 | entries u64 | root u64
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const MAGIC = 0xbeef_c0de;
/** The data version of the lmdb package; the original's LMDB 0.9 has 1. */
const OUR_VERSION = 2;
/** Where the magic number stands: in our files, in LMDB 0.9's, and in those of 32-bit machines. */
const OUR_MAGIC_OFFSET = 24;
const OTHER_MAGIC_OFFSETS: readonly number[] = [16, 12];
const TABLES_OFFSET = 48;
const TABLE_BYTES = 48;
const TRANSACTION_OFFSET = 152;
const META_BYTES = 160;
const META_PAGES = 2;

/** The data version of an LMDB file; undefined: it is no LMDB file. */
export function lmdbVersion(file: string): number | undefined {
  return readFile(file, (read) => {
    const head = read(0);
    const offset = [OUR_MAGIC_OFFSET, ...OTHER_MAGIC_OFFSETS].find((at) => head.readUInt32LE(at) === MAGIC);
    return offset === undefined ? undefined : head.readUInt32LE(offset + 4);
  });
}

/** Why a file cannot be opened by the lmdb package, as far as its meta pages tell; undefined: it seems whole. */
export function lmdbDamage(file: string): string | undefined {
  return readFile(file, (read, fileBytes) => {
    const first = read(0);
    const pageSize = first.readUInt32LE(TABLES_OFFSET);
    if (!isMeta(first) || pageSize < 256 || pageSize > 65_536) return 'its first page is damaged';
    const second = read(pageSize);
    if (!isMeta(second)) return 'its second page is damaged';

    const newer = transaction(first) > transaction(second) ? first : second;
    const pages = META_PAGES + tablePages(newer, 0) + tablePages(newer, 1);
    return pages * pageSize > fileBytes ? 'its database file was cut short' : undefined;
  });
}

function isMeta(page: Buffer): boolean {
  return (
    page.readUInt32LE(OUR_MAGIC_OFFSET) === MAGIC && page.readUInt32LE(OUR_MAGIC_OFFSET + 4) === OUR_VERSION
  );
}

function transaction(page: Buffer): bigint {
  return page.readBigUInt64LE(TRANSACTION_OFFSET);
}

/** The pages that a table uses. */
function tablePages(page: Buffer, table: number): number {
  const counts = TABLES_OFFSET + table * TABLE_BYTES + 8;
  return [0, 8, 16].reduce((sum, offset) => sum + Number(page.readBigUInt64LE(counts + offset)), 0);
}

function readFile<Result>(
  file: string,
  look: (read: (at: number) => Buffer, bytes: number) => Result,
): Result {
  const handle = openSync(file, 'r');
  try {
    const read = (at: number): Buffer => {
      const bytes = Buffer.alloc(META_BYTES);
      readSync(handle, bytes, 0, META_BYTES, at);
      return bytes;
    };
    return look(read, fstatSync(handle).size);
  } finally {
    closeSync(handle);
  }
}
