import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_WIRE_INSTANCE } from '../paxos/ballot.ts';
import { EndProbe } from './end-probe.ts';

const MAX_QUESTIONS = 32;

/** What is found of an acceptor that has all instances up to `end`, and in how many rounds. */
function search(known: number, end: number): { found: number; rounds: number } {
  const probe = new EndProbe(known);
  for (let rounds = 0; ; rounds++) {
    const questions = probe.next();
    if (questions.length === 0) return { found: probe.known, rounds };
    expect(questions.length).toBeLessThanOrEqual(MAX_QUESTIONS);
    for (const instanceId of questions) if (instanceId <= end) probe.answered(instanceId);
  }
}

describe('EndProbe', () => {
  it('finds any end, in nine rounds', () => {
    const ends = fc.oneof(
      fc.integer({ min: 0, max: 10_000 }),
      fc.integer({ min: 0, max: MAX_WIRE_INSTANCE }),
    );
    fc.assert(
      fc.property(ends, fc.double({ min: 0, max: 1, noNaN: true }), (end, share) => {
        const { found, rounds } = search(Math.floor(end * share), end);
        expect(found).toBe(end);
        expect(rounds).toBeLessThanOrEqual(9);
      }),
    );
  });

  it.each([0, 1, 2, 31, 32, 33, MAX_WIRE_INSTANCE - 1, MAX_WIRE_INSTANCE])('finds %i', (end) => {
    expect(search(0, end).found).toBe(end);
  });

  it('says at least what it found, where instances are missing', () => {
    const probe = new EndProbe(0);
    const has = (instanceId: number) => instanceId <= 100 && instanceId % 7 !== 3;
    for (let questions = probe.next(); questions.length > 0; questions = probe.next())
      for (const instanceId of questions) if (has(instanceId)) probe.answered(instanceId);
    expect(probe.known).toBeGreaterThan(0);
    expect(probe.known).toBeLessThanOrEqual(100);
  });

  it('ends, though the cluster goes on', () => {
    const probe = new EndProbe(0);
    let end = 10;
    let rounds = 0;
    for (let questions = probe.next(); questions.length > 0; questions = probe.next()) {
      rounds++;
      end *= 3;
      for (const instanceId of questions) if (instanceId <= end) probe.answered(instanceId);
      expect(rounds).toBeLessThanOrEqual(12);
    }
  });
});
