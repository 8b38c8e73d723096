/**
 * Seconds: how the load of a second is told, by whoever puts it on, to whoever measures.
 *
 *   one of ours:     {"type":"second","values":…,"latencyUs":{"min":…,"max":…,"avg":…,"percentiles":{…}}}
 *   the original's:  `55210 value/sec, 40.44 Mbps, latency min 210 us max 9100 us avg 1802 us`
 *   h2load's:        `1796038001922381	200	5311`, a line a request: µs of the epoch at its start, status, µs until its end
 */
import { Tally } from './built.ts';

const SECOND_MICROS = 1_000_000;
const OK = 200;

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** What a client had done in one second; latencies in µs. */
export interface Second {
  readonly values: number;
  readonly mean: number;
  readonly max: number;
  /** undefined: this client does not tell */
  readonly percentiles: Percentiles | undefined;
}

/** Reads a client's output, a line at a time; a second, when one is over. */
export type ReadSecond = (line: string) => Second | undefined;

/** For clients that print a line a second. */
export function readSecond(line: string): Second | undefined {
  const original = /^(\d+) value\/sec, .* max (\d+) us avg (\d+) us/.exec(line);
  if (original !== null) {
    const [values = 0, max = 0, mean = 0] = original.slice(1).map(Number);
    return { values, max, mean, percentiles: undefined };
  }
  if (!line.startsWith('{"type":"second"')) return undefined;
  const { values, latencyUs } = JSON.parse(line);
  return { values, max: latencyUs.max, mean: latencyUs.avg, percentiles: latencyUs.percentiles };
}

/**
 * For h2load, which prints a line a request in the order in which they end.
 * @throws Error at a request that failed
 */
export function requestReader(): ReadSecond {
  const tally = new Tally(true);
  let endsAt = 0;
  return (line) => {
    const request = /^(\d+)\t(-?\d+)\t(\d+)$/.exec(line);
    if (request === null) return undefined;
    const [startMicros = 0, status, micros = 0] = request.slice(1).map(Number);
    if (status !== OK) throw new Error(`a put was answered with status ${status}`);
    const second = startMicros + micros >= endsAt && endsAt > 0 ? secondOf(tally) : undefined;
    if (startMicros + micros >= endsAt) {
      endsAt = (endsAt === 0 ? startMicros + micros : endsAt) + SECOND_MICROS;
      tally.reset();
    }
    tally.add(0, micros);
    return second;
  };
}

function secondOf(tally: InstanceType<typeof Tally>): Second {
  const { max, avg, percentiles } = tally.latency;
  return { values: tally.values, max, mean: avg, percentiles };
}

/** For programs of ours: prints a line a second, for ever. */
export function printSeconds(tally: InstanceType<typeof Tally>): void {
  setInterval(() => {
    const line = { type: 'second', values: tally.values, latencyUs: tally.latency };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    tally.reset();
  }, 1000);
}
