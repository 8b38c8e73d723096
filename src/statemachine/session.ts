/**
 * ClientSession: proposes commands exactly once by way of one session, for as long as whoever has it lives: a Client by
 * a connection, a replica by itself.
 *
 *   propose → (no session) OPEN → SESSION_OPENED → RUN … → results        idle → KEEP        close → CLOSE
 *   another connection → what has no result is sent again, under the same numbers
 *   the session has expired → what may have been applied fails, the rest goes on in a new session
 *
 * Knows neither sockets nor who leads: items go out by a port, results come in by onResult.
 *
 * Invariant: a command is given to a second session only if it is certain that the first never applied it.
 */
import { PaxosError } from '../paxos/error.ts';
import type { Clock, Random, Timer } from '../transport/transport.ts';
import { ByteWriter } from './bytes.ts';
import { MAX_CLIENT_ITEMS } from './client-items.ts';
import { aborted } from './errors.ts';
import { encodeClose, encodeKeep, encodeOpen } from './items.ts';
import { Outgoing, type Outstanding, type Run } from './outgoing.ts';
import { ResultReader, ResultStatus, resultError } from './results.ts';

/** A session that nothing was heard of for so long, by the clocks of the leaders, is forgotten. */
export const DEFAULT_SESSION_TIMEOUT_MS = 60_000;
/** An idle session says that it lives so often at least; log time passes no faster than this in one step. */
const MAX_KEEP_MS = 10_000;
/** So much goes into one message; then it is looked again whether the other end still reads. */
const MAX_ITEMS_BYTES = 256 * 1024;
const NO_BYTES = new Uint8Array(0);

/** The way to a replica. */
export interface SessionPort {
  /** true while there is a replica that takes items */
  isReady(): boolean;
  /** gives items to it, one behind the other; session 0: an OPEN is among them */
  send(session: number, items: readonly Uint8Array[]): void;
  /** asks for flush() to be called at the end of this turn */
  wake(): void;
}

export interface SessionOptions<Result> {
  readonly clock: Clock;
  readonly random: Random;
  readonly port: SessionPort;
  /** what a result's bytes mean */
  readonly decode: (result: Uint8Array) => Result;
  /** the most bytes that a command may have; several in one message have no more together */
  readonly maxCommandBytes: number;
  readonly timeoutMs: number;
}

interface Nonce {
  readonly high: number;
  readonly low: number;
}

export class ClientSession<Result> {
  readonly #options: SessionOptions<Result>;
  readonly #outgoing: Outgoing;
  readonly #keepMs: number;
  readonly #maxItemsBytes: number;
  readonly #writer = new ByteWriter();
  readonly #results = new ResultReader();
  /** 0: there is none yet */
  #id = 0;
  /** of the session that is being opened */
  #nonce: Nonce | undefined;
  #isOpenSent = false;
  #mustResend = false;
  #sentAt = 0;
  #timer: Timer | undefined;
  #closed: PaxosError | undefined;

  constructor(options: SessionOptions<Result>) {
    this.#options = options;
    this.#keepMs = Math.min(MAX_KEEP_MS, options.timeoutMs / 3);
    // A message that is larger than one may be would end every connection that it is sent on, again and again.
    this.#maxItemsBytes = Math.min(MAX_ITEMS_BYTES, options.maxCommandBytes);
    this.#outgoing = new Outgoing(options.maxCommandBytes);
  }

  /** The session's number; 0: none is open. */
  get id(): number {
    return this.#id;
  }

  /** How many bytes of commands wait to be sent. */
  get waitingBytes(): number {
    return this.#outgoing.waitingBytes;
  }

  /** True while somebody waits for a result. */
  get isWaitedFor(): boolean {
    return this.#outgoing.waitingCount + this.#outgoing.outstandingCount > 0;
  }

