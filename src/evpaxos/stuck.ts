/**
 * Stuck: notices a learner that asks for the same instance again and again, although it is answered. Then the instance
 * has to be run again (see Repairs). A learner asks for several stretches at a time: each is counted by where it
 * begins.
 */

/** A learner asks every 100 ms; so often in vain, and something is wrong. Later ever less often. */
const FIRST_AT = 3;
/** Ever less often, but this often at least. */
const MOST_BETWEEN = 50;
/** How many beginnings are remembered of one peer: twice as many as a learner asks for at a time. */
export const MAX_ASKED = 128;

interface Asked {
  times: number;
  nextAt: number;
}

export class Stuck {
  readonly #peers = new WeakMap<object, Map<number, Asked>>();

  /** A peer asked for instances from `from` on. True if it is time to have that one run again. */
  note(peer: object, from: number): boolean {
    const asked = this.#askedBy(peer);
    const known = asked.get(from);
    if (known === undefined) {
      // The one asked for first goes first.
      const [oldest] = asked.keys();
      if (asked.size === MAX_ASKED && oldest !== undefined) asked.delete(oldest);
      asked.set(from, { times: 1, nextAt: FIRST_AT });
      return false;
    }
    known.times++;
    if (known.times < known.nextAt) return false;
    known.nextAt = Math.min(2 * known.nextAt, known.times + MOST_BETWEEN);
    return true;
  }

  #askedBy(peer: object): Map<number, Asked> {
    let asked = this.#peers.get(peer);
    if (asked === undefined) {
      asked = new Map();
      this.#peers.set(peer, asked);
    }
    return asked;
  }
}
