/**
 * What is found in a journal after a crash: frames that are whole, one that is torn in whatever way, and damage. The
 * journals are real ones; only what a disk did to them is made here.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { JOURNAL_FILE } from './directory.ts';
import { encodeFrame, type FrameContent, framePages, PAGE_BYTES, SALT_BYTES } from './frame.ts';
import { Journal, type Position } from './journal.ts';
import { FIRST_PAGE, makeJournal, missingFrames, readJournal } from './journal-file.ts';
import type { Mark } from './mark.ts';

const SECTOR_BYTES = 512;
const IDENTITY = '0123456789abcdef0123456789abcdef';
const RING_PAGES = 16;

const scratch = mkdtempSync(join(tmpdir(), 'libpaxos-journal-file-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let path = scratch;
let mark: Mark;
beforeEach(() => {
  path = mkdtempSync(join(scratch, 'journal-'));
  const pages = makeJournal(path, IDENTITY, (RING_PAGES + FIRST_PAGE) * PAGE_BYTES);
  mark = { salt: patternOf(SALT_BYTES, 3), applied: 40, page: FIRST_PAGE, pages };
});

/** Bytes that nothing else here has: a generator's, by its seed. */
function patternOf(length: number, seed: number): Uint8Array {
  let word = (seed + 1) * 0x9e37_79b9;
  return Uint8Array.from({ length }, () => {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    return word & 0xff;
  });
}

/** What a commit may write, of so many bytes, which no other seed gives. */
function content(bytes: number, seed: number): FrameContent {
  return { state: patternOf(130, seed), spans: undefined, records: patternOf(bytes, seed + 1_000) };
}

/** Writes contents one after another, and frees what is before the last `kept`. Gives the journal and its mark then. */
async function written(contents: readonly FrameContent[], kept: number) {
  const journal = new Journal(path, mark, false);
  const positions: Position[] = [journal.position];
  for (const each of contents) {
    await journal.append(each);
    positions.push(journal.position);
    const freed = positions.at(-1 - kept);
    if (freed !== undefined) journal.free(freed);
  }
  const freed = positions.at(-1 - kept) ?? positions[0];
  if (freed === undefined) throw new Error('there is a first position');
  return { journal, mark: journal.markAt(freed) };
}

function bytesNow(): Buffer {
  return readFileSync(join(path, JOURNAL_FILE));
}

function found(bytes: Uint8Array, at: Mark) {
  const { frames, lost } = missingFrames(bytes, at);
  return { sequences: frames.map(({ sequence }) => sequence), lost };
}

/** Where a frame begins whose records these are. */
function placeOf(bytes: Buffer, { records }: FrameContent): number {
  const at = bytes.indexOf(records.subarray(0, 64));
  return at - (at % PAGE_BYTES);
}

/** Frames of one to four pages: the ring has gone around, and what is written next lies over older frames. */
const LAPS = Array.from({ length: 30 }, (_, i) => content([100, 5_000, 9_000, 14_000][i % 4] ?? 0, i));

