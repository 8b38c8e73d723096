import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from './bytes.ts';
import { encodeResult, ResultReader, ResultStatus } from './results.ts';
import { SessionResults } from './session-results.ts';

const HIGHEST = 400;

function encode(results: readonly Uint8Array[]): Uint8Array {
  const out = new ByteWriter();
  for (const result of results) encodeResult(out, ResultStatus.ok, result);
  return out.take();
}

/** What results a view holds, as hex. */
function decode(first: number, count: number, bytes: Uint8Array): string[] {
  const reader = new ResultReader();
  reader.openRun(first, count, bytes);
  const found: string[] = [];
  while (reader.next()) found.push(Buffer.from(reader.bytes()).toString('hex'));
  expect(reader.fault).toBeUndefined();
  return found;
}

function written(results: SessionResults): Uint8Array {
  const out = new ByteWriter();
  results.write(out);
  return out.take();
}

function restored(bytes: Uint8Array, above: number): { results: SessionResults; fault: string | undefined } {
  const reader = new ByteReader();
  reader.open(bytes);
  const results = new SessionResults();
  results.read(reader, above);
  if (reader.fault === undefined) expect(reader.isAtEnd).toBe(true);
  return { results, fault: reader.fault };
}

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      add: fc.integer({ min: 1, max: HIGHEST }),
      count: fc.integer({ min: 1, max: 90 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ next: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 1, arbitrary: fc.record({ acknowledge: fc.integer({ min: 1, max: 60 }) }) },
);

describe('SessionResults', () => {
  it('are a map of sequences, whatever the order they come in', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const results = new SessionResults();
        const model = new Map<number, string>();
        const views: { first: number; view: Uint8Array; expected: string[] }[] = [];
        let acknowledged = 0;
        let drawn = 0;

        const add = (first: number, count: number) => {
          let fitting = 0;
          while (fitting < count && first + fitting > acknowledged && !model.has(first + fitting)) fitting++;
          if (fitting === 0) return;
          expect(results.isFree(first, first + fitting - 1)).toBe(true);
          const list = Array.from({ length: fitting }, () => new Uint8Array(drawn++ % 40).fill(drawn));
          const expected = list.map((result) => Buffer.from(result).toString('hex'));
          views.push({ first, view: results.add(first, fitting, encode(list)), expected });
          for (const [index, hex] of expected.entries()) model.set(first + index, hex);
        };

        for (const one of steps) {
          if ('add' in one) add(one.add, one.count);
          else if ('next' in one) add(Math.max(acknowledged, ...model.keys()) + 1, one.next);
          else {
            acknowledged += one.acknowledge;
            results.acknowledge(acknowledged);
            for (const sequence of model.keys()) if (sequence <= acknowledged) model.delete(sequence);
          }
        }

        expect(results.bytes).toBe([...model.values()].reduce((sum, hex) => sum + 2 + hex.length / 2, 0));
        for (let sequence = acknowledged + 1; sequence <= HIGHEST; sequence++) {
          const through = results.knownThrough(sequence);
          const isKnown = model.has(sequence);
          if (through > 0 !== isKnown || results.isFree(sequence, sequence) === isKnown) {
            throw new Error(`sequence ${sequence} is ${isKnown ? '' : 'not '}known`);
          }
          if (isKnown) {
            const expected = Array.from({ length: through - sequence + 1 }, (_, i) =>
              model.get(sequence + i),
            );
            expect(decode(sequence, expected.length, results.view(sequence, through))).toEqual(expected);
            expect(decode(sequence, 1, results.view(sequence, sequence))).toEqual([expected[0]]);
            sequence = through;
          } else {
            const free = results.freeThrough(sequence, sequence + 50);
            const next = Math.min(...[...model.keys()].filter((key) => key > sequence));
            expect(free).toBe(Math.min(sequence + 50, next - 1));
          }
        }
        for (const { first, view, expected } of views)
          expect(decode(first, expected.length, view)).toEqual(expected);

        const again = restored(written(results), acknowledged);
        expect(again.fault).toBeUndefined();
        expect(again.results.bytes).toBe(results.bytes);
        expect(Buffer.compare(written(again.results), written(results))).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('have equal bytes in a snapshot, however they were added', () => {
    const list = Array.from({ length: 200 }, (_, index) => Uint8Array.of(index));
    const whole = new SessionResults();
    whole.add(1, 200, encode(list));
    const single = new SessionResults();
    for (let i = 199; i >= 0; i--) single.add(i + 1, 1, encode(list.slice(i, i + 1)));
    const pieces = new SessionResults();
    for (let i = 0; i < 200; i += 5) pieces.add(i + 1, 5, encode(list.slice(i, i + 5)));
    expect(Buffer.compare(written(whole), written(single))).toBe(0);
    expect(Buffer.compare(written(whole), written(pieces))).toBe(0);
    whole.acknowledge(100);
    pieces.acknowledge(100);
    expect(Buffer.compare(written(whole), written(pieces))).toBe(0);
  });

  it('take no second result', () => {
    const results = new SessionResults();
    results.add(5, 2, encode([new Uint8Array(1), new Uint8Array(1)]));
    expect(() => results.add(4, 2, encode([new Uint8Array(1), new Uint8Array(1)]))).toThrow(/one result/);
    expect(() => results.view(4, 5)).toThrow(/known/);
  });

  it('do not keep what is acknowledged', () => {
    const results = new SessionResults();
    for (let sequence = 1; sequence <= 20_000; sequence++) {
      results.add(sequence, 1, encode([new Uint8Array(20)]));
      if (sequence % 10 === 0) results.acknowledge(sequence - 5);
    }
    expect(results.bytes).toBe(5 * 22);
    expect(written(results).length).toBeLessThan(200);
  });

  it.each<[string, readonly number[]]>([
    ['below what is acknowledged', [1, 5, 1, 0, 0]],
    ['that touch, and so should be one', [2, 6, 1, 0, 0, 7, 1, 0, 0]],
    ['out of order', [2, 9, 1, 0, 0, 6, 1, 0, 0]],
    ['cut short', [1, 6, 2, 0, 0]],
    ['of nothing', [1, 6, 0]],
    ['without end', [1, 6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]],
  ])('are not restored from runs %s', (_, bytes) => {
    expect(restored(Uint8Array.from(bytes), 5).fault).toBeDefined();
  });
});
