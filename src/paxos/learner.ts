/**
 * Learner: finds out what was chosen, and hands it on in instance order without gaps. Contacts no one.
 *
 *   receiveAccepted(a, i, b, v) … → closed, once a quorum of acceptors accepted the same (b, v)
 *   deliverNext() → the next closed instance in order
 *
 * An acceptor's acceptance is counted under its acceptedBallot and its value, never under what it promised since:
 * counting promised ballots is how the original lost agreement. It keeps each acceptor's newest acceptance in a ring
 * of `window` instances; what is beyond the ring is only remembered as seen, and asked for later.
 */
import { sameBytes } from './acceptor.ts';
import { instanceId as brand, type InstanceId, NO_BALLOT } from './ballot.ts';
import { invariant } from './invariant.ts';
import { quorumSize } from './quorum.ts';
import type { StateWriter } from './state.ts';

/** A chosen value in its place. */
export interface Chosen {
  readonly instanceId: InstanceId;
  /** a ballot at which a quorum accepted it */
  readonly ballot: number;
  /** a view; copy to keep for long */
  readonly value: Uint8Array;
  /** the acceptor in this process told that it holds this value, accepted at this ballot or above */
  readonly isHeld: boolean;
}

export type LearnOutcome =
  | 'closed'
  | 'counted'
  | 'delivered already'
  | 'older'
  | 'beyond the window'
  | 'no room'
  | 'no such acceptor';

export interface LearnerOptions {
  /** how many acceptors the cluster has, 1 to 10 */
  readonly acceptors: number;
  /** how many instances above the next one are kept; a power of two. 65,536 unless told. */
  readonly window?: number;
  /** how many bytes of values above the next instance are kept, before more are let pass; 64 MB unless told */
  readonly maxBytes?: number;
  /** true: from instance 1; false: from the first instance heard of. True unless told. */
  readonly catchUp?: boolean;
  /** the acceptor in this process, if there is one */
  readonly self?: number;
}

/** How many instances the ring holds before it has to grow. */
const FIRST_SLOTS = 1024;

/** A learner that does not catch up begins so far below the first chosen instance, if it heard of one there. */
const FIRST_SPAN = 1024;

export class Learner {
  readonly acceptors: number;
  readonly window: number;
  readonly maxBytes: number;
  readonly #quorum: number;
  readonly #self: number;
  #waitingForFirst: boolean;
  #hasBegun: boolean;
  #next = 1;
  #highestClosed = 0;
  #highestSeen = 0;
  #keptBytes = 0;
  /** slots of the ring: few at first, since what is used again and again stays near the processor */
  #slots: number;
  /** per ring slot and acceptor: the ballot of its newest acceptance, and the value */
  #ballots: Float64Array;
  #values: (Uint8Array | undefined)[];
  /** per ring slot: the ballot a quorum accepted, or 0 */
  #closed: Float64Array;
  #chosen: (Uint8Array | undefined)[];
  /** what a leader counted: every instance of this stretch is chosen, at this ballot; 0: it told nothing */
  #counted = { ballot: 0, from: 0, to: 0 };

  constructor(options: LearnerOptions) {
    const { acceptors, window = 65_536, maxBytes = 67_108_864, catchUp = true, self = -1 } = options;
    invariant(window >= 1 && (window & (window - 1)) === 0, 'a ring has a power of two slots');
    this.acceptors = acceptors;
    this.window = window;
    this.maxBytes = maxBytes;
    this.#quorum = quorumSize(acceptors);
    this.#self = self;
    this.#waitingForFirst = !catchUp;
    this.#hasBegun = catchUp;
    this.#slots = Math.min(window, FIRST_SLOTS);
    this.#ballots = new Float64Array(this.#slots * acceptors);
    this.#values = nothing(this.#slots * acceptors);
    this.#closed = new Float64Array(this.#slots);
    this.#chosen = nothing(this.#slots);
  }

  /** The next instance to deliver; all below are delivered, or skipped by setInstanceId. */
  get nextInstanceId(): number {
    return this.#next;
  }

  /** The highest instance known to be chosen; 0: none. */
  get highestClosed(): number {
    return this.#highestClosed;
  }

  /** The highest instance that any acceptor was heard to have accepted; 0: none. */
  get highestSeen(): number {
    return this.#highestSeen;
  }

