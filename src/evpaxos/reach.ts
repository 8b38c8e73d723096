/**
 * AcceptorsReach: how far the acceptors are, by what each of them told. One that is wrong moves nobody.
 */
import { kthHighest, quorumSize } from '../paxos/quorum.ts';

export class AcceptorsReach {
  readonly #acceptors: number;
  /** by acceptor: the highest accepted instance, and what it knows to be chosen */
  readonly #highest: number[];
  readonly #chosen: number[];

  constructor(acceptors: number) {
    this.#acceptors = acceptors;
    this.#highest = new Array<number>(acceptors).fill(0);
    this.#chosen = new Array<number>(acceptors).fill(0);
  }

  /** An acceptor's own word of how far it is. */
  note(acceptorId: number, highest: number, chosen: number): void {
    this.#highest[acceptorId] = highest;
    this.#chosen[acceptorId] = chosen;
  }

  /** An acceptor accepted this. True if it is further than it was known to be. Hot. */
  noteAccepted(acceptorId: number, instanceId: number): boolean {
    if (instanceId <= (this.#highest[acceptorId] ?? 0)) return false;
    this.#highest[acceptorId] = instanceId;
    return true;
  }

  /** It cannot be asked any more. */
  forget(acceptorId: number): void {
    this.#highest[acceptorId] = 0;
    this.#chosen[acceptorId] = 0;
  }

  /** A quorum has accepted instances up to here. */
  get accepted(): number {
    return kthHighest(this.#highest, quorumSize(this.#acceptors));
  }

  /** Every instance up to here is chosen: so many may be wrong; one more cannot. */
  get settled(): number {
    return kthHighest(this.#chosen, this.#acceptors - quorumSize(this.#acceptors) + 1);
  }

  /** Every instance up to here is chosen, says this acceptor. */
  chosenBy(acceptorId: number): number {
    return this.#chosen[acceptorId] ?? 0;
  }
}
