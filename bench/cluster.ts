/**
 * Cluster: three replicas and a client as processes on loopback, of ours or of the original, in one of two kinds of
 * storage; measured by what the client prints every second. The same client is used for both.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OUR_CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const REPLICAS = 3;

export type Kind = 'ours' | 'original';

export interface Load {
  readonly outstanding: number;
  readonly valueBytes: number;
  readonly storage: 'memory' | 'lmdb-synced' | 'lmdb-unsynced';
  /** how long is measured, s, after a second of warming up */
  readonly seconds: number;
}

export interface Measured {
  /** the median of the client's seconds */
  readonly valuesPerSecond: number;
  /** the worst second */
  readonly slowestSecond: number;
  /** the client's mean latency, µs, median of its seconds */
  readonly latencyMicros: number;
  /** CPU time of the replicas together for one value, µs */
  readonly cpuMicrosPerValue: number;
}

export interface BenchOptions {
  /** the folder of the original's sample programs; undefined: it is not there */
  readonly originalBin: string | undefined;
}

/** Starts a cluster, puts it under load, measures, and ends it. */
export async function measure(kind: Kind, load: Load, options: BenchOptions): Promise<Measured> {
  const directory = await mkdtemp(join(tmpdir(), 'libpaxos-bench-'));
  const children: ChildProcess[] = [];
  try {
    const conf = join(directory, 'paxos.conf');
    const ports = await freePorts(REPLICAS);
    await writeFile(conf, configText(ports, load, directory));
    const run = (role: string, args: readonly string[]) => {
      const [command, ...first] = commandOf(kind, role, options);
      const child = spawn(command, [...first, ...args], {
        stdio: ['ignore', 'pipe', 'ignore'],
        cwd: directory,
      });
      children.push(child);
      return child;
    };
    const replicas = Array.from({ length: REPLICAS }, (_, id) => run('replica', [String(id), conf]));
    for (const replica of replicas) replica.stdout?.resume();
    await Promise.all(ports.map(listening));
    await pause(kind === 'ours' ? 1000 : 2500); // the original tries a lost connection again after 2 s
    const clientKind: Kind = options.originalBin === undefined ? 'ours' : 'original';
    const [command, ...first] = commandOf(clientKind, 'client', options);
    const clientArgs = [...first, conf, '-o', String(load.outstanding), '-v', String(load.valueBytes)];
    const client = spawn(command, clientArgs, { stdio: ['ignore', 'pipe', 'ignore'], cwd: directory });
    children.push(client);
    return await watch(client, replicas, load);
  } finally {
    await Promise.all(children.map(end));
    await rm(directory, { recursive: true, force: true });
  }
}

function commandOf(kind: Kind, role: string, { originalBin }: BenchOptions): [string, ...string[]] {
  if (kind === 'original') return ['stdbuf', '-oL', join(originalBin ?? '', role)];
  return [process.execPath, OUR_CLI, role];
}

function configText(ports: readonly number[], load: Load, directory: string): string {
  const lines = ports.map((port, id) => `replica ${id} 127.0.0.1 ${port}`);
  lines.push('verbosity quiet');
  if (load.storage !== 'memory') {
    lines.push('storage-backend lmdb', `lmdb-sync ${load.storage === 'lmdb-synced' ? 'yes' : 'no'}`);
    // The original stops for good when its map is full.
    lines.push(`lmdb-env-path ${join(directory, 'acceptor')}`, 'lmdb-mapsize 4gb');
  }
  return `${lines.join('\n')}\n`;
}

/** Reads the client's seconds; the first is for warming up. */
async function watch(client: ChildProcess, replicas: readonly ChildProcess[], load: Load): Promise<Measured> {
  const seconds: { values: number; latency: number }[] = [];
  let cpuBefore = 0;
  let text = '';
  await new Promise<void>((resolve, reject) => {
    client.once('exit', () => reject(new Error('the client ended before its time')));
    client.stdout?.on('data', (bytes: Buffer) => {
      text += bytes.toString();
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        const match = /^(\d+) value\/sec, .* avg (\d+) us/.exec(line);
        if (match === null) continue;
        if (seconds.length === 0) cpuBefore = cpuMicros(replicas);
        seconds.push({ values: Number(match[1]), latency: Number(match[2]) });
        if (seconds.length > load.seconds) resolve();
      }
    });
  });
  const measured = seconds.slice(1);
  const total = measured.reduce((sum, second) => sum + second.values, 0);
  return {
    valuesPerSecond: median(measured.map((second) => second.values)),
    slowestSecond: Math.min(...measured.map((second) => second.values)),
    latencyMicros: median(measured.map((second) => second.latency)),
    cpuMicrosPerValue: (cpuMicros(replicas) - cpuBefore) / Math.max(1, total),
  };
}

/** User and system time of these processes, µs, where the system tells (/proc). */
export function cpuMicros(children: readonly ChildProcess[]): number {
  let ticks = 0;
  for (const { pid } of children) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      return Number.NaN;
    }
  }
  return ticks * 10_000; // a tick is 10 ms on Linux
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

/** Waits until somebody listens on a port: an original client that comes too early never comes again. */
async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isUp) return;
    await pause(100);
  }
  throw new Error(`nobody listens on port ${port} after 30 s`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, resolve));
    const address = server.address();
    if (address !== null && typeof address === 'object') ports.push(address.port);
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}
