import { describe, expect, it } from 'vitest';
import { Leadership } from './leadership.ts';

const TIMEOUT_MS = 500;

function leadership(): Leadership {
  return new Leadership({ id: 1, leaderTimeoutMs: TIMEOUT_MS, random: { next: () => 0.5 } }, 0);
}

describe('Leadership', () => {
  it('knows a leader until it was not heard for the timeout', () => {
    const known = leadership();
    expect(known.leaderId(0)).toBeUndefined();
    expect(known.hear(20, 100)).toBe(true);
    expect(known.hear(20, 150)).toBe(false);
    expect(known.leaderId(150 + TIMEOUT_MS)).toBe(0);
    expect(known.leaderId(151 + TIMEOUT_MS)).toBeUndefined();
  });

  it('is not led by a lower ballot of somebody else, nor by itself', () => {
    const known = leadership();
    expect(known.hear(21, 0)).toBe(false);
    known.hear(32, 0);
    expect(known.hear(20, 400)).toBe(false);
    expect(known.leaderBallot(400)).toBe(32);
    expect(known.leaderBallot(501)).toBe(0);
  });

  it('takes a lower ballot of the leader, who has one for each instance, for a sign of life', () => {
    const known = leadership();
    known.hear(30, 0);
    expect(known.hear(10, 400)).toBe(false);
    expect(known.leaderBallot(900)).toBe(30);
  });

  it('asks after the timeout and a random while, and again after a pause', () => {
    const known = leadership();
    expect(known.isTimeToAsk(1000)).toBe(true);
    known.hear(20, 1000);
    expect(known.isTimeToAsk(1000 + TIMEOUT_MS)).toBe(false);
    expect(known.isTimeToAsk(1000 + 1.25 * TIMEOUT_MS)).toBe(true);
    known.backOff(2000);
    expect(known.isTimeToAsk(2001)).toBe(false);
    expect(known.isTimeToAsk(2000 + TIMEOUT_MS)).toBe(true);
  });
});
