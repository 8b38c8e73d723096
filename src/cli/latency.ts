/**
 * Latency: how long values took, from their submission to their delivery, over a stretch of time.
 */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Latencies in microseconds; all 0 if nothing was delivered. */
export interface LatencyFigures {
  readonly min: number;
  readonly max: number;
  readonly avg: number;
  readonly percentiles?: { readonly p50: number; readonly p99: number; readonly p999: number };
}

export class Tally {
  readonly #histogram: RecordableHistogram | undefined;
  #values = 0;
  #bytes = 0;
  #min = 0;
  #max = 0;
  #sum = 0;

  /** @param percentiles true: keeps a histogram, which costs a little for each value */
  constructor(percentiles: boolean) {
    if (percentiles) this.#histogram = createHistogram();
  }

  /** How many values were delivered. */
  get values(): number {
    return this.#values;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Hot. Counts a value that was delivered. */
  add(valueBytes: number, latencyMicros: number): void {
    const latency = Math.max(1, Math.round(latencyMicros));
    this.#values++;
    this.#bytes += valueBytes;
    this.#sum += latency;
    if (this.#min === 0 || latency < this.#min) this.#min = latency;
    if (latency > this.#max) this.#max = latency;
    this.#histogram?.record(latency);
  }

  get latency(): LatencyFigures {
    const avg = this.#values === 0 ? 0 : Math.floor(this.#sum / this.#values);
    const figures = { min: this.#min, max: this.#max, avg };
    const histogram = this.#histogram;
    if (histogram === undefined) return figures;
    const at = (percentile: number): number => (this.#values === 0 ? 0 : histogram.percentile(percentile));
    return { ...figures, percentiles: { p50: at(50), p99: at(99), p999: at(99.9) } };
  }

  reset(): void {
    this.#values = this.#bytes = this.#min = this.#max = this.#sum = 0;
    this.#histogram?.reset();
  }
}
