/**
 * Proc: what Linux tells of processes and of the machine. Elsewhere the figures are NaN, and the benchmark goes on.
 */
import { readFileSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';

/** A tick of /proc is 10 ms on Linux. */
const TICK_MICROS = 10_000;

/** User and system time of a process, µs. */
export function cpuMicros(pid: number | undefined): number {
  const fields = statFields(`/proc/${pid}/stat`);
  return fields === undefined ? Number.NaN : (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
}

/** What a process holds of the machine's memory, bytes. */
export function rssBytes(pid: number | undefined): number {
  const found = /^VmRSS:\s*(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '');
  return found?.[1] === undefined ? Number.NaN : Number(found[1]) * 1024;
}

/** CPU time that the whole machine has spent at work, µs, all processors together. */
export function machineBusyMicros(): number {
  const fields = (read('/proc/stat') ?? '').split('\n')[0]?.trim().split(/\s+/).slice(1).map(Number);
  if (fields === undefined || fields.length < 8) return Number.NaN;
  // user, nice, system, then (after idle and iowait) irq, softirq and steal; guests are in user already
  const busy = [0, 1, 2, 5, 6, 7].reduce((sum, i) => sum + (fields[i] ?? 0), 0);
  return busy * TICK_MICROS;
}

export interface Machine {
  readonly processors: string;
  readonly memoryGigabytes: number;
  readonly system: string;
  readonly node: string;
}

export function machine(): Machine {
  const [first] = cpus();
  return {
    processors: `${cpus().length} × ${first?.model ?? 'unknown'}`,
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
  };
}

function statFields(path: string): string[] | undefined {
  const stat = read(path);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
