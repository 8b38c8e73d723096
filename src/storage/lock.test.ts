import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { DirectoryLock } from './lock.ts';

const scratch = mkdtempSync(join(tmpdir(), 'libpaxos-lock-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let directory = '';
let directories = 0;
beforeEach(() => {
  directory = join(scratch, String(directories++));
  mkdirSync(directory);
});

const LOCKED = { code: 'STORAGE_LOCKED' };

/** A process that takes the lock of a directory and keeps it. */
async function holder(path: string): Promise<ChildProcess> {
  const program = `
    import { DirectoryLock } from ${JSON.stringify(import.meta.resolve('./lock.ts'))};
    await DirectoryLock.take(${JSON.stringify(path)});
    process.stdout.write('held');
    setInterval(() => {}, 1_000_000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

describe('DirectoryLock', () => {
  test('refuses a second one in this process, and names the process', async () => {
    const lock = await DirectoryLock.take(directory);
    await expect(DirectoryLock.take(directory)).rejects.toMatchObject({
      ...LOCKED,
      message: expect.stringContaining(`pid ${process.pid} on `),
    });
    await lock.release();
    await (await DirectoryLock.take(directory)).release();
  });

  test('of many at the same moment one gets it, whether it is free or the last holder is dead', async () => {
    for (let round = 0; round < 30; round++) {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 12 }, () => DirectoryLock.take(directory)),
      );
      const held = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
      expect(held.length).toBe(1);
      for (const reason of refused) expect(reason).toMatchObject(LOCKED);
      for (const lock of held) await lock.release();
    }
    expect(readdirSync(directory).filter((name) => name !== 'lock.holder').length).toBe(1);
  });

  test('is held by another process until that is killed, and by no means longer', async () => {
    const child = await holder(directory);
    try {
      await expect(DirectoryLock.take(directory)).rejects.toMatchObject({
        ...LOCKED,
        message: expect.stringContaining(`pid ${child.pid} on `),
      });
    } finally {
      child.kill('SIGKILL');
    }
    await once(child, 'exit');
    await (await DirectoryLock.take(directory)).release();
  });

  test('is held by a process that is stopped', async () => {
    const child = await holder(directory);
    try {
      child.kill('SIGSTOP');
      await expect(DirectoryLock.take(directory)).rejects.toMatchObject(LOCKED);
    } finally {
      child.kill('SIGKILL');
    }
    await once(child, 'exit');
  });

  test('works in a directory whose path is longer than a socket may have (by /proc, so on Linux)', async (context) => {
    context.skip(
      process.platform !== 'linux',
      'such a path is reached by way of /proc, which only Linux has',
    );
    const deep = join(directory, 'd'.repeat(200));
    mkdirSync(deep);
    const lock = await DirectoryLock.take(deep);
    await expect(DirectoryLock.take(deep)).rejects.toMatchObject(LOCKED);
    await lock.release();
  });

  test('a file in the place of a lock is no living holder', async () => {
    writeFileSync(join(directory, 'lock.7'), '');
    const lock = await DirectoryLock.take(directory);
    expect(readdirSync(directory)).toContain('lock.8');
    await lock.release();
  });
});