  /** The highest instance that a leader said is chosen; 0: none. */
  get highestCounted(): number {
    return this.#counted.to;
  }

  /** True until the first instance is heard of, for a learner that does not start from 1. */
  get waitingForFirst(): boolean {
    return this.#waitingForFirst;
  }

  /** True once it is settled where it begins: one acceptor's word does not settle that, a chosen instance does. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Goes on after `instanceId`, which a checkpoint holds: the next to deliver is the one above. */
  setInstanceId(instanceId: number): void {
    this.#waitingForFirst = false;
    this.#hasBegun = true;
    const next = instanceId + 1;
    if (next <= this.#next) return;
    const last = Math.min(next, this.#next + this.#slots);
    for (let i = this.#next; i < last; i++) this.#clear(i);
    this.#next = next;
    this.#highestClosed = Math.max(this.#highestClosed, instanceId);
  }

  /** Counts one acceptor's acceptance of `value` at `acceptedBallot`. Keeps the view, not a copy. Hot. */
  receiveAccepted(
    acceptorId: number,
    instanceId: number,
    acceptedBallot: number,
    value: Uint8Array,
  ): LearnOutcome {
    if (acceptorId < 0 || acceptorId >= this.acceptors) return 'no such acceptor';
    if (!this.#hasBegun && instanceId > 0) this.#beginNear(instanceId);
    if (instanceId < this.#next) return 'delivered already';
    if (instanceId > this.#highestSeen) this.#highestSeen = instanceId;
    if (instanceId >= this.#next + this.window) return 'beyond the window';
    while (instanceId >= this.#next + this.#slots) this.#grow();

    const slot = instanceId & (this.#slots - 1);
    if (this.#closed[slot] !== 0) return 'counted';
    const base = slot * this.acceptors;
    const mine = base + acceptorId;
    const newest = this.#ballots[mine] ?? 0;
    if (acceptedBallot < newest) return 'older';
    // A restarted original gets a second value accepted at the same ballot: what the acceptor holds now counts.
    if (acceptedBallot === newest && sameBytes(this.#values[mine] ?? value, value)) return 'older';

    let count = 1;
    let kept = value;
    for (let other = base; other < base + this.acceptors; other++) {
      if (other === mine || this.#ballots[other] !== acceptedBallot) continue;
      const theirs = this.#values[other];
      if (theirs === undefined || !sameBytes(theirs, value)) continue;
      kept = theirs;
      count++;
    }
    // The next instance always has room: with it, all that is kept can be handed on.
    if (count === 1 && this.#keptBytes >= this.maxBytes && instanceId !== this.#next) return 'no room';
    if (count === 1 && !this.#isKept(base, value)) this.#keptBytes += value.length;
    this.#ballots[mine] = acceptedBallot;
    this.#keep(base, mine, kept);
    if (count < this.#quorum && !this.#isCounted(instanceId, acceptedBallot)) return 'counted';
    this.#close(instanceId, acceptedBallot, kept);
    return 'closed';
  }

  /**
   * The leader of `ballot` counted a quorum there for every instance from `from` to `to`, inclusive. What any acceptor
   * accepted there at that very ballot is what was chosen, since a ballot has one value an instance.
   * @returns false if a later leader has told more since, so that this is not looked at
   */
  receiveChosen(ballot: number, from: number, to: number): boolean {
    const known = this.#counted;
    if (ballot < known.ballot) return false;
    // What one leader tells joins what it told before: it may come late, or on another way.
    const isMore = ballot === known.ballot && from <= known.to + 1 && to + 1 >= known.from;
    this.#counted = isMore
      ? { ballot, from: Math.min(from, known.from), to: Math.max(to, known.to) }
      : { ballot, from, to };
    const first = Math.max(isMore && from >= known.from ? known.to + 1 : from, this.#next);
    const last = Math.min(to, this.#highestSeen, this.#next + this.#slots - 1);
    for (let i = first; i <= last; i++) {
      const slot = i & (this.#slots - 1);
      if (this.#closed[slot] !== 0) continue;
      for (let mine = slot * this.acceptors; mine < (slot + 1) * this.acceptors; mine++) {
        const value = this.#values[mine];
        if (value === undefined || this.#ballots[mine] !== ballot) continue;
        this.#close(i, ballot, value);
        break;
      }
    }
    return true;
  }

  /**
   * An acceptor learned that `value` was chosen, at `ballot`: no vote, and none is needed. Keeps the view, in the place
   * of its vote, which counts no more. Has room beside acceptances: what is asked for is bounded. Hot.
   */
  receiveLearned(acceptorId: number, instanceId: number, ballot: number, value: Uint8Array): LearnOutcome {
    if (acceptorId < 0 || acceptorId >= this.acceptors) return 'no such acceptor';
    if (!this.#hasBegun || instanceId >= this.#next + this.window) return 'beyond the window';
    if (this.isClosed(instanceId)) return 'delivered already';
    while (this.#next + this.#slots <= instanceId) this.#grow();
    if (this.#keptBytes >= 2 * this.maxBytes && instanceId !== this.#next) return 'no room';
    if (instanceId > this.#highestSeen) this.#highestSeen = instanceId;
    const base = (instanceId & (this.#slots - 1)) * this.acceptors;
    if (!this.#isKept(base, value)) this.#keptBytes += value.length;
    this.#ballots[base + acceptorId] = ballot;
    this.#keep(base, base + acceptorId, value);
    this.#close(instanceId, ballot, value);
    return 'closed';
  }

  #isCounted(instanceId: number, acceptedBallot: number): boolean {
    const { ballot, from, to } = this.#counted;
    return acceptedBallot === ballot && instanceId >= from && instanceId <= to;
  }

  #close(instanceId: number, ballot: number, value: Uint8Array): void {
    const slot = instanceId & (this.#slots - 1);
    this.#closed[slot] = ballot;
    this.#chosen[slot] = value;
    if (instanceId > this.#highestClosed) this.#highestClosed = instanceId;
    if (!this.#hasBegun) this.#begin(instanceId);
  }

  /** Puts a value in an acceptor's place. One that several hold is one, and counted with the first. */
  #keep(base: number, mine: number, value: Uint8Array): void {
    const former = this.#values[mine];
    this.#values[mine] = value;
    if (former !== undefined && !this.#isKept(base, former)) this.#keptBytes -= former.length;
  }

  #isKept(base: number, value: Uint8Array): boolean {
    for (let i = base; i < base + this.acceptors; i++) if (this.#values[i] === value) return true;
    return false;
  }

  /** Before anything is chosen: makes room for an instance; what is too far from it is given up, being perhaps nonsense. */
  #beginNear(instanceId: number): void {
    const low = Math.min(this.#next, instanceId);
    const high = Math.max(this.#highestSeen, instanceId);
    if (this.#waitingForFirst || high - low >= this.window) {
      for (let i = this.#next; i <= this.#highestSeen; i++) this.#clear(i);
      this.#next = instanceId;
      this.#highestSeen = instanceId;
    } else {
      while (high - low >= this.#slots) this.#grow();
      this.#next = low;
    }
    this.#waitingForFirst = false;
  }

  /** The first instance is chosen: begins there, or at one below that an acceptor told of. */
  #begin(instanceId: number): void {
    this.#hasBegun = true;
    const lowest = Math.max(this.#next, instanceId - FIRST_SPAN);
    while (this.#next < lowest || !this.#isHeardOf(this.#next)) this.#clear(this.#next++);
  }

  #isHeardOf(instanceId: number): boolean {
    const base = (instanceId & (this.#slots - 1)) * this.acceptors;
    return this.#ballots.subarray(base, base + this.acceptors).some((ballot) => ballot !== 0);
  }

  /** The next instance in order, if it is closed; each is handed out once. */
  deliverNext(): Chosen | undefined {
    const slot = this.#next & (this.#slots - 1);
    const value = this.#chosen[slot];
    if (value === undefined) return undefined;
    const ballot = this.#closed[slot] ?? NO_BALLOT;
    const isHeld = this.#isHeld(slot, ballot, value);
    const chosen = { instanceId: brand(this.#next), ballot, value, isHeld };
    this.#clear(this.#next);
    this.#next++;
    return chosen;
  }

  /** What was accepted at the ballot of a choice, or above, is what was chosen; bytes are compared all the same. */
  #isHeld(slot: number, ballot: number, value: Uint8Array): boolean {
    const own = slot * this.acceptors + this.#self;
    const held = this.#self < 0 ? undefined : this.#values[own];
    return held !== undefined && (this.#ballots[own] ?? 0) >= ballot && sameBytes(held, value);
  }

  /** True if an instance is known to be chosen. */
  isClosed(instanceId: number): boolean {
    if (instanceId < this.#next) return true;
    return instanceId < this.#next + this.#slots && this.#closed[instanceId & (this.#slots - 1)] !== 0;
  }

  /** The stretch from the next instance to the highest closed one, if the next is missing while a later one is known. */
  hasHoles(): { readonly from: number; readonly to: number } | undefined {
    if (this.#highestClosed < this.#next || this.isClosed(this.#next)) return undefined;
    return { from: this.#next, to: this.#highestClosed };
  }

  /** The stretches from `from` to `to` of which it is not known what was chosen. */
  *missing(from: number, to: number): Generator<{ readonly from: number; readonly to: number }> {
    for (let first = from; first <= to; first++) {
      if (this.isClosed(first)) continue;
      let last = first;
      while (last < to && !this.isClosed(last + 1)) last++;
      yield { from: first, to: last };
      first = last;
    }
  }

  /** Another learner in the same state, sharing nothing that changes. */
  copy(): Learner {
    const { acceptors, window, maxBytes } = this;
    const copy = new Learner({ acceptors, window, maxBytes, self: this.#self });
    copy.#keptBytes = this.#keptBytes;
    copy.#waitingForFirst = this.#waitingForFirst;
    copy.#hasBegun = this.#hasBegun;
    copy.#next = this.#next;
    copy.#highestClosed = this.#highestClosed;
    copy.#highestSeen = this.#highestSeen;
    copy.#counted = this.#counted;
    copy.#slots = this.#slots;
    copy.#ballots = this.#ballots.slice();
    copy.#values = [...this.#values];
    copy.#closed = this.#closed.slice();
    copy.#chosen = [...this.#chosen];
    return copy;
  }

  /** Writes down all that this learner's future depends on. */
  writeState(to: StateWriter): void {
    to.number(this.#waitingForFirst ? 2 : this.#hasBegun ? 0 : 1);
    to.number(this.#next);
    to.number(this.#highestClosed);
    to.number(this.#highestSeen);
    for (const number of Object.values(this.#counted)) to.number(number);
    const last = Math.min(this.#highestSeen, this.#next + this.#slots - 1);
    for (let i = this.#next; i <= last; i++) {
      const slot = i & (this.#slots - 1);
      to.number(this.#closed[slot] ?? 0);
      to.bytes(this.#chosen[slot]);
      if (this.#closed[slot] !== 0) continue;
      for (const acceptor of to.order) {
        to.number(this.#ballots[slot * this.acceptors + acceptor] ?? 0);
        to.bytes(this.#values[slot * this.acceptors + acceptor]);
      }
    }
  }

  /** Doubles the ring, up to the window, and puts what it holds in its new place. */
  #grow(): void {
    const { acceptors } = this;
    const former = { slots: this.#slots, ballots: this.#ballots, values: this.#values };
    const [closed, chosen] = [this.#closed, this.#chosen];
    this.#slots *= 2;
    this.#ballots = new Float64Array(this.#slots * acceptors);
    this.#values = nothing(this.#slots * acceptors);
    this.#closed = new Float64Array(this.#slots);
    this.#chosen = nothing(this.#slots);
    for (let i = this.#next; i < this.#next + former.slots; i++) {
      const from = i & (former.slots - 1);
      const to = i & (this.#slots - 1);
      this.#closed[to] = closed[from] ?? 0;
      this.#chosen[to] = chosen[from];
      for (let a = 0; a < acceptors; a++) {
        this.#ballots[to * acceptors + a] = former.ballots[from * acceptors + a] ?? 0;
        this.#values[to * acceptors + a] = former.values[from * acceptors + a];
      }
    }
  }

  #clear(instanceId: number): void {
    const slot = instanceId & (this.#slots - 1);
    const base = slot * this.acceptors;
    for (let i = base; i < base + this.acceptors; i++) {
      const value = this.#values[i];
      this.#ballots[i] = 0;
      this.#values[i] = undefined;
      if (value !== undefined && !this.#isKept(base, value)) this.#keptBytes -= value.length;
    }
    this.#closed[slot] = 0;
    this.#chosen[slot] = undefined;
  }
}

function nothing(slots: number): (Uint8Array | undefined)[] {
  return new Array<Uint8Array | undefined>(slots).fill(undefined);
}
