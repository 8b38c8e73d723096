/**
 * Window: all that a proposer knows of its open instances, in rings of typed arrays, because an object per instance is
 * what the hot path cannot afford.
 *
 *   open → preparing → accepting → done; restart() puts all that are not done back to preparing
 *
 * Invariant: exactly the instances low ≤ i < next have a slot, and next - low ≤ size.
 */
import { invariant } from './invariant.ts';
import { NO_OP } from './no-op.ts';
import { OwnValues } from './own.ts';
import { Promises } from './promises.ts';
import type { StateWriter } from './state.ts';
import type { Join, Submission } from './waiting.ts';

/** What is under way in an instance. preparing: phase 1. accepting: phase 2. done: chosen, or not ours to propose. */
export const Phase = { preparing: 1, accepting: 2, done: 3 } as const;

export interface WindowOptions<S> {
  readonly acceptors: number;
  /** slots, a power of two */
  readonly size: number;
  readonly join?: Join<S> | undefined;
}

export class Window<S extends Submission> {
  readonly #options: WindowOptions<S>;
  #promises: Promises;
  #own: OwnValues<S>;
  #low = 1;
  #next = 1;
  /** every instance from here up to below `low` was chosen at the present ballot, by count */
  #countedFrom = 1;
  /** per slot that is done: 1 if a quorum was counted there at the present ballot */
  readonly #counted: Uint8Array;
  readonly phase: Uint8Array;
  /** who accepted at the present ballot, a bit mask of acceptors */
  readonly accepted: Uint16Array;
  /** the highest ballot of a value that a promise carried, and that value */
  readonly reportedBallot: Float64Array;
  readonly reported: (Uint8Array | undefined)[];
  /** when the last PREPARE or ACCEPT was sent, ms */
  readonly sentAt: Float64Array;

  constructor(options: WindowOptions<S>) {
    const { acceptors, size } = options;
    invariant(size >= 1 && (size & (size - 1)) === 0, 'a ring has a power of two slots');
    this.#options = options;
    this.#promises = new Promises(acceptors, size);
    this.#own = new OwnValues<S>(size, options.join);
    this.#counted = new Uint8Array(size);
    this.phase = new Uint8Array(size);
    this.accepted = new Uint16Array(size);
    this.reportedBallot = new Float64Array(size);
    this.reported = new Array<Uint8Array | undefined>(size).fill(undefined);
    this.sentAt = new Float64Array(size);
  }

  get size(): number {
    return this.#options.size;
  }

  /** Every instance below is done. */
  get low(): number {
    return this.#low;
  }

  /** Every instance from here up to below `low` was chosen at the present ballot: a quorum was counted for each. */
  get countedFrom(): number {
    return this.#countedFrom;
  }

  /** The first instance that was not opened yet. */
  get next(): number {
    return this.#next;
  }

  /** Who promised what. */
  get promises(): Promises {
    return this.#promises;
  }

  /** The values that were handed in here. */
  get own(): OwnValues<S> {
    return this.#own;
  }

