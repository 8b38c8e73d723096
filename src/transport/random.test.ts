import { describe, expect, it } from 'vitest';
import { freshSeed, randomInt, SeededRandom, systemRandom } from './random.ts';
import type { Random } from './transport.ts';

/** A generator that always draws the same. */
const constant = (drawn: number): Random => ({ next: () => drawn });

function draw(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.next());
}

describe('SeededRandom', () => {
  it('draws what sfc32 draws elsewhere: seed 0 begins with 0x514676c3', () => {
    expect(new SeededRandom(0).next() * 2 ** 32).toBe(0x514676c3);
  });

  it('draws the same sequence for the same seed', () => {
    expect(draw(new SeededRandom(7), 100)).toEqual(draw(new SeededRandom(7), 100));
  });

  it('draws another sequence for another seed, also where only bits above 2^32 differ', () => {
    const first = draw(new SeededRandom(7), 10);
    expect(draw(new SeededRandom(8), 10)).not.toEqual(first);
    expect(draw(new SeededRandom(7 + 2 ** 32), 10)).not.toEqual(first);
    expect(draw(new SeededRandom(Number.MAX_SAFE_INTEGER), 10)).not.toEqual(first);
  });

  it('fills [0, 1) evenly', () => {
    const buckets = new Array<number>(16).fill(0);
    const drawn = draw(new SeededRandom(1), 160_000);
    for (const number of drawn) {
      const bucket = Math.floor(number * 16);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    expect(drawn.every((number) => number >= 0 && number < 1)).toBe(true);
    // 10,000 are expected in each; 4 standard deviations are 387
    for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(400);
  });

  it('refuses what is no seed', () => {
    for (const seed of [-1, 0.5, Number.NaN, 2 ** 53])
      expect(() => new SeededRandom(seed)).toThrow('a seed is');
  });
});

describe('systemRandom', () => {
  it('has a seed of its own each time', () => {
    expect(draw(systemRandom(), 4)).not.toEqual(draw(systemRandom(), 4));
    expect(freshSeed()).not.toBe(freshSeed());
  });
});

describe('randomInt', () => {
  it('includes both ends and nothing beyond', () => {
    expect(randomInt(constant(0), 3, 5)).toBe(3);
    expect(randomInt(constant(1 - 2 ** -32), 3, 5)).toBe(5);
    expect(randomInt(constant(1 - 2 ** -32), 0, 2 ** 32 - 1)).toBe(2 ** 32 - 1);
    expect(randomInt(constant(0.5), -2, -2)).toBe(-2);
  });

  it('refuses a range that is empty or wider than what is drawn', () => {
    expect(() => randomInt(constant(0), 5, 4)).toThrow('a range holds');
    expect(() => randomInt(constant(0), 0, 2 ** 32)).toThrow('a range holds');
  });
});
