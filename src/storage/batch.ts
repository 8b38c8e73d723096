/**
 * Batch: the records that were written and are not in the database yet. One is open and takes writes, others may be on
 * their way; all are read before the database is.
 *
 *   put, put, … → seal() → what a commit writes to the journal → put, … → seal() → …
 *   → finish() → each key and record, ready for the database → clear()
 *
 * All records lie in one arena, as `length u32 | key | record`, so that a write is one copy and no object, and both the
 * journal and the database read them where they are. Invariants: what is sealed is not written again; between finish()
 * and clear() nothing in the arena moves.
 */
import { invariant } from '../paxos/invariant.ts';
import type { AcceptorRecord } from '../paxos/storage.ts';
import { crc32 } from './crc32.ts';
import {
  CHECKSUM_BYTES,
  instanceIdOf,
  KEY_BYTES,
  RECORD_HEADER_BYTES,
  readUint32,
  writeKey,
} from './record.ts';

const LENGTH_BYTES = 4;
const RECORD_OFFSET = LENGTH_BYTES + KEY_BYTES;
const FIRST_ARENA_BYTES = 65_536;
/** An arena that grew beyond this is given back when the batch is cleared. */
const KEPT_ARENA_BYTES = 4_194_304;

export class Batch {
  #arena = new Uint8Array(FIRST_ARENA_BYTES);
  #view = new DataView(this.#arena.buffer);
  #usedBytes = 0;
  #sealedBytes = 0;
  #isFinished = false;
  readonly #places = new Map<number, number>();

  /** How many instances have a record here. */
  get size(): number {
    return this.#places.size;
  }

  /** Bytes in the arena, replaced records included. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Whether there are records that were put since it was sealed last. */
  get hasUnsealed(): boolean {
    return this.#usedBytes > this.#sealedBytes;
  }

  /** Writes a record; an earlier one of the instance is replaced. The value is copied. */
  put(instanceId: number, promisedBallot: number, acceptedBallot: number, value: Uint8Array): void {
    invariant(!this.#isFinished, 'a finished batch takes no writes');
    const recordBytes = RECORD_HEADER_BYTES + value.length + CHECKSUM_BYTES;
    const place = this.#usedBytes;
    this.#usedBytes = place + RECORD_OFFSET + recordBytes;
    if (this.#usedBytes > this.#arena.length) this.#grow();

    this.#view.setUint32(place, recordBytes);
    writeKey(this.#arena, place + LENGTH_BYTES, instanceId);
    this.#view.setUint32(place + RECORD_OFFSET, promisedBallot);
    this.#view.setUint32(place + RECORD_OFFSET + 4, acceptedBallot);
    this.#arena.set(value, place + RECORD_OFFSET + RECORD_HEADER_BYTES);
    this.#places.set(instanceId, place);
  }

  /** The ballot promised by a record of this batch, or undefined if there is none. */
  promisedBallot(instanceId: number): number | undefined {
    const place = this.#places.get(instanceId);
    return place === undefined ? undefined : this.#view.getUint32(place + RECORD_OFFSET);
  }

  /** A record of this batch. The value is a view of the arena, valid until the next write. */
  get(instanceId: number): AcceptorRecord | undefined {
    const place = this.#places.get(instanceId);
    if (place === undefined) return undefined;
    const start = place + RECORD_OFFSET;
    const end = start + this.#view.getUint32(place) - CHECKSUM_BYTES;
    return {
      promisedBallot: this.#view.getUint32(start),
      acceptedBallot: this.#view.getUint32(start + 4),
      value: this.#arena.subarray(start + RECORD_HEADER_BYTES, end),
    };
  }

  /** The instances that have a record here, in no order. */
  instanceIds(): Iterable<number> {
    return this.#places.keys();
  }

  /**
   * Puts the checksums in that are missing, those of replaced records too. Returns what was put since it was sealed last:
   * a view, valid until the next write.
   */
  seal(): Uint8Array {
    const from = this.#sealedBytes;
    for (let place = from; place < this.#usedBytes; ) {
      const end = place + RECORD_OFFSET + this.#view.getUint32(place) - CHECKSUM_BYTES;
      this.#view.setUint32(end, crc32(this.#arena, place + LENGTH_BYTES, end));
      place = end + CHECKSUM_BYTES;
    }
    this.#sealedBytes = this.#usedBytes;
    return this.#arena.subarray(from, this.#usedBytes);
  }

  /** Forgets what was put since it was sealed last; what that replaced is there again. */
  forgetUnsealed(): void {
    if (!this.hasUnsealed) return;
    this.#usedBytes = this.#sealedBytes;
    this.#places.clear();
    for (let place = 0; place < this.#usedBytes; place += RECORD_OFFSET + this.#view.getUint32(place)) {
      this.#places.set(instanceIdOf(this.#arena, place + LENGTH_BYTES), place);
    }
  }

  /** From here to clear() the batch only answers. */
  finish(): void {
    invariant(!this.hasUnsealed, 'what leaves for the database has its checksums');
    this.#isFinished = true;
  }

  /** Tells each record above `trimInstanceId` as it is to be stored. The bytes must not be changed. */
  forEach(trimInstanceId: number, store: (key: Uint8Array, record: Uint8Array) => void): void {
    for (const [instanceId, place] of this.#places) {
      if (instanceId <= trimInstanceId) continue;
      const start = place + RECORD_OFFSET;
      const record = this.#arena.subarray(start, start + this.#view.getUint32(place));
      store(this.#arena.subarray(place + LENGTH_BYTES, start), record);
    }
  }

  /** Forgets the records, for the next turn's. */
  clear(): void {
    this.#places.clear();
    this.#usedBytes = 0;
    this.#sealedBytes = 0;
    this.#isFinished = false;
    if (this.#arena.length > KEPT_ARENA_BYTES) this.#replaceArena(FIRST_ARENA_BYTES);
  }

  #grow(): void {
    const old = this.#arena;
    let bytes = old.length;
    while (bytes < this.#usedBytes) bytes *= 2;
    this.#replaceArena(bytes);
    this.#arena.set(old);
  }

  #replaceArena(bytes: number): void {
    this.#arena = new Uint8Array(bytes);
    this.#view = new DataView(this.#arena.buffer);
  }
}

/** Tells each record of a stretch that seal() returned, in the order in which they were put. */
export function eachRecord(stretch: Uint8Array, tell: (key: Uint8Array, record: Uint8Array) => void): void {
  for (let place = 0; place < stretch.length; ) {
    const start = place + RECORD_OFFSET;
    const end = start + readUint32(stretch, place);
    invariant(end <= stretch.length, 'a stretch holds whole records');
    tell(stretch.subarray(place + LENGTH_BYTES, start), stretch.subarray(start, end));
    place = end;
  }
}
