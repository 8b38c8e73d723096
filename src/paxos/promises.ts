/**
 * Promises: for every open instance, which acceptors promised the present ballot, and which had told before what they
 * promised. An acceptor is asked either instance by instance (an original), or once for a range (one of ours).
 *
 * Invariant: probed means that the acceptor told, to this process, of a promise below the present ballot. A quorum of
 * them shares an acceptor with every quorum that an earlier process of the same id can have won, so that no earlier
 * process sent an ACCEPT at this ballot, for this instance.
 */
import { countAcceptors, quorumSize } from './quorum.ts';
import { RangedPromises } from './ranged.ts';
import type { StateWriter } from './state.ts';

/** prepare: ask this acceptor for this instance again, at the present ballot. preempted: see `highestSeen`. */
export type PromiseOutcome = 'ignored' | 'counted' | 'prepare' | 'preempted';
export type PreemptedOutcome = 'ignored' | 'preempted';

export class Promises {
  readonly #quorum: number;
  #ranged: RangedPromises;
  #ballot = 0;
  /** per acceptor of ours: the lowest of the highest ballots it told, which holds for all instances */
  readonly #told: Float64Array;
  #toldMask = 0;
  /** the same, of the present connection alone: what is told once it is lost says nothing of the time between */
  readonly #toldNow: Float64Array;
  /** per slot: who answered for this instance alone, bit masks */
  readonly #probed: Uint16Array;
  readonly #promised: Uint16Array;

  constructor(acceptors: number, slots: number) {
    this.#quorum = quorumSize(acceptors);
    this.#ranged = new RangedPromises(acceptors);
    this.#told = new Float64Array(acceptors).fill(Number.POSITIVE_INFINITY);
    this.#toldNow = new Float64Array(acceptors).fill(Number.POSITIVE_INFINITY);
    this.#probed = new Uint16Array(slots);
    this.#promised = new Uint16Array(slots);
  }

  /** The promises for ranges. */
  get ranged(): RangedPromises {
    return this.#ranged;
  }

  /** Who told of promises below the present ballot for all instances at once, a bit mask. */
  get toldMask(): number {
    return this.#toldMask;
  }

  /** Another ballot, above all that was told; 0: none. Nobody has promised it. */
  restart(ballot: number): void {
    this.#ballot = ballot;
    this.#ranged.restart();
    this.#promised.fill(0);
    this.#told.set(this.#toldNow);
    this.#updateTold();
  }

