/**
 * Watch: waits for what a run needs, and looks meanwhile whether something was found or the run is to stop.
 */
import type { Violation } from '../../src/sim/violation.ts';

const LOOK_MS = 20;

/** A run was told to stop before its end. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

export class Watch {
  readonly #stop: AbortSignal;
  readonly #show: () => void;
  #violation: Violation | undefined;

  /** @param show called often */
  constructor(stop: AbortSignal, show: () => void) {
    this.#stop = stop;
    this.#show = show;
  }

  /** The first that was found. */
  get violation(): Violation | undefined {
    return this.#violation;
  }

  violated(violation: Violation): void {
    this.#violation ??= violation;
  }

  /**
   * Looks again and again; false: it was not so in time.
   * @throws Violation, Interrupted
   */
  async until(ms: number, isSo: () => boolean): Promise<boolean> {
    const end = performance.now() + ms;
    while (!isSo()) {
      if (this.#violation !== undefined) throw this.#violation;
      if (this.#stop.aborted) throw new Interrupted('stopped before the end');
      if (performance.now() >= end) return false;
      this.#show();
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return true;
  }
}
