import { describe, expect, it } from 'vitest';
import { editDistance, quote, suggest } from './words.ts';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['abc', '', 3],
    ['replica', 'replica', 0],
    ['replcia', 'replica', 1],
    ['repica', 'replica', 1],
    ['repllica', 'replica', 1],
    ['reblica', 'replica', 1],
    ['kitten', 'sitting', 3],
  ])('counts from "%s" to "%s" %i steps', (a, b, steps) => {
    expect(editDistance(a, b)).toBe(steps);
  });
});

describe('suggest', () => {
  const words = ['replica', 'acceptor', 'verbosity', 'quiet', 'yes', 'no'];

  it.each([
    ['replcia', 'replica'],
    ['REPLICAS', 'replica'],
    ['verb', 'verbosity'],
    ['y', 'yes'],
    ['true', 'yes'],
    ['Off', 'no'],
    ['quite', 'quiet'],
  ])('takes "%s" for "%s"', (wrong, right) => {
    expect(suggest(wrong, words)).toBe(`did you mean "${right}"?`);
  });

  it('names the nearest word even if none is close', () => {
    expect(suggest('bdb-cachesize', ['memory', 'lmdb'])).toMatch(
      /^the nearest that exists is "(memory|lmdb)"$/,
    );
  });

  it('does not compare all of a word that is endless', () => {
    expect(suggest('x'.repeat(1_000_000), words)).toMatch(/^the nearest that exists is "/);
  });
});

describe('quote', () => {
  it('shows nothing to a terminal that it would obey', () => {
    expect(quote('\u001b[2Jred\u0000\u202e')).toBe('"?[2Jred??"');
  });

  it('shortens what is long', () => {
    expect(quote('x'.repeat(100))).toBe(`"${'x'.repeat(60)}…"`);
  });
});
