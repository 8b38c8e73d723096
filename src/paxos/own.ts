/**
 * Own values: those that were handed in here. Each is in one place at a time: it waits, or is assigned to one instance.
 *
 *   propose → waiting → assign(slot) → settle(slot): chosen, gone | giveBack(slot) → waiting, where it stood
 *
 * A value stays with its instance until it is known what was chosen there, even while another value is run there: once
 * an acceptor has it, any later proposer may find it and get it chosen. A raw value has no identity but its place: what
 * was accepted in that instance, with our bytes, at the ballot we first sent ours at or above, is ours.
 */
import { sameBytes } from './acceptor.ts';
import { invariant } from './invariant.ts';
import type { StateWriter } from './state.ts';
import { type Join, type Submission, WaitingValues } from './waiting.ts';

export class OwnValues<S extends Submission> {
  #waiting = new WaitingValues<S>();
  /** per slot of the window: the value assigned to it, the first ballot it was sent at, and its order of submission */
  readonly #assigned: (S | undefined)[];
  readonly #since: Float64Array;
  readonly #orders: Float64Array;
  readonly #join: Join<S>;
  #assignedCount = 0;

  /**
   * @param slots how many instances can be open at once
   * @param join makes one value of several that wait; each is proposed by itself unless told
   */
  constructor(slots: number, join: Join<S> = (waiting) => waiting.shift()) {
    this.#join = join;
    this.#assigned = new Array<S | undefined>(slots).fill(undefined);
    this.#since = new Float64Array(slots);
    this.#orders = new Float64Array(slots);
  }

  get waitingCount(): number {
    return this.#waiting.count;
  }

  /** How many values are assigned to instances. */
  get assignedCount(): number {
    return this.#assignedCount;
  }

  get waitingBytes(): number {
    return this.#waiting.bytes;
  }

  propose(submission: S): void {
    this.#waiting.push(submission);
  }

  /** Takes the next waiting value away, to be another's. */
  takeWaiting(): S | undefined {
    return this.#waiting.shift();
  }

  /** The value assigned to a slot. */
  at(slot: number): S | undefined {
    return this.#assigned[slot];
  }

  /** The value to send in a slot at `ballot`: the one assigned to it, or the next that waits. Hot. */
  assign(slot: number, ballot: number): S | undefined {
    const assigned = this.#assigned[slot];
    if (assigned !== undefined) return assigned;
    const order = this.#waiting.firstOrder;
    const submission = this.#join(this.#waiting);
    if (submission === undefined) return undefined;
    this.#assigned[slot] = submission;
    this.#assignedCount++;
    this.#since[slot] = ballot;
    this.#orders[slot] = order;
    return submission;
  }

  /** Takes a value out of its slot because it is chosen. */
  settle(slot: number): S | undefined {
    const submission = this.#assigned[slot];
    if (submission === undefined) return undefined;
    this.#assigned[slot] = undefined;
    this.#assignedCount--;
    return submission;
  }

  /** Puts the value assigned to a slot, if any, back among those that wait. */
  giveBack(slot: number): void {
    const submission = this.settle(slot);
    if (submission !== undefined) this.#waiting.putBack(submission, this.#orders[slot] ?? 0);
  }

  /** True if `value`, accepted in this slot at `ballot`, is the value of ours that is assigned to it. */
  isOwn(slot: number, ballot: number, value: Uint8Array): boolean {
    const submission = this.#assigned[slot];
    return (
      submission !== undefined && ballot >= (this.#since[slot] ?? 0) && sameBytes(submission.value, value)
    );
  }

  copy(): OwnValues<S> {
    const copy = new OwnValues<S>(this.#assigned.length, this.#join);
    copy.#waiting = this.#waiting.copy();
    copy.#assignedCount = this.#assignedCount;
    for (let slot = 0; slot < this.#assigned.length; slot++) copy.#assigned[slot] = this.#assigned[slot];
    copy.#since.set(this.#since);
    copy.#orders.set(this.#orders);
    return copy;
  }

  /** Writes what waits. */
  writeWaiting(to: StateWriter): void {
    this.#waiting.writeState(to);
  }

  /** Writes what is assigned to a slot. */
  writeSlot(slot: number, to: StateWriter): void {
    const submission = this.#assigned[slot];
    to.bytes(submission?.value);
    if (submission === undefined) return;
    to.number(this.#since[slot] ?? 0);
    to.number(this.#orders[slot] ?? 0);
  }

  /** A slot is used for another instance: it holds nothing of ours. */
  open(slot: number): void {
    invariant(this.#assigned[slot] === undefined, 'a value of our own is in one place at a time');
  }
}
