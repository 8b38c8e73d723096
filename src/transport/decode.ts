/**
 * Decoder: the bytes of one connection in, split anywhere; calls of a MessageHandler out. Bounded, and trusts nothing.
 *
 *   push(bytes)   calls the handler for every message that is whole now, in order; keeps the beginning of the next one
 *                 gives a reason if what came is no message: then the connection is to be closed
 *   stop()        nothing more is decoded, the rest of the running push included
 *
 * A handler is called when the fields that we know are whole and right; any behind them are skipped as they come. An
 * array of an unknown type is skipped too, and reported when its end has come.
 *
 * What waits is never more than one message (maxMessageBytes); a longer one is refused when its header is seen. A
 * message that lies in one chunk is not copied. One that does not is gathered, without looking at it again before all
 * bytes of the field that is missing are there, in memory that grows with what has come, not with what was announced.
 */

import { invariant } from '../paxos/invariant.ts';
import type { MessageHandler } from './messages.ts';
import { MsgpackReader } from './msgpack.ts';
import { kindOf } from './read-message.ts';
import { Skipper } from './skip.ts';
import { unwritten } from './slab.ts';

export interface DecoderOptions {
  /** The most bytes a message may have; 1,024 or more. */
  readonly maxMessageBytes: number;
  /** The highest instance id that types 0 to 7 may hold; 2^32-1, as among originals, unless told. */
  readonly lastInstance?: number;
}

/** Below this, every message of ours without its value finds room. */
const MIN_MESSAGE_BYTES = 1024;

/** What is gathered gets room for a small message at once, and up to so much on the mere word of its header. */
const FIRST_ROOM_BYTES = 128;
const TRUSTED_ROOM_BYTES = 256 * 1024;

const NO_BYTES = new Uint8Array(0);

export class Decoder {
  readonly #handler: MessageHandler;
  readonly #reader: MsgpackReader;
  readonly #skipper: Skipper;
  /** The beginning of a message whose end has not come, and how many bytes it needs before another look is worth it. */
  #gathered: Uint8Array = NO_BYTES;
  #gatheredBytes = 0;
  #neededBytes = 0;
  /** The unknown type that is being skipped; undefined: fields behind a message that was handled. */
  #unknownType: number | undefined;
  #failure: string | undefined;
  #stopped = false;

  constructor(handler: MessageHandler, options: DecoderOptions) {
    invariant(options.maxMessageBytes >= MIN_MESSAGE_BYTES, 'a message may have 1,024 bytes or more');
    this.#handler = handler;
    this.#reader = new MsgpackReader(options.maxMessageBytes, options.lastInstance ?? 0xffff_ffff);
    this.#skipper = new Skipper(options.maxMessageBytes);
  }

  /** How many bytes wait for the rest of their message. */
  get waitingBytes(): number {
    return this.#gatheredBytes;
  }

