/**
 * The benchmark as a program: it measures, it teaches, and it leaves nothing behind.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const WORDS = ['--import', 'tsx', 'bench/main.ts'];
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'libpaxos-bench-test-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Ours alone; all its processes can be told by the test's directory in their environment. */
function start(...words: readonly string[]): ChildProcess {
  const { LIBPAXOS3_BIN: _, ...env } = process.env;
  return spawn(process.execPath, [...WORDS, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, ETCD_BIN: join(directory, 'no-etcd') },
  });
}

async function ended(child: ChildProcess) {
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (bytes: Buffer) => {
      text += bytes.toString();
    });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, text };
}

/** The working directories of the nodes that a benchmark of this test has started. */
function nodesAtWork(): readonly string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const isOfTest = readFileSync(`/proc/${pid}/environ`, 'utf8').includes(directory);
      const place = isOfTest ? readlinkSync(`/proc/${pid}/cwd`) : '';
      return /libpaxos-bench-\w+$/.test(place) ? [place] : [];
    } catch {
      return []; // no process, or one that has ended
    }
  });
}

it('measures raw values and commands, each with latency, CPU time and memory', async () => {
  const names = ['raw-1', 'commands-1'];
  const runs = await Promise.all(
    names.map((name) =>
      ended(
        start(
          '--cells',
          name,
          '--rounds',
          '1',
          '--seconds',
          '1',
          '--warm-up',
          '2',
          '--out',
          join(directory, name),
        ),
      ),
    ),
  );
  expect(runs.map(({ code, text }) => [code, /not measured/.test(text)])).toEqual([
    [0, false],
    [0, false],
  ]);
  for (const name of names) {
    const { loads, machine } = JSON.parse(readFileSync(join(directory, name), 'utf8'));
    const [result] = loads[0].entrants[0].rounds;
    expect(loads[0].name).toBe(name);
    expect(result.valuesPerSecond).toBeGreaterThan(0);
    const { p50, p99, p999 } = result.percentiles;
    expect([p50 > 0, p99 >= p50, p999 >= p99]).toEqual([true, true, true]);
    expect(result.processes.map((one: { name: string }) => one.name)).toEqual([
      'replica 0',
      'replica 1',
      'replica 2',
      'client',
    ]);
    expect(result.processes.every((one: { rssBytes: number }) => one.rssBytes > 10_000_000)).toBe(true);
    expect(machine.disk).toMatch(/^\w+ with [\d]+ us a sync$/);
    expect(JSON.stringify(machine)).not.toContain('/');
  }
  expect(nodesAtWork()).toEqual([]);
}, 60_000);

it('ends its own processes on Ctrl-C, and shows what it has', async () => {
  const child = start('--cells', 'commands-1', '--seconds', '600', '--rounds', '1');
  const end = ended(child);
  await vi.waitFor(() => expect(nodesAtWork().length).toBeGreaterThanOrEqual(3), { timeout: 15_000 });
  const [place = ''] = nodesAtWork();
  expect(existsSync(place)).toBe(true);
  child.kill('SIGINT');
  const { code, text } = await end;
  expect([code, text.includes('stopped before the end')]).toEqual([130, true]);
  expect(nodesAtWork()).toEqual([]);
  expect(existsSync(place)).toBe(false);
}, 30_000);

it('teaches, and ends with 2 when it is called wrongly', () => {
  const called = (...words: string[]) =>
    spawnSync(process.execPath, [...WORDS, ...words], { encoding: 'utf8' });
  const help = called('-h');
  expect([help.status, help.stderr]).toEqual([0, '']);
  expect(help.stdout).toContain('npm run bench -- --quick');
  const wrong = called('--cells', 'raw-7');
  expect([wrong.status, wrong.stderr.split('\n')[0]?.slice(0, 45)]).toEqual([
    2,
    'error: no cell is called raw-7; there are: ra',
  ]);
});
