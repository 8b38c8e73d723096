/**
 * Proposer: gets values chosen, one an instance, in instance order. Contacts no one; what is to be sent is returned.
 *
 *   start(b) → prepare(i, b) for a window of instances → promise × quorum → accept(i, b, v) → accepted × quorum: chosen
 *
 * One ballot is held for all open instances; raise() takes a higher one for all. An acceptor is asked either instance
 * by instance (an original), or once for a range (one of ours); a quorum may mix both.
 *
 * Invariants: an ACCEPT goes out only once a quorum promised its ballot for that instance *and* a quorum had told,
 * in this process's lifetime, of promises below that ballot: so no earlier process used it with another value. If the
 * quorum reported values, the one of the highest ballot is proposed. A value of our own is in one place at a time: in
 * the queue, or in one instance.
 *
 * Algorithm: Lamport, "Paxos Made Simple" (2001), sections 2.2 and 3.
 */
import { ballotOwner, MAX_BALLOT } from './ballot.ts';
import { invariant } from './invariant.ts';
import { countAcceptors, quorumSize } from './quorum.ts';
import { RangedPromises } from './ranged.ts';
import { type Submission, WaitingValues } from './waiting.ts';
import { Phase, Window } from './window.ts';

/** An ACCEPT to be sent to every acceptor. */
export interface Accept {
  readonly instanceId: number;
  readonly ballot: number;
  readonly value: Uint8Array;
}

/** prepare: ask this acceptor for this instance again, at the present ballot. preempted: see `highestSeen`. */
export type PromiseOutcome = 'ignored' | 'counted' | 'prepare' | 'preempted';
export type PreemptedOutcome = 'ignored' | 'preempted';

/** What became of an instance that was chosen. */
export interface Finished<S> {
  /** our own value that was chosen there, if it was one */
  readonly chosen: S | undefined;
}

export interface ProposerOptions {
  /** 0 to 9 */
  readonly id: number;
  /** how many acceptors the cluster has, 1 to 10 */
  readonly acceptors: number;
  /** how many instances are prepared ahead; 128 unless told */
  readonly window?: number;
  /** how many instances may be open at once; a power of two, at least `window`. 8,192 unless told. */
  readonly inFlight?: number;
}

export class Proposer<S extends Submission = Submission> {
  readonly id: number;
  readonly acceptors: number;
  readonly preexecWindow: number;
  readonly #quorum: number;
  readonly #window: Window<S>;
  readonly #waiting = new WaitingValues<S>();
  readonly #ranged: RangedPromises;
  #ballot = 0;
  #highestSeen = 0;
  /** the lowest instance still in phase 1: phase 2 is entered in order */
  #nextToAccept = 1;
  /** the highest instance for which a promise at the present ballot carried a value */
  #highestReported = 0;

  constructor(options: ProposerOptions) {
    const { id, acceptors, window = 128, inFlight = 8192 } = options;
    invariant(window >= 1 && window <= inFlight, 'the prepared window fits among the open instances');
    this.id = id;
    this.acceptors = acceptors;
    this.preexecWindow = window;
    this.#quorum = quorumSize(acceptors);
    this.#window = new Window(inFlight);
    this.#ranged = new RangedPromises(acceptors);
  }

  /** The ballot held now; 0 before start() and after stepDown(). */
  get ballot(): number {
    return this.#ballot;
  }

  /** The highest ballot heard of; the next one has to be above it. */
  get highestSeen(): number {
    return this.#highestSeen;
  }

  /** Every instance below is finished here. */
  get low(): number {
    return this.#window.low;
  }

  /** The first instance that was not opened yet. */
  get next(): number {
    return this.#window.next;
  }

  /** The lowest instance in phase 1: from here on nothing was proposed at the present ballot. */
  get nextToAccept(): number {
    return this.#nextToAccept;
  }

