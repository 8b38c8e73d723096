/**
 * What the client prints: a line a second in the original's words, and a summary at the end; or JSON, an object a line.
 */
import type { LatencyFigures, Tally } from './latency.ts';

/** Bits in the original's "Mbps": it divides by 2^20. */
const MEGABIT = 2 ** 20;

/** One stretch of time, as `--json` prints it. */
interface Figures {
  readonly values: number;
  readonly valuesPerSecond: number;
  readonly mbps: number;
  readonly latencyUs: LatencyFigures;
}

/** A second: `55210 value/sec, 40.44 Mbps, latency min 210 us max 9100 us avg 1802 us`. */
export function secondLine(tally: Tally): string {
  const mbps = ((tally.bytes * 8) / MEGABIT).toFixed(2);
  return `${tally.values} value/sec, ${mbps} Mbps, ${latencyText(tally.latency)}\n`;
}

/** All that was measured: `100000 values in 2.31 s: 43290 value/sec, …`. */
export function summaryLine(tally: Tally, elapsedMs: number): string {
  const { values, valuesPerSecond, mbps, latencyUs } = figures(tally, elapsedMs);
  const rate = `${Math.round(valuesPerSecond)} value/sec, ${mbps.toFixed(2)} Mbps`;
  const seconds = (elapsedMs / 1000).toFixed(2);
  return `${values} ${values === 1 ? 'value' : 'values'} in ${seconds} s: ${rate}, ${latencyText(latencyUs)}\n`;
}

export function secondJson(tally: Tally, second: number): string {
  return `${JSON.stringify({ type: 'second', second, ...figures(tally, 1000) })}\n`;
}

export function summaryJson(tally: Tally, elapsedMs: number): string {
  return `${JSON.stringify({ type: 'summary', seconds: elapsedMs / 1000, ...figures(tally, elapsedMs) })}\n`;
}

function figures(tally: Tally, elapsedMs: number): Figures {
  const perSecond = elapsedMs > 0 ? 1000 / elapsedMs : 0;
  return {
    values: tally.values,
    valuesPerSecond: tally.values * perSecond,
    mbps: ((tally.bytes * 8) / MEGABIT) * perSecond,
    latencyUs: tally.latency,
  };
}

function latencyText({ min, max, avg, percentiles }: LatencyFigures): string {
  const text = `latency min ${min} us max ${max} us avg ${avg} us`;
  if (percentiles === undefined) return text;
  const { p50, p99, p999 } = percentiles;
  return `${text}, p50 ${p50} us p99 ${p99} us p99.9 ${p999} us`;
}
