/** A snapshot is on disk before it has its name, and its name is before anybody is told: seen in the system calls. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { whyNoStrace } from '../support/strace.ts';

const noStrace = whyNoStrace();
const writer = fileURLToPath(new URL('../support/snapshot-writer.ts', import.meta.url));

/** Lets a process write a snapshot: what it said, its calls as strace tells them, and the files that it left. */
function writeSnapshot(...options: readonly string[]) {
  const scratch = mkdtempSync(join(tmpdir(), 'libpaxos-snapshot-calls-'));
  onTestFinished(() => rmSync(scratch, { recursive: true, force: true }));
  const [trace, path] = [join(scratch, 'trace'), join(scratch, 'above', 'snapshots')];
  const strace = ['-f', '-y', '-s', '300', '-o', trace, '-e', 'trace=fsync,fdatasync,/rename', ...options];
  const { stdout } = spawnSync('strace', [...strace, process.execPath, '--import', 'tsx', writer, path], {
    encoding: 'utf8',
    // strace counts the calls of each thread for itself.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
  });
  const calls = readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => line.includes(scratch) && !line.includes('resumed'))
    .map((line) => line.replaceAll(scratch, ''));
  return { said: stdout.trim(), calls, files: readdirSync(path) };
}

it('a snapshot is synced, renamed, and the directory is synced', (context) => {
  context.skip(noStrace !== undefined, noStrace);
  const { said, calls, files } = writeSnapshot();
  expect([said, files.length]).toEqual(['written', 1]);
  const steps = [
    /fsync\(\d+<\/above>/, // the new directory's name in the one above
    /fsync\(\d+<>/, // and that one's
    /fsync\(\d+<\/above\/snapshots\/snapshot-.*partial>/,
    /rename.*partial", .*[.]lps"/,
    /fsync\(\d+<\/above\/snapshots>/,
  ];
  expect(calls).toHaveLength(steps.length);
  for (const [index, step] of steps.entries()) expect(calls[index]).toMatch(step);
});

it('a snapshot that cannot be synced is none', (context) => {
  context.skip(noStrace !== undefined, noStrace);
  const { said, calls, files } = writeSnapshot('-e', 'inject=fsync:error=EIO:when=3');
  expect([said, files]).toEqual(['STORAGE_FAILED', []]);
  expect(calls.filter((call) => call.includes('rename'))).toEqual([]);
});
