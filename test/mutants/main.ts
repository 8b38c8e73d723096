/**
 * npm run mutants: plants faults in our own code, one at a time, and shows who catches each.
 */
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { hunt, type Limits, type Outcome } from './hunt.ts';
import { MUTANTS } from './list/all.ts';
import type { Mutant } from './mutant.ts';
import { Scratch } from './scratch.ts';

const HELP = `
Each mutant is one small fault: a quorum one less, a promise not stored, a reply before the sync. The
simulator runs seeds of the program with that fault until a checker complains; the seed is then run
without the fault, where nobody may complain. What no seed finds, the tests are asked about.

  npm run mutants                                all of them, on every core
  npm run mutants -- --list                      what they are
  npm run mutants -- --only quorum-half          this one; --only a,b,c for several
  npm run mutants -- --only quorum-half --seeds 10000 --from 1000000

You will see who caught each mutant, after how many seeds and seconds. "tests" did where the simulator
cannot: --list says why. The exit code is 1 if one was caught by nobody. A new mutant is a few lines in
test/mutants/list.`;

interface Flags {
  readonly only?: readonly string[];
  readonly seeds: number;
  readonly from: number;
  readonly seconds: number;
  readonly workers: number;
  readonly tests: boolean;
  readonly list?: boolean;
  readonly json?: boolean;
}

const CLEAR_LINE = '\r\x1b[2K';
const WIDTH = Math.max(...MUTANTS.map(({ id }) => id.length));

const program = new Command('mutants')
  .description('plant faults in our own code, one at a time, and see who catches each')
  .option('--only <IDS>', 'these mutants, separated by commas', parseIds)
  .option('--seeds <N>', 'how many seeds are run for a mutant at most', parseCount, 2000)
  .option('--from <S>', 'the first seed', parseCount, 1)
  .option('--seconds <T>', 'how long seeds are run for a mutant at most', parseCount, 900)
  .option('--workers <K>', 'how many mutants at a time', parseCount, availableParallelism())
  .option('--no-tests', 'ask the simulator alone')
  .option('--list', 'what the mutants are; runs nothing')
  .option('--json', 'print one JSON object a mutant, nothing else')
  .addHelpText('after', HELP);
program.parse();
const flags = program.opts<Flags>();
const { only } = flags;
const chosen = only === undefined ? MUTANTS : MUTANTS.filter(({ id }) => only.includes(id));

async function run(): Promise<void> {
  const { from, seeds, seconds, workers } = flags;
  const limits: Limits = { from, seeds, ms: seconds * 1000, tests: flags.tests };
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const scratch = new Scratch(process.cwd());
  const startedAt = performance.now();
  const outcomes: Outcome[] = [];
  const underWay = new Map<string, number>();
  if (flags.json !== true) say(`${chosen.length} mutants, at most ${seeds} seeds each.\n\n${HEAD}`);
  const waiting = [...chosen];
  const worker = async () => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const progress = (id: string, done: number) => {
        underWay.set(id, done);
        showProgress(outcomes.length, underWay);
      };
      const outcome = await hunt(mutant, { scratch, limits, progress, stop: stop.signal });
      underWay.delete(mutant.id);
      if (stop.signal.aborted) return;
      outcomes.push(outcome);
      tell(mutant, outcome);
    }
  };
  let isAborted = true;
  try {
    await Promise.all(Array.from({ length: workers }, worker));
    isAborted = stop.signal.aborted;
  } finally {
    // One that failed ends the others, too.
    stop.abort();
    scratch.close();
  }
  conclude(outcomes, (performance.now() - startedAt) / 1000, isAborted);
}

function conclude(outcomes: readonly Outcome[], seconds: number, isAborted: boolean): void {
  const missed = outcomes.filter(({ caughtBy }) => caughtBy === undefined);
  const byTests = outcomes.filter(({ caughtBy }) => caughtBy === 'tests').length;
  const bySeeds = outcomes.length - byTests - missed.length;
  if (flags.json !== true) {
    say(
      `\n${bySeeds} of ${outcomes.length} caught by the simulator, ${byTests} by tests, in ${seconds.toFixed(0)} s`,
    );
    for (const { id } of missed) {
      const mutant = MUTANTS.find((one) => one.id === id);
      say(`MISSED: ${id}: ${mutant?.breaks ?? ''}`);
    }
  }
  if (missed.length > 0 || isAborted) process.exitCode = 1;
}

const HEAD = line('mutant', 'caught by', 'seeds', 'seconds', 'by what');

function line(id: string, caughtBy: string, seeds: string, seconds: string, by: string): string {
  return `${id.padEnd(WIDTH)}  ${caughtBy.padEnd(10)}  ${seeds.padStart(6)}  ${seconds.padStart(7)}  ${by}`;
}

function tell(mutant: Mutant, outcome: Outcome): void {
  if (flags.json === true) {
    say(JSON.stringify({ ...outcome, breaks: mutant.breaks }));
    return;
  }
  const { id, caughtBy = 'NOBODY', where, message, seeds, seconds } = outcome;
  const by = where === '' ? '' : `${where}: ${message.split('\n')[0] ?? ''}`;
  const run = mutant.beyond === undefined ? String(seeds) : '-';
  const text = line(id, caughtBy, run, seconds.toFixed(1), by);
  say(`${process.stdout.isTTY ? CLEAR_LINE : ''}${text.slice(0, process.stdout.columns ?? 160)}`);
}

/** In a terminal: one line, drawn again in its place. Elsewhere the lines of those that are done have to do. */
function showProgress(done: number, underWay: ReadonlyMap<string, number>): void {
  if (!process.stdout.isTTY || flags.json === true) return;
  const now = [...underWay].map(([id, seeds]) => `${id} ${seeds}`).join(', ');
  const text = `${done} of ${chosen.length} done; seeds: ${now}`;
  process.stdout.write(`${CLEAR_LINE}${text.slice(0, (process.stdout.columns ?? 80) - 1)}`);
}

function described({ id, breaks, beyond }: Mutant): string {
  const reason = beyond === undefined ? '' : `\n${' '.repeat(WIDTH)}  (by tests alone: ${beyond.why})`;
  return `${id.padEnd(WIDTH)}  ${breaks}${reason}`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function parseCount(text: string): number {
  const count = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (count >= 1) return count;
  throw new InvalidArgumentError('It is a whole number from 1 on.');
}

function parseIds(text: string): readonly string[] {
  const ids = text.split(',').filter((id) => id !== '');
  const unknown = ids.find((id) => !MUTANTS.some((mutant) => mutant.id === id));
  if (unknown !== undefined || ids.length === 0)
    throw new InvalidArgumentError(`There is no mutant "${unknown ?? ''}"; --list shows them all.`);
  return ids;
}

if (flags.list === true) for (const mutant of chosen) say(described(mutant));
else await run();