describe('what is whole', () => {
  test('is found in order with its content, however often the ring went around', async () => {
    const { journal, mark: at } = await written(LAPS, 3);
    journal.close();
    const { frames, lost } = missingFrames(bytesNow(), at);
    expect(lost).toBeUndefined();
    expect(frames.map(({ sequence }) => sequence)).toEqual([68, 69, 70]);
    for (const [i, frame] of frames.entries()) {
      const given = LAPS.at(i - 3);
      expect(Buffer.compare(frame.records, given?.records ?? new Uint8Array(0))).toBe(0);
      expect(Buffer.compare(frame.state ?? new Uint8Array(0), given?.state ?? new Uint8Array(0))).toBe(0);
      expect(frame.spans).toBeUndefined();
    }
  });

  test('content of every kind comes back: no state, spans, no records, exactly full pages', async () => {
    const full = content(2 * PAGE_BYTES - 40 - 130, 1);
    expect(framePages(full)).toBe(2);
    const nothing = new Uint8Array(0);
    const contents = [
      { state: undefined, spans: patternOf(24, 1), records: nothing },
      { state: patternOf(130, 1), spans: patternOf(4, 1), records: patternOf(1, 2) },
      full,
      { state: undefined, spans: undefined, records: patternOf(300, 2) },
    ];
    const { journal, mark: at } = await written(contents, 4);
    journal.close();
    const plain = ({ state, spans, records }: FrameContent) => ({
      state: state && Buffer.from(state).toString('hex'),
      spans: spans && Buffer.from(spans).toString('hex'),
      records: Buffer.from(records).toString('hex'),
    });
    expect(missingFrames(bytesNow(), at).frames.map(plain)).toEqual(contents.map(plain));
  });

  test('and is in the database already is no frame any more', async () => {
    const { journal } = await written(LAPS, 3);
    journal.close();
    expect(found(bytesNow(), journal.markAt(journal.position))).toEqual({ sequences: [], lost: undefined });
  });
});

describe('a torn last frame', () => {
  /** The journal before and after one more frame, and where that lies. */
  async function torn(last: FrameContent) {
    const { journal, mark: at } = await written(LAPS, 2);
    const before = bytesNow();
    await journal.append(last);
    journal.close();
    const after = bytesNow();
    const start = placeOf(after, last);
    const bodyEnd = start + 40 + 130 + last.records.length;
    const sectors = (framePages(last) * PAGE_BYTES) / SECTOR_BYTES;
    /** @param isWritten whether a sector of the frame reached the disk */
    const judge = (isWritten: (sector: number) => boolean): void => {
      const bytes = Buffer.from(before);
      for (let sector = 0; sector < sectors; sector++) {
        const from = start + sector * SECTOR_BYTES;
        if (isWritten(sector)) after.copy(bytes, from, from, from + SECTOR_BYTES);
      }
      const isWhole = Buffer.compare(bytes.subarray(start, bodyEnd), after.subarray(start, bodyEnd)) === 0;
      expect(found(bytes, at)).toEqual({ sequences: isWhole ? [69, 70, 71] : [69, 70], lost: undefined });
    };
    return { sectors, judge };
  }

  test.each([200, 3_000, 5_000, 9_000, 15_000])('of %i bytes: every prefix of it', async (bytes) => {
    const { sectors, judge } = await torn(content(bytes, 77));
    for (let count = 0; count <= sectors; count++) judge((sector) => sector < count);
  });

  test('any of its sectors, in any order', async () => {
    const { sectors, judge } = await torn(content(9_000, 77));
    for (let sector = 0; sector < sectors; sector++) {
      judge((each) => each === sector);
      judge((each) => each !== sector);
    }
    const subset = fc.array(fc.boolean(), { minLength: sectors, maxLength: sectors });
    fc.assert(
      fc.property(subset, (isWritten) => judge((sector) => isWritten[sector] === true)),
      { numRuns: 1_000 },
    );
  });
});

