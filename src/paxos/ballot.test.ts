import { describe, expect, it } from 'vitest';
import { ballotAbove, ballotOwner, MAX_PROPOSERS, probeBallot } from './ballot.ts';

const PROPOSERS = Array.from({ length: MAX_PROPOSERS }, (_, id) => id);

describe('ballots', () => {
  it('begin at 10 + proposer id, and climb by 10', () => {
    expect(PROPOSERS.map((id) => ballotAbove(0, id))).toEqual(PROPOSERS.map((id) => 10 + id));
    expect(ballotAbove(12, 2)).toBe(22);
  });

  it('are the lowest of their proposer above what was heard', () => {
    for (const id of PROPOSERS) {
      for (let floor = 0; floor < 60; floor++) {
        const ballot = ballotAbove(floor, id);
        expect(ballot).toBeGreaterThan(floor);
        expect(ballotOwner(ballot)).toBe(id);
        expect(ballot - 10 <= floor || ballot === 10 + id).toBe(true);
      }
    }
  });

  it('never come from round 0, which is for probing', () => {
    for (const id of PROPOSERS) {
      expect(ballotOwner(probeBallot(id))).toBe(id);
      expect(ballotAbove(probeBallot(id), id)).toBeGreaterThanOrEqual(10);
    }
  });
});
