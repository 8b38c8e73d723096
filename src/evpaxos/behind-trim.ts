/**
 * BehindTrim: the trim points that acceptors tell, and whether a learner needs what is gone.
 *
 *   it stands still at or below what no quorum has any more → behind
 *   it stands still at or below what one acceptor trimmed, and the others do not say → in doubt
 *
 * One acceptor's word ends nobody. Nor does a trim point that overtakes what is still on its way, or counted already:
 * only a learner that has stood still for a few looks is behind.
 */
import { PaxosError } from '../paxos/error.ts';
import { kthHighest, quorumSize } from '../paxos/quorum.ts';

/** Looks are 100 ms apart: what is on its way has come by then, and a person is told within a second. */
const BEHIND_LOOKS = 3;
/** Originals tell their trim points once a second, each at a time of its own. */
const DOUBT_LOOKS = 20;

export type TrimOutcome = 'behind' | 'in doubt' | 'none';

export class BehindTrim {
  readonly #told: number[];
  readonly #quorum: number;
  #standsAt = 0;
  #looks = 0;
  #doubted = 0;

  constructor(acceptors: number) {
    this.#told = new Array<number>(acceptors).fill(0);
    this.#quorum = quorumSize(acceptors);
  }

  note(acceptorId: number, trimInstanceId: number): void {
    this.#told[acceptorId] = trimInstanceId;
  }

  /** A quorum has trimmed up to here. */
  get settled(): number {
    return kthHighest(this.#told, this.#quorum);
  }

  /** Those who have not trimmed up to here are no quorum; and it is more than one acceptor's word, if there are more. */
  get lost(): number {
    const acceptors = this.#told.length;
    return kthHighest(this.#told, Math.max(acceptors - this.#quorum + 1, Math.min(2, acceptors)));
  }

  /** Some acceptor has trimmed up to here. */
  get highest(): number {
    return kthHighest(this.#told, 1);
  }

  /** A learner that takes all there is has `next` to learn. To be called again and again, at an interval. */
  look(next: number): TrimOutcome {
    if (next !== this.#standsAt) {
      this.#standsAt = next;
      this.#looks = 0;
    }
    if (next > this.highest) {
      this.#looks = 0;
      return 'none';
    }
    this.#looks++;
    if (next <= this.lost) return this.#looks >= BEHIND_LOOKS ? 'behind' : 'none';
    if (this.#looks < DOUBT_LOOKS || this.#doubted === this.highest) return 'none';
    this.#doubted = this.highest;
    return 'in doubt';
  }
}

/** What a learner ends with that needs what is gone. */
export function behindTrimError(instanceId: number, trimInstanceId: number): PaxosError {
  const text = `instances ${instanceId} to ${trimInstanceId} were trimmed: start from a checkpoint at or above ${trimInstanceId}`;
  return new PaxosError('BEHIND_TRIM', text, { instanceId, trimInstanceId });
}
