/**
 * Quorums: any two of them share an acceptor, which is all that agreement stands on.
 *
 * A set of acceptors is a bit mask (bit i = acceptor i), so that rings of instances can hold one in a typed array
 * and copying or hashing a set costs nothing.
 */

import { MAX_ACCEPTORS } from './ballot.ts';
import { invariant } from './invariant.ts';

/** How many acceptors are a quorum of `acceptors` (1 to 10): floor(n/2) + 1. */
export function quorumSize(acceptors: number): number {
  invariant(acceptors >= 1 && acceptors <= MAX_ACCEPTORS, 'a cluster has 1 to 10 acceptors');
  return Math.floor(acceptors / 2) + 1;
}

/** The k-th highest of what acceptors told: at least so many of them told as much. 0 if there are not so many. */
export function kthHighest(told: readonly number[], k: number): number {
  return [...told].sort((a, b) => b - a)[k - 1] ?? 0;
}

/** How many acceptors a mask holds. */
export function countAcceptors(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** Who has answered one question, each acceptor counted once. */
export class Quorum {
  readonly acceptors: number;
  readonly size: number;
  #mask = 0;

  /** @param acceptors how many the cluster has, 1 to 10 */
  constructor(acceptors: number) {
    this.acceptors = acceptors;
    this.size = quorumSize(acceptors);
  }

  /** The acceptors counted so far, as a bit mask. */
  get mask(): number {
    return this.#mask;
  }

  /** Counts an acceptor; false if it was counted before, or if there is no such acceptor. */
  add(acceptorId: number): boolean {
    if (acceptorId < 0 || acceptorId >= this.acceptors) return false;
    const bit = 1 << acceptorId;
    if ((this.#mask & bit) !== 0) return false;
    this.#mask |= bit;
    return true;
  }

  has(acceptorId: number): boolean {
    return (this.#mask & (1 << acceptorId)) !== 0;
  }

  reached(): boolean {
    return countAcceptors(this.#mask) >= this.size;
  }

  clear(): void {
    this.#mask = 0;
  }
}
