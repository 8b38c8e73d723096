/**
 * Load: reads the seconds of a load process, and what the processes under it cost meanwhile. The first seconds are for
 * warming up.
 */
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { cpuMicros, machineBusyMicros, rssBytes } from './proc.ts';
import { hasEnded } from './scene.ts';
import { type Percentiles, type ReadSecond, readSecond, type Second } from './seconds.ts';
import { median, sum } from './statistics.ts';

/** What is measured of a load, s, and what goes before it. */
export interface Period {
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** A cluster that chooses nothing for so long is not measured. */
const PATIENCE_MS = 30_000;

/** One process, as it was during a measurement. */
export interface ProcessCost {
  readonly name: string;
  readonly cpuMicrosPerValue: number;
  /** at the end, bytes */
  readonly rssBytes: number;
}

export interface Measured {
  /** the median of the seconds */
  readonly valuesPerSecond: number;
  /** the worst second */
  readonly slowestSecond: number;
  readonly meanMicros: number;
  readonly maxMicros: number;
  /** medians of the seconds; undefined: this client does not tell */
  readonly percentiles: Percentiles | undefined;
  readonly processes: readonly ProcessCost[];
  /** CPU time of others, as a share of the machine's processors: 0.5 of one processor is 0.5 */
  readonly foreignProcessors: number;
}

/** A process that is looked at, and what it is called. */
export interface Watched {
  readonly name: string;
  readonly child: ChildProcess;
}

/** Measures for a while what a load process prints; `watched` are the servers under it, and itself. */
export async function watchLoad(
  load: ChildProcess,
  watched: readonly Watched[],
  { warmUpSeconds, seconds }: Period,
  { read = readSecond, output = load.stdout }: Reading = {},
): Promise<Measured> {
  const all: Second[] = [];
  const needed = warmUpSeconds + seconds;
  let before: Costs | undefined;
  const take = (line: string) => {
    const second = read(line);
    if (second === undefined || (all.length === 0 && second.values === 0)) return false;
    all.push(second);
    if (all.length === warmUpSeconds) before = costs(watched);
    return all.length === needed;
  };
  await eachLine(load, { patienceMs: PATIENCE_MS + 1000 * needed, output }, take);
  const after = costs(watched);
  for (const { name, child } of watched) {
    if (hasEnded(child)) throw new Error(`${name} ended under load`);
  }
  return summary(all.slice(warmUpSeconds), before ?? after, after);
}

/** How a load process's seconds are read; its standard output, a line a second, unless told. */
interface Reading {
  readonly read?: ReadSecond;
  readonly output?: Readable | null;
}

interface Patience {
  readonly patienceMs: number;
  readonly output?: Readable | null;
}

/**
 * Takes what a process prints line by line, until `take` says that it was enough.
 * @throws Error if it ends or is late
 */
export async function eachLine(
  child: ChildProcess,
  { patienceMs, output = child.stdout }: Patience,
  take: (line: string) => boolean,
): Promise<void> {
  const over = new AbortController();
  let text = '';
  try {
    await new Promise<void>((resolve, reject) => {
      const late = () => reject(new Error(`it is not done after ${Math.round(patienceMs / 1000)} s`));
      const timer = setTimeout(late, patienceMs);
      over.signal.addEventListener('abort', () => clearTimeout(timer));
      child.once('close', () => reject(new Error('the load process ended before its time')));
      output?.on('data', (bytes: Buffer) => {
        if (over.signal.aborted) return;
        const lines = (text + bytes.toString()).split('\n');
        text = lines.pop() ?? '';
        try {
          if (lines.some(take)) resolve();
        } catch (error) {
          reject(error);
        }
      });
    });
  } finally {
    over.abort();
  }
}

interface Costs {
  readonly at: number;
  /** of the benchmark itself, which is no foreign load */
  readonly benchMicros: number;
  readonly machineMicros: number;
  readonly processes: readonly {
    readonly name: string;
    readonly cpuMicros: number;
    readonly rssBytes: number;
  }[];
}

function costs(watched: readonly Watched[]): Costs {
  const processes = watched.map(({ name, child }) => ({
    name,
    cpuMicros: cpuMicros(child.pid),
    rssBytes: rssBytes(child.pid),
  }));
  const { user, system } = process.cpuUsage();
  return {
    at: performance.now(),
    benchMicros: user + system,
    machineMicros: machineBusyMicros(),
    processes,
  };
}

function summary(seconds: readonly Second[], before: Costs, after: Costs): Measured {
  const values = Math.max(1, sum(seconds.map((second) => second.values)));
  const spent = after.processes.map(
    (process, i) => process.cpuMicros - (before.processes[i]?.cpuMicros ?? 0),
  );
  const ownMicros = sum(spent) + after.benchMicros - before.benchMicros;
  const told = seconds.map((second) => second.percentiles).filter((one) => one !== undefined);
  const middle = (pick: (one: Percentiles) => number) => median(told.map(pick));
  return {
    valuesPerSecond: median(seconds.map((second) => second.values)),
    slowestSecond: Math.min(...seconds.map((second) => second.values)),
    meanMicros: median(seconds.map((second) => second.mean)),
    maxMicros: Math.max(...seconds.map((second) => second.max)),
    percentiles:
      told.length === 0
        ? undefined
        : { p50: middle((one) => one.p50), p99: middle((one) => one.p99), p999: middle((one) => one.p999) },
    processes: after.processes.map(({ name, rssBytes }, i) => ({
      name,
      cpuMicrosPerValue: (spent[i] ?? Number.NaN) / values,
      rssBytes,
    })),
    foreignProcessors: Math.max(
      0,
      (after.machineMicros - before.machineMicros - ownMicros) / (1000 * (after.at - before.at)),
    ),
  };
}
