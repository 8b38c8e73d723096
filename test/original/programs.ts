/**
 * Programs: the original's binaries as child processes. The folder of its `sample` programs, built as Release, is given
 * by the environment variable LIBPAXOS3_BIN. Each program started here is ended by its process id when the test ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const FOLDER = process.env['LIBPAXOS3_BIN'] ?? '';

const PROGRAMS = ['acceptor', 'client', 'learner', 'proposer', 'replica'] as const;
type ProgramName = (typeof PROGRAMS)[number];

/** Why there is no original to test with; undefined if there is one. */
export function whyNoOriginal(): string | undefined {
  if (FOLDER === '') return 'LIBPAXOS3_BIN is not set, so there is no original to test with';
  const missing = PROGRAMS.filter((name) => !existsSync(join(FOLDER, name)));
  if (missing.length === 0) return undefined;
  return `LIBPAXOS3_BIN does not hold the original's ${missing.join(', ')}`;
}

const PRINTED_VALUE = /^\d+[.]\d{6} \[.*\] \d+ bytes$/;

/** One running program, and what it has printed. */
export class Program {
  readonly name: string;
  /** what it printed beside values */
  readonly lines: string[] = [];
  readonly #values: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #rest = '';
  #hasEnded = false;
  #isStopping = false;

  constructor(name: ProgramName, args: readonly string[]) {
    this.name = [name, ...args].join(' ');
    // Into a pipe it would print in blocks of 4 kB.
    this.#child = spawn('stdbuf', ['-oL', join(FOLDER, name), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child.stdout?.setEncoding('latin1');
    this.#child.stdout?.on('data', (text: string) => this.#take(text));
    this.#ended = new Promise((resolve) => {
      const ended = () => {
        this.#hasEnded = true;
        resolve();
      };
      this.#child.once('close', ended);
      this.#child.once('error', ended);
    });
  }

  /** What it printed that is a value, as a learner prints it. */
  get values(): readonly string[] {
    return this.#values;
  }

  /** What a client printed, once a second: how many values. */
  get valuesPerSecond(): number[] {
    return this.lines.flatMap((line) => /^(\d+) value\/sec/.exec(line)?.slice(1).map(Number) ?? []);
  }

  /** How many connections of its own came up so far. */
  get connections(): number {
    return this.lines.filter((line) => line.includes('. Connected to ')).length;
  }

  /** True if it ended without having been told to. */
  get hasDied(): boolean {
    return this.#hasEnded && !this.#isStopping;
  }

  /** Stops it for a while, and lets it go on: it keeps its connections. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** Ends it, and waits until it has ended and all that it printed was read. */
  async end(): Promise<void> {
    this.#isStopping = true;
    if (!this.#hasEnded) this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) (PRINTED_VALUE.test(line) ? this.#values : this.lines).push(line);
  }
}
