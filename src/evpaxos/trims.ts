/**
 * Trims: the trim points that acceptors tell, and which of them a proposer believes. None is believed beyond what is
 * chosen: by our own knowledge, or by a quorum's word; so one message of nonsense to one acceptor moves nobody.
 */
import { MAX_WIRE_INSTANCE } from '../paxos/ballot.ts';
import { kthHighest, quorumSize } from '../paxos/quorum.ts';

export class Trims {
  readonly #told: number[];
  readonly #quorum: number;
  readonly #highestChosen: () => number;

  /** @param highestChosen the highest instance known to be chosen now */
  constructor(acceptors: number, highestChosen: () => number) {
    this.#told = new Array<number>(acceptors).fill(0);
    this.#quorum = quorumSize(acceptors);
    this.#highestChosen = highestChosen;
  }

  /** An acceptor told its trim point; false if that is no news. */
  note(acceptorId: number, trimInstanceId: number): boolean {
    if (trimInstanceId <= (this.#told[acceptorId] ?? 0) || trimInstanceId > MAX_WIRE_INSTANCE) return false;
    this.#told[acceptorId] = trimInstanceId;
    return true;
  }

  /** The highest trim point that is believed; 0: none. */
  get believed(): number {
    const highestChosen = this.#highestChosen();
    const byQuorum = kthHighest(this.#told, this.#quorum);
    const known = this.#told.filter((trim) => trim <= highestChosen);
    return Math.max(byQuorum, ...known, 0);
  }
}
