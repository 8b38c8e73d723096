/**
 * The demo, for real: three replicas as processes, the leader killed and brought back, everything compared. It runs in
 * this process, its replicas in processes of their own; once it is a process itself, which is interrupted.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { main } from '../../src/cli/program.ts';
import { Lines, quietIo } from '../support/command.ts';
import { CommandProcess, PROGRAM } from '../support/processes.ts';

/** Runs the demo in this process, and gives its exit code and what it printed. */
async function runDemo(words: readonly string[], program = PROGRAM) {
  const out = new Lines();
  const err = new Lines();
  const io: Io = { ...quietIo(), out: (text) => out.add(text), err: (text) => err.add(text), program };
  const code = await main(['demo', ...words], io);
  return { code, out: out.text, err: err.text };
}

/** The replicas' processes, as the demo names them. */
function processesOf(text: string): readonly number[] {
  const first = /processes ([\d, ]+)\./.exec(text)?.[1] ?? '';
  const later = [...text.matchAll(/again, process (\d+)/g)].map((match) => match[1] ?? '');
  return [...first.split(', '), ...later].map(Number);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

it('kills the leader, brings it back, does so again, has checked that nothing was lost, and leaves nothing behind', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'demo-test-'));
  vi.stubEnv('TMPDIR', directory);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true });
  });
  const { code, out, err } = await runDemo(['--seconds', '5', '--kills', '2', '--history', '1000']);
  expect(err).toBe('');
  expect(code).toBe(0);
  const told = [
    /Started replicas 0, 1 and 2: processes \d+, \d+, \d+\./,
    /Values flow, 100 at a time; replica [012] leads\./,
    /[1-9],\d{3} instances are chosen\./,
    /Killed replica [012], which led, with SIGKILL\./,
    /No value flowed for \d+ ms; since then replica [012] leads\./,
    /Started replica [012] again, process \d+, on what it has on disk\./,
    /Replica [012] has caught up: [\d,]+ instances, [\d.]+ s after its start\./,
    /2 leaders were killed; values flowed again after \d+ ms \(median\), \d+ ms at most\./,
    /Nothing was lost: all [\d,]+ values that were submitted were chosen, (none|[\d,]+ of them) twice\./,
    /All replicas and the learner delivered the same [\d,]+ instances in the same order \(SHA-256 [0-9a-f]{8}…\)\./,
  ];
  const places = told.map((sentence) => out.search(sentence));
  expect(places, out).not.toContain(-1);
  expect(places).toEqual([...places].sort((left, right) => left - right));
  expect(out.match(/^ +[\d.]+ s {2}[\d,]+ values\/s, p50 .* replicas: 0 /gm)?.length).toBeGreaterThan(4);

  const pids = processesOf(out);
  expect(pids).toHaveLength(5);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(readdirSync(directory).filter((name) => name.startsWith('libpaxos-'))).toEqual([]);
});

it('ends on SIGINT with one line, and leaves no process', async () => {
  const demo = new CommandProcess(['demo']);
  await demo.out.first(/Values flow/);
  expect(await demo.signal('SIGINT')).toBe(1);
  expect(demo.err.text).toBe('error: stopped before the end: nothing was compared\n');
  const pids = processesOf(demo.out.text);
  expect(pids).toHaveLength(3);
  expect(pids.filter(isAlive)).toEqual([]);
});

it('fails with the last words of a replica that ends by itself', async () => {
  const dying = [process.execPath, '-e', "console.error('error: the disk is gone'); process.exit(1)", '--'];
  const { code, err } = await runDemo([], dying);
  expect(code).toBe(1);
  expect(err).toMatch(/^error: replica [012] ended by itself: the disk is gone\n$/);
});

it('is told at once that it cannot be so short', async () => {
  const { code, err } = await runDemo(['--seconds', '1']);
  expect(code).toBe(2);
  expect(err).toContain('from 5');
});
