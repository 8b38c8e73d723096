/**
 * Window: the proposer's ring of open instances, as typed arrays, because an object per instance is what the hot path
 * cannot afford. It knows no rule of the protocol; it holds what the proposer writes.
 *
 * Invariant: exactly the instances low ≤ i < next have a slot, and next - low ≤ size.
 */
import { invariant } from './invariant.ts';

/** What is under way in an instance. preparing: phase 1. accepting: phase 2. done: chosen, or not ours to propose. */
export const Phase = { preparing: 1, accepting: 2, done: 3 } as const;

export class Window<S> {
  readonly size: number;
  readonly #slots: number;
  low = 1;
  next = 1;
  readonly phase: Uint8Array;
  /** bit masks of acceptors: whose promises were probed, who promised, who accepted, at the present ballot */
  readonly probed: Uint16Array;
  readonly promised: Uint16Array;
  readonly accepted: Uint16Array;
  /** the highest ballot of a value that a promise carried, and that value */
  readonly reportedBallot: Float64Array;
  readonly reported: (Uint8Array | undefined)[];
  /** the value of our own that is assigned to the instance, and the first ballot it was sent at (0: not yet) */
  readonly own: (S | undefined)[];
  readonly ownSince: Float64Array;
  /** when the last PREPARE or ACCEPT was sent, ms */
  readonly sentAt: Float64Array;

  /** @param size slots, a power of two */
  constructor(size: number) {
    invariant(size >= 1 && (size & (size - 1)) === 0, 'a ring has a power of two slots');
    this.size = size;
    this.#slots = size - 1;
    this.phase = new Uint8Array(size);
    this.probed = new Uint16Array(size);
    this.promised = new Uint16Array(size);
    this.accepted = new Uint16Array(size);
    this.reportedBallot = new Float64Array(size);
    this.reported = new Array<Uint8Array | undefined>(size).fill(undefined);
    this.own = new Array<S | undefined>(size).fill(undefined);
    this.ownSince = new Float64Array(size);
    this.sentAt = new Float64Array(size);
  }

  /** The index of an instance's slot. */
  slot(instanceId: number): number {
    return instanceId & this.#slots;
  }

  has(instanceId: number): boolean {
    return instanceId >= this.low && instanceId < this.next;
  }

  isFull(): boolean {
    return this.next - this.low >= this.size;
  }

  /** Opens the next instance, in phase 1, and returns its id. */
  open(now: number): number {
    invariant(!this.isFull(), 'an instance is opened only where a slot is free');
    const instanceId = this.next++;
    const slot = this.slot(instanceId);
    this.phase[slot] = Phase.preparing;
    this.probed[slot] = 0;
    this.ownSince[slot] = 0;
    this.own[slot] = undefined;
    this.restart(slot, now);
    return instanceId;
  }

  /** Puts a slot back to the beginning of phase 1: what was heard at the former ballot is forgotten. */
  restart(slot: number, now: number): void {
    this.phase[slot] = Phase.preparing;
    this.promised[slot] = 0;
    this.accepted[slot] = 0;
    this.reportedBallot[slot] = 0;
    this.reported[slot] = undefined;
    this.sentAt[slot] = now;
  }

  /** Marks an instance done and gives up the slots of all that are done at the low end. */
  finish(instanceId: number): void {
    const slot = this.slot(instanceId);
    this.phase[slot] = Phase.done;
    this.own[slot] = undefined;
    this.reported[slot] = undefined;
    while (this.low < this.next && this.phase[this.slot(this.low)] === Phase.done) this.low++;
  }

  /** Moves an empty window up, to begin at `instanceId`. */
  moveTo(instanceId: number): void {
    invariant(
      this.low === this.next && instanceId >= this.low,
      'only an empty window moves, and only upwards',
    );
    this.low = instanceId;
    this.next = instanceId;
  }
}