describe('damage', () => {
  test('to any sector of a frame that is not the last is told, as that frame', async () => {
    const { journal, mark: at } = await written(LAPS, 4);
    journal.close();
    const whole = bytesNow();
    for (const [i, frame] of LAPS.slice(-4).entries()) {
      const start = placeOf(whole, frame);
      for (let offset = 0; offset < 40 + 130 + frame.records.length; offset += SECTOR_BYTES) {
        const bytes = Buffer.from(whole);
        bytes[start + offset] = (bytes[start + offset] ?? 0) ^ 1;
        const sequences = [67, 68, 69, 70].slice(0, i);
        // The last one cannot be told from a frame that was never durable.
        expect(found(bytes, at)).toEqual({ sequences, lost: i === 3 ? undefined : 67 + i });
      }
    }
  });

  test('to two frames, the last of which is torn beside its header, is told', async () => {
    const { journal, mark: at } = await written(LAPS, 3);
    journal.close();
    const bytes = bytesNow();
    for (const frame of LAPS.slice(-2)) bytes[placeOf(bytes, frame) + 100] = 0xff;
    expect(found(bytes, at)).toEqual({ sequences: [68], lost: 69 });
  });

  test('to the file itself is told', () => {
    const file = join(path, JOURNAL_FILE);
    const whole = readFileSync(file);
    const refused = (code: string, text: string) =>
      expect(() => readJournal(path, IDENTITY, mark)).toThrow(
        expect.objectContaining({ code, message: expect.stringContaining(text) }),
      );
    readJournal(path, IDENTITY, mark);
    writeFileSync(file, whole.subarray(0, -PAGE_BYTES));
    refused('STORAGE_CORRUPT', 'was cut short');
    writeFileSync(file, Buffer.alloc(whole.length));
    refused('STORAGE_CORRUPT', 'damaged in its first page');
    makeJournal(path, IDENTITY.replaceAll('0', 'f'), whole.length);
    refused('STORAGE_FOREIGN', 'mixes the files of two storages');
    rmSync(file);
    refused('STORAGE_CORRUPT', 'journal.bin is gone');
  });
});

describe('a value', () => {
  /** Records in which whole pages are copies of `frame`, on pages' beginnings of the frame that holds them. */
  function holding(frame: Uint8Array, seed = 99): FrameContent {
    const records = patternOf(3 * PAGE_BYTES, seed);
    const firstPageAt = PAGE_BYTES - 40 - 130;
    records.set(frame.subarray(0, PAGE_BYTES), firstPageAt);
    records.set(frame.subarray(0, PAGE_BYTES), firstPageAt + PAGE_BYTES);
    return { state: patternOf(130, 5), spans: undefined, records };
  }

  test('that holds copies of a real frame is no frame, whole or torn', async () => {
    const { journal, mark: at } = await written(LAPS, 2);
    const bytes = bytesNow();
    const [, last = content(0, 0)] = LAPS.slice(-2);
    const copied = bytes.subarray(placeOf(bytes, last));
    await journal.append(holding(copied));
    const outer = bytesNow();
    const start = placeOf(outer, holding(copied));
    expect(outer.indexOf(copied.subarray(0, 40), start)).toBe(start + PAGE_BYTES);
    expect(found(outer, at)).toEqual({ sequences: [69, 70, 71], lost: undefined });
    // Torn: its first page was not written, and what it holds lies there as if it were frames.
    expect(found(Buffer.from(outer).fill(0, start, start + PAGE_BYTES), at)).toEqual({
      sequences: [69, 70],
      lost: undefined,
    });
    await journal.append(content(100, 7));
    journal.close();
    expect(found(bytesNow(), at).sequences).toEqual([69, 70, 71, 72]);
  });

  test('with frames of another salt is none, whatever their numbers', async () => {
    const { journal, mark: at } = await written(LAPS, 1);
    const forged = (sequence: number): Uint8Array => {
      const bytes = new Uint8Array(PAGE_BYTES);
      encodeFrame(bytes, patternOf(SALT_BYTES, 4), sequence, content(100, 8));
      return bytes;
    };
    const next = journal.markAt(journal.position).page * PAGE_BYTES;
    for (const place of [next, next + PAGE_BYTES]) {
      for (const sequence of [71, 72, 999]) {
        const bytes = bytesNow();
        bytes.set(forged(sequence), place);
        expect(found(bytes, at)).toEqual({ sequences: [70], lost: undefined });
      }
    }
    for (const sequence of [71, 72, 999]) await journal.append(holding(forged(sequence), sequence));
    journal.close();
    const bytes = bytesNow();
    expect(found(bytes, at)).toEqual({ sequences: [70, 71, 72, 73], lost: undefined });
    const start = placeOf(bytes, holding(forged(999), 999));
    expect(found(bytes.fill(0, start, start + PAGE_BYTES), at)).toEqual({
      sequences: [70, 71, 72],
      lost: undefined,
    });
  });
});
