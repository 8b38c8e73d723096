import { describe, expect, it } from 'vitest';
import { Raises } from './raises.ts';

const LONGEST_MS = 500;
const ALWAYS_LONGEST = { next: () => 1 };

describe('Raises', () => {
  it('follows a ballot with which something was finished at once with the next', () => {
    const raises = new Raises(LONGEST_MS, ALWAYS_LONGEST);
    for (let finished = 0; finished < 100; finished++) {
      expect(raises.mayRaise(finished)).toBe(true);
      raises.note(finished, finished);
    }
  });

  it('pauses ever longer after ballots in vain, up to a bound', () => {
    const raises = new Raises(LONGEST_MS, ALWAYS_LONGEST);
    let now = 1000;
    const pauses: number[] = [];
    for (let i = 0; i < 9; i++) {
      raises.note(now, 7);
      const since = now;
      while (!raises.mayRaise(now)) now++;
      pauses.push(now - since);
    }
    expect(pauses).toEqual([0, 10, 20, 40, 80, 160, 320, 500, 500]);
  });

  it('forgets what was in vain when something is finished, or after long', () => {
    const raises = new Raises(LONGEST_MS, ALWAYS_LONGEST);
    for (let i = 0; i < 5; i++) raises.note(i, 7);
    raises.note(10, 8);
    expect(raises.mayRaise(10)).toBe(true);
    for (let i = 0; i < 5; i++) raises.note(10 + i, 8);
    raises.note(10_000, 8);
    expect(raises.mayRaise(10_000)).toBe(true);
  });

  it('takes four ballots within the bound for a contest, and three, or four in a longer time, for none', () => {
    const raises = new Raises(LONGEST_MS, ALWAYS_LONGEST);
    for (const now of [0, 100, 200]) raises.note(now, now);
    expect(raises.isContested(200)).toBe(false);
    raises.note(300, 300);
    expect(raises.isContested(499)).toBe(true);
    expect(raises.isContested(500)).toBe(false);
    raises.note(700, 700);
    expect(raises.isContested(700)).toBe(false);
  });
});
