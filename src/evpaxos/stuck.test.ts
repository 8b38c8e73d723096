/**
 * Which learner is stuck: one that asks for the same instance in vain, whatever else it asks for.
 */
import { describe, expect, test } from 'vitest';
import { MAX_ASKED, Stuck } from './stuck.ts';

const peer = {};

/** The peer asks for each of these once in every round; in which rounds something has to be run again. */
function rounds(stuck: Stuck, count: number, ...asked: readonly number[]): number[] {
  const told: number[] = [];
  for (let round = 1; round <= count; round++) {
    for (const from of asked) if (stuck.note(peer, from)) told.push(round);
  }
  return told;
}

describe('Stuck', () => {
  test('tells of an instance at the third asking, then less often, but at least every 50 times', () => {
    expect(rounds(new Stuck(), 25, 82)).toEqual([3, 6, 12, 24]);
    // An hour later, too, when what was in the way is gone.
    expect(rounds(new Stuck(), 300, 82).slice(4)).toEqual([48, 96, 146, 196, 246, 296]);
  });

  test('tells of it, too, when other stretches are missing beside it', () => {
    expect(rounds(new Stuck(), 6, 82, 141)).toEqual([3, 3, 6, 6]);
  });

  test('says nothing of who moves on', () => {
    const stuck = new Stuck();
    for (let from = 1; from < 1000; from++) expect(stuck.note(peer, from)).toBe(false);
  });

  test('counts for each peer alone', () => {
    const stuck = new Stuck();
    expect([stuck.note(peer, 5), stuck.note(peer, 5), stuck.note({}, 5)]).toEqual([false, false, false]);
  });

  test('remembers the last that were asked for, and no more', () => {
    const stuck = new Stuck();
    stuck.note(peer, 1);
    stuck.note(peer, 1);
    for (let i = 0; i < MAX_ASKED; i++) stuck.note(peer, 1000 + i);
    expect(stuck.note(peer, 1)).toBe(false);
  });
});
