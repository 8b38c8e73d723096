/**
 * Stuck: notices a learner that asks for the same instance again and again, although it is answered. Then the instance
 * has to be run again (see Repairs).
 */
import type { Peer } from './peer.ts';

/** A learner asks every 100 ms; so often in vain, and something is wrong. Later ever less often. */
const FIRST_AT = 3;

export class Stuck {
  readonly #asked = new WeakMap<Peer, { from: number; times: number; nextAt: number }>();

  /** A peer asked for instances from `from` on. True if it is time to have that one run again. */
  note(peer: Peer, from: number): boolean {
    const asked = this.#asked.get(peer);
    if (asked === undefined || asked.from !== from) {
      this.#asked.set(peer, { from, times: 1, nextAt: FIRST_AT });
      return false;
    }
    asked.times++;
    if (asked.times < asked.nextAt) return false;
    asked.nextAt *= 2;
    return true;
  }
}
