/**
 * The arithmetic of the benchmark: what is made of the figures that were measured.
 */
import { describe, expect, it } from 'vitest';
import { type LoadCell, selectCells } from '../../bench/cells.ts';
import type { Measured } from '../../bench/load.ts';
import { linesOf, plot } from '../../bench/plot.ts';
import {
  type EntrantResult,
  figureResults,
  loadResult,
  promisedRatio,
  type Run,
  verdictOf,
} from '../../bench/report.ts';
import { readSecond, requestReader } from '../../bench/seconds.ts';
import { median } from '../../bench/statistics.ts';
import { missedCount, tableLines } from '../../bench/table.ts';

function loadCell(name: string): LoadCell {
  const [cell] = selectCells({ names: [name] });
  if (cell?.kind !== 'load') throw new Error(`${name} is no load`);
  return cell;
}

function measured(valuesPerSecond: number, meanMicros = 1000): Measured {
  return {
    valuesPerSecond,
    slowestSecond: valuesPerSecond,
    meanMicros,
    maxMicros: 2 * meanMicros,
    percentiles: undefined,
    processes: [{ name: 'client', cpuMicrosPerValue: 1, rssBytes: 1 }],
    foreignProcessors: 0,
  };
}

function entrant(
  system: EntrantResult['system'],
  outstanding: number,
  ...rates: readonly number[]
): EntrantResult {
  return { system, outstanding, rounds: rates.map((rate) => measured(rate)) };
}

function runOf(...loads: Run['loads']): Run {
  const machine = { processors: '2', memoryGigabytes: 1, system: 'linux', disk: 'ext4', node: '20' };
  return { at: '', machine, rounds: 1, seconds: 1, loads, figures: [], failures: [] };
}

