/**
 * Whole runs: the same seed is the same run, to the byte, and none of a dozen finds a fault.
 */
import { describe, expect, test } from 'vitest';
import type { Message } from '../transport/message-log.ts';
import { ONCE_FAILED } from './once-failed.ts';
import { type Report, Simulation } from './simulation.ts';

/** Fresh seeds are tried by `npm run sim`; these are the same every time. */
const FIXED_SEEDS = [1, 2, 3, 5, 7, 8, 9, 11, 12, 13, 14, 15] as const;
const RUN_MS = 60_000;

const run = (seed: number): Promise<Report> => new Simulation({ seed }).run();

describe('one seed', () => {
  test('gives one run, also after others ran in this process', { timeout: RUN_MS }, async () => {
    const first = await run(3);
    await run(5);
    const again = await run(3);
    expect(again).toEqual(first);
    expect(first.hash).not.toBe(0);
  });

  test('gives the same run whether somebody looks or not', { timeout: RUN_MS }, async () => {
    const seen: (Message | string)[] = [];
    const watched = new Simulation({ seed: 2, trace: (_at, _from, _to, what) => seen.push(what) });
    expect((await watched.run()).hash).toBe((await run(2)).hash);
    expect(seen.length).toBeGreaterThan(1000);
  });

  test('gives another run than the next', { timeout: RUN_MS }, async () => {
    expect((await run(7)).hash).not.toBe((await run(8)).hash);
  });
});

describe('a run finds no fault', () => {
  for (const seed of FIXED_SEEDS) {
    test(`seed ${seed}`, { timeout: RUN_MS }, async () => {
      const report = await run(seed);
      expect(report.chosen).toBeGreaterThanOrEqual(200);
      expect(report.faults.size).toBeGreaterThanOrEqual(2);
      expect(report.virtualMs).toBeGreaterThan(2000);
    });
  }
});

describe('what once failed does not fail again', () => {
  for (const { seed, fault } of ONCE_FAILED) {
    test(`${fault} (seed ${seed})`, { timeout: RUN_MS }, async () => {
      await run(seed);
    });
  }
});
