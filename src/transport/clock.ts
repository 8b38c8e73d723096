/**
 * SystemClock: the Clock port on Node's own timers. Holds nothing but what it takes to tell the wall clock in
 * microseconds; timers keep the process alive until they fire or are cancelled.
 */
import { performance } from 'node:perf_hooks';
import type { Clock, Timer } from './transport.ts';

const MICROS_PER_MS = 1000;

/** Node fires a timer beyond this at once, with a warning; ours fires when it is reached, after 24 days. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Date.now() is whole milliseconds: an estimate within this of it is in step, one further off was left behind. */
const STEP_MS = 2;

export class SystemClock implements Clock {
  /** What the wall clock shows when now() is 0. */
  #offsetMs = performance.timeOrigin;

  now(): number {
    return performance.now();
  }

  /** Date.now() for the time, performance.now() for the digits that it lacks; follows when the wall clock is set. */
  wallMicros(): number {
    const nowMs = performance.now();
    const wallMs = Date.now();
    if (Math.abs(this.#offsetMs + nowMs - wallMs) > STEP_MS) this.#offsetMs = wallMs - nowMs;
    return Math.floor((this.#offsetMs + nowMs) * MICROS_PER_MS);
  }

  after(delayMs: number, call: () => void): Timer {
    const timeout = setTimeout(call, Math.min(delayMs, MAX_DELAY_MS));
    return { cancel: () => clearTimeout(timeout) };
  }

  /** setImmediate: Node runs it after every socket that was ready has been read. */
  endOfTurn(call: () => void): void {
    setImmediate(call);
  }
}
