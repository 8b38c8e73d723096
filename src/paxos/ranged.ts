/**
 * Ranged promises: which stretch of instances each acceptor of ours has promised at the present ballot. An original
 * acceptor never appears here; it is asked instance by instance.
 *
 * Invariant: a stretch counts only when all its pieces came, one after another, on one connection; and it grows only
 * without a gap, from the lowest open instance on.
 */

export class RangedPromises {
  /** who told its highest ballot before it was asked, a bit mask */
  probedMask = 0;
  readonly #from: Float64Array;
  readonly #to: Float64Array;
  readonly #pieces: Float64Array;

  constructor(acceptors: number) {
    this.#from = new Float64Array(acceptors);
    this.#to = new Float64Array(acceptors);
    this.#pieces = new Float64Array(acceptors);
  }

  /** A new ballot: nobody has promised it. What was probed stays, since the new ballot is higher. */
  restart(): void {
    this.#from.fill(0);
    this.#to.fill(0);
    this.#pieces.fill(0);
  }

  probe(acceptorId: number): void {
    this.probedMask |= 1 << acceptorId;
  }

  countPiece(acceptorId: number): void {
    this.#pieces[acceptorId] = (this.#pieces[acceptorId] ?? 0) + 1;
  }

  forgetPieces(acceptorId: number): void {
    this.#pieces[acceptorId] = 0;
  }

  /** Takes the last piece; false if pieces are missing, or if there is a gap to what was promised before. */
  complete(acceptorId: number, from: number, to: number, count: number, low: number): boolean {
    const pieces = this.#pieces[acceptorId] ?? 0;
    this.#pieces[acceptorId] = 0;
    if (pieces !== count) return false;
    const promisedTo = this.#to[acceptorId] ?? 0;
    if (promisedTo !== 0 && from <= promisedTo + 1) {
      this.#to[acceptorId] = Math.max(promisedTo, to);
      this.#from[acceptorId] = Math.min(from, this.#from[acceptorId] ?? from);
      return true;
    }
    if (from > low) return false;
    this.#from[acceptorId] = from;
    this.#to[acceptorId] = to;
    return true;
  }

  /** Where the next stretch of this acceptor begins, or undefined if it promised without end. */
  nextFrom(acceptorId: number, low: number): number | undefined {
    const to = this.#to[acceptorId] ?? 0;
    if (to === 0 || to < low) return low;
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
}