  /** The index of an instance's slot. */
  slot(instanceId: number): number {
    return instanceId & (this.#options.size - 1);
  }

  has(instanceId: number): boolean {
    return instanceId >= this.#low && instanceId < this.#next;
  }

  isPreparing(instanceId: number): boolean {
    return this.has(instanceId) && this.phase[this.slot(instanceId)] === Phase.preparing;
  }

  isDone(instanceId: number): boolean {
    return this.has(instanceId) && this.phase[this.slot(instanceId)] === Phase.done;
  }

  /** True if an instance is open and a quorum promised it at the present ballot. Hot. */
  isPromised(instanceId: number): boolean {
    return this.has(instanceId) && this.#promises.isPromisedByQuorum(instanceId, this.slot(instanceId));
  }

  /** The highest instance that is done though one below is not; 0: none is. What promises tell of it is passed over. */
  get highestDone(): number {
    for (let i = this.#next - 1; i > this.#low; i--) if (this.isDone(i)) return i;
    return 0;
  }

  isFull(): boolean {
    return this.#next - this.#low >= this.#options.size;
  }

  /** Opens the next instance, in phase 1. */
  open(now: number): void {
    invariant(!this.isFull(), 'an instance is opened only where a slot is free');
    const slot = this.slot(this.#next++);
    this.#promises.open(slot);
    this.#own.open(slot);
    this.#prepare(slot, now);
  }

  /** Another ballot, 0: none. Every instance that is not done goes back to the beginning of phase 1. */
  restart(ballot: number, now: number): void {
    this.#promises.restart(ballot);
    this.#countedFrom = this.#low;
    this.#counted.fill(0);
    for (let i = this.#low; i < this.#next; i++) {
      const slot = this.slot(i);
      if (this.phase[slot] !== Phase.done) this.#prepare(slot, now);
    }
  }

  #prepare(slot: number, now: number): void {
    this.phase[slot] = Phase.preparing;
    this.accepted[slot] = 0;
    this.reportedBallot[slot] = 0;
    this.reported[slot] = undefined;
    this.sentAt[slot] = now;
  }

  /** Remembers a value that a promise carried, if its ballot is the highest so far. True if so. */
  report(slot: number, ballot: number, value: Uint8Array): boolean {
    if (ballot <= (this.reportedBallot[slot] ?? 0)) return false;
    this.reportedBallot[slot] = ballot;
    this.reported[slot] = value;
    return true;
  }

  /** Gives a slot that has no value a no-op, at this ballot: from now on that is what is run there. */
  fill(slot: number, ballot: number): Uint8Array {
    invariant(this.proposed(slot) === undefined, 'a no-op takes no place of a value');
    this.report(slot, ballot, NO_OP);
    return NO_OP;
  }

  /** The value that has to be run in a slot because a promise carried it, unless it is our own. */
  foreign(slot: number): Uint8Array | undefined {
    const value = this.reported[slot];
    if (value === undefined || this.#own.isOwn(slot, this.reportedBallot[slot] ?? 0, value)) return undefined;
    return value;
  }

  /** The value whose acceptances are counted in an instance; undefined: there is none. Hot. */
  accepting(instanceId: number): Uint8Array | undefined {
    const slot = this.slot(instanceId);
    return this.has(instanceId) && this.phase[slot] === Phase.accepting ? this.proposed(slot) : undefined;
  }

  /** The value that is run in a slot; undefined: none yet. Hot. */
  proposed(slot: number): Uint8Array | undefined {
    return this.foreign(slot) ?? this.#own.at(slot)?.value;
  }

  /**
   * Marks an instance done and gives up the slots of all that are done at the low end.
   * @param isCounted true: because a quorum was counted for it at the present ballot
   */
  finish(instanceId: number, isCounted: boolean): void {
    const slot = this.slot(instanceId);
    this.phase[slot] = Phase.done;
    this.reported[slot] = undefined;
    this.#counted[slot] = isCounted ? 1 : 0;
    for (; this.#low < this.#next; this.#low++) {
      const low = this.slot(this.#low);
      if (this.phase[low] !== Phase.done) return;
      if (this.#counted[low] === 0) this.#countedFrom = this.#low + 1;
    }
  }

  /** Everything up to `instanceId` is done; what is assigned there waits again. */
  finishAll(instanceId: number): void {
    const last = Math.min(instanceId, this.#next - 1);
    for (let i = this.#low; i <= last; i++) {
      this.#own.giveBack(this.slot(i));
      this.finish(i, false);
    }
    if (instanceId < this.#next) return;
    this.#low = instanceId + 1;
    this.#next = instanceId + 1;
    this.#countedFrom = this.#low;
  }

  /** The instances in a phase whose last message was sent `timeoutMs` ago or more; their clocks start again. */
  late(phase: number, now: number, timeoutMs: number): number[] {
    const late: number[] = [];
    for (let i = this.#low; i < this.#next; i++) {
      const slot = this.slot(i);
      if (this.phase[slot] !== phase || now - (this.sentAt[slot] ?? 0) < timeoutMs) continue;
      this.sentAt[slot] = now;
      late.push(i);
    }
    return late;
  }

  copy(): Window<S> {
    const copy = new Window<S>(this.#options);
    copy.#promises = this.#promises.copy();
    copy.#own = this.#own.copy();
    copy.#low = this.#low;
    copy.#next = this.#next;
    copy.#countedFrom = this.#countedFrom;
    copy.#counted.set(this.#counted);
    copy.phase.set(this.phase);
    copy.accepted.set(this.accepted);
    copy.reportedBallot.set(this.reportedBallot);
    for (let slot = 0; slot < this.size; slot++) copy.reported[slot] = this.reported[slot];
    copy.sentAt.set(this.sentAt);
    return copy;
  }

  writeState(to: StateWriter): void {
    to.number(this.#low);
    to.number(this.#next);
    to.number(this.#countedFrom);
    this.#promises.writeState(to);
    this.#own.writeWaiting(to);
    for (let i = this.#low; i < this.#next; i++) {
      const slot = this.slot(i);
      to.number(this.phase[slot] ?? 0);
      if (this.phase[slot] === Phase.done) {
        to.number(this.#counted[slot] ?? 0);
        continue;
      }
      to.mask(this.accepted[slot] ?? 0);
      to.number(this.reportedBallot[slot] ?? 0);
      to.bytes(this.reported[slot]);
      this.#promises.writeSlot(slot, to);
      this.#own.writeSlot(slot, to);
    }
  }
}
