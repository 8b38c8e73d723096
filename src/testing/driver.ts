/**
 * Driver: lets virtual time pass while somebody waits for something in a cluster, and stand still otherwise.
 *
 *   wait(promise) → [everything that is ready] → next event of the scheduler → … → it is settled: time stands still
 *
 * Between two events the real event loop turns once, so that all promises that hang on the first have run before the
 * second: what happens depends on the seed and on what the test does, and on no real time.
 *
 * Invariants: time passes only while something is waited for; nothing is waited for longer than the patience.
 */
import { setImmediate } from 'node:timers';
import type { Scheduler } from '../sim/scheduler.ts';
import { TestClusterError } from './error.ts';

export interface DriverOptions {
  readonly scheduler: Scheduler;
  readonly seed: number;
  /** how long anything may take, virtual ms */
  readonly patienceMs: number;
}

/** Something that is waited for. */
interface Wait {
  readonly what: string;
  readonly until: number;
  /** asked after every event; true: it is over */
  readonly isDone: () => boolean;
  /** what stands in its way, for people */
  readonly obstacle: () => string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** How something that is waited for is described. */
export interface WaitOptions {
  readonly obstacle?: () => string;
  /** so much longer than the patience, virtual ms */
  readonly extraMs?: number;
}

export class Driver {
  readonly #options: DriverOptions;
  readonly #waits = new Set<Wait>();
  #isRunning = false;
  #failure: TestClusterError | undefined;
  #isFailureTold = false;

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  /** Resolves or rejects as a promise does, and lets time pass until then. */
  async wait<T>(promise: Promise<T>, what: string, options: WaitOptions = {}): Promise<T> {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.until(() => isSettled, what, options);
    return promise;
  }

  /** Lets time pass until it is so. */
  until(isDone: () => boolean, what: string, options: WaitOptions = {}): Promise<void> {
    const { scheduler, patienceMs } = this.#options;
    const { obstacle = () => '', extraMs = 0 } = options;
    return new Promise((resolve, reject) => {
      const until = scheduler.now + patienceMs + extraMs;
      this.#waits.add({ what, until, isDone, obstacle, resolve, reject });
      if (this.#isRunning) return;
      this.#isRunning = true;
      this.#run().catch((error: unknown) => this.fail(`the cluster cannot go on: ${String(error)}`, error));
    });
  }

  /** Something is wrong that nobody waits for: whoever waits, or asks next, is told. */
  fail(what: string, cause?: unknown): void {
    this.#failure ??= new TestClusterError(what, this.#options.seed, cause);
    for (const wait of this.#waits) this.#end(wait, this.#failure);
  }

  /** Tells what went wrong, once; what was told to somebody already is not told again. */
  rethrowUntold(): void {
    if (this.#failure === undefined || this.#isFailureTold) return;
    this.#isFailureTold = true;
    throw this.#failure;
  }

  async #run(): Promise<void> {
    const { scheduler } = this.#options;
    try {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        this.#look();
        const [first] = this.#waits;
        if (first === undefined) return;
        scheduler.step(Math.min(...[...this.#waits].map(({ until }) => until)));
      }
    } finally {
      this.#isRunning = false;
    }
  }

  /** Ends what is over, and what takes too long. */
  #look(): void {
    const { scheduler, seed } = this.#options;
    for (const wait of this.#waits) {
      if (this.#failure !== undefined) this.#end(wait, this.#failure);
      else if (wait.isDone()) this.#end(wait, undefined);
      else if (scheduler.now >= wait.until) {
        const obstacle = wait.obstacle();
        const why = obstacle === '' ? '' : `: ${obstacle}`;
        const text = `nothing came of ${wait.what} in ${this.#options.patienceMs} ms of virtual time${why}`;
        this.#end(wait, new TestClusterError(text, seed));
      }
    }
  }

  #end(wait: Wait, error: TestClusterError | undefined): void {
    this.#waits.delete(wait);
    if (error === undefined) {
      wait.resolve();
      return;
    }
    if (error === this.#failure) this.#isFailureTold = true;
    wait.reject(error);
  }
}
