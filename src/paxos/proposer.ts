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
 * the queue, or with one instance, until it is known what was chosen there.
 * Algorithm: Lamport, "Paxos Made Simple" (2001), sections 2.2 and 3.
 */
import { sameBytes } from './acceptor.ts';
import { ballotOwner, MAX_BALLOT, MAX_PROPOSERS } from './ballot.ts';
import { HeardBallots } from './heard.ts';
import { invariant } from './invariant.ts';
import type { PreemptedOutcome, PromiseOutcome } from './promises.ts';
import type { Accept, Finished, ProposerOptions } from './proposal.ts';
import { countAcceptors, quorumSize } from './quorum.ts';
import type { StateWriter } from './state.ts';
import type { Submission } from './waiting.ts';
import { Phase, Window } from './window.ts';

export class Proposer<S extends Submission = Submission> {
  readonly id: number;
  readonly acceptors: number;
  readonly preexecWindow: number;
  readonly #quorum: number;
  #window: Window<S>;
  #ballot = 0;
  #heard: HeardBallots;
  /** the lowest instance still in phase 1: phase 2 is entered in order */
  #nextToAccept = 1;
  #highestReported = 0;

  constructor(options: ProposerOptions<S>) {
    const { id, acceptors, window = 128, inFlight = 8192, join } = options;
    invariant(id >= 0 && id < MAX_PROPOSERS, 'a proposer has an id from 0 to 9');
    invariant(window >= 1 && window <= inFlight, 'the prepared window fits among the open instances');
    this.id = id;
    this.acceptors = acceptors;
    this.preexecWindow = window;
    this.#quorum = quorumSize(acceptors);
    this.#heard = new HeardBallots(acceptors);
    this.#window = new Window<S>({ acceptors, size: inFlight, join });
  }

  /** The ballot held now; 0 before start() and after stepDown(). */
  get ballot(): number {
    return this.#ballot;
  }

  /** The highest ballot heard of; the next one has to be above it. Above `ballot` whenever that was preempted. */
  get highestSeen(): number {
    return this.#heard.highest;
  }

  /** Every instance below `low` is finished here; `next` is the first that was not opened yet. */
  get low(): number {
    return this.#window.low;
  }
  get next(): number {
    return this.#window.next;
  }

  /** A quorum was counted at the present ballot for every instance from here up to below `low`. */
  get countedFrom(): number {
    return this.#window.countedFrom;
  }

