import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from './bytes.ts';
import {
  encodeEmptyResults,
  encodeResult,
  encodeResults,
  ResultReader,
  ResultStatus,
  resultError,
} from './results.ts';

interface Result {
  readonly sequence: number;
  readonly status: number;
  readonly hex: string;
}

function readAll(reader: ResultReader): Result[] {
  const found: Result[] = [];
  while (reader.next()) {
    const { sequence, status } = reader;
    found.push({ sequence, status, hex: Buffer.from(reader.bytes()).toString('hex') });
  }
  return found;
}

const status = fc.constantFrom(...Object.values(ResultStatus));
const bytes = fc.uint8Array({ maxLength: 300 });
const runs = fc.array(
  fc.record({
    first: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 10 }),
    results: fc.array(fc.tuple(status, bytes), { minLength: 1, maxLength: 5 }),
  }),
  { maxLength: 4 },
);

function encode(list: readonly (readonly [ResultStatus, Uint8Array])[]): Uint8Array {
  const out = new ByteWriter();
  for (const [one, result] of list) encodeResult(out, one, result);
  return out.take();
}

describe('results', () => {
  it('read back as they were written, run by run and alone', () => {
    fc.assert(
      fc.property(runs, (list) => {
        const out = new ByteWriter(1);
        const expected: Result[] = [];
        const reader = new ResultReader();
        for (const { first, results } of list) {
          const encoded = encode(results);
          encodeResults(out, first, results.length, encoded);
          const own = results.map(([one, result], index) => {
            return { sequence: first + index, status: one, hex: Buffer.from(result).toString('hex') };
          });
          reader.openRun(first, results.length, encoded);
          expect(readAll(reader)).toEqual(own);
          expected.push(...own);
        }
        reader.open(out.take());
        expect(readAll(reader)).toEqual(expected);
        expect(reader.fault).toBeUndefined();
      }),
    );
  });

  it('may be passed over without being read', () => {
    const reader = new ResultReader();
    reader.openRun(
      4,
      2,
      encode([
        [ResultStatus.ok, Uint8Array.of(1, 2)],
        [ResultStatus.failed, Uint8Array.of(3)],
      ]),
    );
    expect([reader.next(), reader.length, reader.next(), reader.sequence, reader.bytes()]).toEqual([
      true,
      2,
      true,
      5,
      Uint8Array.of(3),
    ]);
    expect([reader.next(), reader.fault]).toEqual([false, undefined]);
  });

  it('are never read outside of their bytes, whatever these are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (value) => {
        const reader = new ResultReader();
        reader.open(value);
        const found = readAll(reader);
        expect(found.length).toBeLessThanOrEqual(value.length / 2);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each<[string, readonly number[], RegExp]>([
    ['an unknown status', [1, 1, 5, 0], /status 5/],
    ['no results', [1, 0], /0 results/],
    ['too many', [1, 0x81, 8, 0], /1025 results/],
    ['sequence 0', [0, 1, 0, 0], /sequence/],
    ['a result that is cut short', [1, 1, 0, 2, 9], /ends within 2 bytes/],
    ['one result too few', [1, 2, 0, 0], /ends/],
  ])('are refused with %s', (_, value, reason) => {
    const reader = new ResultReader();
    reader.open(Uint8Array.from(value));
    readAll(reader);
    expect(reader.fault).toMatch(reason);
  });

  it('of a run end where it ends', () => {
    const reader = new ResultReader();
    reader.openRun(1, 1, Uint8Array.of(0, 0, 0));
    expect(readAll(reader)).toHaveLength(1);
    expect(reader.fault).toMatch(/behind the last/);
  });

  it('without bytes are written at once', () => {
    const out = new ByteWriter();
    encodeEmptyResults(out, ResultStatus.expired, 3);
    expect(out.take()).toEqual(Uint8Array.of(2, 0, 2, 0, 2, 0));
  });

  it('that are none become errors with a code', () => {
    const message = Buffer.from('no such key');
    expect(resultError(ResultStatus.failed, message)).toMatchObject({
      code: 'COMMAND_FAILED',
      message: 'no such key',
    });
    expect(resultError(ResultStatus.invalid, message)).toMatchObject({ code: 'COMMAND_INVALID' });
    expect(resultError(ResultStatus.expired, message)).toMatchObject({ code: 'SESSION_EXPIRED' });
    expect(resultError(ResultStatus.window, message)).toMatchObject({ code: 'QUEUE_FULL' });
  });
});