  /**
   * Proposes a command; resolves to its result once it is applied.
   * @param payload its bytes, which must not change any more
   * @throws PaxosError COMMAND_FAILED, COMMAND_INVALID, SESSION_EXPIRED, SESSION_REFUSED, VALUE_TOO_LARGE, QUEUE_FULL,
   * ABORTED, CLOSED
   */
  propose(payload: Uint8Array, signal?: AbortSignal): Promise<Result> {
    return new Promise((resolve, reject) => {
      const { maxCommandBytes, decode, port } = this.#options;
      if (this.#closed !== undefined) return reject(this.#closed);
      if (payload.length > maxCommandBytes) return reject(tooLarge(payload.length, maxCommandBytes));
      if (signal?.aborted === true) return reject(aborted('command'));
      const proposal = new Proposal<Result>(payload, decode, resolve, reject);
      this.#outgoing.add(proposal);
      if (signal !== undefined) proposal.heed(signal, this.#outgoing);
      port.wake();
    });
  }

  /** There is another connection: what has no result is sent again on it. */
  reconnected(): void {
    this.#mustResend = true;
    this.#isOpenSent = false;
    // At once: that the session has expired may be heard before there is room to send anything again.
    this.#outgoing.reconnected();
    this.#options.port.wake();
  }

  /** Sends what there is to send, as far as the other end takes it. To be called at the end of a turn. */
  flush(): void {
    const { port } = this.#options;
    if (!port.isReady() || this.#closed !== undefined) return;
    if (this.#id === 0) {
      this.#open();
      return;
    }
    if (this.#mustResend) {
      this.#mustResend = false;
      this.#send(this.#outgoing.unanswered());
    }
    while (this.#outgoing.hasRoom && port.isReady()) this.#send(this.#newRuns());
  }

  onOpened(nonceHigh: number, nonceLow: number, session: number): void {
    if (this.#nonce?.high !== nonceHigh || this.#nonce.low !== nonceLow) return;
    this.#nonce = undefined;
    this.#isOpenSent = false;
    if (session === 0) {
      this.#outgoing.failAll(new PaxosError('SESSION_REFUSED', 'the cluster has too many sessions already'));
      return;
    }
    this.#id = session;
    this.#mustResend = false;
    this.#sentAt = this.#options.clock.now();
    this.#keepAlive();
    this.#options.port.wake();
  }

  /**
   * What commands came to; those of another session are passed over. Hot.
   * @returns what is wrong with these results; undefined: nothing is
   */
  onResults(session: number, results: Uint8Array): string | undefined {
    if (session !== this.#id || session === 0) return undefined;
    this.#results.open(results);
    return this.#take();
  }

  /** What consecutive commands of this session came to, in the same process. Hot. */
  onAnswered(first: number, count: number, results: Uint8Array): void {
    this.#results.openRun(first, count, results);
    this.#take();
  }

  /** Ends the session, and whatever waits for results. */
  close(error: PaxosError): void {
    if (this.#closed !== undefined) return;
    const { port } = this.#options;
    this.#closed = error;
    this.#timer?.cancel();
    if (this.#id !== 0 && port.isReady()) {
      encodeClose(this.#writer, this.#id);
      this.#sendWritten(this.#id);
    }
    this.#outgoing.failAll(error);
  }

  #take(): string | undefined {
    const reader = this.#results;
    while (reader.next()) {
      if (reader.status === ResultStatus.expired) {
        this.#expire();
        return undefined;
      }
      this.#outgoing.settle(reader.sequence, reader.status, reader.bytes());
    }
    return reader.fault;
  }

  #open(): void {
    if (this.#isOpenSent || (this.#nonce === undefined && this.#outgoing.waitingCount === 0)) return;
    const { random, timeoutMs } = this.#options;
    const half = () => Math.floor(random.next() * 2 ** 32);
    this.#nonce ??= { high: half(), low: half() };
    this.#isOpenSent = true;
    encodeOpen(this.#writer, this.#nonce.high, this.#nonce.low, timeoutMs);
    this.#sendWritten(0);
  }

  /** Cuts new runs, as many as go into a message. */
  *#newRuns(): Generator<Run> {
    for (let bytes = 0; bytes < this.#maxItemsBytes; ) {
      const run = this.#outgoing.takeRun(this.#id);
      if (run === undefined) return;
      bytes += run.item.length;
      yield run;
    }
  }

  #send(runs: Iterable<Run>): void {
    let items: Uint8Array[] = [];
    let bytes = 0;
    for (const { item } of runs) {
      const isFull = bytes + item.length > this.#maxItemsBytes || items.length === MAX_CLIENT_ITEMS;
      if (bytes > 0 && isFull) {
        this.#sendItems(items);
        items = [];
        bytes = 0;
      }
      items.push(item);
      bytes += item.length;
    }
    if (bytes > 0) this.#sendItems(items);
  }

  #sendItems(items: readonly Uint8Array[]): void {
    this.#sentAt = this.#options.clock.now();
    this.#options.port.send(this.#id, items);
  }

  #sendWritten(session: number): void {
    this.#options.port.send(session, [this.#writer.take()]);
  }

  #keepAlive(): void {
    const { clock, port } = this.#options;
    this.#timer?.cancel();
    this.#timer = clock.after(this.#keepMs, () => {
      if (this.#id === 0) return;
      if (clock.now() - this.#sentAt >= this.#keepMs && port.isReady()) {
        this.#sentAt = clock.now();
        encodeKeep(this.#writer, this.#id, this.#outgoing.acknowledged);
        this.#sendWritten(this.#id);
      }
      this.#keepAlive();
    });
  }

  /**
   * The cluster has forgotten the session. Results come in the order of the log: what was sent once, on the connection
   * that is still there, and has no result, was not applied before and cannot be any more. Of the rest nobody knows.
   */
  #expire(): void {
    this.#id = 0;
    this.#isOpenSent = false;
    this.#timer?.cancel();
    this.#outgoing.beginAnew(resultError(ResultStatus.expired, NO_BYTES));
    this.#options.port.wake();
  }
}

/** A command and the promise of its result. */
class Proposal<Result> implements Outstanding {
  readonly payload: Uint8Array;
  sequence = 0;
  readonly #decode: (result: Uint8Array) => Result;
  readonly #resolve: (result: Result) => void;
  readonly #reject: (error: unknown) => void;
  #signal: AbortSignal | undefined;
  #abort: (() => void) | undefined;

  constructor(
    payload: Uint8Array,
    decode: (result: Uint8Array) => Result,
    resolve: (result: Result) => void,
    reject: (error: unknown) => void,
  ) {
    this.payload = payload;
    this.#decode = decode;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  heed(signal: AbortSignal, outgoing: Outgoing): void {
    this.#signal = signal;
    this.#abort = () => {
      outgoing.abandon(this);
      this.#reject(aborted('command'));
    };
    signal.addEventListener('abort', this.#abort, { once: true });
  }

  settle(status: ResultStatus, result: Uint8Array): void {
    this.#unheed();
    if (status !== ResultStatus.ok) {
      this.#reject(resultError(status, result));
      return;
    }
    try {
      this.#resolve(this.#decode(result));
    } catch (error) {
      this.#reject(error);
    }
  }

  fail(error: PaxosError): void {
    this.#unheed();
    this.#reject(error);
  }

  #unheed(): void {
    if (this.#abort !== undefined) this.#signal?.removeEventListener('abort', this.#abort);
  }
}

function tooLarge(bytes: number, limit: number): PaxosError {
  return new PaxosError('VALUE_TOO_LARGE', `the command has ${bytes} bytes; max-message allows ${limit}`);
}
