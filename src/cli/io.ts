/**
 * Io: all that a command has of the world around it. The real one is made in terminal.ts; tests bring their own. No
 * other file of this room touches the process.
 */
import type { Clock } from '../transport/transport.ts';

export interface Io {
  /** Writes to standard output; the text has its own line ends. */
  out(text: string): void;
  /** Writes to standard error. */
  err(text: string): void;
  /** true where colours help: standard output is a terminal, and nobody asked for none */
  readonly colours: boolean;
  /** how many columns and rows the terminal has; undefined: standard output is none */
  screen(): Screen | undefined;
  /** Aborted when the command is to end. The reason is the number of the signal, if it was one. */
  readonly stop: AbortSignal;
  readonly clock: Clock;
  /** where relative paths begin */
  readonly directory: string;
  /** the words of the command line that runs this program, up to its arguments: for processes of its own */
  readonly program: readonly string[];
}

export interface Screen {
  readonly columns: number;
  readonly rows: number;
}

/** How a command ended, for whoever started it. */
export const ExitCode = {
  failed: 1,
  misused: 2,
  /** it needs instances that were trimmed: started again as it was, it would end again */
  behindTrim: 3,
  /** status: too few acceptors are up for anything to be chosen */
  noQuorum: 4,
  /** status --require-leader: nobody leads */
  noLeader: 5,
} as const;

/** A command did not do what it was asked to: ends it with this one line. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = ExitCode.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The number of the signal that asked for the end; undefined if something else did. */
export function caughtSignal(stop: AbortSignal): number | undefined {
  const reason: unknown = stop.reason;
  return typeof reason === 'number' ? reason : undefined;
}

/** Resolves when the command is to end. */
export function stopped(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve();
    else stop.addEventListener('abort', () => resolve(), { once: true });
  });
}
