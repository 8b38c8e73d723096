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
  #next = 0;
  #isEnding = false;
  #lastAt = performance.now();
  readonly #running: Promise<void>[];

  constructor(client: Client, outstanding: number) {
    this.#client = client;
    this.#running = Array.from({ length: outstanding }, () => this.#run());
    // A test that fails closes the client: only end() tells of what that leaves behind.
    for (const run of this.#running) run.catch(() => undefined);
  }

  /** How many were submitted. */
  get submitted(): number {
    return this.#next;
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

/** How many of the numbers below `count` no value has. */
export function missingNumbers(values: readonly Uint8Array[], count: number): number {
  const present = new Set<number>();
  for (const value of values) {
    const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
    present.add(Number(text.slice(-1 - NUMBER_DIGITS, -1)));
  }
  return Array.from({ length: count }, (_, number) => number).filter((number) => !present.has(number)).length;
}
