/**
 * Items: what a value is made of with `value-format commands`. A value is a concatenation of items; so two values, one
 * behind the other, are a value, batching is concatenation, and the empty value is the no-op.
 *
 *   CLOCK   1  time in ms, seed                                    put in front by the leader
 *   OPEN    2  nonce high, nonce low, timeout in ms                opens a session
 *   RUN     3  session, acknowledged, first, count, count × (length, payload)
 *   KEEP    4  session, acknowledged                               keeps a session alive
 *   CLOSE   5  session
 *   DIGEST  6  instance, digest                                    what a replica's running digest was
 *
 * The kind is one byte, all else are integers of bytes.ts. A RUN holds commands of consecutive sequence numbers of one
 * session; every result up to and including `acknowledged` has reached the client.
 *
 * The reader takes hostile bytes: an item is there as a whole or not at all, and after a malformed one nothing more is
 * read of that value. Equal bytes are read alike everywhere, which is what makes passing over them safe.
 */
import { ByteReader, type ByteWriter, MAX_INTEGER_BYTES } from './bytes.ts';

export const ItemKind = { clock: 1, open: 2, run: 3, keep: 4, close: 5, digest: 6 } as const;

/** The most commands in one RUN. */
export const MAX_RUN_COMMANDS = 1024;
/** The most bytes of a RUN beside its commands: its kind and four integers. */
export const MAX_RUN_HEAD_BYTES = 1 + 4 * MAX_INTEGER_BYTES;
/** A session that nobody keeps alive ends after this long, at the least and at the most. */
export const MIN_SESSION_TIMEOUT_MS = 1_000;
export const MAX_SESSION_TIMEOUT_MS = 86_400_000;

const MAX_SEQUENCE = Number.MAX_SAFE_INTEGER;
const NONE = 0;

/**
 * A cursor over the items of a value. The fields are those of the item that `next` came to; those of other kinds keep
 * what they had.
 */
export class ItemReader {
  /** one of ItemKind; 0 before the first item, and behind the last */
  kind = NONE;
  /** where in the value the item begins and ends */
  start = 0;
  end = 0;
  /** CLOCK */
  timeMs = 0;
  seed = 0;
  /** OPEN */
  nonceHigh = 0;
  nonceLow = 0;
  timeoutMs = 0;
  /** RUN, KEEP, CLOSE */
  session = 0;
  /** RUN, KEEP */
  acknowledged = 0;
  /** RUN */
  first = 0;
  count = 0;
  /** DIGEST */
  instanceId = 0;
  digest = 0;

  readonly #reader = new ByteReader();

  /** Begins a value. The commands that are read are views of these bytes. */
  open(value: Uint8Array): void {
    this.#reader.open(value);
    this.kind = NONE;
    this.start = 0;
    this.end = 0;
  }

  /** Why the rest of the value is not read; undefined: it was, or is still to be. */
  get fault(): string | undefined {
    return this.#reader.fault;
  }

  /** Goes to the next item. False: there is none, or the rest is malformed, which `fault` tells. */
  next(): boolean {
    const reader = this.#reader;
    this.start = this.end;
    reader.moveTo(this.end);
    this.kind = NONE;
    if (reader.isAtEnd) return false;
    const kind = reader.byte();
    this.#read(kind);
    if (reader.fault !== undefined) return false;
    this.kind = kind;
    return true;
  }

  /** The next command of a RUN, whose item `next` came to; to be called `count` times at most. A view. */
  command(): Uint8Array {
    return this.#reader.view(this.#reader.uint53());
  }

  /** Passes over the next `count` commands of a RUN. */
  skipCommands(count: number): void {
    for (let i = 0; i < count; i++) this.#reader.skip(this.#reader.uint53());
  }

  #read(kind: number): void {
    const reader = this.#reader;
    switch (kind) {
      case ItemKind.run:
        this.#readRun();
        return;
      case ItemKind.clock:
        this.timeMs = reader.uint53();
        this.seed = reader.uint32();
        break;
      case ItemKind.open:
        this.nonceHigh = reader.uint32();
        this.nonceLow = reader.uint32();
        this.timeoutMs = this.#timeout();
        break;
      case ItemKind.keep:
        this.session = this.#positive('session');
        this.acknowledged = reader.uint53();
        break;
      case ItemKind.close:
        this.session = this.#positive('session');
        break;
      case ItemKind.digest:
        this.instanceId = this.#positive('instance');
        this.digest = reader.uint53();
        break;
      default:
        reader.fail(`item of kind ${kind}, which there is not`);
    }
    this.end = reader.at;
  }

  /** Reads the head, looks whether all commands are there, and goes back to the first. */
  #readRun(): void {
    const reader = this.#reader;
    this.session = this.#positive('session');
    this.acknowledged = reader.uint53();
    this.first = this.#positive('sequence');
    this.count = reader.uint53();
    if (this.acknowledged >= this.first) reader.fail('a RUN of a command whose result was acknowledged');
    if (this.count < 1 || this.count > MAX_RUN_COMMANDS) {
      reader.fail(`a RUN of ${this.count} commands, and 1 to ${MAX_RUN_COMMANDS} may be`);
    }
    // Not as a sum: beyond 2^53 it would be rounded.
    if (this.first > MAX_SEQUENCE - (this.count - 1)) reader.fail('a RUN beyond the last sequence');
    if (reader.fault !== undefined) return;
    const commands = reader.at;
    this.skipCommands(this.count);
    this.end = reader.at;
    reader.moveTo(commands);
  }

  #positive(what: string): number {
    const value = this.#reader.uint53();
    return value > 0 ? value : this.#reader.fail(`${what} 0, which means none`);
  }

  #timeout(): number {
    const timeoutMs = this.#reader.uint53();
    if (timeoutMs >= MIN_SESSION_TIMEOUT_MS && timeoutMs <= MAX_SESSION_TIMEOUT_MS) return timeoutMs;
    return this.#reader.fail(
      `a session timeout of ${timeoutMs} ms, and ${MIN_SESSION_TIMEOUT_MS} to ${MAX_SESSION_TIMEOUT_MS} may be`,
    );
  }
}

/** @param seed 32 bits by chance: what the machines' random numbers in this instance come from */
export function encodeClock(out: ByteWriter, timeMs: number, seed: number): void {
  out.byte(ItemKind.clock);
  out.uint53(timeMs);
  out.uint53(seed);
}

/** @param nonceHigh 32 bits by chance; with `nonceLow` the name of a session that has no number yet */
export function encodeOpen(out: ByteWriter, nonceHigh: number, nonceLow: number, timeoutMs: number): void {
  out.byte(ItemKind.open);
  out.uint53(nonceHigh);
  out.uint53(nonceLow);
  out.uint53(timeoutMs);
}

/** The head of a RUN; the commands follow, each with its length in front. */
export function encodeRunHead(
  out: ByteWriter,
  session: number,
  acknowledged: number,
  first: number,
  count: number,
): void {
  out.byte(ItemKind.run);
  out.uint53(session);
  out.uint53(acknowledged);
  out.uint53(first);
  out.uint53(count);
}

export function encodeKeep(out: ByteWriter, session: number, acknowledged: number): void {
  out.byte(ItemKind.keep);
  out.uint53(session);
  out.uint53(acknowledged);
}

export function encodeClose(out: ByteWriter, session: number): void {
  out.byte(ItemKind.close);
  out.uint53(session);
}

export function encodeDigest(out: ByteWriter, instanceId: number, digest: number): void {
  out.byte(ItemKind.digest);
  out.uint53(instanceId);
  out.uint53(digest);
}
