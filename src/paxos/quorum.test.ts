import { describe, expect, it } from 'vitest';
import { InvariantError } from './invariant.ts';
import { countAcceptors, Quorum, quorumSize } from './quorum.ts';

describe('quorumSize', () => {
  it('is more than half, so that two quorums share an acceptor', () => {
    const sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(quorumSize);
    expect(sizes).toEqual([1, 2, 2, 3, 3, 4, 4, 5, 5, 6]);
  });

  it('refuses a cluster without acceptors, and one of more than 10', () => {
    expect(() => quorumSize(0)).toThrow(InvariantError);
    expect(() => quorumSize(11)).toThrow(InvariantError);
  });
});

describe('Quorum', () => {
  it('counts each acceptor once', () => {
    const quorum = new Quorum(3);
    expect(quorum.add(1)).toBe(true);
    expect(quorum.add(1)).toBe(false);
    expect(quorum.reached()).toBe(false);
    expect(quorum.add(2)).toBe(true);
    expect(quorum.reached()).toBe(true);
    expect(countAcceptors(quorum.mask)).toBe(2);
    expect([quorum.has(0), quorum.has(1), quorum.has(2)]).toEqual([false, true, true]);
  });

  it('counts nobody who is not in the cluster', () => {
    const quorum = new Quorum(3);
    expect(quorum.add(3)).toBe(false);
    expect(quorum.add(-1)).toBe(false);
    expect(quorum.mask).toBe(0);
  });

  it('begins again when cleared', () => {
    const quorum = new Quorum(1);
    quorum.add(0);
    quorum.clear();
    expect(quorum.reached()).toBe(false);
    expect(quorum.add(0)).toBe(true);
  });
});
