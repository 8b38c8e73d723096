/**
 * ByteBuffer: bytes on their way out. Messages are written one after another; what was written is handed out whole.
 *
 *   scratch    a broadcast is encoded once:  encode…(scratch), link.append(scratch.view()) for every link, clear()
 *   a link     all that leaves in a turn:    encode…(out) or out.append(…), at the end of the turn write(out.take())
 *
 * Knows how msgpack writes integers and bytes, and nothing of messages.
 *
 * Memory that was handed out by `take` is not written again, so a socket may keep it as long as it likes: the next
 * turn goes on behind it in the same slab, and a full slab is left to whoever still holds a part of it. Once nobody
 * does, `reuse` begins the slab anew. Memory seen through `view` is written again after `clear`.
 */

import { invariant } from '../paxos/invariant.ts';
import { unwritten } from './slab.ts';

/** A slab holds many small turns, or three of the size of the last one, so that few turns outgrow theirs. */
const MIN_SLAB_BYTES = 16 * 1024;
const MAX_SLAB_BYTES = 4 * 1024 * 1024;

/** The most bytes that an integer and the head of a value take. */
export const MAX_INTEGER_BYTES = 9;
export const MAX_VALUE_HEAD_BYTES = 5;

const UINT32_RANGE = 2 ** 32;
const NO_BYTES = new Uint8Array(0);

export class ByteBuffer {
  #slab: Uint8Array = NO_BYTES;
  /** The slab's memory: asking the slab for it each time would double the cost of a view. */
  #memory: ArrayBufferLike = NO_BYTES.buffer;
  /** Where what was not handed out yet begins, and where the next byte goes. */
  #start = 0;
  #at = 0;
  #lastTaken = 0;

  /** How many bytes were written since the last take or clear. */
  get length(): number {
    return this.#at - this.#start;
  }

  /** Makes room for `bytes` more. The writing methods below need room that was reserved. */
  reserve(bytes: number): void {
    if (this.#slab.length - this.#at < bytes) this.#grow(bytes);
  }

  /** Appends bytes as they are; copies them. */
  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.#slab.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** What was written, valid until `clear`; for appending it elsewhere. */
  view(): Uint8Array {
    invariant(this.#at <= this.#slab.length, 'what is written has room reserved');
    return new Uint8Array(this.#memory, this.#start, this.#at - this.#start);
  }

  /** Hands out what was written, for good; the buffer is empty afterwards. */
  take(): Uint8Array {
    const taken = this.view();
    this.#lastTaken = taken.length;
    this.#start = this.#at;
    this.#letGo();
    return taken;
  }

  /** Nothing that was taken is looked at any more: its memory is written again. */
  reuse(): void {
    if (this.#at === this.#start) this.#use(this.#slab, 0);
  }

  /** Drops what was written, and writes over it again. */
  clear(): void {
    this.#at = this.#start;
    this.#letGo();
  }

  /** Writes one byte into reserved room. */
  byte(byte: number): void {
    this.#slab[this.#at++] = byte;
  }

  /** Writes an integer up to 2^32-1 in msgpack's shortest form. */
  uint32(value: number): void {
    invariant(value >>> 0 === value, 'the integer has 32 bits');
    if (value < 0x80) this.#slab[this.#at++] = value;
    else this.#wideUint32(value);
  }

  /** Writes an integer up to 2^53-1 in msgpack's shortest form. */
  uint53(value: number): void {
    if (value >>> 0 === value) {
      this.uint32(value);
      return;
    }
    invariant(Number.isSafeInteger(value) && value > 0, 'the integer has 53 bits');
    this.byte(0xcf);
    this.#bigEndian32(Math.floor(value / UINT32_RANGE));
    this.#bigEndian32(value % UINT32_RANGE);
  }

  /** Writes bytes as msgpack bin8, bin16 or bin32. */
  value(bytes: Uint8Array): void {
    this.valueHead(bytes.length);
    // `set` for every length: a loop is as fast at 8 bytes, half as fast at 32, a third at 64.
    this.#slab.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Writes the head of a value; its bytes are to be appended. */
  valueHead(length: number): void {
    if (length < 0x100) {
      this.byte(0xc4);
    } else if (length < 0x10000) {
      this.byte(0xc5);
      this.byte(length >>> 8);
    } else {
      invariant(length < UINT32_RANGE, 'the value fits a bin32');
      this.byte(0xc6);
      this.byte(length >>> 24);
      this.byte(length >>> 16);
      this.byte(length >>> 8);
    }
    this.byte(length);
  }

  #wideUint32(value: number): void {
    if (value < 0x100) {
      this.byte(0xcc);
      this.byte(value);
    } else if (value < 0x10000) {
      this.byte(0xcd);
      this.byte(value >>> 8);
      this.byte(value);
    } else {
      this.byte(0xce);
      this.#bigEndian32(value);
    }
  }

  #bigEndian32(value: number): void {
    this.byte(value >>> 24);
    this.byte(value >>> 16);
    this.byte(value >>> 8);
    this.byte(value);
  }

  /**
   * Goes on in a new slab, and takes along what was not handed out yet. Doubling keeps this linear; looking at the last
   * turn makes it rare (a quarter of the time at 400 kB a turn).
   */
  #grow(bytes: number): void {
    const length = this.length;
    const turns = Math.min(3 * this.#lastTaken, MAX_SLAB_BYTES);
    const slab = unwritten(Math.max(MIN_SLAB_BYTES, turns, 2 * (length + bytes)));
    slab.set(this.#slab.subarray(this.#start, this.#at));
    this.#use(slab, length);
  }

  /** An empty buffer does not hold on to the slab of a turn that was exceptionally large. */
  #letGo(): void {
    if (this.#slab.length > MAX_SLAB_BYTES) this.#use(NO_BYTES, 0);
  }

  #use(slab: Uint8Array, length: number): void {
    this.#slab = slab;
    this.#memory = slab.buffer;
    this.#start = 0;
    this.#at = length;
  }
}
