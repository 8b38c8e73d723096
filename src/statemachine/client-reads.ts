/**
 * ClientReads: what a client has asked, until it is answered. A question changes nothing, so it is asked again as often
 * as need be: on another connection, or of another replica when one cannot tell.
 *
 *   read → READ → READ_RESULT: ok | failed | (unavailable) rests a moment, and is asked again
 *
 * Invariant: a promise settles once; how many questions wait is bounded.
 */
import { PaxosError } from '../paxos/error.ts';
import { ReadStatus } from '../transport/messages.ts';
import type { Clock } from '../transport/transport.ts';
import { aborted } from './errors.ts';

/** How many questions have no answer at a time. */
export const MAX_OUTSTANDING_READS = 65_536;
/** A question that could not be answered rests for so long: a cluster without a leader would be asked without end. */
const REST_MS = 20;

/** The way to a replica. */
export interface ReadPort {
  isReady(): boolean;
  read(token: number, consistency: number, query: Uint8Array): void;
  /** asks for flush() at the end of this turn */
  wake(): void;
}

interface Asked<Answer> {
  readonly query: Uint8Array;
  readonly consistency: number;
  readonly settle: (answer: Answer) => void;
  readonly fail: (error: unknown) => void;
}

export class ClientReads<Answer> {
  readonly #clock: Clock;
  readonly #port: ReadPort;
  readonly #decode: (answer: Uint8Array) => Answer;
  /** by token; what was asked and what is still to be */
  readonly #asked = new Map<number, Asked<Answer>>();
  #toAsk: number[] = [];
  #resting: number[] = [];
  #nextToken = 1;
  #closed: PaxosError | undefined;

  constructor(clock: Clock, port: ReadPort, decode: (answer: Uint8Array) => Answer) {
    this.#clock = clock;
    this.#port = port;
    this.#decode = decode;
  }

  get isWaitedFor(): boolean {
    return this.#asked.size > 0;
  }

  /** How much is kept of what was asked, given up or not. */
  get keptCount(): number {
    return this.#asked.size + this.#toAsk.length;
  }

  /** @throws PaxosError READ_FAILED, QUEUE_FULL, ABORTED, CLOSED */
  read(query: Uint8Array, consistency: number, signal?: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) return reject(this.#closed);
      if (signal?.aborted === true) return reject(aborted('read'));
      if (this.#asked.size >= MAX_OUTSTANDING_READS) return reject(fullError());
      const token = this.#nextToken++;
      const abort = () => {
        this.#take(token)?.fail(aborted('read'));
        this.#forget();
      };
      const unheed = () => signal?.removeEventListener('abort', abort);
      const settle = (answer: Answer) => {
        unheed();
        resolve(answer);
      };
      const fail = (error: unknown) => {
        unheed();
        reject(error);
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#asked.set(token, { query, consistency, settle, fail });
      this.#toAsk.push(token);
      this.#port.wake();
    });
  }

  /** There is another connection: everything is asked again. */
  reconnected(): void {
    this.#toAsk = [...this.#asked.keys()];
    this.#port.wake();
  }

  flush(): void {
    if (this.#toAsk.length === 0 || !this.#port.isReady()) return;
    const tokens = this.#toAsk;
    this.#toAsk = [];
    for (const [i, token] of tokens.entries()) {
      if (!this.#port.isReady()) {
        this.#toAsk = tokens.slice(i);
        return;
      }
      const asked = this.#asked.get(token);
      if (asked !== undefined) this.#port.read(token, asked.consistency, asked.query);
    }
  }

  onReadResult(token: number, status: number, answer: Uint8Array): void {
    if (status === ReadStatus.unavailable) {
      if (this.#asked.has(token)) this.#askAgain(token);
      return;
    }
    const asked = this.#take(token);
    if (asked === undefined) return;
    try {
      if (status === ReadStatus.ok) asked.settle(this.#decode(answer));
      else asked.fail(readError(answer));
    } catch (error) {
      asked.fail(error);
    }
  }

  close(error: PaxosError): void {
    this.#closed ??= error;
    for (const token of [...this.#asked.keys()]) this.#take(token)?.fail(error);
    this.#toAsk = [];
  }

  #take(token: number): Asked<Answer> | undefined {
    const asked = this.#asked.get(token);
    this.#asked.delete(token);
    return asked;
  }

  /** Those that were given up would pile up between the others while nobody can be asked. */
  #forget(): void {
    if (this.#toAsk.length <= 2 * this.#asked.size + 1024) return;
    this.#toAsk = this.#toAsk.filter((token) => this.#asked.has(token));
  }

  #askAgain(token: number): void {
    this.#resting.push(token);
    if (this.#resting.length > 1) return;
    this.#clock.after(REST_MS, () => {
      this.#toAsk.push(...this.#resting.filter((one) => this.#asked.has(one)));
      this.#resting = [];
      this.#port.wake();
    });
  }
}

/** What a machine threw while it answered. */
export function readError(message: Uint8Array): PaxosError {
  return new PaxosError('READ_FAILED', new TextDecoder().decode(message));
}

function fullError(): PaxosError {
  const text = `${MAX_OUTSTANDING_READS} reads wait for their answers already; read more when some have come`;
  return new PaxosError('QUEUE_FULL', text);
}
