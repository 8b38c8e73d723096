/**
 * npm run torture: real processes, real disks, real sockets, and what goes wrong with them.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { between, runScript, scriptCommand, startScript, stoppedCode } from '../../bench/script.ts';
import { CommandFailed, ExitCode, type Io } from '../../src/cli/io.ts';
import { ProgressLine } from '../../src/cli/progress-line.ts';
import { MAX_ACCEPTORS } from '../../src/paxos/ballot.ts';
import { freshSeed } from '../../src/transport/random.ts';
import { type CommandsReport, CommandsRun } from './commands/commands-run.ts';
import { drawCommandsPlan, drawPlan, type Plan } from './plan.ts';
import { type Report, Run, type RunOptions } from './run.ts';
import { commandsTable, planLines, progressLine, table } from './view.ts';
import { Interrupted } from './watch.ts';

const HELP = `
A cluster of real processes on this machine, each with its own storage that is synced, and between any
two of them a proxy. What a seed decides is done to them: kill -9, SIGSTOP, partitions one way and both,
the leader cut off, connections that break in the middle of a message, delays, disks that are slow or
fail (those with strace). Then it ends, and everything that was submitted has to be delivered
everywhere, in the same order, and be stored by a majority. With --commands what clients say is said
twice, or arrives although no answer comes back, too; in the end everything that was answered has to be
applied once, all states have to be the same, and the history of what was asked has to be linearizable.

  npm run torture                                     60 s of faults, with a fresh seed
  npm run torture -- --seconds 600 --acceptors 5      longer, and larger
  npm run torture -- --commands                       replicas with a state machine, and clients of it
  npm run torture -- --counter --seconds 300          eight clients that count, and nothing else
  npm run torture -- --seed 42 --verbose              the same faults again, each as a line
  npm run torture -- --keep                           the logs and the storage stay

You will see how many values were chosen or operations answered, which faults there
were, the longest time without any, and the verdict. The same seed does the same to the same cluster, but real processes do not repeat exactly.
The exit code is 0 if nothing was found, 1 if something was, 2 if it was called wrongly.`;

const MAX_SECONDS = 86_400;
const MAX_SEED = Number.MAX_SAFE_INTEGER;
const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const STORE_REPLICA = fileURLToPath(new URL('commands/store-replica.mjs', import.meta.url));

interface Flags {
  readonly seconds: number;
  readonly seed?: number;
  readonly acceptors?: number;
  readonly commands?: boolean;
  readonly counter?: boolean;
  readonly lease?: boolean;
  readonly verbose?: boolean;
  readonly json?: boolean;
  readonly keep?: boolean;
}

function main(argv: readonly string[], io: Io): Promise<number> {
  return runScript<Flags>(makeCommand(io), argv, io, (flags) => torture(flags, io));
}

function makeCommand(io: Io): Command {
  return scriptCommand(
    io,
    'torture',
    'Do to real processes what the world does, and see whether they still agree.',
    HELP,
  )
    .option('--seconds <T>', 'how long faults go on', between(1, MAX_SECONDS), 60)
    .option(
      '--seed <S>',
      'what decides the cluster and the faults; a fresh one unless told',
      between(0, MAX_SEED),
    )
    .option(
      '--acceptors <N>',
      'how many acceptors; as the seed decides unless told',
      between(1, MAX_ACCEPTORS),
    )
    .option('--commands', 'replicas with a state machine, whose history is judged')
    .option('--counter', 'the same, with clients that do nothing but count')
    .option('--lease', 'with read-lease; with --commands as the seed decides unless told')
    .option('-v, --verbose', 'print each fault when it strikes')
    .option('--json', 'print one JSON object at the end, nothing else')
    .option('--keep', 'keep the directory with logs and storage');
}

/** @returns the exit code */
async function torture(flags: Flags, io: Io): Promise<number> {
  if (!existsSync(PROGRAM)) {
    throw new CommandFailed('there is no dist; run npm run build', ExitCode.misused);
  }
  const { seconds, seed = freshSeed() } = flags;
  const plan = planOf(flags, seed);
  const directory = mkdtempSync(join(tmpdir(), 'libpaxos-torture-'));
  const isQuiet = flags.json === true;
  const what = plan.commands === undefined ? 'values' : 'operations';
  const line = isQuiet ? undefined : new ProgressLine(io);
  line?.tell(planLines(plan).join('\n'));
  let keep = flags.keep === true;
  try {
    const { report, rows } = await result({
      plan,
      directory,
      stop: io.stop,
      tell: (fault) => flags.verbose === true && line?.tell(fault),
      show: (progress) => line?.show(() => progressLine(progress, seconds, what)),
    });
    line?.close();
    keep ||= report.violation !== undefined;
    io.out(isQuiet ? `${jsonOf(report, keep ? directory : undefined)}\n` : `${rows.join('\n')}\n`);
    if (report.violation !== undefined)
      io.err(`error: found a fault; the same again: npm run torture -- ${wordsOf(flags, seed)}\n`);
    return report.violation === undefined ? 0 : ExitCode.failed;
  } catch (error) {
    line?.close();
    if (!(error instanceof Interrupted)) throw error;
    io.err('stopped before the end: nothing was found until then, and storage was not looked at\n');
    return stoppedCode(io);
  } finally {
    if (!keep) rmSync(directory, { recursive: true, force: true });
    else if (!isQuiet) io.err(`logs and storage: ${directory}\n`);
  }
}

function planOf({ seconds, acceptors, commands, counter, lease }: Flags, seed: number): Plan {
  if (commands !== true && counter !== true && lease !== true) return drawPlan({ seed, seconds, acceptors });
  return drawCommandsPlan({ seed, seconds, acceptors, lease, work: counter === true ? 'counter' : 'store' });
}

/** Runs a plan, whichever kind it is of. */
async function result(options: Omit<RunOptions, 'program'>) {
  const { commands } = options.plan;
  if (commands === undefined) {
    const report = await new Run({ ...options, program: [process.execPath, PROGRAM] }).run();
    return { report, rows: table(report) };
  }
  const program = [process.execPath, STORE_REPLICA, 'dist', 'sound'];
  const report = await new CommandsRun({ ...options, commands, program }).run();
  return { report, rows: commandsTable(report) };
}

/** What is to be said to do the same again. */
function wordsOf({ seconds, acceptors, commands, counter, lease }: Flags, seed: number): string {
  const words = [`--seed ${seed}`, `--seconds ${seconds}`];
  if (acceptors !== undefined) words.push(`--acceptors ${acceptors}`);
  if (commands === true) words.push('--commands');
  if (counter === true) words.push('--counter');
  if (lease === true) words.push('--lease');
  return words.join(' ');
}

function jsonOf(report: Report | CommandsReport, directory: string | undefined): string {
  return JSON.stringify({ ...report, faults: Object.fromEntries(report.faults), directory });
}

await startScript(main);
