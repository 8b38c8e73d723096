/**
 * Repairs: runs single old instances again, for learners that cannot learn them.
 *
 * An instance can be chosen and yet beyond learning: its value was accepted by a quorum at one ballot, then again at a
 * higher one by some of them, and now no quorum tells one ballot. The leader runs it again at its own: phase 1 finds
 * the value, phase 2 gives every acceptor the same ballot. The same fills an instance that nobody decided, which a
 * leader that began above it left behind: a no-op goes there, or a waiting value where there are no no-ops.
 *
 *   REPAIR(i) from an acceptor → PREPARE(i, b) → promises of a quorum → ACCEPT(i, b, v) → accepted by a quorum: done
 *
 * Acceptors of ours have told what they promised anywhere. An original has not: it is probed for that instance first,
 * with round 0, where ours alone are no quorum.
 *
 * Invariants: b is the leader's ballot, which a quorum told to be above all it had promised, there or anywhere; and one
 * value is proposed for an instance at b. For if this process proposed there at b before, the instance is chosen, and
 * phase 1 tells it; or it was proposed by a repair, which stays until it is done or the ballot changes.
 */
import { sameBytes } from '../paxos/acceptor.ts';
import { NO_OP } from '../paxos/no-op.ts';
import type { Accept } from '../paxos/proposal.ts';
import { countAcceptors, Quorum } from '../paxos/quorum.ts';

/** How many instances are run again at a time; a learner that misses more asks again. */
export const MAX_REPAIRS = 256;
const TIMEOUT_MS = 1000;

interface Repair<S> {
  /** who told, for this instance alone, of a promise below the ballot */
  readonly probed: Quorum;
  readonly promised: Quorum;
  readonly accepted: Quorum;
  reportedBallot: number;
  reported: Uint8Array | undefined;
  own: S | undefined;
  accept: Accept | undefined;
  startedAt: number;
}

export interface RepairsOptions<S> {
  readonly acceptors: number;
  /** who told of promises below the ballot for every instance there is, a bit mask */
  readonly probed: () => number;
  /** true while an instance that has no value may get a no-op */
  readonly mayFill: () => boolean;
  /** a waiting value, for an instance that has none */
  readonly takeWaiting: () => S | undefined;
  /** puts one back: it may have been chosen */
  readonly putBack: (own: S) => void;
  readonly chosen: (own: S) => void;
}

/** One acceptor's answer for one instance. */
export interface RepairPromise {
  readonly acceptorId: number;
  readonly instanceId: number;
  /** what it promised there */
  readonly promisedBallot: number;
  readonly valueBallot: number;
  readonly value: Uint8Array;
}

/**
 * An ACCEPT to send to every acceptor. prepare: ask this acceptor at the leader's ballot now. outvoted: it has promised
 * more. used: a quorum promised the leader's ballot, but it is not known whether a former process used it there.
 */
export type RepairOutcome = 'ignored' | 'counted' | 'prepare' | 'outvoted' | 'used' | Accept;

export class Repairs<S extends { readonly value: Uint8Array }> {
  readonly #options: RepairsOptions<S>;
  readonly #open = new Map<number, Repair<S>>();

  constructor(options: RepairsOptions<S>) {
    this.#options = options;
  }