  /** The value that is proposed in an instance at the present ballot; undefined: none, or it is chosen. Hot. */
  proposed(instanceId: number): Uint8Array | undefined {
    return this.#window.accepting(instanceId);
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
    if (this.#ballot === 0 || !this.#window.promises.isEndless()) return Number.MAX_SAFE_INTEGER;
    return Math.max(this.#nextToAccept, this.#highestReported + 1);
  }

  /** The highest instance that is known to have a value: a promise at the present ballot told, or it is chosen; 0: none. */
  get highestReported(): number {
    return this.#highestReported;
  }

  /** How many instances are in phase 1. */
  get preparedCount(): number {
    return this.#window.next - this.#nextToAccept;
  }

  /** True if the next value has to wait: no quorum has promised the present ballot for the next instance. */
  get isWaitingForPromises(): boolean {
    return !this.#window.isPromised(this.#nextToAccept);
  }

  /** Values that wait for an instance, and their bytes. */
  get waitingCount(): number {
    return this.#window.own.waitingCount;
  }
  get waitingBytes(): number {
    return this.#window.own.waitingBytes;
  }

  /** Hands in a value; it is proposed when an instance is free for it. */
  propose(submission: S): void {
    this.#window.own.propose(submission);
  }

  /** Takes the next waiting value back, to give it to another proposer. */
  takeWaiting(): S | undefined {
    return this.#window.own.takeWaiting();
  }

  /** Remembers a ballot that is beyond doubt. */
  noteBallot(ballot: number): void {
    this.#heard.note(ballot);
  }

  /** Remembers a ballot that an acceptor told of; false if that is not believed. */
  hear(acceptorId: number, ballot: number): boolean {
    return acceptorId < this.acceptors && this.#heard.hear(acceptorId, ballot);
  }

  /**
   * Begins, or begins again, at `ballot` with phase 1 for all open instances. Ask everybody again.
   * @param ballot one of ours, above `highestSeen`
   */
  raise(ballot: number, now: number): void {
    invariant(ballot > this.highestSeen && ballot <= MAX_BALLOT, 'a ballot is above everything heard of');
    invariant(ballot >= MAX_PROPOSERS && ballotOwner(ballot) === this.id, 'a ballot is ours, and no probe');
    this.#restart(ballot, now);
    this.noteBallot(ballot);
  }

  /** Gives the ballot up. Values in open instances stay there until it is known what was chosen. */
  stepDown(now: number): void {
    this.#restart(0, now);
  }

  #restart(ballot: number, now: number): void {
    this.#ballot = ballot;
    this.#window.restart(ballot, now);
    this.#highestReported = this.#window.highestDone;
    this.#nextToAccept = this.#window.low;
  }

  /** Opens instances until the window of prepared ones is full. Returns those opened, [from, to); often none. */
  openInstances(now: number): { readonly from: number; readonly to: number } {
    const from = this.next;
    while (this.preparedCount < this.preexecWindow && !this.#window.isFull()) this.#window.open(now);
    return { from, to: this.next };
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
    if (valueBallot > ballot || !this.hear(acceptorId, ballot) || !w.isPreparing(instanceId))
      return 'ignored';

    const slot = w.slot(instanceId);
    const outcome = w.promises.receive(acceptorId, slot, ballot);
    if (outcome === 'preempted') this.#mustRise();
    if (outcome === 'counted' && this.#ballot !== 0) this.#report(instanceId, slot, valueBallot, value);
    return outcome;
  }

  /** An acceptor of ours told the highest ballot it ever promised, before it was asked for a range. */
  receiveHighestBallot(acceptorId: number, highestBallot: number): PreemptedOutcome {
    if (!this.hear(acceptorId, highestBallot)) return 'ignored';
    const outcome = this.#window.promises.receiveHighest(acceptorId, highestBallot);
    if (outcome === 'preempted') this.#mustRise();
    return outcome;
  }

  /** Preempted at our own ballot: an earlier process of our id got so far, and may have got further. */
  #mustRise(): void {
    if (this.highestSeen <= this.#ballot) this.noteBallot(this.#ballot + MAX_PROPOSERS);
  }

  /** True once a quorum has told what it promised: for the lowest open instance, or for every one there ever was. */
  hasProbedQuorum(of: 'lowest' | 'all' = 'lowest'): boolean {
    const w = this.#window;
    return w.promises.isProbedByQuorum(of === 'lowest' && w.has(w.low) ? w.slot(w.low) : undefined);
  }

  /** Who has told of promises below the present ballot for every instance there is: a bit mask of acceptors. */
  get probedForAll(): number {
    return this.#window.promises.toldMask;
  }

  /** The stretch of instances that an acceptor of ours is to be asked for next, or undefined if all are covered. */
  rangeToPrepare(acceptorId: number): { readonly from: number; readonly to: number } | undefined {
    const { low, size, promises } = this.#window;
    const from = promises.ranged.nextFrom(acceptorId, low);
    return from === undefined || from >= low + size ? undefined : { from, to: low + size - 1 };
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
    if (acceptorId >= this.acceptors || ballot !== this.#ballot || ballot === 0) return;
    if (valueBallot > ballot || instanceId >= w.low + w.size) return;
    w.promises.ranged.countPiece(acceptorId, instanceId);
    while (w.next <= instanceId) w.open(now);
    if (w.isPreparing(instanceId)) this.#report(instanceId, w.slot(instanceId), valueBallot, value);
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
    if (!this.hear(acceptorId, promisedBallot) || ballot !== this.#ballot || ballot === 0) return 'ignored';
    if (promisedBallot > ballot) return 'preempted';
    const { low, promises } = this.#window;
    return promises.ranged.complete(acceptorId, from, to, count, low) ? 'counted' : 'ignored';
  }

  /** A question for a stretch is asked anew, or its connection is lost, and with it what was told there. */
  forget(acceptorId: number, what: 'pieces' | 'session'): void {
    if (what === 'session') this.#window.promises.forgetSession(acceptorId);
    else this.#window.promises.ranged.forgetPieces(acceptorId);
  }

  #report(instanceId: number, slot: number, valueBallot: number, value: Uint8Array): void {
    const isNew = this.#window.report(slot, valueBallot, value);
    if (isNew && instanceId > this.#highestReported) this.#highestReported = instanceId;
  }

  /**
   * The next ACCEPT to send, or undefined: no instance is prepared, or no value is there for it. Hot.
   * @param fillBelow an instance below, for which no value is there, gets a no-op; 0: none does
   */
  accept(now: number, fillBelow = 0): Accept | undefined {
    const w = this.#window;
    if (this.#ballot === 0) return undefined;
    while (w.isDone(this.#nextToAccept)) this.#nextToAccept++;
    const instanceId = this.#nextToAccept;
    if (!w.isPromised(instanceId)) return undefined;
    const slot = w.slot(instanceId);
    let value = w.foreign(slot) ?? w.own.assign(slot, this.#ballot)?.value;
    // A quorum promised and told of no value, so none was chosen at a lower ballot: this is as good as any.
    if (value === undefined && instanceId < fillBelow) value = w.fill(slot, this.#ballot);
    if (value === undefined) return undefined;
    w.phase[slot] = Phase.accepting;
    w.accepted[slot] = 0;
    w.sentAt[slot] = now;
    this.#nextToAccept++;
    return { instanceId, ballot: this.#ballot, value };
  }

  /** Counts an acceptance of our ACCEPT; the instance that is finished by it, or undefined. Hot. */
  receiveAccepted(
    acceptorId: number,
    instanceId: number,
    acceptedBallot: number,
    value?: Uint8Array,
  ): Finished<S> | undefined {
    const w = this.#window;
    if (acceptorId >= this.acceptors || acceptedBallot !== this.#ballot || !w.has(instanceId))
      return undefined;
    const slot = w.slot(instanceId);
    if (w.phase[slot] !== Phase.accepting) return undefined;
    // Another value at our ballot: an original of our id runs as well, or somebody lies. It is no vote for ours.
    if (value !== undefined && !sameBytes(value, w.proposed(slot) ?? value)) return undefined;
    const accepted = (w.accepted[slot] ?? 0) | (1 << acceptorId);
    w.accepted[slot] = accepted;
    if (countAcceptors(accepted) < this.#quorum) return undefined;
    return this.#finish(instanceId, w.foreign(slot) === undefined, true);
  }

  /** An instance is chosen. A value of ours that was with it is what was chosen, or waits again. */
  #finish(instanceId: number, isOwn: boolean, isCounted: boolean): Finished<S> {
    const { own } = this.#window;
    const slot = this.#window.slot(instanceId);
    const chosen = isOwn ? own.settle(slot) : undefined;
    own.giveBack(slot);
    this.#window.finish(instanceId, isCounted);
    this.#nextToAccept = Math.max(this.#nextToAccept, this.#window.low);
    return { chosen };
  }

  /** An acceptor refused our ACCEPT for a higher ballot. */
  receivePreempted(acceptorId: number, instanceId: number, ballot: number): PreemptedOutcome {
    const w = this.#window;
    if (!this.hear(acceptorId, ballot)) return 'ignored';
    if (this.#ballot === 0 || ballot <= this.#ballot || !w.has(instanceId)) return 'ignored';
    return w.phase[w.slot(instanceId)] === Phase.accepting ? 'preempted' : 'ignored';
  }

  /**
   * An instance was delivered, in instance order: `value` was chosen at `acceptedBallot`, whoever proposed it. A value
   * of ours that lost the instance waits again.
   */
  receiveDelivered(instanceId: number, acceptedBallot: number, value: Uint8Array): Finished<S> | undefined {
    const w = this.#window;
    if (instanceId >= w.next) this.setInstanceId(instanceId);
    if (!w.has(instanceId) || w.isDone(instanceId)) return undefined;
    return this.#finish(instanceId, w.own.isOwn(w.slot(instanceId), acceptedBallot, value), false);
  }

  /**
   * Every instance up to `instanceId` is settled elsewhere (trimmed, in a checkpoint): go on above it. Values of ours
   * there wait again, and may be chosen twice: nobody here knows what became of them.
   */
  setInstanceId(instanceId: number): void {
    this.#window.finishAll(instanceId);
    this.#nextToAccept = Math.max(this.#nextToAccept, this.#window.low);
  }

  /** True if a value of ours is in an open instance. */
  holdsOwn(): boolean {
    return this.#window.own.assignedCount > 0;
  }

  /**
   * Takes back the values of ours with open instances from `from` on, which another proposer will not run there. If it
   * falls silent before it has filled them, a third may still find ours there; it is then chosen twice.
   */
  withdrawFrom(from: number): void {
    invariant(this.#ballot === 0, 'values are withdrawn only by a proposer that stepped down');
    const w = this.#window;
    for (let i = w.next - 1; i >= Math.max(from, w.low); i--) w.own.giveBack(w.slot(i));
  }

  /** Instances in phase 1 that have waited `timeoutMs` for a quorum; their clocks start again. */
  timedOutPrepares(now: number, timeoutMs: number): number[] {
    const w = this.#window;
    return w.late(Phase.preparing, now, timeoutMs).filter((i) => this.#ballot === 0 || !w.isPromised(i));
  }

  /** ACCEPTs that have waited `timeoutMs` for a quorum, to be sent again; their clocks start again. */
  timedOutAccepts(now: number, timeoutMs: number): Accept[] {
    const w = this.#window;
    return w.late(Phase.accepting, now, timeoutMs).map((instanceId) => {
      const value = w.proposed(w.slot(instanceId));
      invariant(value !== undefined, 'an instance in phase 2 has a value');
      return { instanceId, ballot: this.#ballot, value };
    });
  }

  /** True if an acceptor's probe for an open instance has been answered: then it is asked at our ballot. */
  isProbed(acceptorId: number, instanceId: number): boolean {
    const w = this.#window;
    return w.has(instanceId) && w.promises.isProbed(acceptorId, w.slot(instanceId));
  }

  /** True if an open instance is in phase 1 and this acceptor's own promise for it is missing. */
  wantsPromise(acceptorId: number, instanceId: number): boolean {
    const w = this.#window;
    return w.isPreparing(instanceId) && !w.promises.isPromised(acceptorId, w.slot(instanceId));
  }

  /** Another proposer in the same state, sharing nothing that changes. */
  copy(): Proposer<S> {
    const { id, acceptors, preexecWindow: window } = this;
    const copy = new Proposer<S>({ id, acceptors, window, inFlight: this.#window.size });
    copy.#window = this.#window.copy();
    copy.#ballot = this.#ballot;
    copy.#heard = this.#heard.copy();
    copy.#nextToAccept = this.#nextToAccept;
    copy.#highestReported = this.#highestReported;
    return copy;
  }

  /** Writes down all that this proposer's future depends on. */
  writeState(to: StateWriter): void {
    for (const n of [this.#ballot, this.#nextToAccept, this.#highestReported]) to.number(n);
    this.#heard.writeState(to);
    this.#window.writeState(to);
  }
}
