/**
 * Load: reads what a load process prints, a line a second, and what the processes under it cost meanwhile. The first
 * seconds are for warming up.
 *
 *   one of ours:     {"type":"second","values":…,"latencyUs":{"min":…,"max":…,"avg":…,"percentiles":{…}}}
 *   the original's:  `55210 value/sec, 40.44 Mbps, latency min 210 us max 9100 us avg 1802 us`
 *
 * A load process is any program that prints one of the two once a second.
 */
import type { ChildProcess } from 'node:child_process';
import { cpuMicros, machineBusyMicros, rssBytes } from './proc.ts';

/** A just-in-time compiler has not seen the whole program earlier. */
const WARM_UP_SECONDS = 2;
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

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** A process that is looked at, and what it is called. */
export interface Watched {
  readonly name: string;
  readonly child: ChildProcess;
}

interface Second {
  readonly values: number;
  readonly mean: number;
  readonly max: number;
  readonly percentiles: Percentiles | undefined;
}

/** Measures for `seconds` what a load process prints; `watched` are the servers under it, and perhaps itself. */
export async function watchLoad(
  load: ChildProcess,
  watched: readonly Watched[],
  seconds: number,
): Promise<Measured> {
  const all: Second[] = [];
  let before: Costs | undefined;
  let text = '';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('nothing is chosen')), PATIENCE_MS + 1000 * seconds);
    load.once('exit', () => reject(new Error('the load process ended before its time')));
    load.stdout?.on('data', (bytes: Buffer) => {
      text += bytes.toString();
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const second of lines.map(parseSecond)) {
        if (second === undefined || (all.length === 0 && second.values === 0)) continue;
        all.push(second);
        if (all.length === WARM_UP_SECONDS) before = costs(watched);
        if (all.length < WARM_UP_SECONDS + seconds) continue;
        clearTimeout(timer);
        resolve();
        return;
      }
    });
  });
  const after = costs(watched);
  return summary(all.slice(WARM_UP_SECONDS), before ?? after, after);
}

function parseSecond(line: string): Second | undefined {
  const original = /^(\d+) value\/sec, .* max (\d+) us avg (\d+) us/.exec(line);
  if (original !== null) {
    return {
      values: Number(original[1]),
      max: Number(original[2]),
      mean: Number(original[3]),
      percentiles: undefined,
    };
  }
  if (!line.startsWith('{"type":"second"')) return undefined;
  const { values, latencyUs } = JSON.parse(line);
  return { values, max: latencyUs.max, mean: latencyUs.avg, percentiles: latencyUs.percentiles };
}

interface Costs {
  readonly at: number;
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
  return { at: performance.now(), machineMicros: machineBusyMicros(), processes };
}

function summary(seconds: readonly Second[], before: Costs, after: Costs): Measured {
  const values = Math.max(1, sum(seconds.map((second) => second.values)));
  const spent = after.processes.map(
    (process, i) => process.cpuMicros - (before.processes[i]?.cpuMicros ?? 0),
  );
  const ownMicros = sum(spent);
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

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
