/**
 * Proc: what Linux tells of processes and of the machine. Elsewhere the figures are NaN, and the benchmark goes on.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { arch, cpus, platform, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { median } from './statistics.ts';

/** A tick of /proc is 10 ms on Linux. */
const TICK_MICROS = 10_000;
/** What the disk is tried with. */
const SYNCS = 50;
const SYNCED_BYTES = 4096;

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
  /** the file system where storages are, and what it takes to have 4 kB on the disk */
  readonly disk: string;
  readonly node: string;
}

/** The machine in words that name no one's. */
export async function machine(): Promise<Machine> {
  const [first] = cpus();
  return {
    processors: `${cpus().length} × ${first?.model ?? 'unknown'}`,
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    // Behind the numbers of a release stands who built it.
    system: `${platform()} ${/^[\d.]*\d/.exec(release())?.[0] ?? release()} ${arch()}`,
    disk: await disk(tmpdir()),
    node: process.version.slice(1),
  };
}

async function disk(path: string): Promise<string> {
  const directory = await mkdtemp(join(path, 'libpaxos-bench-'));
  const file = await open(join(directory, 'synced'), 'w');
  const block = new Uint8Array(SYNCED_BYTES);
  const micros: number[] = [];
  try {
    for (let i = 0; i < SYNCS; i++) {
      await file.write(block);
      const startedAt = performance.now();
      await file.datasync();
      micros.push(1000 * (performance.now() - startedAt));
    }
  } finally {
    await file.close();
    await rm(directory, { recursive: true });
  }
  return `${fileSystemOf(path)} with ${Math.round(median(micros))} us a sync`;
}

/** By the longest mount point that the path is under. */
function fileSystemOf(path: string): string {
  const mounts = (read('/proc/mounts') ?? '').split('\n').map((line) => line.split(' '));
  const above = mounts.filter(([, point = '/']) => point === '/' || `${path}/`.startsWith(`${point}/`));
  const [nearest] = above.sort(([, a = ''], [, b = '']) => b.length - a.length);
  return nearest?.[2] ?? 'a file system';
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
