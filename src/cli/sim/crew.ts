/**
 * Crew: several processes that run seeds, each `libpaxos sim --json --workers 1` with a stretch of seeds of its own.
 *
 * Whatever way it ends, no process is left.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { SeedResult } from '../../sim/index.ts';
import { CommandFailed, type Io } from '../io.ts';
import type { SeedsPlan } from './run.ts';

/** Without a number of seeds: a stretch that nobody comes to the end of. */
const ENDLESS = 2 ** 31 - 1;
const MAX_LAST_WORDS = 4000;

export class Crew {
  readonly #io: Io;
  readonly #plan: SeedsPlan;
  readonly #take: (result: SeedResult) => void;
  readonly #children = new Set<ChildProcess>();

  /** @param take given the result of each seed, in the order in which they come */
  constructor(io: Io, plan: SeedsPlan, take: (result: SeedResult) => void) {
    this.#io = io;
    this.#plan = plan;
    this.#take = take;
  }

  /**
   * Runs until all seeds are done, or until `stop`.
   * @throws CommandFailed if a process ended before it was told to
   */
  async run(stop: AbortSignal): Promise<void> {
    const { from, seeds = ENDLESS * this.#plan.workers, workers } = this.#plan;
    const end = () => {
      for (const child of this.#children) child.kill('SIGTERM');
    };
    stop.addEventListener('abort', end, { once: true });
    try {
      const members = Array.from({ length: workers }, (_, member) => {
        const first = from + Math.floor((seeds * member) / workers);
        const next = from + Math.floor((seeds * (member + 1)) / workers);
        return this.#runMember(first, next - first, stop);
      });
      if (stop.aborted) end();
      await Promise.all(members);
    } finally {
      stop.removeEventListener('abort', end);
      end();
    }
  }

  #runMember(from: number, seeds: number, stop: AbortSignal): Promise<void> {
    const [command = '', ...words] = this.#io.program;
    const options = ['--json', '--workers', '1', '--from', String(from), '--seeds', String(seeds)];
    const child = spawn(command, [...words, 'sim', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.add(child);
    let lastWords = '';
    let done = 0;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const result = readResult(line);
      if (result === undefined) return;
      done++;
      this.#take(result);
    });
    child.stderr.on('data', (text) => {
      lastWords = `${lastWords}${String(text)}`.slice(-MAX_LAST_WORDS);
    });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', () => {
        this.#children.delete(child);
        if (done >= seeds || stop.aborted) resolve();
        else
          reject(new CommandFailed(`a process ended after ${done} of ${seeds} seeds: ${lastWords.trim()}`));
      });
    });
  }
}

function readResult(line: string): SeedResult | undefined {
  const read: unknown = JSON.parse(line);
  return isResult(read) ? read : undefined;
}

function isResult(read: unknown): read is SeedResult {
  return typeof read === 'object' && read !== null && 'seed' in read && 'outcomes' in read;
}
