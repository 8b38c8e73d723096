/**
 * Terminal: the real Io, made from a process. Signals become the end of the command; a second one ends the process at
 * once. A reader of the output that goes away (`| head`) ends it quietly.
 */
import type { Writable } from 'node:stream';
import pc from 'picocolors';
import { SystemClock } from '../transport/clock.ts';
import type { Io, Screen } from './io.ts';

/** A stream that may be a terminal. */
type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

/** What is used of a process. */
export interface ProcessLike {
  readonly argv: readonly string[];
  readonly execPath: string;
  readonly execArgv: readonly string[];
  readonly stdout: Output;
  readonly stderr: Writable;
  exitCode?: number | string | null | undefined;
  on(signal: 'SIGINT' | 'SIGTERM', call: () => void): unknown;
  exit(code: number): void;
  cwd(): string;
}

/** Output that is gathered is written when it has grown to this, or at the end of the turn. */
const MAX_GATHERED_CHARACTERS = 65_536;
/** What holds the process open so long after its command ended is forgotten work of ours. */
const LINGER_MS = 1000;

const SIGINT = 2;
const SIGTERM = 15;

/** Runs a command of this process to its end, and leaves its exit code. */
export async function runInProcess(
  process: ProcessLike,
  main: (argv: readonly string[], io: Io) => Promise<number>,
): Promise<void> {
  const stop = new AbortController();
  const catchSignal = (number: number) => () => {
    if (stop.signal.aborted) process.exit(128 + number);
    else stop.abort(number);
  };
  process.on('SIGINT', catchSignal(SIGINT));
  process.on('SIGTERM', catchSignal(SIGTERM));

  let fault: Error | undefined;
  const out = new Gathered(process.stdout, (error) => {
    if (!isNobodyReading(error)) fault = error;
    stop.abort('it cannot be written to');
  });
  process.stderr.on('error', () => undefined);
  const ended = await main(process.argv.slice(2), {
    out: (text) => out.write(text),
    err: (text) => {
      out.flush();
      process.stderr.write(text);
    },
    colours: process.stdout.isTTY === true && pc.isColorSupported,
    stop: stop.signal,
    clock: new SystemClock(),
    screen: () => screenOf(process.stdout),
    directory: process.cwd(),
    program: [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
  });
  await out.finish();
  if (fault !== undefined) process.stderr.write(`error: cannot write the output: ${fault.message}\n`);
  const code = fault === undefined ? ended : 1;
  process.exitCode = code;
  setTimeout(() => process.exit(code), LINGER_MS).unref();
}

function screenOf({ isTTY, columns, rows }: Output): Screen | undefined {
  return isTTY === true && columns !== undefined && rows !== undefined ? { columns, rows } : undefined;
}

function isNobodyReading(error: Error): boolean {
  return 'code' in error && error.code === 'EPIPE';
}

/** Writes what came in one turn at once: a system call for each line would cost more than the line. */
class Gathered {
  readonly #to: Writable;
  #text = '';
  #scheduled = false;
  #broken = false;

  /** @param broken called when it can no longer be written to */
  constructor(to: Writable, broken: (error: Error) => void) {
    this.#to = to;
    to.on('error', (error) => {
      this.#broken = true;
      broken(error);
    });
  }

  write(text: string): void {
    this.#text += text;
    if (this.#text.length >= MAX_GATHERED_CHARACTERS) this.flush();
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Resolves when everything was taken, or cannot be. */
  finish(): Promise<void> {
    this.flush();
    if (this.#broken) return Promise.resolve();
    return new Promise((resolve) => this.#to.write('', () => setImmediate(resolve)));
  }

  flush(): void {
    const text = this.#text;
    this.#text = '';
    if (text !== '' && !this.#broken) this.#to.write(text);
  }
}
