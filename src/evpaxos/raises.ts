/**
 * Raises: when a proposer that was outvoted may take a higher ballot, so that two of them do not outvote each other for
 * ever. Pure: time comes as an argument, chance from a seeded generator.
 *
 * A ballot with which something was finished was worth its price, and the next may follow at once. One that was in vain
 * is followed by a pause, ever longer at the most. Where one ballot soon follows another all the same, somebody else has
 * values too and does not yield: no instance of its own gets through, however many of ours do.
 */
import type { Random } from '../transport/transport.ts';

const FIRST_PAUSE_MS = 10;
/** So many ballots within the longest pause are a contest. One who only prepares ahead costs two or three. */
const CONTEST_BALLOTS = 4;

export class Raises {
  readonly #longestMs: number;
  readonly #random: Random;
  #mayRaiseAt = Number.NEGATIVE_INFINITY;
  #finishedTo = 0;
  #inVain = 0;
  /** when the last ballots were taken, oldest first, as many as a contest needs */
  readonly #takenAt: number[] = [];

  constructor(longestMs: number, random: Random) {
    this.#longestMs = longestMs;
    this.#random = random;
  }

  mayRaise(now: number): boolean {
    return now >= this.#mayRaiseAt;
  }

  /** True if we are outvoted again and again. */
  isContested(now: number): boolean {
    const [first] = this.#takenAt;
    return this.#takenAt.length === CONTEST_BALLOTS && first !== undefined && now - first < this.#longestMs;
  }

  /** A ballot is taken, and every instance up to `finishedTo` is finished. */
  note(now: number, finishedTo: number): void {
    this.#takenAt.push(now);
    if (this.#takenAt.length > CONTEST_BALLOTS) this.#takenAt.shift();
    const isLongAgo = now - this.#mayRaiseAt > this.#longestMs;
    this.#inVain = isLongAgo || finishedTo > this.#finishedTo ? 0 : this.#inVain + 1;
    this.#finishedTo = finishedTo;
    const pauseMs =
      this.#inVain === 0 ? 0 : Math.min(this.#longestMs, FIRST_PAUSE_MS * 2 ** (this.#inVain - 1));
    this.#mayRaiseAt = now + pauseMs * this.#random.next();
  }
}
