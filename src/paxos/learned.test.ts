import { describe, expect, it } from 'vitest';
import { Learned, MAX_LEARNED_SPANS } from './learned.ts';

describe('Learned', () => {
  it('knows nothing at first', () => {
    expect(new Learned().spanFrom(1)).toBeUndefined();
    expect(new Learned().highest).toBe(0);
  });

  it('joins what follows upon each other at one ballot', () => {
    const learned = new Learned();
    for (let i = 1; i <= 5; i++) learned.note(i, 11);
    expect(learned.spanFrom(2)).toEqual({ from: 2, to: 5, ballot: 11 });
    expect(learned.spanFrom(6)).toBeUndefined();
  });

  it('keeps apart what was chosen at different ballots', () => {
    const learned = new Learned();
    for (let i = 1; i <= 5; i++) learned.note(i, i < 3 ? 11 : 21);
    expect(learned.spanFrom(1)).toEqual({ from: 1, to: 2, ballot: 11 });
    expect(learned.spanFrom(3)).toEqual({ from: 3, to: 5, ballot: 21 });
  });

  it('never knows what was passed over', () => {
    const learned = new Learned();
    learned.note(1, 11);
    learned.note(9, 11);
    learned.note(4, 11);
    expect(learned.spanFrom(2)).toEqual({ from: 9, to: 9, ballot: 11 });
    learned.noteRange(11, 2, 12);
    expect(learned.spanFrom(2)).toEqual({ from: 9, to: 12, ballot: 11 });
  });

  it('takes of a stretch what is new', () => {
    const learned = new Learned();
    learned.noteRange(11, 1, 100);
    learned.noteRange(11, 1, 150);
    learned.noteRange(22, 120, 200);
    expect(learned.spanFrom(1)).toEqual({ from: 1, to: 150, ballot: 11 });
    expect(learned.spanFrom(160)).toEqual({ from: 160, to: 200, ballot: 22 });
    learned.noteRange(11, 90, 170);
    expect(learned.highest).toBe(200);
  });

  it('believes in no ballot 0 and in no stretch that ends before it begins', () => {
    const learned = new Learned();
    learned.noteRange(0, 1, 5);
    learned.noteRange(11, 5, 4);
    expect(learned.highest).toBe(0);
  });

  it('finds the span among many', () => {
    const learned = new Learned();
    for (let i = 0; i < 300; i++) learned.noteRange(10 + i, 10 * i + 1, 10 * i + 5);
    for (let i = 0; i < 300; i++) {
      expect(learned.spanFrom(10 * i + 3)).toEqual({ from: 10 * i + 3, to: 10 * i + 5, ballot: 10 + i });
      expect(learned.spanFrom(10 * i - 2)?.from).toBe(10 * i + 1);
    }
  });

  it(`keeps ${MAX_LEARNED_SPANS} spans and the newest, and gives up the shortest`, () => {
    const learned = new Learned();
    learned.noteRange(11, 1, 1_000_000);
    for (let i = 1; i <= 3 * MAX_LEARNED_SPANS; i++) learned.note(1_000_000 + 2 * i, 11);
    let spans = 0;
    for (let span = learned.spanFrom(1); span !== undefined; span = learned.spanFrom(span.to + 1)) spans++;
    expect(spans).toBe(MAX_LEARNED_SPANS);
    expect(learned.spanFrom(1)).toEqual({ from: 1, to: 1_000_000, ballot: 11 });
  });

  it('forgets what is trimmed', () => {
    const learned = new Learned();
    for (let i = 0; i < 10; i++) learned.noteRange(11 + 10 * i, 10 * i + 1, 10 * i + 10);
    learned.trim(35);
    expect(learned.spanFrom(1)).toEqual({ from: 31, to: 40, ballot: 41 });
    learned.trim(200);
    expect(learned.highest).toBe(100);
  });
});
