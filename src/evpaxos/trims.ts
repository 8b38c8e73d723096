/**
 * Trims: the trim points that acceptors tell, and which of them a proposer believes. None is believed beyond what is
 * chosen: by our own knowledge, or by a quorum's word; so one message of nonsense to one acceptor moves nobody. Where
 * those who have not trimmed are too few to decide anything, one of ours is believed alone: nobody would ever answer.
 */
import { kthHighest, quorumSize } from '../paxos/quorum.ts';
import type { Peer } from './peer.ts';

export class Trims {
  readonly #told: number[];
  readonly #quorum: number;
  readonly #lastInstance: number;
  readonly #highestChosen: () => number;
  readonly #reached: () => readonly Pick<Peer, 'acceptorId' | 'isOurs'>[];

  /**
   * @param last the highest instance id there may be
   * @param highestChosen the highest instance known to be chosen now
   * @param reached the acceptors that can be asked now
   */
  constructor(
    acceptors: number,
    last: number,
    highestChosen: () => number,
    reached: () => readonly Pick<Peer, 'acceptorId' | 'isOurs'>[],
  ) {
    this.#told = new Array<number>(acceptors).fill(0);
    this.#lastInstance = last;
    this.#quorum = quorumSize(acceptors);
    this.#highestChosen = highestChosen;
    this.#reached = reached;
  }

  /** An acceptor told its trim point. */
  note(acceptorId: number, trimInstanceId: number): void {
    if (trimInstanceId <= (this.#told[acceptorId] ?? 0) || trimInstanceId > this.#lastInstance) return;
    this.#told[acceptorId] = trimInstanceId;
  }

  /** The highest trim point that is believed; 0: none. */
  get believed(): number {
    const highestChosen = this.#highestChosen();
    const byQuorum = kthHighest(this.#told, this.#quorum);
    const believed = this.#told.filter((trim) => trim <= highestChosen || this.#isLeftAlone(trim));
    return Math.max(byQuorum, ...believed, 0);
  }

  /** One of ours trimmed so far, and of those that can be asked too few have not. */
  #isLeftAlone(trim: number): boolean {
    const reached = this.#reached();
    if (reached.length < this.#quorum) return false;
    const have = (peer: Pick<Peer, 'acceptorId'>) => (this.#told[peer.acceptorId] ?? 0) >= trim;
    const others = reached.filter((peer) => !have(peer));
    return others.length < this.#quorum && reached.some((peer) => peer.isOurs && have(peer));
  }
}
