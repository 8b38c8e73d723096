/**
 * Results: what became of commands, as it is kept in a session, sent to a client, and compared between replicas.
 *
 *   results    count × (status, length, bytes)                    of consecutive sequences; status is one byte
 *   RESULTS    first, count, results, and again                   the value of that message
 *
 * Both are the same bytes, so what a machine's result became once is copied, and encoded never again.
 */

import { PaxosError } from '../paxos/error.ts';
import { assertNever } from '../paxos/invariant.ts';
import { ByteReader, type ByteWriter } from './bytes.ts';
import { MAX_RUN_COMMANDS } from './items.ts';

/** What became of a command. */
export const ResultStatus = {
  /** applied; the bytes are its result */
  ok: 0,
  /** applied, and it threw; the bytes are the message */
  failed: 1,
  /** not applied, its session is unknown or has expired; whether it ever was, nobody can tell */
  expired: 2,
  /** not applied: too far above what was acknowledged, or too many results wait for that */
  window: 3,
  /** not applied: the codec refused it; the bytes are the message */
  invalid: 4,
} as const;
export type ResultStatus = (typeof ResultStatus)[keyof typeof ResultStatus];

const decoder = new TextDecoder();
const NO_BYTES = new Uint8Array(0);

/** Appends results of consecutive sequences, as RESULTS has them. */
export function encodeResults(out: ByteWriter, first: number, count: number, results: Uint8Array): void {
  out.uint53(first);
  out.uint53(count);
  out.append(results);
}

/** Appends one result. */
export function encodeResult(out: ByteWriter, status: ResultStatus, bytes: Uint8Array): void {
  out.byte(status);
  out.uint53(bytes.length);
  out.append(bytes);
}

/** Appends `count` results without bytes. */
export function encodeEmptyResults(out: ByteWriter, status: ResultStatus, count: number): void {
  for (let i = 0; i < count; i++) encodeResult(out, status, NO_BYTES);
}

/** A cursor over results, one at a time. Takes hostile bytes: it never throws, and reads nothing outside. */
export class ResultReader {
  sequence = 0;
  status: ResultStatus = ResultStatus.ok;
  /** how many bytes the result has */
  length = 0;

  readonly #reader = new ByteReader();
  #next = 0;
  #left = 0;
  #end = 0;
  #isRun = false;

  /** Begins the value of a RESULTS message. */
  open(value: Uint8Array): void {
    this.#begin(value, 0, 0, false);
  }

  /** Begins the results of `count` sequences from `first` on. */
  openRun(first: number, count: number, results: Uint8Array): void {
    this.#begin(results, first, count, true);
  }

  /** What is wrong with the rest of the bytes; undefined: nothing is. */
  get fault(): string | undefined {
    return this.#reader.fault;
  }

  /** Goes to the next result. False: there is none, or the rest is malformed, which `fault` tells. */
  next(): boolean {
    const reader = this.#reader;
    reader.moveTo(this.#end);
    if (this.#left === 0 && !this.#nextRun()) return false;
    this.status = this.#status();
    this.length = reader.uint53();
    const at = reader.at;
    reader.skip(this.length);
    if (reader.fault !== undefined) return false;
    this.sequence = this.#next++;
    this.#left--;
    this.#end = reader.at;
    reader.moveTo(at);
    return true;
  }

  /** The bytes of the result that `next` came to; a view. To be called once. */
  bytes(): Uint8Array {
    return this.#reader.view(this.length);
  }

  #begin(bytes: Uint8Array, first: number, count: number, isRun: boolean): void {
    this.#reader.open(bytes);
    this.#next = first;
    this.#left = count;
    this.#end = 0;
    this.#isRun = isRun;
  }

  #nextRun(): boolean {
    const reader = this.#reader;
    if (reader.isAtEnd) return false;
    if (this.#isRun) return reader.fail('bytes behind the last result') > 0;
    this.#next = reader.uint53();
    this.#left = reader.uint53();
    if (this.#left < 1 || this.#left > MAX_RUN_COMMANDS) {
      reader.fail(`${this.#left} results, and 1 to ${MAX_RUN_COMMANDS} may be`);
    }
    if (this.#next < 1 || this.#next > Number.MAX_SAFE_INTEGER - (this.#left - 1)) {
      reader.fail('a sequence that cannot be');
    }
    return reader.fault === undefined;
  }

  #status(): ResultStatus {
    const status = this.#reader.byte();
    switch (status) {
      case ResultStatus.ok:
      case ResultStatus.failed:
      case ResultStatus.expired:
      case ResultStatus.window:
      case ResultStatus.invalid:
        return status;
      default:
        this.#reader.fail(`status ${status}, which there is not`);
        return ResultStatus.ok;
    }
  }
}

/** What a caller of propose is told of a command that has no result. */
export function resultError(status: Exclude<ResultStatus, 0>, bytes: Uint8Array): PaxosError {
  switch (status) {
    case ResultStatus.failed:
      return new PaxosError('COMMAND_FAILED', decoder.decode(bytes));
    case ResultStatus.invalid:
      return new PaxosError(
        'COMMAND_INVALID',
        `the replicas cannot decode the command: ${decoder.decode(bytes)}`,
      );
    case ResultStatus.expired:
      return new PaxosError(
        'SESSION_EXPIRED',
        'the session expired before the command was applied again; whether it was applied is not known',
      );
    case ResultStatus.window:
      return new PaxosError(
        'QUEUE_FULL',
        'too many results of the session wait to be acknowledged; the command was not applied',
      );
    default:
      return assertNever(status);
  }
}
