/**
 * Raises: when a proposer that was outvoted may take a higher ballot, so that two of them do not outvote each other for
 * ever. Pure: time comes as an argument, chance from a seeded generator.
 *
 * A ballot with which something was finished was worth its price, and the next may follow at once. One that was in vain
 * is followed by a pause, ever longer at the most.
 */
import type { Random } from '../transport/transport.ts';

const FIRST_PAUSE_MS = 10;

export class Raises {
  readonly #longestMs: number;
  readonly #random: Random;
  #mayRaiseAt = Number.NEGATIVE_INFINITY;
  #finishedTo = 0;
  #inVain = 0;

  constructor(longestMs: number, random: Random) {
    this.#longestMs = longestMs;
    this.#random = random;
  }

  mayRaise(now: number): boolean {
    return now >= this.#mayRaiseAt;
  }

  /** A ballot is taken, and every instance up to `finishedTo` is finished. */
  note(now: number, finishedTo: number): void {
    const isLongAgo = now - this.#mayRaiseAt > this.#longestMs;
    this.#inVain = isLongAgo || finishedTo > this.#finishedTo ? 0 : this.#inVain + 1;
    this.#finishedTo = finishedTo;
    const pauseMs =
      this.#inVain === 0 ? 0 : Math.min(this.#longestMs, FIRST_PAUSE_MS * 2 ** (this.#inVain - 1));
    this.#mayRaiseAt = now + pauseMs * this.#random.next();
  }
}
