/**
 * Ranged promises: which stretch of instances each acceptor of ours has promised at the present ballot. An original
 * acceptor never appears here; it is asked instance by instance.
 *
 * Invariant: a stretch counts only when all its pieces came, on one connection, whichever of them came twice; and it is
 * one stretch, without a gap. What an acceptor has trimmed it has not promised: its answer begins above.
 */

import type { StateWriter } from './state.ts';

export class RangedPromises {
  readonly #from: Float64Array;
  readonly #to: Float64Array;
  /** by acceptor: the instances it told since its last answer was complete */
  readonly #pieces: readonly Set<number>[];

  constructor(acceptors: number) {
    this.#from = new Float64Array(acceptors);
    this.#to = new Float64Array(acceptors);
    this.#pieces = Array.from({ length: acceptors }, () => new Set<number>());
  }

  /** A new ballot: nobody has promised it. */
  restart(): void {
    this.#from.fill(0);
    this.#to.fill(0);
    for (const pieces of this.#pieces) pieces.clear();
  }

  countPiece(acceptorId: number, instanceId: number): void {
    this.#pieces[acceptorId]?.add(instanceId);
  }

  forgetPieces(acceptorId: number): void {
    this.#pieces[acceptorId]?.clear();
  }

  /**
   * Takes the last piece of `from` to `to`; false if pieces are missing, or if the stretch neither goes on from what
   * was promised before nor covers `low`, the lowest open instance.
   */
  complete(acceptorId: number, from: number, to: number, count: number, low: number): boolean {
    let pieces = 0;
    for (const instanceId of this.#pieces[acceptorId] ?? [])
      if (instanceId >= from && instanceId <= to) pieces++;
    this.forgetPieces(acceptorId);
    if (pieces !== count || to < from) return false;
    const promisedFrom = this.#from[acceptorId] ?? 0;
    const promisedTo = this.#to[acceptorId] ?? 0;
    const isJoined = promisedTo !== 0 && from <= promisedTo + 1 && to >= promisedFrom - 1;
    if (!isJoined && (from > low || to < low)) return false;
    this.#from[acceptorId] = isJoined ? Math.min(from, promisedFrom) : from;
    this.#to[acceptorId] = isJoined ? Math.max(to, promisedTo) : to;
    return true;
  }

  /** True if the acceptor promised the present ballot for some stretch. */
  hasPromised(acceptorId: number): boolean {
    return (this.#to[acceptorId] ?? 0) > 0;
  }

  /** Where the next stretch of this acceptor begins, or undefined if it promised without end. */
  nextFrom(acceptorId: number, low: number): number | undefined {
    const to = this.#to[acceptorId] ?? 0;
    if (to < low) return low;
    return to >= Number.MAX_SAFE_INTEGER ? undefined : to + 1;
  }

  /** The acceptors whose promise covers an instance, as a bit mask. Hot. */
  promisedMask(instanceId: number): number {
    let mask = 0;
    for (let a = 0; a < this.#to.length; a++) {
      if ((this.#to[a] ?? 0) >= instanceId && (this.#from[a] ?? 0) <= instanceId) mask |= 1 << a;
    }
    return mask;
  }

  copy(): RangedPromises {
    const copy = new RangedPromises(this.#to.length);
    copy.#from.set(this.#from);
    copy.#to.set(this.#to);
    for (const [acceptor, pieces] of this.#pieces.entries())
      for (const instanceId of pieces) copy.#pieces[acceptor]?.add(instanceId);
    return copy;
  }

  writeState(to: StateWriter): void {
    for (const acceptor of to.order) {
      to.number(this.#from[acceptor] ?? 0);
      to.number(this.#to[acceptor] ?? 0);
      const pieces = [...(this.#pieces[acceptor] ?? [])].sort((a, b) => a - b);
      to.number(pieces.length);
      for (const instanceId of pieces) to.number(instanceId);
    }
  }
}
