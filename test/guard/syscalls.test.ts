/**
 * How many system calls a value costs where one is under way at a time: real replicas, looked at by strace.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Client } from '../../src/evpaxos/index.ts';
import { Lines } from '../support/command.ts';
import { Load } from '../support/load.ts';
import { freePorts } from '../support/ports.ts';
import { CommandProcess } from '../support/processes.ts';
import { whyNoStrace } from '../support/strace.ts';
import { SYSCALL_SLACK, SYSCALLS } from './figures.ts';

const VALUES = 150;

/** Counts the system calls of a process while something is done. */
async function counted(
  pids: readonly number[],
  directory: string,
  during: () => Promise<void>,
): Promise<number[]> {
  const files = pids.map((pid) => join(directory, `strace-${pid}`));
  const tracers = await Promise.all(pids.map((pid, i) => attach(pid, files[i] ?? '')));
  await during();
  for (const tracer of tracers) {
    const ended = new Promise((resolve) => tracer.once('close', resolve));
    tracer.kill('SIGINT');
    await ended;
  }
  return Promise.all(files.map(async (file) => totalOf(await readFile(file, 'utf8'))));
}

async function attach(pid: number, file: string): Promise<ChildProcess> {
  const tracer = spawn('strace', ['-c', '-f', '-o', file, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lines = new Lines();
  tracer.stderr.setEncoding('utf8').on('data', (text: string) => lines.add(text));
  await lines.first(/attached/);
  return tracer;
}

/** Reads, writes and waits for either; what the collector of garbage and its threads do is left out. */
function totalOf(summary: string): number {
  let total = 0;
  for (const line of summary.split('\n')) {
    const match = /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(read|write|writev|epoll_pwait)$/.exec(
      line,
    );
    if (match !== null) total += Number(match[1]);
  }
  return total;
}

it('a value costs no more system calls than it did', async (context) => {
  const reason = whyNoStrace();
  context.skip(reason !== undefined, reason);
  const directory = await mkdtemp(join(tmpdir(), 'libpaxos-guard-'));
  const conf = join(directory, 'paxos.conf');
  const ports = await freePorts(3);
  // Tracing makes a leader slow, not absent.
  const lines = ports.map((port, id) => `replica ${id} 127.0.0.1 ${port}`);
  // Looking for input again and again is paid by the time that it takes, and not by the call.
  await writeFile(conf, [...lines, 'leader-timeout 20000', 'busy-poll 0', ''].join('\n'));
  const replicas: CommandProcess[] = [];
  let client: Client | undefined;
  try {
    for (const id of [0, 1, 2]) replicas.push(new CommandProcess(['replica', String(id), conf]));
    // Whoever it is: on a busy machine it need not be the first.
    const line = await Promise.any(replicas.map(({ out }) => out.first(/Following proposer \d/)));
    const proposerId = Number(/Following proposer (\d)/.exec(line)?.[1]);
    client = await Client.start({ config: conf, proposerId, deliver: () => undefined });
    const load = new Load(client, 1);
    await load.more(VALUES);
    const pids = [proposerId, (proposerId + 1) % 3].map((id) => replicas[id]?.pid ?? 0);
    let chosen = 0;
    const totals = await counted(pids, directory, async () => {
      const before = load.chosen;
      await load.more(VALUES);
      chosen = load.chosen - before;
    });
    const [leader = 0, follower = 0] = totals.map((total) => total / chosen);
    const told = `leader ${leader}, follower ${follower} a value`;
    expect(leader, told).toBeGreaterThan(1);
    expect(follower, told).toBeGreaterThan(1);
    expect(leader, told).toBeLessThan(SYSCALLS.leader * SYSCALL_SLACK);
    expect(follower, told).toBeLessThan(SYSCALLS.follower * SYSCALL_SLACK);
    await load.stop();
  } finally {
    await client?.close();
    await Promise.all(replicas.map((replica) => replica.signal('SIGKILL')));
    await rm(directory, { recursive: true, force: true });
  }
}, 60_000);
