import { describe, expect, it } from 'vitest';
import { MAX_BALLOT, MAX_BALLOT_JUMP } from './ballot.ts';
import { HeardBallots } from './heard.ts';
import { StateWriter } from './state.ts';

const FAR = MAX_BALLOT_JUMP + 1;

function keyOf(heard: HeardBallots): string {
  const writer = new StateWriter([0, 1, 2]);
  heard.writeState(writer);
  return writer.key;
}

describe('HeardBallots', () => {
  it('believes one acceptor as far as the others would follow, and never sinks', () => {
    const heard = new HeardBallots(3);
    expect(heard.hear(0, 12)).toBe(true);
    expect(heard.hear(1, 10)).toBe(true);
    expect(heard.highest).toBe(12);
    expect(heard.hear(1, 12 + MAX_BALLOT_JUMP / 2)).toBe(true);
    expect(heard.highest).toBe(12 + MAX_BALLOT_JUMP / 2);
  });

  it('does not believe one acceptor that tells of more, however often', () => {
    const heard = new HeardBallots(3);
    for (const ballot of [FAR, 10 * FAR, MAX_BALLOT]) expect(heard.hear(0, ballot)).toBe(false);
    expect(heard.highest).toBe(0);
  });

  it('believes a quorum that tells of more, as far as that quorum goes', () => {
    const heard = new HeardBallots(3);
    expect(heard.hear(0, 9 * FAR)).toBe(false);
    expect(heard.hear(1, 2 * FAR)).toBe(true);
    expect(heard.highest).toBe(2 * FAR);
    expect(heard.hear(0, 9 * FAR)).toBe(false);
    expect(heard.hear(2, 2 * FAR + 10)).toBe(true);
    expect(heard.highest).toBe(2 * FAR + 10);
  });

  it('takes the word of the only acceptor there is', () => {
    const heard = new HeardBallots(1);
    expect(heard.hear(0, 9 * FAR)).toBe(true);
    expect(heard.highest).toBe(9 * FAR);
  });

  it('believes nobody a ballot that does not exist', () => {
    const heard = new HeardBallots(3);
    for (const acceptor of [0, 1, 2]) expect(heard.hear(acceptor, MAX_BALLOT + 1)).toBe(false);
    heard.note(MAX_BALLOT + 1);
    expect(heard.highest).toBe(0);
  });

  it('is told from another by all that it was told', () => {
    const heard = new HeardBallots(3);
    heard.hear(0, FAR);
    const copy = heard.copy();
    expect(keyOf(copy)).toBe(keyOf(heard));
    copy.hear(1, FAR);
    expect(keyOf(copy)).not.toBe(keyOf(heard));
    expect(heard.highest).toBe(0);
    expect(copy.highest).toBe(FAR);
  });
});
