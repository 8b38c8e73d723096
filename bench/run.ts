/**
 * BenchRun: measures cell after cell, each of its systems in turn, A B A B, and gathers what came of it. A cell that cannot be
 * measured is noted, and the next one follows.
 */
import type { Cell, FigureCell, LoadCell } from './cells.ts';
import type { Measured, Period } from './load.ts';
import { machine } from './proc.ts';
import {
  type EntrantResult,
  entrantLine,
  type FigureResult,
  figureResults,
  type LoadResult,
  loadResult,
  type Run,
  short,
  titleOf,
} from './report.ts';
import { Interrupted, inScene, type SceneOptions } from './scene.ts';
import { isHere, measureLoad, type Others } from './systems.ts';

/** What starting, settling and ending take, about. */
const AROUND_SECONDS = 3;
/** About as long takes a figure. */
const FIGURE_SECONDS = 12;
/** A load that is not measured so long after it should be never will be. */
const SPARE_MS = 90_000;
const SECOND_MS = 1000;

export interface BenchOptions {
  readonly cells: readonly Cell[];
  readonly rounds: number;
  readonly seconds: number;
  /** for so long nothing is measured, s; undefined: for as long as each cell says */
  readonly warmUpSeconds: number | undefined;
  readonly others: Others;
  readonly profile: string | undefined;
  readonly stop: AbortSignal;
  /** takes a line that stays */
  readonly tell: (line: string) => void;
  /** takes what is done now */
  readonly show: (what: string) => void;
  /** takes what there is, after each cell */
  readonly keep: (run: Run) => void;
}

/** How long it will take, about, s. */
export function expectedSeconds(options: BenchOptions): number {
  const { cells, rounds, others } = options;
  const each = cells.map((cell) => {
    if (cell.kind === 'figure') return Math.min(rounds, cell.maxRounds) * FIGURE_SECONDS;
    const entrants = cell.entrants.filter(({ system }) => isHere(system, cell, others));
    return rounds * entrants.length * (secondsOf(periodOf(cell, options)) + AROUND_SECONDS);
  });
  return each.reduce((total, one) => total + one, 0);
}

/** @returns what was measured; until it was stopped, if it was */
export async function runBench(options: BenchOptions): Promise<Run> {
  const { cells, rounds, seconds, tell, keep, stop } = options;
  const loads: LoadResult[] = [];
  const figures: FigureResult[] = [];
  const failures: { cell: string; reason: string }[] = [];
  const run: Run = {
    at: new Date().toISOString(),
    machine: await machine(),
    rounds,
    seconds,
    loads,
    figures,
    failures,
  };
  // At once: where it cannot be written is better known before the first hour.
  keep(run);
  for (const [i, cell] of cells.entries()) {
    if (stop.aborted) break;
    tell(titleOf(cell));
    const place = `cell ${i + 1} of ${cells.length}, ${cell.name}`;
    try {
      if (cell.kind === 'load') loads.push(await runLoad(cell, place, options));
      else figures.push(...(await runFigure(cell, place, options)));
    } catch (error) {
      if (error instanceof Interrupted) break;
      const reason = error instanceof Error ? error.message : String(error);
      failures.push({ cell: cell.name, reason });
      tell(`  not measured: ${reason}`);
    }
    keep(run);
  }
  return run;
}

async function runLoad(cell: LoadCell, place: string, options: BenchOptions): Promise<LoadResult> {
  const { rounds, others, show, tell } = options;
  const period = periodOf(cell, options);
  const entrants = cell.entrants
    .filter(({ system }) => isHere(system, cell, others))
    .map((entrant) => ({ entrant, measured: [] as Measured[] }));
  const limitMs = SPARE_MS + SECOND_MS * secondsOf(period);
  for (let round = 0; round < rounds; round++) {
    for (const { entrant, measured } of entrants) {
      show(`${place}: round ${round + 1} of ${rounds}, ${entrant.system}`);
      const one = await inScene(sceneOf(limitMs, options), (scene) =>
        measureLoad(scene, entrant, cell, period, others),
      );
      measured.push(one);
    }
  }
  const results: EntrantResult[] = entrants.map(({ entrant, measured }) => ({
    ...entrant,
    rounds: measured,
  }));
  for (const result of results) tell(`  ${entrantLine(result, cell)}`);
  return loadResult({ ...cell, warmUpSeconds: period.warmUpSeconds }, results);
}

async function runFigure(
  cell: FigureCell,
  place: string,
  options: BenchOptions,
): Promise<readonly FigureResult[]> {
  const rounds = Math.min(options.rounds, cell.maxRounds);
  const measured: (readonly number[])[] = [];
  for (let round = 0; round < rounds; round++) {
    options.show(`${place}: round ${round + 1} of ${rounds}`);
    measured.push(await inScene(sceneOf(cell.limitMs, options), cell.measure));
  }
  const results = figureResults(cell, measured);
  for (const { name, median, unit } of results) options.tell(`  ${name}: ${short(median)} ${unit}`);
  return results;
}

function periodOf(cell: LoadCell, { seconds, warmUpSeconds = cell.warmUpSeconds }: BenchOptions): Period {
  return { warmUpSeconds, seconds };
}

function secondsOf({ warmUpSeconds, seconds }: Period): number {
  return warmUpSeconds + seconds;
}

function sceneOf(limitMs: number, { stop, profile }: BenchOptions): SceneOptions {
  return { stop, limitMs, profile };
}
