/**
 * Way: what the network does to bytes between two processes in one direction; and Pipe: the bytes of one connection
 * that go that way.
 *
 *   a source is read → its bytes wait until they are due, in order → they are written to the sink
 *
 * Nothing is lost while a way is blocked: bytes wait, an end too, as TCP would send them again when it can. What waits
 * is bounded; then the source is not read any more.
 */
import type { Socket } from 'node:net';
import type { Random } from '../../src/transport/transport.ts';

/** So much of one connection waits here, before its source has to wait. */
const MAX_WAITING_BYTES = 256 * 1024;
/** A throttled way passes on so much at a time: messages come in pieces. */
const PIECE_BYTES = 512;
/** A connection that is to be cut in the middle of what it says next, and says nothing for so long, is cut all the same. */
const CUT_WITHIN_MS = 300;

export class Way {
  readonly random: Random;
  readonly #pipes = new Set<Pipe>();
  readonly #waiting: (() => void)[] = [];
  #blocked = 0;
  #delayMs = 0;
  #bytesPerSecond = Number.POSITIVE_INFINITY;
  /** when a throttled way has room again, ms */
  #freeAt = 0;

  constructor(random: Random) {
    this.random = random;
  }

  get isBlocked(): boolean {
    return this.#blocked > 0;
  }

  get delayMs(): number {
    return this.#delayMs;
  }

  get isThrottled(): boolean {
    return this.#bytesPerSecond < Number.POSITIVE_INFINITY;
  }

  /** Lets nothing pass until unblocked as often. */
  block(): void {
    this.#blocked++;
  }

  unblock(): void {
    this.#blocked = Math.max(0, this.#blocked - 1);
    this.#changed();
  }

  /** Each piece comes later by this, and by chance up to twice that. */
  setDelay(ms: number): void {
    this.#delayMs = ms;
    this.#changed();
  }

  setBytesPerSecond(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
    this.#freeAt = 0;
    this.#changed();
  }

  /**
   * Cuts every connection of which bytes go this way, in the middle of what it says next.
   * @returns how many there are
   */
  cut(): number {
    for (const pipe of this.#pipes) pipe.cutNext();
    return this.#pipes.size;
  }

  /**
   * Ends every connection of which bytes go this way behind what it says next: that arrives, and no answer comes back.
   * @returns how many there are
   */
  cutBehindNext(): number {
    for (const pipe of this.#pipes) pipe.cutBehindNext();
    return this.#pipes.size;
  }

  /** Undoes everything. */
  heal(): void {
    this.#blocked = 0;
    this.#delayMs = 0;
    this.setBytesPerSecond(Number.POSITIVE_INFINITY);
  }

  /** Calls once, when the way is not blocked. */
  whenOpen(call: () => void): void {
    if (this.isBlocked) this.#waiting.push(call);
    else call();
  }

  add(pipe: Pipe): void {
    this.#pipes.add(pipe);
  }

  remove(pipe: Pipe): void {
    this.#pipes.delete(pipe);
  }

  /** How long a piece that is due now has to wait for those before it. */
  waitMs(now: number): number {
    return Math.max(0, this.#freeAt - now);
  }

  passed(bytes: number, now: number): void {
    if (this.isThrottled) this.#freeAt = Math.max(now, this.#freeAt) + (1000 * bytes) / this.#bytesPerSecond;
  }

  #changed(): void {
    if (this.isBlocked) return;
    for (const call of this.#waiting.splice(0)) call();
    for (const pipe of [...this.#pipes]) pipe.pump();
  }
}

/** Bytes that came, or the end of a connection. */
interface Piece {
  readonly bytes: Buffer | undefined;
  readonly at: number;
  /** 0 to 1: how much longer than its delay the way keeps it */
  readonly chance: number;
}

export class Pipe {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #way: Way;
  readonly #passed: (bytes: Uint8Array) => void;
  readonly #queue: Piece[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #cutTimer: NodeJS.Timeout | undefined;
  #isSinkFull = false;
  #isCut = false;
  #isCutBehind = false;
  #isOver = false;

  /**
   * Begins to pass on.
   * @param hear told of all that the source says, as soon as it does
   * @param passed told of what is passed on, when it is
   */
  constructor(
    source: Socket,
    sink: Socket,
    way: Way,
    hear: (bytes: Uint8Array) => void,
    passed: (bytes: Uint8Array) => void = () => undefined,
  ) {
    this.#passed = passed;
    this.#source = source;
    this.#sink = sink;
    this.#way = way;
    way.add(this);
    source.on('data', (bytes) => {
      hear(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      this.#take(bytes);
    });
    source.on('error', () => undefined);
    source.once('end', () => this.#take(undefined));
    source.once('close', () => this.#take(undefined));
    sink.on('drain', () => {
      this.#isSinkFull = false;
      this.pump();
    });
    sink.once('close', () => this.#release());
  }

  /** The next bytes that come are passed on in part, and then the connection is closed. */
  cutNext(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.#cutTimer = setTimeout(() => this.#end(), CUT_WITHIN_MS);
  }

  /** The next bytes that come are passed on whole, and then the connection is closed, whatever would come back. */
  cutBehindNext(): void {
    if (this.#isCut) return;
    this.#isCutBehind = true;
    this.cutNext();
  }

  /** Passes on what is due. */
  pump(): void {
    clearTimeout(this.#timer);
    while (!this.#isSinkFull && !this.#way.isBlocked && !this.#isOver) {
      const piece = this.#queue[0];
      if (piece === undefined) break;
      const now = performance.now();
      const dueAt = piece.at + this.#way.delayMs * (1 + piece.chance);
      const waitMs = Math.max(dueAt - now, this.#way.waitMs(now));
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.pump(), waitMs);
        break;
      }
      this.#pass(piece, now);
    }
    if (this.#waitingBytes < MAX_WAITING_BYTES / 2) this.#source.resume();
  }

  #take(bytes: Buffer | undefined): void {
    if (this.#isOver) return;
    this.#queue.push({ bytes, at: performance.now(), chance: this.#way.random.next() });
    this.#waitingBytes += bytes?.length ?? 0;
    if (this.#waitingBytes >= MAX_WAITING_BYTES) this.#source.pause();
    this.pump();
  }

  #pass(piece: Piece, now: number): void {
    this.#queue.shift();
    const { bytes } = piece;
    if (bytes === undefined) this.#end();
    else if (this.#isCut) this.#passInPart(bytes);
    else this.#passOn(piece, bytes, now);
  }

  #passInPart(bytes: Buffer): void {
    const part = this.#isCutBehind ? 1 : this.#way.random.next();
    const first = bytes.subarray(0, Math.floor(1 + part * (bytes.length - 1)));
    this.#sink.write(first);
    this.#passed(first);
    this.#end();
  }

  #passOn(piece: Piece, bytes: Buffer, now: number): void {
    const first = this.#way.isThrottled ? bytes.subarray(0, PIECE_BYTES) : bytes;
    if (first.length < bytes.length) this.#queue.unshift({ ...piece, bytes: bytes.subarray(first.length) });
    this.#waitingBytes -= first.length;
    this.#way.passed(first.length, now);
    this.#isSinkFull = !this.#sink.write(first);
    this.#passed(first);
  }

  /** What was written still arrives; then both sockets are closed. */
  #end(): void {
    this.#sink.end(() => this.#sink.destroy());
    this.#source.destroy();
    this.#release();
  }

  #release(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#cutTimer);
    this.#queue.length = 0;
    this.#waitingBytes = 0;
    this.#way.remove(this);
    // What still comes has nowhere to go; read, so that its end is noticed.
    this.#source.resume();
  }
}
