/**
 * npm run bench: replicas of ours under load, and other systems beside them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { CommandFailed, ExitCode, type Io } from '../src/cli/io.ts';
import { ProgressLine } from '../src/cli/progress-line.ts';
import { type Cell, selectCells } from './cells.ts';
import { soakCell } from './endurance.ts';
import { plot } from './plot.ts';
import type { Run } from './report.ts';
import { type BenchOptions, expectedSeconds, runBench } from './run.ts';
import { between, runScript, scriptCommand, startScript, stoppedCode } from './script.ts';
import type { Others } from './systems.ts';
import { missedCount, tableLines } from './table.ts';

const HELP = `
Clusters on loopback, a process a node, one after the other: ours, and beside it in turn (A B A B) the
original and etcd, where they are. A machine's speed drifts; the ratio of two things in one run does
not, so that is what promises are made of.

  npm run bench                                        the table of what must hold, an hour
  npm run bench -- --quick                             a minute of it
  npm run bench -- --all --out run.json --plot         everything, three hours; kept, and drawn
  npm run bench -- --cells 'raw-1,commands-*'          these cells
  npm run bench -- --soak                              ten minutes of load: does it ever stand still?
  npm run bench -- --from run.json --plot              draws what was kept
  npm run bench -- --cells commands-1000 --rounds 1 --profile profiles

What can stand beside ours:

  LIBPAXOS3_BIN   the folder of the original's sample programs, a Release build
  ETCD_BIN        etcd, unless it is in the PATH (Debian: etcd-server); it is put under load by h2load
                  (H2LOAD_BIN, or in the PATH; Debian: nghttp2-client)

You will see for each system values a second, latency, the CPU time of a value in each server and in
the client, and the largest server's memory; at the end each ratio beside what must hold and what is
aimed at. Take no figure from a machine that does something else: it is said if it does.

Exit codes: 0 all that is promised holds; 1 something does not, or could not be measured; 2 wrong
arguments; 130 Ctrl-C. It ends the processes that it started, and no others.`;

const PLOT_PATH = 'docs/performance/throughput.svg';
const MAX_ROUNDS = 100;
const MAX_SECONDS = 600;
const MAX_SOAK_MINUTES = 24 * 60;
const SOAK_MINUTES = 10;
const MINUTE_SECONDS = 60;
const FULL = { rounds: 5, seconds: 4, warmUpSeconds: undefined };
const BRIEF = { rounds: 1, seconds: 2, warmUpSeconds: 2 };

interface Flags {
  readonly quick?: boolean;
  readonly all?: boolean;
  readonly cells?: readonly string[];
  readonly soak?: number | true;
  readonly rounds?: number;
  readonly seconds?: number;
  readonly warmUp?: number;
  readonly out?: string;
  readonly plot?: string | true;
  readonly from?: string;
  readonly profile?: string;
}

function main(argv: readonly string[], io: Io): Promise<number> {
  return runScript<Flags>(makeCommand(io), argv, io, (flags) => bench(flags, io));
}

function makeCommand(io: Io): Command {
  return scriptCommand(io, 'bench', 'Put clusters under load, ours and others, and compare them.', HELP)
    .option('--quick', 'a minute of it: one round, few cells')
    .option('--all', 'every storage, size and number outstanding')
    .option('--cells <NAMES>', 'these cells, by commas; a * stands for anything', (text) => text.split(','))
    .option(
      '--soak [MINUTES]',
      'a constant load with trim, 10 minutes unless told',
      between(1, MAX_SOAK_MINUTES),
    )
    .option('--rounds <N>', 'how often each system is measured; 5 unless told', between(1, MAX_ROUNDS))
    .option('--seconds <S>', 'how long; 4 unless told', between(1, MAX_SECONDS))
    .option(
      '--warm-up <S>',
      'after so long; unless told 10, or 2 for 100 raw values and more, which are not trimmed',
      between(1, MAX_SECONDS),
    )
    .option('--out <FILE>', 'keep all that was measured, as JSON')
    .option('--plot [FILE]', `draw throughput against latency, as ${PLOT_PATH} unless told`)
    .option('--from <FILE>', 'measure nothing: show a run that was kept')
    .option('--profile <DIR>', 'leave CPU profiles of all processes of ours there');
}

/** @returns the exit code */
async function bench(flags: Flags, io: Io): Promise<number> {
  const run =
    flags.from === undefined ? await measured(flags, io) : readRun(resolve(io.directory, flags.from));
  io.out(`${tableLines(run).join('\n')}\n`);
  if (io.stop.aborted) {
    io.err('stopped before the end\n');
    return stoppedCode(io);
  }
  if (flags.plot !== undefined) {
    const path = flags.plot === true ? PLOT_PATH : flags.plot;
    const picture = plot(run);
    if (picture === undefined) {
      throw new CommandFailed('nothing to draw: the run has no load of small values on three replicas');
    }
    writeText(resolve(io.directory, path), picture);
    io.out(`drawn in ${path}\n`);
  }
  return missedCount(run) + run.failures.length === 0 ? 0 : ExitCode.failed;
}

