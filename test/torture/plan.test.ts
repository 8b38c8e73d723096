/**
 * Plans: a seed decides all of one, and what it decides can be done.
 */
import { describe, expect, it } from 'vitest';
import { ALL_KINDS, clientsOf, drawCommandsPlan, drawPlan, KINDS, learnersOf, listenersOf } from './plan.ts';

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

  it('of commands is of replicas alone, with every kind of fault, and leases where the seed or the caller wants', () => {
    const kinds = new Set<string>();
    const leases = new Set<boolean>();
    for (const seed of SEEDS) {
      const options = { seed, seconds: 60, work: 'store' } as const;
      const plan = drawCommandsPlan(options);
      expect(JSON.stringify(drawCommandsPlan(options))).toBe(JSON.stringify(plan));
      expect([plan.replicas, plan.learners, plan.proposers]).toEqual([true, 0, plan.acceptors]);
      leases.add((plan.commands?.readLeaseMs ?? 0) > 0);
      expect(drawCommandsPlan({ ...options, lease: true }).commands?.readLeaseMs).toBeGreaterThan(0);
      for (const { kind, victim, strikesLeader } of plan.schedule) {
        kinds.add(kind);
        if (kind === 'unanswered' || kind === 'doubled')
          expect([clientsOf(plan).includes(victim), strikesLeader]).toEqual([true, false]);
      }
    }
    expect([...kinds].sort()).toEqual([...ALL_KINDS].sort());
    expect(leases.size).toBe(2);
  });

  it('of a counter has eight clients, whose connections are cut, late and doubled, while replicas are killed', () => {
    const plan = drawCommandsPlan({ seed: 1, seconds: 300, work: 'counter' });
    expect([plan.clients, plan.commands?.replicasOutstanding, plan.commands?.givenUp]).toEqual([8, 0, 0]);
    const kinds = new Set(plan.schedule.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['cut', 'delay', 'doubled', 'kill', 'unanswered']);
  });
});
