import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_BALLOT } from '../paxos/ballot.ts';
import { MAX_LEARNED_SPANS, type Span } from '../paxos/learned.ts';
import { LmdbStorage } from './lmdb.ts';
import { decodeSpans, encodeSpans } from './spans.ts';

const spansOf = (lengths: readonly (readonly [number, number, number])[]): Span[] => {
  let last = 0;
  return lengths.map(([gap, length, ballot]) => {
    const from = last + gap;
    last = from + length;
    return { from, to: last, ballot };
  });
};
const steps = fc.tuple(
  fc.integer({ min: 1, max: 2 ** 40 }),
  fc.integer({ min: 0, max: 2 ** 40 }),
  fc.integer({ min: 1, max: MAX_BALLOT }),
);

describe('spans that are kept', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 50 }).map(spansOf), (spans) => {
        expect(decodeSpans(encodeSpans(spans))).toEqual(spans);
      }),
    );
  });

  it('are none where a bit is flipped, or bytes are missing', () => {
    const written = encodeSpans(
      spansOf([
        [1, 9, 10],
        [5, 0, 21],
      ]),
    );
    for (let bit = 0; bit < 8 * written.length; bit++) {
      const flipped = written.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeSpans(flipped)).toBeUndefined();
    }
    for (let length = 0; length < written.length; length++)
      expect(decodeSpans(written.subarray(0, length))).toBeUndefined();
  });

  it('are none where they cannot be: out of order, without a ballot, or more than there are', () => {
    const wrong: Span[][] = [
      [{ from: 0, to: 1, ballot: 10 }],
      [{ from: 5, to: 4, ballot: 10 }],
      [
        { from: 1, to: 4, ballot: 10 },
        { from: 4, to: 5, ballot: 10 },
      ],
      [{ from: 1, to: 4, ballot: 0 }],
      [{ from: 1, to: 4, ballot: MAX_BALLOT + 1 }],
      spansOf(Array.from({ length: MAX_LEARNED_SPANS + 1 }, () => [2, 0, 10] as const)),
    ];
    for (const spans of wrong) expect(decodeSpans(encodeSpans(spans))).toBeUndefined();
  });

  it('outlast the process that kept them, and are no instance', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'libpaxos-spans-'));
    const open = () =>
      LmdbStorage.open({
        path: join(folder, 'a_0'),
        acceptorId: 0,
        clusterName: 'c',
        sync: false,
        mapSizeBytes: 2 ** 20,
      });
    try {
      const first = await open();
      expect(first.spans.kept).toEqual([]);
      first.spans.keep([{ from: 1, to: 9, ballot: 10 }]);
      await first.commit();
      expect(first.commit()).toBeUndefined();
      await first.close();
      const second = await open();
      expect(second.spans.kept).toEqual([{ from: 1, to: 9, ballot: 10 }]);
      expect([...second.accepted(1, 100)]).toEqual([]);
      expect(second.promisedBallot(1)).toBe(0);
      await second.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
