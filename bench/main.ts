/**
 * npm run bench: our replicas under load, and beside them, where they are, the original (LIBPAXOS3_BIN names the folder
 * of its sample programs) and etcd (ETCD_BIN, or `etcd`). In turn, A B A B, medians: a machine's speed drifts; the ratio
 * of one run does not.
 *
 *   npm run bench                               the table of what must hold
 *   npm run bench -- --quick                    a minute of it
 *   npm run bench -- --all                      everything
 *   npm run bench -- --cells raw-1,synced-100   these   [--rounds 5] [--seconds 4] [--out FILE.json]
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Cell, type FigureCell, type LoadCell, type SystemName, selectCells } from './cells.ts';
import type { Measured } from './load.ts';
import { machine } from './proc.ts';
import {
  type FigureResult,
  figureLine,
  figureResult,
  type LoadResult,
  loadResult,
  ratioLine,
  systemLine,
  titleOf,
} from './report.ts';
import { inScene } from './scene.ts';
import { isHere, measureLoad, type Others } from './systems.ts';

/** One figure takes as long as many seconds of load. */
const FIGURE_ROUNDS = 3;

interface Bench {
  readonly cells: readonly Cell[];
  readonly rounds: number;
  readonly seconds: number;
  readonly out: string | undefined;
}

function readArguments(): Bench {
  const { values } = parseArgs({
    options: {
      all: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      cells: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      out: { type: 'string' },
    },
  });
  const { all, quick, out } = values;
  return {
    cells: selectCells({ all, quick, names: values.cells?.split(',') ?? [] }),
    rounds: Number(values.rounds ?? (quick ? 1 : 5)),
    seconds: Number(values.seconds ?? (quick ? 2 : 4)),
    out,
  };
}

function findOthers(): Others {
  const etcd = process.env['ETCD_BIN'] ?? 'etcd';
  const isEtcdHere = spawnSync(etcd, ['--version'], { stdio: 'ignore' }).status === 0;
  return { originalBin: process.env['LIBPAXOS3_BIN'], etcdBin: isEtcdHere ? etcd : undefined };
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function runLoad(cell: LoadCell, { rounds, seconds }: Bench, others: Others): Promise<LoadResult> {
  const results: Partial<Record<SystemName, Measured[]>> = {};
  for (let round = 0; round < rounds; round++) {
    for (const system of cell.systems) {
      if (!isHere(system, others)) continue;
      const measured = await measureLoad(system, cell, seconds, others);
      results[system] = [...(results[system] ?? []), measured];
    }
  }
  for (const system of cell.systems) {
    const measured = results[system];
    if (measured !== undefined) say(`  ${systemLine(system, measured)}`);
  }
  const result = loadResult(cell, results);
  if (result.ratio !== undefined) say(`  ${ratioLine(cell, result)}`);
  return result;
}

async function runFigure(cell: FigureCell, rounds: number): Promise<FigureResult> {
  const figures: number[] = [];
  for (let round = 0; round < Math.min(rounds, FIGURE_ROUNDS); round++)
    figures.push(await inScene(cell.measure));
  const result = figureResult(cell, figures);
  say(`  ${figureLine(cell, result)}`);
  return result;
}

const bench = readArguments();
const others = findOthers();
const about = machine();
say(`${about.processors}, ${about.memoryGigabytes} GB, ${about.system}, Node ${about.node}`);
say(
  `${bench.rounds} rounds of ${bench.seconds} s; the original's client unless it says so, which tells no percentiles`,
);
if (others.originalBin === undefined) say('LIBPAXOS3_BIN is not set: ours alone, with our client');
const loads: LoadResult[] = [];
const figures: FigureResult[] = [];
for (const cell of bench.cells) {
  say(titleOf(cell));
  if (cell.kind === 'load') loads.push(await runLoad(cell, bench, others));
  else figures.push(await runFigure(cell, bench.rounds));
}
if (bench.out !== undefined) {
  const run = { at: new Date().toISOString(), machine: about, seconds: bench.seconds, loads, figures };
  writeFileSync(bench.out, `${JSON.stringify(run, undefined, 1)}\n`);
  say(`written to ${bench.out}`);
}
