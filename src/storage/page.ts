/**
 * Page: the records of 1,024 neighbouring instances, without an object per record. Four numbers a record in one typed
 * array (promised ballot, accepted ballot, where the value lies, how long it is); the values in slabs of 16 KB that
 * only this page knows. All of it is room in the storage's arena, given up with the page.
 *
 * A value above 4 KB has a slab of its own, as large as it is. A value that is replaced by one that fits is overwritten;
 * otherwise its bytes are lost until the page is packed anew, which happens once more is lost than is alive.
 */
import type { AcceptorRecord } from '../paxos/storage.ts';
import type { Arena } from './arena.ts';

export const PAGE_INSTANCES = 1_024;

const SLAB_BYTES = 16_384;
const LARGE_BYTES = 4_096;
/** A place has 32 bits. */
const MAX_SLABS = 131_072;
const FIELDS = 4;
const ACCEPTED = 1;
const PLACE = 2;
const LENGTH = 3;
const EMPTY = new Uint8Array(0);

export class Page {
  readonly #arena: Arena;
  readonly #records: Uint32Array;
  /** a place is slab × SLAB_BYTES + offset; a slab with a large value holds nothing else */
  #slabs: Uint8Array[] = [];
  #slab = -1;
  #slabUsed = SLAB_BYTES;
  #liveBytes = 0;
  #lostBytes = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
    const { buffer, byteOffset } = arena.take(PAGE_INSTANCES * FIELDS * Uint32Array.BYTES_PER_ELEMENT);
    this.#records = new Uint32Array(buffer, byteOffset, PAGE_INSTANCES * FIELDS).fill(0);
  }

  /** Bytes held. */
  get sizeBytes(): number {
    return this.#slabs.reduce((sum, slab) => sum + slab.length, this.#records.byteLength);
  }

  /** The ballot promised at a slot (0 … 1,023); 0: no record. */
  promisedBallot(slot: number): number {
    return this.#records[slot * FIELDS] ?? 0;
  }

  /** The record at a slot. The value is a view of a slab. */
  get(slot: number): AcceptorRecord | undefined {
    const base = slot * FIELDS;
    const promisedBallot = this.#records[base] ?? 0;
    if (promisedBallot === 0) return undefined;
    return {
      promisedBallot,
      acceptedBallot: this.#records[base + ACCEPTED] ?? 0,
      value: this.#valueAt(base),
    };
  }

  /** Replaces the record at a slot; the value is copied. */
  put(slot: number, promisedBallot: number, acceptedBallot: number, value: Uint8Array): void {
    const base = slot * FIELDS;
    this.#records[base] = promisedBallot;
    this.#records[base + ACCEPTED] = acceptedBallot;
    this.#store(base, value);
    const isMostlyLost = this.#lostBytes > 2 * SLAB_BYTES && this.#lostBytes > this.#liveBytes;
    if (isMostlyLost || this.#slabs.length > MAX_SLABS) this.#pack();
  }

  /** Nothing here is needed any more. */
  giveUp(): void {
    this.#arena.giveUp(this.#records);
    for (const slab of this.#slabs) this.#arena.giveUp(slab);
  }

  /** Another page with the same records, which shares nothing. */
  copy(arena: Arena): Page {
    const copy = new Page(arena);
    copy.#records.set(this.#records);
    copy.#slabs = this.#slabs.map((slab) => copyIn(arena, slab));
    copy.#slab = this.#slab;
    copy.#slabUsed = this.#slabUsed;
    copy.#liveBytes = this.#liveBytes;
    copy.#lostBytes = this.#lostBytes;
    return copy;
  }

  #valueAt(base: number, length = this.#records[base + LENGTH] ?? 0): Uint8Array {
    if (length === 0) return EMPTY;
    const place = this.#records[base + PLACE] ?? 0;
    const offset = place % SLAB_BYTES;
    return this.#slabs[(place - offset) / SLAB_BYTES]?.subarray(offset, offset + length) ?? EMPTY;
  }

  #store(base: number, value: Uint8Array): void {
    const oldLength = this.#records[base + LENGTH] ?? 0;
    this.#records[base + LENGTH] = value.length;
    this.#liveBytes += value.length - oldLength;
    if (oldLength > LARGE_BYTES && value.length <= LARGE_BYTES) {
      const index = (this.#records[base + PLACE] ?? 0) / SLAB_BYTES;
      this.#arena.giveUp(this.#slabs[index] ?? EMPTY);
      this.#slabs[index] = EMPTY;
      this.#lostBytes += SLAB_BYTES; // a place without a slab: counted, so that packing takes it back
    } else if (value.length <= oldLength) {
      this.#valueAt(base, oldLength).set(value);
      this.#lostBytes += oldLength - value.length;
      return;
    } else {
      this.#lostBytes += oldLength;
    }
    this.#records[base + PLACE] = value.length > LARGE_BYTES ? this.#placeLarge(value) : this.#place(value);
  }

  #placeLarge(value: Uint8Array): number {
    return (this.#slabs.push(copyIn(this.#arena, value)) - 1) * SLAB_BYTES;
  }

  #place(value: Uint8Array): number {
    if (this.#slabUsed + value.length > SLAB_BYTES) {
      this.#slab = this.#slabs.push(this.#arena.take(SLAB_BYTES)) - 1;
      this.#slabUsed = 0;
    }
    const offset = this.#slabUsed;
    this.#slabs[this.#slab]?.set(value, offset);
    this.#slabUsed += value.length;
    return this.#slab * SLAB_BYTES + offset;
  }

  /** Moves the values into new slabs, without gaps. */
  #pack(): void {
    const values: Uint8Array[] = [];
    for (let base = 0; base < this.#records.length; base += FIELDS) values.push(this.#valueAt(base));
    const before = this.#slabs;
    this.#slabs = [];
    this.#slab = -1;
    this.#slabUsed = SLAB_BYTES;
    this.#lostBytes = 0;
    values.forEach((value, slot) => {
      const place = value.length > LARGE_BYTES ? this.#placeLarge(value) : this.#place(value);
      this.#records[slot * FIELDS + PLACE] = place;
    });
    for (const slab of before) this.#arena.giveUp(slab);
  }
}

function copyIn(arena: Arena, bytes: Uint8Array): Uint8Array {
  const room = arena.take(bytes.length);
  room.set(bytes);
  return room;
}
