/**
 * npm run fuzz: inputs that nobody thought of, for the codec, the config parser and whole nodes.
 */

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Command, Option } from 'commander';
import { between, runScript, scriptCommand, startScript } from '../../bench/script.ts';
import { CommandFailed, ExitCode, type Io } from '../../src/cli/io.ts';
import { ProgressLine } from '../../src/cli/progress-line.ts';
import { freshSeed } from '../../src/transport/random.ts';
import { readCorpus, writeCorpus } from './corpus.ts';
import { Coverage } from './coverage.ts';
import { Crash, Fuzzer } from './fuzzer.ts';
import type { FuzzTarget } from './target.ts';
import { TARGETS } from './targets.ts';
import { Watchdog } from './watchdog.ts';

const HELP = `
codec: bytes that a connection may bring. config: texts of a paxos.conf. node: bytes said to a whole
node of a cluster, which has to live on and get values chosen. Inputs are made of those that reached
code, or came to an outcome, that none did before.

  npm run fuzz                                     a minute each, with a fresh seed
  npm run fuzz -- --target codec --seconds 600     one of them, longer
  npm run fuzz -- --target codec --seed 42         the same inputs again, as far as the time goes
  npm run fuzz -- --target codec --replay FILE     one input, that was saved
  npm run fuzz -- --keep                           what reached something new goes into test/fuzz/corpus

You will see how many inputs were tried, how many are kept to go on from, how many bytes of our
sources ran, and how many different outcomes there were. An input that was not borne is saved, and
the command that replays it is printed. The exit code is 1 then, and 2 if it was called wrongly.`;

const MAX_SECONDS = 86_400;
const HANGS_MS = 20_000;
const SCRATCH = '.tmp/fuzz';
const MS_PER_TURN = 50;

interface Flags {
  readonly target?: string;
  readonly seconds: number;
  readonly seed?: number;
  readonly replay?: string;
  readonly keep?: boolean;
  readonly json?: boolean;
}

function main(argv: readonly string[], io: Io): Promise<number> {
  return runScript<Flags>(makeCommand(io), argv, io, (flags) => run(flags, io));
}

/** @returns the exit code */
async function run(flags: Flags, io: Io): Promise<number> {
  const targets = TARGETS.filter(({ name }) => flags.target === undefined || flags.target === name);
  const [only] = targets;
  if (flags.replay !== undefined) {
    if (only !== undefined && targets.length === 1) return replay(io, only, flags.replay);
    throw new CommandFailed('--replay takes --target, too', ExitCode.misused);
  }
  let code = 0;
  for (const target of targets) {
    if (!io.stop.aborted) code = Math.max(code, await fuzz(io, target, flags));
  }
  return code;
}

function makeCommand(io: Io): Command {
  const names = TARGETS.map(({ name }) => name);
  return scriptCommand(io, 'fuzz', 'Try inputs that nobody thought of.', HELP)
    .addOption(new Option('--target <T>', 'one of them; all unless told').choices(names))
    .option('--seconds <T>', 'how long each is fed', between(1, MAX_SECONDS), 60)
    .option(
      '--seed <S>',
      'what decides the inputs; a fresh one unless told',
      between(0, Number.MAX_SAFE_INTEGER),
    )
    .option('--replay <FILE>', 'run one input that was saved')
    .option(
      '--keep',
      'keep what reached something new, and of all that is kept the least that reaches as much',
    )
    .option('--json', 'print one JSON object a target, nothing else');
}

/** @returns the exit code */
async function fuzz(io: Io, target: FuzzTarget, flags: Flags): Promise<number> {
  const { seconds, seed = freshSeed(), keep = false, json = false } = flags;
  const line = json ? undefined : new ProgressLine(io);
  line?.tell(`${target.name}: ${seconds} s, seed ${seed}`);
  const coverage = new Coverage((url) => url.includes('/src/'));
  const hung = pathOf(`${target.name}-hang-${seed}`);
  const said = `error: ${target.name} does not come to an end; the same again: ${replayOf(target, hung)}\n`;
  const watchdog = new Watchdog({ limitMs: HANGS_MS, path: hung, said });
  const fuzzer = new Fuzzer({ target, seed, coverage, watch: (input) => watchdog.begin(input) });
  const startedAt = io.clock.now();
  const isTime = () => io.clock.now() - startedAt < 1000 * seconds && !io.stop.aborted;
  const show = () => line?.show(() => progress(fuzzer, coverage, io.clock.now() - startedAt));
  try {
    const corpus = readCorpus(target.name);
    await fuzzer.take(corpus.length > 0 ? corpus : target.beginnings());
    while (isTime()) {
      const turnEnd = io.clock.now() + MS_PER_TURN;
      while (io.clock.now() < turnEnd) await fuzzer.step();
      show();
      await new Promise((resolve) => setImmediate(resolve));
    }
    line?.tell(progress(fuzzer, coverage, io.clock.now() - startedAt));
    const { runs, outcomes, kept } = fuzzer;
    if (json)
      io.out(
        `${JSON.stringify({ target: target.name, seed, runs, outcomes, kept: kept.length, bytes: coverage.bytes })}\n`,
      );
    if (keep) await keepLeast(target, kept, line);
    return 0;
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
    line?.close();
    io.err(crashed(target, error));
    return ExitCode.failed;
  } finally {
    coverage.close();
    await watchdog.close();
  }
}

/** Of inputs that reach the same the shortest stays. */
async function keepLeast(
  target: FuzzTarget,
  inputs: readonly Uint8Array[],
  line: ProgressLine | undefined,
): Promise<void> {
  const coverage = new Coverage((url) => url.includes('/src/'));
  const least = new Fuzzer({ target, seed: 0, coverage });
  await least.take([...inputs].sort((a, b) => a.length - b.length));
  coverage.close();
  writeCorpus(target.name, least.kept);
  line?.tell(`${least.kept.length} inputs are in the corpus`);
}

async function replay(io: Io, target: FuzzTarget, path: string): Promise<number> {
  const input = new Uint8Array(readFileSync(path));
  try {
    io.out(`${target.name} bears it: ${(await target.run(input)).join(', ')}\n`);
    return 0;
  } catch (error) {
    io.err(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return ExitCode.failed;
  }
}

/** Saves the input; what to say. */
function crashed(target: FuzzTarget, { input, message }: Crash): string {
  const name = createHash('sha256').update(input).digest('hex').slice(0, 12);
  const path = pathOf(`${target.name}-${name}`);
  mkdirSync(SCRATCH, { recursive: true });
  writeFileSync(path, input);
  return `error: ${target.name}: ${message}\nthe same again: ${replayOf(target, path)}\n`;
}

function pathOf(name: string): string {
  return join(SCRATCH, `${basename(name)}.bin`);
}

function replayOf(target: FuzzTarget, path: string): string {
  return `npm run fuzz -- --target ${target.name} --replay ${path}`;
}

function progress(fuzzer: Fuzzer, coverage: Coverage, elapsedMs: number): string {
  const { runs, outcomes, kept } = fuzzer;
  const speed = `${number(runs)} inputs, ${number((1000 * runs) / Math.max(1, elapsedMs))}/s`;
  return `${speed} · ${number(kept.length)} kept · ${number(coverage.bytes)} bytes of source · ${number(outcomes)} outcomes`;
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

await startScript(main);
