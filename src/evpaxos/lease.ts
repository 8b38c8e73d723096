/**
 * Lease: for how long an acceptor promises nobody anything but the leader that it has assured of that, so that this
 * leader can answer reads without asking: no value can be chosen that it does not know of.
 *
 *   CONFIRM(ballot, lease) → grant → refuses every ballot of another process above all promised, until it has run out
 *
 * A lease belongs to a process, not to an id: one that was stopped, and took for dead, may wake up and still count on it.
 * It is not stored. A process that starts does not know what was granted by the one before it, so for as long as that
 * may last it promises nothing new to anybody.
 *
 * Invariant: while a lease stands, the highest ballot that is promised or accepted here rises for its holder alone. What
 * is not above that ballot is no new promise, and is answered as ever.
 */
import type { Clock } from '../transport/transport.ts';
import type { Peer } from './peer.ts';

export class Lease {
  readonly #clock: Clock;
  readonly #longestMs: number;
  /** until then nobody is promised anything; 0: that is over */
  #quietUntil: number;
  /** until then nobody but the holder is; 0: no lease stands */
  #until = 0;
  #process = 0;
  #id = 0;

  /** @param longestMs the longest lease that is granted here, now and by earlier processes; 0: none is */
  constructor(clock: Clock, longestMs: number) {
    this.#clock = clock;
    this.#longestMs = longestMs;
    this.#quietUntil = longestMs > 0 ? clock.now() + longestMs : 0;
  }

  /** Assures a process; false if another's lease stands, or if it asks for more than is granted here. */
  grant(peer: Peer, leaseMs: number): boolean {
    if (leaseMs > this.#longestMs || peer.peerHello === undefined) return false;
    const now = this.#clock.now();
    if (now < this.#until && !this.#isHolder(peer)) return false;
    this.#process = peer.peerHello.process;
    this.#id = peer.peerHello.id;
    this.#until = Math.max(this.#until, now + leaseMs);
    return true;
  }

  /** True if this peer's ballot must not be promised or accepted now. Hot. */
  refuses(peer: Peer, ballot: number, highestBallot: number): boolean {
    if ((this.#until === 0 && this.#quietUntil === 0) || ballot <= highestBallot) return false;
    const now = this.#clock.now();
    if (now >= this.#quietUntil) this.#quietUntil = 0;
    if (now >= this.#until) this.#until = 0;
    return this.#quietUntil > 0 || (this.#until > 0 && !this.#isHolder(peer));
  }

  #isHolder(peer: Peer): boolean {
    return peer.peerHello?.process === this.#process && peer.peerHello.id === this.#id;
  }
}
