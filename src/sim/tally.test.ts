/**
 * What many runs came to: sums, and what was never reached.
 */
import { expect, test } from 'vitest';
import { FAULT_KINDS } from './plan.ts';
import { resultOfViolation, type SeedResult, Tally } from './tally.ts';
import { Violation } from './violation.ts';

const RESULT: SeedResult = {
  seed: 1,
  events: 100,
  virtualMs: 5000,
  chosen: 200,
  duplicates: 0,
  hash: 7,
  faults: { crash: 2, cut: 1 },
  outcomes: { leading: 3, 'sent accept': 50 },
};

test('sums up what was run', () => {
  const tally = new Tally();
  tally.add(RESULT);
  tally.add({ ...RESULT, seed: 2, outcomes: { leading: 1, following: 4 } });
  expect([tally.seeds, tally.events, tally.virtualMs, tally.chosen]).toEqual([2, 200, 10_000, 400]);
  expect(tally.faults.get('crash')).toBe(4);
  expect([...tally.outcomes]).toEqual([
    ['following', 4],
    ['leading', 4],
    ['sent accept', 50],
  ]);
  expect(tally.violations).toEqual([]);
});

test('says what should have been reached and was not', () => {
  const tally = new Tally();
  tally.add(RESULT);
  expect(tally.neverReached).toContain('fault partition');
  expect(tally.neverReached).toContain('stepped-down');
  expect(tally.neverReached).not.toContain('fault crash');
  expect(tally.neverReached).not.toContain('leading');
});

test('is at fault when a thousand runs did not reach what is expected', () => {
  const tally = new Tally();
  for (let seed = 0; seed < 999; seed++) tally.add({ ...RESULT, seed });
  expect(tally.gap).toBeUndefined();
  expect(tally.covered.reached).toBe(3);
  tally.add(RESULT);
  expect(tally.gap).toMatch(/^Never reached in 1000 seeds: fault pause, .*, sent trim/);
  const outcomes = Object.fromEntries(tally.neverReached.map((outcome) => [outcome, 1]));
  const faults = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 1]));
  tally.add({ ...RESULT, outcomes, faults });
  expect(tally.gap).toBeUndefined();
  expect(tally.covered.reached).toBe(tally.covered.expected);
});

test('expects what is rare of more runs', () => {
  const tally = new Tally();
  tally.add(RESULT);
  const outcomes = Object.fromEntries(tally.neverReached.map((outcome) => [outcome, 1]));
  const faults = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 1]));
  for (let seed = 0; seed < 4998; seed++) tally.add({ ...RESULT, seed, outcomes, faults });
  expect(tally.gap).toBeUndefined();
  tally.add(RESULT);
  expect(tally.gap).toBe(
    'Never reached in 5000 seeds: snapshot fetched on after a cut. The simulator is at fault.',
  );
});

test('keeps the seeds that found a fault, with what it was', () => {
  const tally = new Tally();
  tally.add(resultOfViolation(42, new Violation('agreement', 'two values', 7)));
  expect(tally.violations).toMatchObject([{ seed: 42, violation: 'agreement: two values' }]);
});