describe('what is made of rounds', () => {
  it('is their median', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it('is the ratio of medians, to the best of the other system alone', () => {
    const ours = entrant('ours', 1000, 90, 120, 100);
    const slow = entrant('original', 10, 3, 4, 5);
    const best = entrant('original', 100, 8, 30, 10);
    const cell = loadCell('commands-1000');
    expect(loadResult(cell, [ours, slow, best, entrant('ours, own client', 1000, 1000)]).ratio).toBe(10);
    expect(loadResult(cell, [ours, slow]).ratio).toBe(25);
    expect(loadResult(cell, [ours]).ratio).toBeUndefined();
    expect(loadResult(cell, [ours, { ...best, rounds: [] }]).ratio).toBeUndefined();
  });

  it('is compared under one client for both, and a promise holds under either', () => {
    const cell = loadCell('raw-100');
    const [ours, original] = [entrant('ours', 100, 300), entrant('original', 100, 100)];
    const own = entrant('ours, own client', 100, 800);
    const both = loadResult(cell, [ours, original, own, entrant('original, our client', 100, 200)]);
    expect([both.ratio, both.ourClientRatio, promisedRatio(both)]).toEqual([3, 4, 4]);
    const fast = loadResult(cell, [ours, original, own, entrant('original, our client', 100, 400)]);
    expect([fast.ratio, fast.ourClientRatio, promisedRatio(fast)]).toEqual([3, 2, 3]);
    const one = loadResult(cell, [ours, original, own, entrant('original, our client', 100)]);
    expect([one.ratio, one.ourClientRatio, promisedRatio(one)]).toEqual([3, undefined, 3]);
    expect(promisedRatio(loadResult(cell, [own]))).toBeUndefined();
  });

  it('is the median of each figure of a cell', () => {
    const [cell] = selectCells({ names: ['recovery'] });
    if (cell?.kind !== 'figure') throw new Error('recovery is no figure');
    const [result] = figureResults(cell, [[0.7], [3], [0.6]]);
    expect(result).toMatchObject({ cell: 'recovery', unit: 's', median: 0.7, rounds: [0.7, 3, 0.6] });
  });

  it('holds, reaches the aim, or misses what is promised', () => {
    const promised = { limit: 2, aim: 4 };
    expect([1.9, 2, 4, Number.NaN].map((ratio) => verdictOf(ratio, promised, 'more'))).toEqual([
      'MISSED',
      'holds',
      'aim',
      'MISSED',
    ]);
    expect([2.1, 2, 0.5].map((s) => verdictOf(s, { limit: 2, aim: 0.5 }, 'less'))).toEqual([
      'MISSED',
      'holds',
      'aim',
    ]);
    expect(verdictOf(1, {}, 'more')).toBe('');
  });
});

describe('what clients print', () => {
  it('is read, whether it is the original or ours', () => {
    const original = '55210 value/sec, 40.44 Mbps, latency min 210 us max 9100 us avg 1802 us';
    expect(readSecond(original)).toEqual({ values: 55210, max: 9100, mean: 1802, percentiles: undefined });
    const percentiles = { p50: 2, p99: 3, p999: 4 };
    const second = { type: 'second', values: 7, latencyUs: { min: 1, max: 5, avg: 2, percentiles } };
    expect(readSecond(JSON.stringify(second))).toEqual({ values: 7, max: 5, mean: 2, percentiles });
    expect(readSecond('{"type":"ready"}')).toBeUndefined();
  });

  it('is cut into seconds where it tells of each request, by when they ended', () => {
    const read = requestReader();
    const second = 1_000_000;
    // 1,000 requests a second, of 1 to 1,000 us; the second one of them twice as slow.
    const lines = Array.from({ length: 2500 }, (_, i) => {
      const micros = (1 + (i % 1000)) * (i < 1000 ? 1 : 2);
      return `${second * 50 + i * 1000 - micros}\t200\t${micros}`;
    });
    const seconds = lines.map(read).filter((one) => one !== undefined);
    expect(seconds.map(({ values, max }) => [values, max])).toEqual([
      [1000, 1000],
      [1000, 2000],
    ]);
    expect(seconds[0]?.percentiles).toEqual({ p50: 500, p99: 990, p999: 999 });
    expect(() => requestReader()('50\t503\t10')).toThrow('a put was answered with status 503');
    expect(read('starting benchmark...')).toBeUndefined();
  });
});

describe('the report', () => {
  const good = loadResult(loadCell('raw-100'), [entrant('ours', 100, 400), entrant('original', 100, 100)]);
  const bad = loadResult(loadCell('raw-10'), [entrant('ours', 10, 100), entrant('original', 10, 100)]);

  it('sets each ratio beside what was promised, and counts what was missed', () => {
    const ours = [entrant('ours', 1000, 300), entrant('ours, own client', 1000, 800)];
    const theirs = [entrant('original', 1000, 100), entrant('original, our client', 1000, 200)];
    const run = runOf(good, bad, loadResult(loadCell('raw-1000'), [...ours, ...theirs]));
    expect(tableLines(run).slice(1)).toEqual([
      'cell      values/s  beside it  values/s   ratio  our client  at least  aim',
      'raw-100        400  original        100  4.00 ×                   3.3    4  ok, aim reached',
      'raw-10         100  original        100  1.00 ×                   1.3    2  MISSED',
      'raw-1000       300  original        100  3.00 ×      4.00 ×         4    5  ok',
    ]);
    expect(missedCount(run)).toBe(1);
  });

  it('says when the machine had other work', () => {
    const busy = { ...entrant('ours', 100), rounds: [{ ...measured(1), foreignProcessors: 0.7 }] };
    const lines = tableLines(runOf(loadResult(loadCell('raw-100'), [busy])));
    expect(lines.at(-1)).toBe(
      'The machine had other work, up to 0.7 processors of it: keep none of these figures.',
    );
  });

  it('draws a line a system, with each number outstanding once', () => {
    const commands = loadResult(loadCell('commands-1000'), [
      entrant('ours', 1000, 900),
      entrant('original', 100, 300),
      entrant('original', 1000, 200),
      entrant('original, our client', 1000, 700),
    ]);
    const run = runOf(good, bad, commands);
    const lines = linesOf(run).map(({ label, points }) => [
      label,
      points.map(({ outstanding, rate }) => [outstanding, rate]),
    ]);
    expect(lines).toEqual([
      [
        'ours, raw values, memory',
        [
          [10, 100],
          [100, 400],
        ],
      ],
      [
        'original, memory',
        [
          [10, 100],
          [100, 200],
          [1000, 200],
        ],
      ],
      ['ours, commands, memory', [[1000, 900]]],
    ]);
    expect(plot(run)?.match(/<circle/g)).toHaveLength(6 + lines.length);
    expect(plot(run)).not.toContain('NaN');
    expect(plot(runOf())).toBeUndefined();
  });
});

it('knows its cells by name and pattern, and says which there are', () => {
  expect(selectCells({ names: ['raw-1*', 'five-100'] }).map(({ name }) => name)).toEqual([
    'raw-1',
    'raw-10',
    'raw-100',
    'raw-1000',
    'raw-100-1000B',
    'five-100',
  ]);
  expect(() => selectCells({ names: ['raw-7'] })).toThrow(
    /no cell is called raw-7; there are: raw-1, raw-10,/,
  );
  const all = selectCells({ all: true }).map(({ name }) => name);
  expect(new Set(all).size).toBe(all.length);
  expect(all).toEqual(expect.arrayContaining(['memory-10000-64B', 'lmdb-synced-100-100000B', 'memory']));
});
