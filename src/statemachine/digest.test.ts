import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from './bytes.ts';
import { MAX_DIGEST_HISTORY, RunningDigest } from './digest.ts';

/** A digest over `results`, one instance each, from instance 1 on. */
function digestOf(results: readonly number[]): RunningDigest {
  const digest = new RunningDigest();
  for (const [index, result] of results.entries()) {
    digest.add(Uint8Array.of(0, 1, result));
    digest.endInstance(index + 1);
  }
  return digest;
}

describe('RunningDigest', () => {
  it('is the same for the same results, and another for others, in another order, elsewhere', () => {
    const values = [
      digestOf([]),
      digestOf([1]),
      digestOf([2]),
      digestOf([0]),
      digestOf([0, 0]),
      digestOf([1, 2]),
      digestOf([2, 1]),
      digestOf([1, 2, 3]),
    ].map((digest) => digest.value);
    expect(new Set(values).size).toBe(values.length);
    expect(digestOf([1, 2]).value).toBe(digestOf([1, 2]).value);
    for (const value of values) expect(Number.isSafeInteger(value) && value >= 0).toBe(true);

    const later = new RunningDigest();
    later.add(Uint8Array.of(0, 1, 1));
    later.endInstance(2);
    expect(later.value).not.toBe(digestOf([1]).value);
  });

  it('is not changed by instances without results', () => {
    const digest = digestOf([1, 2]);
    const { value } = digest;
    for (let id = 3; id < 10; id++) digest.endInstance(id);
    expect(digest.value).toBe(value);
    expect(digest.compare(9, value)).toBeUndefined();
    expect(digest.compare(9, value + 1)).toBeUndefined();
  });

  it('differs in few places from another only by chance', () => {
    const seen = new Set<number>();
    for (let first = 0; first < 256; first++) {
      for (let second = 0; second < 8; second++) seen.add(digestOf([first, second]).value);
    }
    expect(seen.size).toBe(2_048);
  });

  it('agrees with one that had the same results', () => {
    const [one, other] = [digestOf([1, 2, 3]), digestOf([1, 2, 3])];
    expect(one.compare(3, other.value)).toBeUndefined();
    expect(one.compare(2, digestOf([1, 2]).value)).toBeUndefined();
  });

  it('tells where another went apart, and tells it once', () => {
    const one = digestOf([1, 2, 3, 4, 5]);
    expect(one.compare(2, digestOf([1, 2]).value)).toBeUndefined();
    const other = digestOf([1, 2, 3, 9]);
    expect(one.compare(4, other.value)).toEqual({
      agreedAt: 2,
      instanceId: 4,
      ownDigest: digestOf([1, 2, 3, 4]).value,
      otherDigest: other.value,
    });
    expect(one.compare(5, other.value)).toBeUndefined();
  });

  it('is compared with nothing of the future, or of what it has forgotten', () => {
    const digest = digestOf([1]);
    expect(digest.compare(2, 77)).toBeUndefined();

    const long = digestOf(Array.from({ length: MAX_DIGEST_HISTORY + 1 }, (_, index) => index % 7));
    expect(long.compare(1, 77)).toBeUndefined();
    expect(long.compare(2, 77)).toMatchObject({ agreedAt: 0, instanceId: 2 });
  });

  it('goes on after a snapshot, and can be compared from there on', () => {
    const one = digestOf([1, 2]);
    const out = new ByteWriter();
    one.write(out);
    const reader = new ByteReader();
    reader.open(out.take());
    const other = RunningDigest.read(reader, 2);
    expect(other.value).toBe(one.value);
    for (const digest of [one, other]) {
      digest.add(Uint8Array.of(0, 0));
      digest.endInstance(3);
    }
    expect(other.value).toBe(one.value);
    expect(other.compare(1, 77)).toBeUndefined();
    expect(other.compare(2, 77)).toMatchObject({ instanceId: 2 });
  });
});
