/**
 * HeardBallots: the highest ballot heard of, as far as it is believed. What one acceptor tells is believed up to where
 * the others would follow: an acceptor takes no ballot more than MAX_BALLOT_JUMP above what it has seen. Beyond that it
 * takes a quorum's word, or the ballots of the cluster would end at the first nonsense of one acceptor.
 *
 * Invariant: the highest ballot never sinks.
 */
import { MAX_BALLOT, MAX_BALLOT_JUMP } from './ballot.ts';
import { kthHighest, quorumSize } from './quorum.ts';
import type { StateWriter } from './state.ts';

/** Less than an acceptor takes: a ballot just above one that is believed must be one that every acceptor takes. */
const MAX_BELIEVED_JUMP = MAX_BALLOT_JUMP / 2;

export class HeardBallots {
  #highest = 0;
  /** per acceptor: the highest ballot it told that was not believed; 0: none */
  readonly #doubted: Float64Array;

  constructor(acceptors: number) {
    this.#doubted = new Float64Array(acceptors);
  }

  get highest(): number {
    return this.#highest;
  }

  /** Notes a ballot that is beyond doubt: our own, or one at which a value was chosen. */
  note(ballot: number): void {
    if (ballot > this.#highest && ballot <= MAX_BALLOT) this.#highest = ballot;
  }

  /** An acceptor told of a ballot. False if that is not believed, now. */
  hear(acceptorId: number, ballot: number): boolean {
    if (ballot > MAX_BALLOT) return false;
    if (ballot > this.#highest + MAX_BELIEVED_JUMP) {
      this.#doubted[acceptorId] = Math.max(ballot, this.#doubted[acceptorId] ?? 0);
      this.note(kthHighest([...this.#doubted], quorumSize(this.#doubted.length)));
      if (ballot > this.#highest + MAX_BELIEVED_JUMP) return false;
    }
    this.note(ballot);
    return true;
  }

  copy(): HeardBallots {
    const copy = new HeardBallots(this.#doubted.length);
    copy.#highest = this.#highest;
    copy.#doubted.set(this.#doubted);
    return copy;
  }

  writeState(to: StateWriter): void {
    to.number(this.#highest);
    for (const acceptor of to.order) to.number(this.#doubted[acceptor] ?? 0);
  }
}
