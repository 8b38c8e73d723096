/**
 * npm run bench:commands: commands of a state machine through a Client, against three replicas as processes.
 *
 *   npm run bench:commands -- --seconds 5 --outstanding 1000 --command-size 64 --storage memory [--profile DIR]
 *
 * Prints commands/s, latency, and the CPU time of a command in the replicas and in the client.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median, sum } from './load.ts';
import { cpuMicros } from './proc.ts';
import { freePorts } from './scene.ts';

const built: typeof import('../src/index.ts') = await import(
  new URL('../dist/index.js', import.meta.url).href
);
const { bytesCodec, Client } = built;
const REPLICA = fileURLToPath(new URL('commands-replica.ts', import.meta.url));

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    outstanding: { type: 'string', default: '1000' },
    'command-size': { type: 'string', default: '64' },
    storage: { type: 'string', default: 'memory' },
    profile: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const outstanding = Number(values.outstanding);

const directory = await mkdtemp(join(tmpdir(), 'libpaxos-commands-'));
const children: ChildProcess[] = [];
try {
  const ports = await freePorts(3);
  const path = join(directory, 'paxos.conf');
  const lines = ports.map((port, id) => `replica ${id} 127.0.0.1 ${port}`);
  lines.push('value-format commands', 'verbosity quiet');
  if (values.storage === 'lmdb')
    lines.push('storage-backend lmdb', 'lmdb-sync yes', `lmdb-env-path ${directory}/log`);
  await writeFile(path, `${lines.join('\n')}\n`);
  for (const id of ports.keys()) children.push(replica(path, id));
  await Promise.all(children.map(up));
  await run(path);
} finally {
  for (const child of children) child.kill(values.profile === undefined ? 'SIGKILL' : 'SIGINT');
  await Promise.all(
    children.map((child) => child.exitCode ?? new Promise((resolve) => child.once('exit', resolve))),
  );
  await rm(directory, { recursive: true, force: true });
}

function replica(path: string, id: number): ChildProcess {
  const profile = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`];
  const words = [...profile, '--import', 'tsx', REPLICA, path, String(id)];
  return spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
}

function up(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`a replica ended with ${code}`)));
  });
}

async function run(path: string): Promise<void> {
  const client = await Client.connect<Uint8Array, Uint8Array>({
    config: path,
    codecs: { command: bytesCodec, result: bytesCodec },
  });
  let done = 0;
  let isOver = false;
  const one = async () => {
    while (!isOver) {
      await client.propose(new Uint8Array(Number(values['command-size'])));
      done++;
    }
  };
  const all = Array.from({ length: outstanding }, one);
  await pause(1500);
  const rates: number[] = [];
  const before = {
    done,
    replicas: sum(children.map(({ pid }) => cpuMicros(pid))),
    client: process.cpuUsage(),
  };
  for (let second = 0; second < seconds; second++) {
    const [from, at] = [done, performance.now()];
    await pause(1000);
    rates.push((1000 * (done - from)) / (performance.now() - at));
  }
  const commands = done - before.done;
  const cpu = process.cpuUsage(before.client);
  const perCommand = (micros: number) => (micros / commands).toFixed(2);
  const rate = Math.round(median(rates));
  process.stdout.write(
    `${rate.toLocaleString('en')} commands/s (slowest second ${Math.round(Math.min(...rates)).toLocaleString('en')}), ` +
      `latency ${Math.round((1e6 * outstanding) / rate)} us; CPU a command: replicas ${perCommand(sum(children.map(({ pid }) => cpuMicros(pid))) - before.replicas)} us, ` +
      `client ${perCommand(cpu.user + cpu.system)} us\n`,
  );
  isOver = true;
  await Promise.all(all);
  await client.close();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