  /**
   * From here on no value was proposed at the present ballot, and none can be chosen at a lower one; 2^53-1 where that
   * is not known, since it takes a quorum that promised without end.
   */
  get newValuesFrom(): number {
    const endless = this.#ranged.promisedMask(Number.MAX_SAFE_INTEGER);
    if (this.#ballot === 0 || countAcceptors(endless) < this.#quorum) return Number.MAX_SAFE_INTEGER;
    return Math.max(this.#nextToAccept, this.#highestReported + 1);
  }

  /** How many instances are in phase 1. */
  get preparedCount(): number {
    return this.#window.next - this.#nextToAccept;
  }

  /** Values that wait for an instance. */
  get waitingCount(): number {
    return this.#waiting.count;
  }

  get waitingBytes(): number {
    return this.#waiting.bytes;
  }

  /** Hands in a value; it is proposed when an instance is free for it. */
  propose(submission: S): void {
    this.#waiting.push(submission);
  }

  /** Takes the next waiting value back, to give it to another proposer. */
  takeWaiting(): S | undefined {
    return this.#waiting.shift();
  }

  /** Remembers a ballot heard of in whatever way. */
  noteBallot(ballot: number): void {
    if (ballot > this.#highestSeen && ballot <= MAX_BALLOT) this.#highestSeen = ballot;
  }

  /** Begins, or begins again, at `ballot` with phase 1 for all open instances. Ask everybody again. */
  raise(ballot: number, now: number): void {
    invariant(
      ballot > this.#ballot && ballotOwner(ballot) === this.id && ballot <= MAX_BALLOT,
      'a ballot only rises',
    );
    this.#restart(ballot, now);
    this.noteBallot(ballot);
  }

  /** Gives the ballot up. Values in open instances stay there until it is known what was chosen. */
  stepDown(now: number): void {
    this.#restart(0, now);
  }

  #restart(ballot: number, now: number): void {
    const w = this.#window;
    this.#ballot = ballot;
    this.#ranged.restart();
    this.#highestReported = 0;
    for (let i = w.low; i < w.next; i++) {
      const slot = w.slot(i);
      if (w.phase[slot] !== Phase.done) w.restart(slot, now);
    }
    this.#nextToAccept = w.low;
  }

  /** Opens instances until the window of prepared ones is full. Returns those opened, [from, to); often none. */
  openInstances(now: number): { readonly from: number; readonly to: number } {
    const w = this.#window;
    const from = w.next;
    while (this.preparedCount < this.preexecWindow && !w.isFull()) w.open(now);
    return { from, to: w.next };
  }

  /** One acceptor's answer for one instance: to a probe if below our ballot, else to our prepare. */
  receivePromise(
    acceptorId: number,
    instanceId: number,
    ballot: number,
    valueBallot: number,
    value: Uint8Array,
  ): PromiseOutcome {
    const w = this.#window;
    if (acceptorId >= this.acceptors || ballot > MAX_BALLOT || valueBallot > ballot) return 'ignored';
    this.noteBallot(ballot);
    if (!w.has(instanceId)) return 'ignored';
    const slot = w.slot(instanceId);
    if (w.phase[slot] !== Phase.preparing) return 'ignored';

    const bit = 1 << acceptorId;
    const probed = ((w.probed[slot] ?? 0) & bit) !== 0;
    if (this.#ballot === 0) {
      w.probed[slot] = (w.probed[slot] ?? 0) | bit;
      return probed ? 'ignored' : 'counted';
    }
    if (ballot > this.#ballot) return 'preempted';
    if (ballot < this.#ballot) {
      w.probed[slot] = (w.probed[slot] ?? 0) | bit;
      return ((w.promised[slot] ?? 0) & bit) === 0 ? 'prepare' : 'ignored';
    }
    // Our own ballot, though this acceptor was never asked for it here: an earlier process of this id used it.
    if (!probed) return 'preempted';
    if (((w.promised[slot] ?? 0) & bit) !== 0) return 'ignored';
    w.promised[slot] = (w.promised[slot] ?? 0) | bit;
    this.#report(instanceId, slot, valueBallot, value);
    return 'counted';
  }

  /** An acceptor of ours told the highest ballot it ever promised, before it was asked for a range. */
  receiveHighestBallot(acceptorId: number, highestBallot: number): PreemptedOutcome {
    if (acceptorId >= this.acceptors) return 'ignored';
    this.noteBallot(highestBallot);
    this.#ranged.probe(acceptorId);
    return this.#ballot !== 0 && highestBallot > this.#ballot ? 'preempted' : 'ignored';
  }

  /** True once a quorum has told what it promised, for the lowest open instance: then a ballot can be chosen. */
  hasProbedQuorum(): boolean {
    const slot = this.#window.slot(this.#window.low);
    const single = this.#window.has(this.#window.low) ? (this.#window.probed[slot] ?? 0) : 0;
    return countAcceptors(single | this.#ranged.probedMask) >= this.#quorum;
  }

  /** The stretch of instances that an acceptor of ours is to be asked for next, or undefined if all are covered. */
  rangeToPrepare(acceptorId: number): { readonly from: number; readonly to: number } | undefined {
    const from = this.#ranged.nextFrom(acceptorId, this.#window.low);
    const to = this.#window.low + this.#window.size - 1;
    return from === undefined || from > to ? undefined : { from, to };
  }

  /** One accepted record of a ranged promise. It is believed at once; the promise counts with its last piece. */
  receivePromisedValue(
    acceptorId: number,
    ballot: number,
    instanceId: number,
    valueBallot: number,
    value: Uint8Array,
    now: number,
  ): void {
    const w = this.#window;
    if (acceptorId >= this.acceptors || ballot !== this.#ballot || ballot === 0 || valueBallot > ballot)
      return;
    if (instanceId >= w.low + w.size) return;
    this.#ranged.countPiece(acceptorId);
    while (w.next <= instanceId) w.open(now);
    if (!w.has(instanceId)) return;
    const slot = w.slot(instanceId);
    if (w.phase[slot] === Phase.preparing) this.#report(instanceId, slot, valueBallot, value);
  }

  /** The last piece of a ranged promise: it covers `from` to `to`, and `count` values went before. */
  receivePromiseFrom(
    acceptorId: number,
    ballot: number,
    from: number,
    to: number,
    promisedBallot: number,
    count: number,
  ): PromiseOutcome {
    if (acceptorId >= this.acceptors || promisedBallot > MAX_BALLOT) return 'ignored';
    this.noteBallot(promisedBallot);
    if (ballot !== this.#ballot || ballot === 0) return 'ignored';
    if (promisedBallot > ballot) return 'preempted';
    return this.#ranged.complete(acceptorId, from, to, count, this.#window.low) ? 'counted' : 'ignored';
  }

  /** Forgets the pieces of a ranged promise that a lost connection cut off. */
  forgetPieces(acceptorId: number): void {
    this.#ranged.forgetPieces(acceptorId);
  }

  #report(instanceId: number, slot: number, valueBallot: number, value: Uint8Array): void {
    const w = this.#window;
    if (valueBallot <= (w.reportedBallot[slot] ?? 0)) return;
    if (instanceId > this.#highestReported) this.#highestReported = instanceId;
    w.reportedBallot[slot] = valueBallot;
    w.reported[slot] = value;
  }

  #promisedByQuorum(instanceId: number, slot: number): boolean {
    const w = this.#window;
    const promised = (w.promised[slot] ?? 0) | this.#ranged.promisedMask(instanceId);
    if (countAcceptors(promised) < this.#quorum) return false;
    return countAcceptors((w.probed[slot] ?? 0) | this.#ranged.probedMask) >= this.#quorum;
  }

  /** The next ACCEPT to send, or undefined: no instance is prepared, or no value is there for it. Hot. */
  accept(now: number): Accept | undefined {
    const w = this.#window;
    if (this.#ballot === 0) return undefined;
    while (this.#nextToAccept < w.next && w.phase[w.slot(this.#nextToAccept)] === Phase.done)
      this.#nextToAccept++;
    const instanceId = this.#nextToAccept;
    if (instanceId >= w.next) return undefined;
    const slot = w.slot(instanceId);
    if (!this.#promisedByQuorum(instanceId, slot)) return undefined;

    const value = this.#valueFor(slot);
    if (value === undefined) return undefined;
    w.phase[slot] = Phase.accepting;
    w.accepted[slot] = 0;
    w.sentAt[slot] = now;
    this.#nextToAccept++;
    return { instanceId, ballot: this.#ballot, value };
  }

  /** What must, or may, be proposed in a slot that a quorum promised. */
  #valueFor(slot: number): Uint8Array | undefined {
    const w = this.#window;
    const own = w.own[slot];
    const reported = w.reported[slot];
    if (reported !== undefined && !this.#isOwn(slot, w.reportedBallot[slot] ?? 0)) {
      // Ours, if it was sent here at a lower ballot, can no longer be chosen here: it may go elsewhere.
      if (own !== undefined) this.#waiting.unshift(own);
      w.own[slot] = undefined;
      w.ownSince[slot] = 0;
      return reported;
    }
    const submission = own ?? this.#waiting.shift();
    if (submission === undefined) return undefined;
    if (own === undefined) {
      w.own[slot] = submission;
      w.ownSince[slot] = this.#ballot;
    }
    return submission.value;
  }

  /** True if what was accepted in this slot at `ballot` is the value of our own that is assigned to it. */
  #isOwn(slot: number, ballot: number): boolean {
    const w = this.#window;
    return w.own[slot] !== undefined && ballotOwner(ballot) === this.id && ballot >= (w.ownSince[slot] ?? 0);
  }

  /** Counts an acceptance of our ACCEPT; the instance that is finished by it, or undefined. Hot. */
  receiveAccepted(acceptorId: number, instanceId: number, acceptedBallot: number): Finished<S> | undefined {
    const w = this.#window;
    if (acceptorId >= this.acceptors || acceptedBallot !== this.#ballot || !w.has(instanceId))
      return undefined;
    const slot = w.slot(instanceId);
    if (w.phase[slot] !== Phase.accepting) return undefined;
    const accepted = (w.accepted[slot] ?? 0) | (1 << acceptorId);
    w.accepted[slot] = accepted;
    if (countAcceptors(accepted) < this.#quorum) return undefined;

    return this.#finish(instanceId, w.own[slot]);
  }

  #finish(instanceId: number, chosen: S | undefined): Finished<S> {
    const w = this.#window;
    w.finish(instanceId);
    if (this.#nextToAccept < w.low) this.#nextToAccept = w.low;
    return { chosen };
  }

  /** An acceptor refused our ACCEPT for a higher ballot. */
  receivePreempted(acceptorId: number, instanceId: number, ballot: number): PreemptedOutcome {
    const w = this.#window;
    if (acceptorId >= this.acceptors || ballot > MAX_BALLOT) return 'ignored';
    this.noteBallot(ballot);
    if (this.#ballot === 0 || ballot <= this.#ballot || !w.has(instanceId)) return 'ignored';
    return w.phase[w.slot(instanceId)] === Phase.accepting ? 'preempted' : 'ignored';
  }

  /**
   * An instance was delivered, in instance order: chosen at `acceptedBallot`, whoever proposed it. A value of ours
   * that lost it goes back to the front of the queue.
   */
  receiveDelivered(instanceId: number, acceptedBallot: number): Finished<S> | undefined {
    const w = this.#window;
    if (instanceId >= w.next) this.setInstanceId(instanceId);
    if (!w.has(instanceId)) return undefined;
    const slot = w.slot(instanceId);
    if (w.phase[slot] === Phase.done) return undefined;
    const own = w.own[slot];
    const chosen = this.#isOwn(slot, acceptedBallot) ? own : undefined;
    if (own !== undefined && chosen === undefined) this.#waiting.unshift(own);
    return this.#finish(instanceId, chosen);
  }

  /** Every instance up to `instanceId` is settled elsewhere (trimmed, delivered, in a checkpoint): go on above it. */
  setInstanceId(instanceId: number): void {
    const w = this.#window;
    const last = Math.min(instanceId, w.next - 1);
    for (let i = last; i >= w.low; i--) {
      const own = w.own[w.slot(i)];
      if (own !== undefined) this.#waiting.unshift(own);
    }
    for (let i = w.low; i <= last; i++) w.finish(i);
    if (instanceId >= w.next) w.moveTo(instanceId + 1);
    this.#nextToAccept = Math.max(this.#nextToAccept, w.low);
  }

  /** True if a value of ours is in an open instance. */
  holdsOwn(): boolean {
    const w = this.#window;
    for (let i = w.low; i < w.next; i++) if (w.own[w.slot(i)] !== undefined) return true;
    return false;
  }

  /** Takes back the values of ours in open instances from `from` on, which can no longer be chosen there. */
  withdrawFrom(from: number): void {
    invariant(this.#ballot === 0, 'values are withdrawn only by a proposer that stepped down');
    const w = this.#window;
    for (let i = w.next - 1; i >= Math.max(from, w.low); i--) {
      const slot = w.slot(i);
      const own = w.own[slot];
      if (own === undefined) continue;
      this.#waiting.unshift(own);
      w.own[slot] = undefined;
      w.ownSince[slot] = 0;
    }
  }

  /** Instances in phase 1 that have waited `timeoutMs` for a quorum; their clocks start again. */
  timedOutPrepares(now: number, timeoutMs: number): number[] {
    const w = this.#window;
    const late: number[] = [];
    for (let i = w.low; i < w.next; i++) {
      const slot = w.slot(i);
      if (w.phase[slot] !== Phase.preparing || now - (w.sentAt[slot] ?? 0) < timeoutMs) continue;
      if (this.#ballot !== 0 && this.#promisedByQuorum(i, slot)) continue;
      w.sentAt[slot] = now;
      late.push(i);
    }
    return late;
  }

  /** ACCEPTs that have waited `timeoutMs` for a quorum, to be sent again; their clocks start again. */
  timedOutAccepts(now: number, timeoutMs: number): Accept[] {
    const w = this.#window;
    const late: Accept[] = [];
    for (let i = w.low; i < w.next; i++) {
      const slot = w.slot(i);
      if (w.phase[slot] !== Phase.accepting || now - (w.sentAt[slot] ?? 0) < timeoutMs) continue;
      const value = w.own[slot]?.value ?? w.reported[slot];
      invariant(value !== undefined, 'an instance in phase 2 has a value');
      w.sentAt[slot] = now;
      late.push({ instanceId: i, ballot: this.#ballot, value });
    }
    return late;
  }

  /** True if an acceptor's probe for an open instance has been answered: then it is asked at our ballot. */
  isProbed(acceptorId: number, instanceId: number): boolean {
    const w = this.#window;
    return w.has(instanceId) && ((w.probed[w.slot(instanceId)] ?? 0) & (1 << acceptorId)) !== 0;
  }

  /** True if an open instance is in phase 1 and this acceptor's own promise for it is missing. */
  wantsPromise(acceptorId: number, instanceId: number): boolean {
    const w = this.#window;
    if (!w.has(instanceId)) return false;
    const slot = w.slot(instanceId);
    return w.phase[slot] === Phase.preparing && ((w.promised[slot] ?? 0) & (1 << acceptorId)) === 0;
  }
}
