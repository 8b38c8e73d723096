/**
 * Submitting: a client of ours with a fixed number of values outstanding, each numbered; and what was missing or late.
 */
import type { Client } from '../../src/evpaxos/index.ts';
import { until } from './scene.ts';
import { numberedValue } from './values.ts';

/** Where the number of a value stands, and how long it is: the end of the text, before its NUL. */
const NUMBER_DIGITS = 12;

export class Submitting {
  /** how many were chosen */
  chosen = 0;
  /** the longest time without a value being chosen, ms */
  longestPauseMs = 0;
  readonly #client: Client;
  readonly #first: number;
  #next: number;
  #isEnding = false;
  #lastAt = performance.now();
  readonly #running: Promise<void>[];

  /** @param first the number of the first value */
  constructor(client: Client, outstanding: number, first = 0) {
    this.#client = client;
    this.#first = first;
    this.#next = first;
    this.#running = Array.from({ length: outstanding }, () => this.#run());
    // A test that fails closes the client: only end() tells of what that leaves behind.
    for (const run of this.#running) run.catch(() => undefined);
  }

  /** How many were submitted. */
  get submitted(): number {
    return this.#next - this.#first;
  }

  /** How many of those that were submitted are not among these values. */
  countMissing(values: readonly Uint8Array[]): number {
    const present = new Set(values.map(numberOf));
    const numbers = Array.from({ length: this.submitted }, (_, i) => this.#first + i);
    return numbers.filter((number) => !present.has(number)).length;
  }

  /** Waits until so many were chosen. */
  async until(count: number): Promise<void> {
    await until(`${count} values of ours are chosen`, () => this.chosen >= count, 60_000);
  }

  /** Submits no more, and waits until all that were are chosen. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(this.#running);
  }

  async #run(): Promise<void> {
    while (!this.#isEnding) {
      await this.#client.submit(numberedValue(this.#next++));
      const now = performance.now();
      this.longestPauseMs = Math.max(this.longestPauseMs, now - this.#lastAt);
      this.#lastAt = now;
      this.chosen++;
    }
  }
}

function numberOf(value: Uint8Array): number {
  const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
  return Number(text.slice(-1 - NUMBER_DIGITS, -1));
}
