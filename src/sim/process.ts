/**
 * SimProcess: one simulated process, as far as time is concerned: its clock, and whether it runs, is paused or is
 * dead. What a dead process had asked for never happens; what a paused one had asked for happens when it goes on.
 */
import type { Clock, Timer } from '../transport/transport.ts';
import type { Scheduler } from './scheduler.ts';

const MICROS_1970_TO_SIM = 1_800_000_000_000_000;

export interface SimProcessOptions {
  readonly scheduler: Scheduler;
  readonly name: string;
  /** how fast its clock runs: 1 is right, 1.01 gains 1 % */
  readonly drift: number;
  /** how much later than asked its work is done, ms: a slow node */
  readonly slownessMs: number;
  /** how far its idea of what time it is in the world is off, ms; 0 unless told */
  readonly wallOffsetMs?: number;
}

export class SimProcess {
  readonly name: string;
  readonly clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #slownessMs: number;
  #drift: number;
  /** what its clock is ahead of the scheduler's, ms, beside its speed */
  #aheadMs = 0;
  #alive = true;
  #pausedUntil = 0;
  #onDeath: (() => void)[] = [];

  constructor(options: SimProcessOptions) {
    const { scheduler, name, drift, slownessMs, wallOffsetMs = 0 } = options;
    this.name = name;
    this.#scheduler = scheduler;
    this.#slownessMs = slownessMs;
    this.#drift = drift;
    const now = () => scheduler.now * this.#drift + this.#aheadMs;
    this.clock = {
      now,
      wallMicros: () => MICROS_1970_TO_SIM + Math.floor((now() + wallOffsetMs) * 1000),
      after: (delayMs, call) => this.after(delayMs / this.#drift, call),
      endOfTurn: (call) => {
        this.after(this.#slownessMs, call);
      },
    };
  }

  /** Its clock runs so fast from now on. */
  setDrift(drift: number): void {
    this.#aheadMs += this.#scheduler.now * (this.#drift - drift);
    this.#drift = drift;
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  get isPaused(): boolean {
    return this.#scheduler.now < this.#pausedUntil;
  }

  /** Lets something happen in this process, if it still lives then; later if it is paused then. */
  after(delayMs: number, call: () => void): Timer {
    const run = () => {
      if (!this.#alive) return;
      if (this.isPaused) {
        // Not so much later than now: rounded, one that was due first could come second.
        scheduled = this.#scheduler.at(this.#pausedUntil, run);
        return;
      }
      call();
    };
    let scheduled = this.#scheduler.after(delayMs, run);
    return { cancel: () => scheduled.cancel() };
  }

  /** Stands still for a while, as after SIGSTOP: its clock goes on, it does nothing. */
  pause(durationMs: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#scheduler.now + durationMs);
  }

  /** Is told once, at the process's death. */
  onDeath(call: () => void): void {
    this.#onDeath.push(call);
  }

  /** Dies at once, as by SIGKILL: between any two of its instructions that wait for something. */
  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    const calls = this.#onDeath;
    this.#onDeath = [];
    for (const call of calls) call();
  }
}
