import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { processors } from './processors.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'libpaxos-processors-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

it('is a share where the container has one, in both versions of control groups', () => {
  writeFileSync(join(directory, 'cpu.max'), '50000 100000\n');
  expect(processors(directory)).toBe(0.5);
  rmSync(join(directory, 'cpu.max'));
  mkdirSync(join(directory, 'cpu'));
  writeFileSync(join(directory, 'cpu', 'cpu.cfs_quota_us'), '25000\n');
  writeFileSync(join(directory, 'cpu', 'cpu.cfs_period_us'), '100000\n');
  expect(processors(directory)).toBe(0.25);
});

it('is the machine where nothing limits it, or more is allowed than there is', () => {
  const all = availableParallelism();
  expect(processors(directory)).toBe(all);
  for (const text of ['max 100000\n', '100000000 100000\n', 'nonsense\n', '']) {
    writeFileSync(join(directory, 'cpu.max'), text);
    expect(processors(directory)).toBe(all);
  }
  rmSync(join(directory, 'cpu.max'));
  mkdirSync(join(directory, 'cpu'));
  writeFileSync(join(directory, 'cpu', 'cpu.cfs_quota_us'), '-1\n');
  writeFileSync(join(directory, 'cpu', 'cpu.cfs_period_us'), '100000\n');
  expect(processors(directory)).toBe(all);
});
