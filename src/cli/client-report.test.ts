import { describe, expect, it } from 'vitest';
import { secondJson, secondLine, summaryJson, summaryLine } from './client-report.ts';
import { Tally } from './latency.ts';

function tallyOf(latencies: readonly number[], percentiles = false): Tally {
  const tally = new Tally(percentiles);
  for (const latency of latencies) tally.add(96, latency);
  return tally;
}

describe('the line of a second', () => {
  it("has the original's words and figures", () => {
    const tally = new Tally(false);
    for (let i = 0; i < 1000; i++) tally.add(1048.576, 100 + (i % 2));
    expect(secondLine(tally)).toBe('1000 value/sec, 8.00 Mbps, latency min 100 us max 101 us avg 100 us\n');
  });

  it('is all zeros if nothing was delivered', () => {
    const zeros = '0 value/sec, 0.00 Mbps, latency min 0 us max 0 us avg 0 us';
    expect(secondLine(new Tally(false))).toBe(`${zeros}\n`);
    expect(secondLine(new Tally(true))).toBe(`${zeros}, p50 0 us p99 0 us p99.9 0 us\n`);
  });

  it('begins anew with each second', () => {
    const tally = tallyOf([500], true);
    tally.reset();
    tally.add(96, 20);
    expect(tally.latency).toEqual({ min: 20, max: 20, avg: 20, percentiles: { p50: 20, p99: 20, p999: 20 } });
  });

  it('adds percentiles when asked', () => {
    const tally = tallyOf([...Array(998).fill(10), 90, 200], true);
    expect(secondLine(tally)).toMatch(/ avg 10 us, p50 10 us p99 10 us p99\.9 90 us\n$/);
  });

  it('is a JSON object when asked', () => {
    expect(JSON.parse(secondJson(tallyOf([10, 30]), 3))).toEqual({
      type: 'second',
      second: 3,
      values: 2,
      valuesPerSecond: 2,
      mbps: (192 * 8) / 2 ** 20,
      latencyUs: { min: 10, max: 30, avg: 20 },
    });
  });
});

describe('the summary', () => {
  it('gives rates over the whole time', () => {
    expect(summaryLine(tallyOf([10, 20, 30]), 1500)).toBe(
      '3 values in 1.50 s: 2 value/sec, 0.00 Mbps, latency min 10 us max 30 us avg 20 us\n',
    );
    expect(summaryLine(tallyOf([10]), 0)).toMatch(/^1 value in 0\.00 s: 0 value\/sec/);
  });

  it('is a JSON object when asked', () => {
    const summary = JSON.parse(summaryJson(tallyOf([10, 20, 30]), 1500));
    expect(summary).toMatchObject({ type: 'summary', seconds: 1.5, values: 3, valuesPerSecond: 2 });
  });
});
