/**
 * `sim`: runs the nodes in a simulated world, many seeds one after another, or one seed again to look at it.
 */
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { freshSeed } from '../transport/random.ts';
import { parseCount, parseSeconds } from './arguments.ts';
import type { Io } from './io.ts';
import { replay } from './sim/replay.ts';
import { runSeeds } from './sim/run.ts';

const HELP = `
One seed decides a cluster, its work and its faults: lost messages, partitions, crashes, bad disks.
The nodes are the real ones; network, disk and clock are simulated. Checkers look at every event; when
the faults are over, everything that was submitted has to be delivered everywhere.

  npm run sim -- --seeds 1000             fresh seeds, on every core
  npm run sim -- --hours 8                the same, on and on
  npm run sim -- --seed 42                one seed again: its plan, and what was said at the end
  npm run sim -- --seed 42 --instance 7 --between 1000,2500

You will see how many seeds were run, how fast, which faults there were and what the nodes made of them.
The exit code is 1 if a seed found a fault; the line that replays it is printed.`;

const DEFAULT_SEEDS = 1000;
/** Seeds of a crew are given out from there on; far enough from 2^53 for any number of them. */
const MAX_FIRST_SEED = 2 ** 47;

interface SimFlags {
  readonly seeds?: number;
  readonly hours?: number;
  readonly from?: number;
  readonly workers?: number;
  readonly json?: boolean;
  readonly seed?: number;
  readonly between?: readonly [number, number];
  readonly instance?: number;
}

export function simCommand(io: Io): Command {
  return new Command('sim')
    .summary('the nodes in a simulated world of faults, seed by seed')
    .description('run real nodes in a simulated world of faults, and check all that they do')
    .option('--seeds <N>', `how many seeds are run; ${DEFAULT_SEEDS} unless told`, parseCount)
    .option('--hours <H>', 'run seeds for so long instead', parseSeconds)
    .option('--from <S>', 'the first seed; a fresh one unless told', parseSeed)
    .option('--workers <K>', 'how many processes; one for each core unless told', parseCount)
    .option('--json', 'print one JSON object a seed, nothing else')
    .option('--seed <S>', 'run this seed alone, and show what was said', parseSeed)
    .option('--between <FROM,TO>', 'with --seed: what was said in this stretch of virtual ms', parseStretch)
    .option('--instance <I>', 'with --seed: what concerns this instance', parseCount)
    .addHelpText('after', HELP)
    .action(async ({ seed, between, instance, ...flags }: SimFlags) => {
      if (seed !== undefined) await replay(io, { seed, between, instanceId: instance });
      else await runSeeds(io, planOf(flags));
    });
}

function planOf({ seeds, hours, from, workers, json }: SimFlags) {
  return {
    seeds: seeds ?? (hours === undefined ? DEFAULT_SEEDS : undefined),
    forMs: hours === undefined ? undefined : hours * 3_600_000,
    from: from ?? freshSeed() % MAX_FIRST_SEED,
    workers: Math.min(workers ?? availableParallelism(), seeds ?? Number.POSITIVE_INFINITY),
    json: json === true,
  };
}

function parseSeed(text: string): number {
  const seed = /^\d{1,16}$/.test(text) ? Number(text) : -1;
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new InvalidArgumentError('A seed is a whole number from 0 to 2^53-1.');
}

function parseStretch(text: string): readonly [number, number] {
  const match = /^(\d{1,9}(?:[.]\d+)?),(\d{1,9}(?:[.]\d+)?)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('A stretch is two times in ms: 1000,2500.');
  return [Number(match[1]), Number(match[2])];
}
