/**
 * Plans: a seed decides all of one, and what it decides can be done.
 */
import { describe, expect, it } from 'vitest';
import { clientsOf, drawPlan, KINDS, learnersOf, listenersOf } from './plan.ts';

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);

describe('a plan', () => {
  it('is the same for the same seed, and another for another', () => {
    const texts = SEEDS.map((seed) => JSON.stringify(drawPlan({ seed, seconds: 10 })));
    expect(SEEDS.map((seed) => JSON.stringify(drawPlan({ seed, seconds: 10 })))).toEqual(texts);
    expect(new Set(texts).size).toBe(SEEDS.length);
  });

  it('has several kinds of fault soon, in order, at processes that there are', () => {
    const kinds = new Set<string>();
    for (const seed of SEEDS) {
      const plan = drawPlan({ seed, seconds: 60 });
      const names = [...listenersOf(plan), ...learnersOf(plan), ...clientsOf(plan)];
      const times = plan.schedule.map(({ atMs }) => atMs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(new Set(plan.schedule.slice(0, 5).map(({ kind }) => kind)).size).toBe(5);
      const strange = plan.schedule.filter(({ victim, others, atMs, forMs }) => {
        const isThere = [victim, ...others].every((name) => names.includes(name));
        return !isThere || atMs >= 60_000 || forMs > 5000;
      });
      expect(strange).toEqual([]);
      for (const { kind } of plan.schedule) kinds.add(kind);
    }
    expect([...kinds].sort()).toEqual([...KINDS].sort());
  });

  it('has the number of acceptors that is asked for, and no more values than can be kept', () => {
    const plan = drawPlan({ seed: 1, seconds: 3600, acceptors: 7 });
    expect(plan.acceptors).toBe(7);
    expect(plan.valuesPerSecond * plan.seconds).toBeLessThanOrEqual(250_000);
  });
});
