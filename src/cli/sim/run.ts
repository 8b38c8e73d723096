/**
 * runSeeds: many seeds, in this process or in a crew of processes, and what they came to.
 */
import {
  resultOf,
  resultOfViolation,
  type SeedResult,
  Simulation,
  Tally,
  Violation,
} from '../../sim/index.ts';
import { CommandFailed, type Io } from '../io.ts';
import { ProgressLine } from '../progress-line.ts';
import { Crew } from './crew.ts';
import { progress, summary } from './view.ts';

/** After so many faults found there is enough to look at. */
const MAX_VIOLATIONS = 10;

export interface SeedsPlan {
  /** undefined: until the time is over */
  readonly seeds: number | undefined;
  readonly forMs: number | undefined;
  readonly from: number;
  readonly workers: number;
  readonly json: boolean;
}

/** @throws CommandFailed if a seed found a fault, with the command that replays it; or if many reached too little */
export async function runSeeds(io: Io, plan: SeedsPlan): Promise<void> {
  const tally = new Tally();
  const startedAt = io.clock.now();
  const stop = stopper(io, plan.forMs);
  const line = plan.json ? undefined : new ProgressLine(io);
  const take = (result: SeedResult) => {
    tally.add(result);
    if (plan.json) io.out(`${JSON.stringify(result)}\n`);
    else if (result.violation !== undefined) line?.tell(`seed ${result.seed}: ${result.violation}`);
    line?.show(() => progress(tally, io.clock.now() - startedAt));
    if (tally.violations.length >= MAX_VIOLATIONS) stop.now();
  };
  line?.tell(
    `Seeds from ${plan.from} on, ${plan.workers === 1 ? '1 process' : `${plan.workers} processes`}.`,
  );
  try {
    if (plan.workers === 1) await runHere(plan, stop.signal, take);
    else await new Crew(io, plan, take).run(stop.signal);
  } finally {
    stop.close();
    line?.close();
  }
  if (!plan.json) io.out(`${summary(tally, io.clock.now() - startedAt).join('\n')}\n`);
  const [first] = tally.violations;
  if (first === undefined) {
    if (tally.gap !== undefined) throw new CommandFailed(tally.gap);
    return;
  }
  const count = tally.violations.length === 1 ? 'One seed' : `${tally.violations.length} seeds`;
  throw new CommandFailed(`${count} found a fault. To see it: npm run sim -- --seed ${first.seed}`);
}

async function runHere(
  plan: SeedsPlan,
  stop: AbortSignal,
  take: (result: SeedResult) => void,
): Promise<void> {
  const end = plan.from + (plan.seeds ?? Number.POSITIVE_INFINITY);
  for (let seed = plan.from; seed < end && !stop.aborted; seed++) {
    take(await resultOfSeed(seed));
    // Lets signals and the terminal have their turn: a run itself never waits.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function resultOfSeed(seed: number): Promise<SeedResult> {
  try {
    return resultOf(await new Simulation({ seed }).run());
  } catch (error) {
    if (error instanceof Violation) return resultOfViolation(seed, error);
    throw error;
  }
}

/** Ends the runs at a signal, when the time is over, or when told. */
function stopper(io: Io, forMs: number | undefined) {
  const over = new AbortController();
  const end = () => over.abort();
  const timer = forMs === undefined ? undefined : io.clock.after(forMs, end);
  io.stop.addEventListener('abort', end, { once: true });
  if (io.stop.aborted) end();
  const close = () => {
    timer?.cancel();
    io.stop.removeEventListener('abort', end);
  };
  return { signal: over.signal, now: end, close };
}