async function measured(flags: Flags, io: Io): Promise<Run> {
  const { out } = flags;
  const line = new ProgressLine(io);
  const startedAt = performance.now();
  const others = findOthers((text) => line.tell(text));
  const options: BenchOptions = {
    cells: cellsOf(flags),
    ...(flags.quick === true ? BRIEF : FULL),
    ...(flags.rounds !== undefined && { rounds: flags.rounds }),
    ...(flags.seconds !== undefined && { seconds: flags.seconds }),
    ...(flags.warmUp !== undefined && { warmUpSeconds: flags.warmUp }),
    others,
    profile: flags.profile === undefined ? undefined : resolve(io.directory, flags.profile),
    stop: io.stop,
    tell: (text) => line.tell(text),
    show: (what) => line.show(() => `${minutes((performance.now() - startedAt) / 1000)}: ${what}`),
    keep: (run) =>
      out !== undefined && writeText(resolve(io.directory, out), `${JSON.stringify(run, undefined, 1)}\n`),
  };
  const { rounds, seconds } = options;
  line.tell(`${rounds} rounds of ${seconds} s, in turn; about ${minutes(expectedSeconds(options))} in all`);
  const run = await runBench(options);
  line.close();
  const { processors, memoryGigabytes, system, disk, node } = run.machine;
  io.out(`\n${processors}, ${memoryGigabytes} GB, ${system}, ${disk}, Node ${node}\n`);
  if (out !== undefined) io.out(`kept in ${out}\n`);
  return run;
}

function cellsOf({ quick, all, cells, soak }: Flags): readonly Cell[] {
  if (soak !== undefined && cells === undefined) return [soakCell(soak === true ? SOAK_MINUTES : soak)];
  try {
    return selectCells({ quick: quick === true, all: all === true, names: cells ?? [] });
  } catch (error) {
    throw new CommandFailed(error instanceof Error ? error.message : String(error), ExitCode.misused);
  }
}

function findOthers(tell: (line: string) => void): Others {
  const originalBin = process.env['LIBPAXOS3_BIN'];
  if (originalBin === undefined) tell('no original beside it: LIBPAXOS3_BIN is not set');
  const etcdBin = process.env['ETCD_BIN'] ?? 'etcd';
  const h2loadBin = process.env['H2LOAD_BIN'] ?? 'h2load';
  const missing = [etcdBin, h2loadBin].filter((bin) => spawnSync(bin, ['--version']).status !== 0);
  if (missing.length > 0) tell(`no etcd beside it: there is no ${missing.join(' and no ')}`);
  return {
    originalBin: originalBin === undefined ? undefined : resolve(originalBin),
    etcd: missing.length > 0 ? undefined : { etcdBin, h2loadBin },
  };
}

function readRun(path: string): Run {
  try {
    // What is no number is null in JSON.
    return JSON.parse(readFileSync(path, 'utf8'), (_, value) => value ?? Number.NaN);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandFailed(`no run can be read from ${path}: ${reason}`, ExitCode.misused);
  }
}

function writeText(path: string, text: string): void {
  try {
    if (!existsSync(dirname(path))) mkdirSync(dirname(path));
    writeFileSync(path, text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandFailed(`cannot write ${path}: ${reason}`);
  }
}

function minutes(seconds: number): string {
  if (seconds < 2 * MINUTE_SECONDS) return `${Math.round(seconds)} s`;
  return `${Math.round(seconds / MINUTE_SECONDS)} min`;
}

await startScript(main);