  /** Begins to run an instance again; false if that is under way, or too many are. PREPARE goes to every acceptor. */
  open(instanceId: number, now: number): boolean {
    this.#expire(now);
    const known = this.#open.get(instanceId);
    if (known !== undefined) return this.#restart(known, now);
    if (this.#open.size >= MAX_REPAIRS) return false;
    const { acceptors } = this.#options;
    this.#open.set(instanceId, {
      probed: new Quorum(acceptors),
      promised: new Quorum(acceptors),
      accepted: new Quorum(acceptors),
      reportedBallot: 0,
      reported: undefined,
      own: undefined,
      accept: undefined,
      startedAt: now,
    });
    return true;
  }

  /** One acceptor's answer, to a probe or to a PREPARE at the leader's `ballot`. */
  receivePromise(promise: RepairPromise, ballot: number): RepairOutcome {
    const { acceptorId, instanceId, promisedBallot, valueBallot, value } = promise;
    const repair = this.#open.get(instanceId);
    if (repair === undefined || this.#isPromised(repair) || valueBallot > promisedBallot) return 'ignored';
    if (promisedBallot > ballot) return 'outvoted';
    if (promisedBallot < ballot) {
      repair.probed.add(acceptorId);
      return 'prepare';
    }
    if (!repair.promised.add(acceptorId)) return 'ignored';
    if (valueBallot > repair.reportedBallot) {
      repair.reportedBallot = valueBallot;
      repair.reported = value.slice();
    }
    if (!repair.promised.reached()) return 'counted';
    return this.#isPromised(repair) ? this.#propose(repair, instanceId, ballot) : 'used';
  }

  /** True if a quorum promised, and a quorum had told what it promised before. */
  #isPromised({ probed, promised }: Repair<S>): boolean {
    return promised.reached() && countAcceptors(probed.mask | this.#options.probed()) >= promised.size;
  }

  #propose(repair: Repair<S>, instanceId: number, ballot: number): RepairOutcome {
    if (repair.accept !== undefined) return repair.accept;
    const fills = repair.reported === undefined && this.#options.mayFill();
    if (repair.reported === undefined && !fills) repair.own = this.#options.takeWaiting();
    const proposed = fills ? NO_OP : (repair.reported ?? repair.own?.value);
    if (proposed === undefined) {
      // Nothing was chosen here, and nothing waits: the next value will do.
      this.#open.delete(instanceId);
      return 'counted';
    }
    repair.accept = { instanceId, ballot, value: proposed };
    return repair.accept;
  }

  receiveAccepted(acceptorId: number, instanceId: number, acceptedBallot: number, value: Uint8Array): void {
    if (this.#open.size === 0) return;
    const repair = this.#open.get(instanceId);
    if (repair?.accept?.ballot !== acceptedBallot || !sameBytes(repair.accept.value, value)) return;
    if (!repair.accepted.add(acceptorId)) return;
    if (!repair.accepted.reached()) return;
    this.#open.delete(instanceId);
    if (repair.own !== undefined) this.#options.chosen(repair.own);
  }

  /** What is proposed at `ballot` in these instances. */
  proposed(ballot: number, from: number, to: number): Accept[] {
    const accepts: Accept[] = [];
    for (const { accept } of this.#open.values()) {
      if (accept?.ballot === ballot && accept.instanceId >= from && accept.instanceId <= to)
        accepts.push(accept);
    }
    return accepts;
  }

  /**
   * An acceptor refused: whoever still misses the instance asks again.
   * @returns true if a value was proposed: no other may be at this ballot, so it takes another ballot to go on
   */
  giveUp(instanceId: number): boolean {
    const repair = this.#open.get(instanceId);
    if (repair?.accept !== undefined) return true;
    this.#open.delete(instanceId);
    return false;
  }

  /** The ballot is given up, or changes: whoever still misses something asks again. */
  clear(): void {
    for (const { own } of this.#open.values()) if (own !== undefined) this.#options.putBack(own);
    this.#open.clear();
  }

  /** Asks once more for what got no quorum; what was proposed at this ballot stays what it was. */
  #restart(repair: Repair<S>, now: number): boolean {
    if (now - repair.startedAt <= TIMEOUT_MS) return false;
    repair.startedAt = now;
    repair.promised.clear();
    return true;
  }

  /** What was not answered makes room, but for what was proposed: another value must not be, at this ballot. */
  #expire(now: number): void {
    for (const [instanceId, repair] of this.#open) {
      if (repair.accept === undefined && now - repair.startedAt > TIMEOUT_MS) this.#open.delete(instanceId);
    }
  }
}