  /**
   * The connection to an acceptor of ours is lost. While it lasted no other process of our id was heard there; now one
   * may be, and use a ballot that is ours: so what it told counts no more, but for a ballot that it promised already.
   */
  forgetSession(acceptorId: number): void {
    this.#ranged.forgetPieces(acceptorId);
    this.#toldNow[acceptorId] = Number.POSITIVE_INFINITY;
    if (!this.#ranged.hasPromised(acceptorId)) this.#told[acceptorId] = Number.POSITIVE_INFINITY;
    this.#updateTold();
  }

  /** A slot is used for another instance: nobody has answered for it. */
  open(slot: number): void {
    this.#probed[slot] = 0;
    this.#promised[slot] = 0;
  }

  /** An acceptor of ours told the highest ballot it ever promised. */
  receiveHighest(acceptorId: number, highestBallot: number): PreemptedOutcome {
    this.#told[acceptorId] = Math.min(highestBallot, this.#told[acceptorId] ?? highestBallot);
    this.#toldNow[acceptorId] = Math.min(highestBallot, this.#toldNow[acceptorId] ?? highestBallot);
    this.#updateTold();
    if (this.#ballot === 0) return 'ignored';
    // At our own ballot as in receive(): if it was not asked for it, an earlier process of this id used it.
    const isProbed = (this.#toldMask & (1 << acceptorId)) !== 0;
    return highestBallot > this.#ballot || !isProbed ? 'preempted' : 'ignored';
  }

  #updateTold(): void {
    this.#toldMask = 0;
    for (let a = 0; a < this.#told.length; a++) {
      const told = this.#told[a] ?? Number.POSITIVE_INFINITY;
      if (this.#ballot === 0 ? told !== Number.POSITIVE_INFINITY : told < this.#ballot)
        this.#toldMask |= 1 << a;
    }
  }

  /** An acceptor told, for the instance in `slot` alone, that it promised `ballot`. */
  receive(acceptorId: number, slot: number, ballot: number): PromiseOutcome {
    const bit = 1 << acceptorId;
    const isProbed = this.isProbed(acceptorId, slot);
    if (this.#ballot === 0) {
      this.#probed[slot] = (this.#probed[slot] ?? 0) | bit;
      return isProbed ? 'ignored' : 'counted';
    }
    if (ballot > this.#ballot) return 'preempted';
    if (ballot < this.#ballot) {
      this.#probed[slot] = (this.#probed[slot] ?? 0) | bit;
      return this.isPromised(acceptorId, slot) ? 'ignored' : 'prepare';
    }
    // Our own ballot, though this acceptor was never asked for it here: an earlier process of this id used it.
    if (!isProbed) return 'preempted';
    if (this.isPromised(acceptorId, slot)) return 'ignored';
    this.#promised[slot] = (this.#promised[slot] ?? 0) | bit;
    return 'counted';
  }

  isProbed(acceptorId: number, slot: number): boolean {
    return (this.#probedMask(slot) & (1 << acceptorId)) !== 0;
  }

  /** True if the acceptor promised the present ballot when asked for this instance alone. */
  isPromised(acceptorId: number, slot: number): boolean {
    return ((this.#promised[slot] ?? 0) & (1 << acceptorId)) !== 0;
  }

  #probedMask(slot: number): number {
    return (this.#probed[slot] ?? 0) | this.#toldMask;
  }

  /** True if a quorum is probed for the instance in `slot`, or, without one, for all. */
  isProbedByQuorum(slot: number | undefined): boolean {
    const mask = slot === undefined ? this.#toldMask : this.#probedMask(slot);
    return countAcceptors(mask) >= this.#quorum;
  }

  /** True if a quorum promised the present ballot for an instance, and a quorum is probed. Hot. */
  isPromisedByQuorum(instanceId: number, slot: number): boolean {
    const promised = (this.#promised[slot] ?? 0) | this.#ranged.promisedMask(instanceId);
    return countAcceptors(promised) >= this.#quorum && this.isProbedByQuorum(slot);
  }

  /** True if a quorum promised the present ballot without end. */
  isEndless(): boolean {
    return countAcceptors(this.#ranged.promisedMask(Number.MAX_SAFE_INTEGER)) >= this.#quorum;
  }

  copy(): Promises {
    const copy = new Promises(this.#told.length, this.#probed.length);
    copy.#ranged = this.#ranged.copy();
    copy.#ballot = this.#ballot;
    copy.#told.set(this.#told);
    copy.#toldNow.set(this.#toldNow);
    copy.#toldMask = this.#toldMask;
    copy.#probed.set(this.#probed);
    copy.#promised.set(this.#promised);
    return copy;
  }

  /** Writes what holds for all instances. */
  writeState(to: StateWriter): void {
    // Below the present ballot, or while there is none, it is all one what was told: the next ballot is above it.
    to.mask(this.#toldMask);
    for (const acceptor of to.order) {
      if ((this.#toldMask & (1 << acceptor)) === 0) to.number(this.#told[acceptor] ?? 0);
    }
    for (const acceptor of to.order) to.number(this.#toldNow[acceptor] ?? 0);
    this.#ranged.writeState(to);
  }

  /** Writes what was answered for the instance in a slot. */
  writeSlot(slot: number, to: StateWriter): void {
    to.mask(this.#probed[slot] ?? 0);
    to.mask(this.#promised[slot] ?? 0);
  }
}