  /**
   * Decodes what came. The bytes may be kept by the handler as views, so they must not change afterwards.
   * @returns undefined, or in one line why this stream is no stream of messages; then and from then on
   */
  push(bytes: Uint8Array): string | undefined {
    const end = bytes.length;
    let at = 0;
    while (at < end && this.#failure === undefined && !this.#stopped) {
      if (this.#skipper.active) at = this.#skip(bytes, at, end);
      else if (this.#gatheredBytes > 0) at = this.#gather(bytes, at, end);
      else at = this.#decode(bytes, at, end);
    }
    return this.#failure;
  }

  /** Decodes nothing more. A handler that closes the connection calls it, and the running push returns at once. */
  stop(): void {
    this.#stopped = true;
    this.#release();
  }

  /** Decodes the whole messages of bytes[at … end) and keeps the tail; returns where it stopped. */
  #decode(bytes: Uint8Array, at: number, end: number): number {
    const reader = this.#reader;
    reader.open(bytes, end);
    let next = at;
    while (next < end && !this.#skipper.active) {
      if (!this.#message(next)) {
        if (reader.needed > 0) this.#keep(bytes, next, end);
        return end;
      }
      next = reader.at;
    }
    return next;
  }

  /** Brings the gathered message nearer to its end by bytes[at … end); returns where it stopped. */
  #gather(bytes: Uint8Array, at: number, end: number): number {
    const next = Math.min(at + this.#neededBytes - this.#gatheredBytes, end);
    this.#append(bytes, at, next);
    if (this.#gatheredBytes < this.#neededBytes) return next;

    // What is needed is known to the byte, so a message that is whole now ends where the gathered bytes end.
    this.#reader.open(this.#gathered, this.#gatheredBytes);
    if (this.#message(0)) this.#release();
    else this.#neededBytes = this.#reader.needed;
    return next;
  }

  /** Reads and handles the message at `at`; false if it is not whole, wrong, or the last one wanted. */
  #message(at: number): boolean {
    const reader = this.#reader;
    reader.begin(at);
    const objects = reader.array();
    if (objects === 0) reader.fail('an empty array where a message was expected');
    const type = reader.type();
    if (!reader.whole()) return this.#failed(reader.fault);

    const kind = kindOf(type);
    if (kind === undefined) {
      this.#unknownType = type;
      return this.#beginSkip(objects - 1, reader.at - at);
    }
    if (objects <= kind.fields) reader.fail(`${objects - 1} of its ${kind.fields} fields`);
    else kind.read(reader, this.#handler);
    if (reader.fault !== undefined) return this.#failed(`${kind.name}: ${reader.fault}`);
    if (this.#stopped || reader.needed > 0) return false;
    return objects === 1 + kind.fields || this.#beginSkip(objects - 1 - kind.fields, reader.at - at);
  }

  #beginSkip(objects: number, messageBytes: number): boolean {
    this.#skipper.begin(objects, messageBytes);
    return this.#skipped();
  }

  #skip(bytes: Uint8Array, at: number, end: number): number {
    const next = this.#skipper.skip(bytes, at, end);
    this.#skipped();
    return next;
  }

  /** Looks at how far the skipper came; false if it found a fault. */
  #skipped(): boolean {
    if (this.#skipper.fault !== undefined) return this.#failed(this.#skipper.fault);
    const type = this.#unknownType;
    if (this.#skipper.active || type === undefined) return true;
    this.#unknownType = undefined;
    this.#handler.unknown(type);
    return !this.#stopped;
  }

  /** Notes why this stream is at its end, if it is. Always false. */
  #failed(reason: string | undefined): false {
    if (reason === undefined) return false;
    this.#failure = reason;
    this.#release();
    return false;
  }

  /** Copies the beginning of a message, so that a few bytes do not hold a whole chunk. */
  #keep(bytes: Uint8Array, at: number, end: number): void {
    this.#neededBytes = this.#reader.needed;
    this.#append(bytes, at, end);
  }

  #append(bytes: Uint8Array, at: number, end: number): void {
    const length = this.#gatheredBytes + end - at;
    if (length > this.#gathered.length) {
      const room = unwritten(this.#room(length));
      room.set(this.#gathered.subarray(0, this.#gatheredBytes));
      this.#gathered = room;
    }
    this.#gathered.set(bytes.subarray(at, end), this.#gatheredBytes);
    this.#gatheredBytes = length;
  }

  /** How much memory to take for `length` bytes: all that is needed if that is little, or if a quarter of it is here. */
  #room(length: number): number {
    const needed = Math.max(this.#neededBytes, FIRST_ROOM_BYTES);
    return Math.min(needed, Math.max(4 * length, TRUSTED_ROOM_BYTES));
  }

  /** Lets go of the gathered bytes. They are not used again: the handler may hold a view of them. */
  #release(): void {
    this.#gathered = NO_BYTES;
    this.#gatheredBytes = 0;
    this.#neededBytes = 0;
  }
}
