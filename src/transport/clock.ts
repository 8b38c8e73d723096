/**
 * SystemClock: the Clock port on Node's own timers, which keep the process alive until they fire or are cancelled. Holds
 * what it takes to tell the wall clock in microseconds, to end turns in their order, and to stay awake.
 */
import { performance } from 'node:perf_hooks';
import { processors } from './processors.ts';
import type { Clock, Timer } from './transport.ts';

const MICROS_PER_MS = 1000;

/** Node fires a timer beyond this at once, with a warning; ours fires when it is reached, after 24 days. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Date.now() is whole milliseconds: an estimate within this of it is in step, one further off was left behind. */
const STEP_MS = 2;

/**
 * With one processor whoever is to send the input could not run meanwhile; and with a share of one, what is spent here is
 * taken from the work.
 */
const MAY_BUSY_POLL = processors() >= 2;

export class SystemClock implements Clock {
  /** What the wall clock shows when now() is 0. */
  #offsetMs = performance.timeOrigin;
  /** the turns that are asked for by what waited for the one that has just ended; undefined: none ends now */
  #late: (() => void)[] | undefined;
  /** it does not sleep before */
  #awakeUntil = Number.NEGATIVE_INFINITY;
  #isPolling = false;

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

  /**
   * setImmediate: Node runs it after every socket that was ready has been read. What a program does because of a turn,
   * behind its promises, is ended right after it: with the next reading of all sockets it would have to wait for, each
   * value of a submitter that waits for the one before would take up to a millisecond more.
   */
  endOfTurn(call: () => void): void {
    if (this.#late !== undefined) this.#late.push(call);
    else setImmediate(() => this.#run(call));
  }

  #run(call: () => void): void {
    call();
    if (this.#late !== undefined) return;
    this.#late = [];
    // Microtasks come before the next ticks that they ask for: all promises have been followed up by then.
    queueMicrotask(() => process.nextTick(() => this.#runLate()));
  }

  #runLate(): void {
    const late = this.#late ?? [];
    this.#late = undefined;
    for (const call of late) call();
  }

  /** Node looks at all sockets, without sleeping, before each setImmediate. */
  busyPoll(forMs: number): void {
    if (!MAY_BUSY_POLL) return;
    this.#awakeUntil = Math.max(this.#awakeUntil, this.now() + forMs);
    if (this.#isPolling) return;
    this.#isPolling = true;
    setImmediate(this.#poll);
  }

  readonly #poll = (): void => {
    this.#isPolling = this.now() < this.#awakeUntil;
    if (this.#isPolling) setImmediate(this.#poll);
  };
}
