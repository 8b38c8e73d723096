/**
 * The demo, for real: three replicas as processes, the leader killed and brought back, everything compared. It runs in
 * this process, its replicas in processes of their own; once it is a process itself, which is interrupted.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { main } from '../../src/cli/program.ts';
import { SystemClock } from '../../src/transport/clock.ts';

const PROGRAM = [
  process.execPath,
  '--import',
  'tsx',
  fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url)),
];

function makeIo(program: readonly string[] = PROGRAM) {
  const written = { out: '', err: '' };
  const io: Io = {
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
    colours: false,
    stop: new AbortController().signal,
    clock: new SystemClock(),
    screen: () => undefined,
    directory: '.',
    program,
  };
  return { io, written };
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

it('kills the leader, brings it back, has checked that nothing was lost, and leaves nothing behind', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'demo-test-'));
  vi.stubEnv('TMPDIR', directory);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true });
  });
  const { io, written } = makeIo();
  expect(await main(['demo', '--seconds', '6'], io), written.err).toBe(0);
  expect(written.err).toBe('');
  const told = [
    /Started replicas 0, 1 and 2: processes \d+, \d+, \d+\./,
    /Values flow, 100 at a time; replica [012] leads\./,
    /Killed replica [012], which led, with SIGKILL\./,
    /No value flowed for \d+ ms; since then replica [012] leads\./,
    /Started replica [012] again, process \d+, on what it has on disk\./,
    /Replica [012] has caught up: [\d,]+ instances, [\d.]+ s after its start\./,
    /Nothing was lost: all [\d,]+ values that were submitted were chosen, (none|[\d,]+ of them) twice\./,
    /The three replicas and the learner delivered the same [\d,]+ instances in the same order \(SHA-256 [0-9a-f]{16}…\)\./,
  ];
  const places = told.map((sentence) => written.out.search(sentence));
  expect(places, written.out).not.toContain(-1);
  expect(places).toEqual([...places].sort((left, right) => left - right));
  expect(written.out.match(/^ +[\d.]+ s {2}[\d,]+ values\/s, p50 .* replicas: 0 /gm)?.length).toBeGreaterThan(
    4,
  );

  const pids = processesOf(written.out);
  expect(pids).toHaveLength(4);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(readdirSync(directory).filter((name) => name.startsWith('libpaxos-'))).toEqual([]);
});

it('ends on SIGINT with one line, and leaves no process', async () => {
  const [command = '', ...words] = PROGRAM;
  const child = spawn(command, [...words, 'demo'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const written = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written.out += text;
    if (text.includes('Values flow')) child.kill('SIGINT');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    written.err += text;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(written.err).toBe('error: stopped before the end: nothing was compared\n');
  expect(code).toBe(1);
  const pids = processesOf(written.out);
  expect(pids).toHaveLength(3);
  expect(pids.filter(isAlive)).toEqual([]);
});

it('fails with the last words of a replica that ends by itself', async () => {
  const dying = [process.execPath, '-e', "console.error('error: the disk is gone'); process.exit(1)", '--'];
  const { io, written } = makeIo(dying);
  expect(await main(['demo'], io)).toBe(1);
  expect(written.err).toMatch(/^error: replica [012] ended by itself: the disk is gone\n$/);
});

it('is told at once that it cannot be so short', async () => {
  const { io, written } = makeIo();
  expect(await main(['demo', '--seconds', '1'], io)).toBe(2);
  expect(written.err).toContain('from 5');
});
