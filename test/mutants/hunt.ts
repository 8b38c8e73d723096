/**
 * Hunt: looks for one mutant, first in the simulator, seed after seed, then with the tests.
 *
 * A seed counts only if it finds nothing in the program without the fault.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import type { Mutant } from './mutant.ts';
import type { Scratch } from './scratch.ts';
import type { SeedLine } from './seeds.ts';

/** What is asked when no seed found it: the explorer, once it is there, is among the tests of its room. */
const TESTS = [
  'src/paxos',
  'src/evpaxos',
  'src/storage',
  'src/transport',
  'src/statemachine',
  'src/sim/explorer',
  'test/core',
  'test/traces',
  'test/wire',
  'test/statemachine',
] as const;
/** A seed that takes so long turns without end. */
const SEED_MS = 30_000;
const TESTS_MS = 600_000;

export interface Limits {
  readonly from: number;
  readonly seeds: number;
  /** how long seeds are run for one mutant, ms */
  readonly ms: number;
  /** false: only seeds are run */
  readonly tests: boolean;
}

/** What became of a mutant. */
export interface Outcome {
  readonly id: string;
  /** a checker of the simulator, `hang`, `crash`, `tests`, or undefined: nobody */
  readonly caughtBy: string | undefined;
  /** the seed, or the test, that found it, and what it said */
  readonly where: string;
  readonly message: string;
  /** how many seeds were run */
  readonly seeds: number;
  readonly seconds: number;
}

export interface HuntOptions {
  readonly scratch: Scratch;
  readonly limits: Limits;
  /** told after each seed */
  readonly progress: (id: string, seeds: number) => void;
  readonly stop: AbortSignal;
}

export async function hunt(mutant: Mutant, options: HuntOptions): Promise<Outcome> {
  const startedAt = performance.now();
  const simulated =
    mutant.beyond === undefined
      ? await bySeeds(mutant, options)
      : { caughtBy: undefined, where: '', message: '', seeds: 0 };
  const found =
    simulated.caughtBy === undefined && options.limits.tests ? await byTests(mutant, options) : simulated;
  const seconds = (performance.now() - startedAt) / 1000;
  return { id: mutant.id, ...found, seeds: simulated.seeds, seconds };
}

type Found = Omit<Outcome, 'id' | 'seconds'>;

async function bySeeds(mutant: Mutant, options: HuntOptions): Promise<Found> {
  const { scratch, limits, progress, stop } = options;
  const folder = scratch.program(mutant);
  const until = performance.now() + limits.ms;
  const end = limits.from + limits.seeds;
  let next = limits.from;
  try {
    while (next < end && performance.now() < until && !stop.aborted) {
      const kind = mutant.isOfCommands === true ? 'commands' : 'all';
      const last = await runSeeds(scratch.seeds, [folder, next, end - next, kind], { stop, until }, (seed) =>
        progress(mutant.id, seed - limits.from + 1),
      );
      if (last === undefined) break;
      next = last.seed + 1;
      if (last.checker === undefined) break;
      const { seed, checker, message = '' } = last;
      // What the seed finds without the fault, too, says nothing of it.
      const limit = { stop, until: Number.POSITIVE_INFINITY };
      const control = await runSeeds(scratch.seeds, [scratch.original, seed, 1], limit, () => undefined);
      if (control?.checker === 'crash' || control?.checker === 'hang')
        throw new Error(`seed ${seed} does not even run without a fault: ${control.message ?? ''}`);
      if (control?.checker !== undefined) continue;
      return { caughtBy: checker, where: `seed ${seed}`, message, seeds: next - limits.from };
    }
  } finally {
    scratch.drop(folder);
  }
  return { caughtBy: undefined, where: '', message: '', seeds: next - limits.from };
}

/** Runs seeds until one finds a fault, or the time is over; the last that ended. */
function runSeeds(
  program: string,
  words: readonly [folder: string, from: number, count: number, kind?: 'all' | 'commands'],
  { stop, until }: { readonly stop: AbortSignal; readonly until: number },
  done: (seed: number) => void,
): Promise<SeedLine | undefined> {
  const [, from] = words;
  const child = spawn(process.execPath, [program, ...words.map(String)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let last: SeedLine | undefined;
  let timer: NodeJS.Timeout | undefined;
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      last = { seed: (last?.seed ?? from - 1) + 1, checker: 'hang', message: 'the run does not end' };
      child.kill('SIGKILL');
    }, SEED_MS);
  };
  const end = () => child.kill('SIGKILL');
  stop.addEventListener('abort', end);
  watch();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const read: SeedLine = JSON.parse(line);
    last = read;
    done(read.seed);
    watch();
    if (performance.now() > until) end();
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      stop.removeEventListener('abort', end);
      if (code !== 0 && code !== null && last?.checker === undefined)
        last = { seed: (last?.seed ?? from - 1) + 1, checker: 'crash', message: `exit code ${code}` };
      resolve(last);
    });
  });
}

async function byTests(mutant: Mutant, { scratch, stop }: HuntOptions): Promise<Omit<Found, 'seeds'>> {
  const folder = scratch.checkout(mutant);
  const report = join(folder, 'report.json');
  const words = ['run', '--bail', '1', '--maxWorkers', '1', '--reporter=json', `--outputFile=${report}`];
  const vitest = join(folder, 'node_modules/vitest/vitest.mjs');
  try {
    await ended(vitest, [...words, ...(mutant.beyond?.tests ?? TESTS)], folder, stop);
    if (existsSync(report)) return failedTest(folder, readFileSync(report, 'utf8'));
    return { caughtBy: undefined, where: '', message: `the tests did not end in ${TESTS_MS / 1000} s` };
  } finally {
    scratch.drop(folder);
  }
}

function ended(program: string, words: readonly string[], cwd: string, stop: AbortSignal): Promise<void> {
  const child = spawn(process.execPath, [program, ...words], { cwd, stdio: 'ignore' });
  const end = () => child.kill('SIGKILL');
  const timer = setTimeout(end, TESTS_MS);
  stop.addEventListener('abort', end);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', end);
      resolve();
    });
  });
}

interface TestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
    }[];
  }[];
}

function failedTest(folder: string, json: string): Omit<Found, 'seeds'> {
  const { testResults }: TestReport = JSON.parse(json);
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed');
    if (failed === undefined) continue;
    return { caughtBy: 'tests', where: relative(folder, name), message: failed.fullName };
  }
  return { caughtBy: undefined, where: '', message: '' };
}
