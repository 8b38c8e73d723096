/**
 * LearnerRole: the learner on the network. Counts what acceptors accepted, delivers in order, and asks for what it
 * missed.
 *
 *   ACCEPTED → core Learner → deliver, in order, at the end of the turn
 *   a hole, or acceptors that are further → REPEAT, a stretch at a time, while answers come
 *
 * Acceptors of ours tell how far they are. Originals do not: they are asked for single instances ever further away, and
 * the furthest that is answered is fetched up to; at least half the way, so that few rounds are enough.
 *
 * Invariant: each instance is delivered once, in order, without gaps.
 */
import type { Config } from '../config/config.ts';
import { MAX_BALLOT, MAX_WIRE_INSTANCE } from '../paxos/ballot.ts';
import { type Chosen, Learner } from '../paxos/learner.ts';
import { kthHighest, quorumSize } from '../paxos/quorum.ts';
import { encodeQuery, encodeRepeat } from '../transport/encode.ts';
import type { AcceptorStatus } from '../transport/messages.ts';
import type { Clock, Timer } from '../transport/transport.ts';
import { BehindTrim } from './behind-trim.ts';
import type { Observer } from './observer.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import type { LearnerHandler, PeerListener } from './roles.ts';
import { Sparing } from './sparing.ts';
import type { Turn } from './turn.ts';

/** Holes are looked for this often, as in the original. */
const HOLES_INTERVAL_MS = 100;
/** How many instances are asked for at a time; the next stretch is asked for when half of it has come. */
const REPEAT_INSTANCES = 2048;
/** How often originals are asked how far they are, after one was connected: each round halves what is left. */
const FAR_ROUNDS = 32;
/** How many stretches that are missing are asked for at a time. */
const MAX_STRETCHES = 64;
/** How many instances are delivered before other work has its turn. */
const MAX_DELIVERIES_PER_TURN = 8192;

export interface LearnerRoleOptions {
  readonly config: Config;
  /** how many instances above the next one are kept, a power of two */
  readonly window: number;
  readonly peers: Peers;
  readonly turn: Turn;
  readonly clock: Clock;
  readonly observer: Observer;
  /**
   * where to begin. one: at instance 1. heard: at the first instance heard of. chosen: above what is known to be
   * chosen, for a proposer, which needs no history but may miss nothing undecided.
   */
  readonly start: 'one' | 'heard' | 'chosen';
  /** takes the next instance; the value is a view, to be copied if it is kept */
  readonly deliver: (chosen: Chosen) => void;
  /** false while whoever takes deliveries has enough of them */
  readonly wantsMore?: () => boolean;
  /** some instances will not be delivered: what was chosen there will never be known here */
  readonly skipped?: () => void;
  /** instances that are needed were trimmed, and the observer, told of it, did not go on above them */
  readonly behindTrim?: (instanceId: number, trimInstanceId: number) => void;
  /** an instance was chosen just now, not asked for as history */
  readonly chosenLive?: (ballot: number) => void;
}

export class LearnerRole implements LearnerHandler, PeerListener {
  readonly core: Learner;
  readonly #options: LearnerRoleOptions;
  /** the highest accepted instance, by acceptor */
  readonly #highest: number[];
  readonly #trims: BehindTrim;
  /** what each acceptor knows to be chosen */
  readonly #chosen: number[];
  readonly #sparing: Sparing;
  #timer: Timer | undefined;
  /** everything up to here was asked for */
  #askedTo = 0;
  #nextAtLastCheck = 0;
  /** how often originals may still be asked how far they are, and from where they were asked last */
  #farRounds = 0;
  #farAskedFrom = 0;
  /** an original told of an instance that is further than those known before */
  #isFurther = false;
  #saidBehindTrim = 0;
  /** false until it is known where to begin */
  #isPlaced: boolean;

  constructor(options: LearnerRoleOptions) {
    this.#options = options;
    const acceptors = options.config.acceptors.length;
    this.core = new Learner({ acceptors, window: options.window, catchUp: options.start !== 'heard' });
    this.#sparing = new Sparing(options.peers);
    this.#isPlaced = options.start !== 'chosen';
    this.#highest = new Array<number>(acceptors).fill(0);
    this.#trims = new BehindTrim(acceptors);
    this.#chosen = new Array<number>(acceptors).fill(0);
    options.turn.addStep(() => this.#deliver());
  }

  start(): void {
    this.#timer = this.#options.clock.after(HOLES_INTERVAL_MS, () => {
      // First, since what is found may end this.
      this.start();
      this.#checkHoles();
    });
  }

  close(): void {
    this.#timer?.cancel();
  }

  /** Everything up to `instanceId` is settled; a learner that did not know where to begin begins above it. */
  place(instanceId: number): void {
    if (!this.#isPlaced) this.setInstanceId(instanceId);
  }

  /** The highest instance delivered without a gap. */
  get delivered(): number {
    return this.core.nextInstanceId - 1;
  }

  /** Goes on above `instanceId`, which a checkpoint holds. */
  setInstanceId(instanceId: number): void {
    this.#isPlaced = true;
    if (instanceId >= this.core.nextInstanceId) this.#options.skipped?.();
    this.core.setInstanceId(instanceId);
    this.#options.turn.schedule();
  }

  onPeerReady(peer: Peer): void {
    if (peer.acceptorId < 0) return;
    this.#sparing.opened();
    if (peer.isOurs) {
      encodeQuery(peer.out, 0);
      peer.sent();
      return;
    }
    this.#farRounds = FAR_ROUNDS;
    this.#farAskedFrom = 0;
    this.#askFar();
  }

  onPeerClosed(peer: Peer): void {
    if (peer.acceptorId < 0) return;
    this.#highest[peer.acceptorId] = 0;
    this.#sparing.closed(peer);
  }

  /** Hot. */
  onAccepted(peer: Peer, instanceId: number, acceptedBallot: number, value: Uint8Array): void {
    if (!this.#isPlaced) return;
    if (!peer.isOurs && instanceId > (this.#highest[peer.acceptorId] ?? 0)) {
      this.#highest[peer.acceptorId] = instanceId;
      this.#isFurther = true;
    }
    const outcome = this.core.receiveAccepted(peer.acceptorId, instanceId, acceptedBallot, value);
    if (outcome === 'closed' && instanceId > this.#askedTo) this.#options.chosenLive?.(acceptedBallot);
  }

  onChosen(leader: Peer, ballot: number, from: number, to: number): void {
    if (!this.#isPlaced || from > to || ballot > MAX_BALLOT) return;
    if (!this.core.receiveChosen(ballot, from, to)) return;
    this.#sparing.heard(leader, ballot, this.#options.clock.now());
    this.#options.turn.schedule();
  }

  onStatus(peer: Peer, status: AcceptorStatus): void {
    this.#highest[peer.acceptorId] = status.highestAccepted;
    this.#chosen[peer.acceptorId] = status.chosen;
    // So many may be wrong; one more cannot.
    const chosen = kthHighest(this.#chosen, this.core.acceptors - quorumSize(this.core.acceptors) + 1);
    if (chosen > 0) this.place(chosen);
    if (!this.#isPlaced) return;
    this.onAcceptorState(peer, status.trimInstanceId);
    this.#askAhead();
  }

  onAcceptorState(peer: Peer, trimInstanceId: number): void {
    if (trimInstanceId > MAX_WIRE_INSTANCE) return;
    this.#trims.note(peer.acceptorId, trimInstanceId);
    if (this.#options.start !== 'chosen' || !this.#isPlaced) return;
    // A proposer needs no history: what was trimmed is settled.
    if (this.#trims.settled >= this.core.nextInstanceId) this.setInstanceId(this.#trims.settled);
  }

  /** Whoever needs what was trimmed is told so, once for each trim point. */
  #lookForTrim(instanceId: number): void {
    // One that has not begun begins with the first instance that is chosen, wherever that is.
    if (this.#options.start === 'chosen' || !this.core.hasBegun) return;
    const { observer, behindTrim } = this.#options;
    const outcome = this.#trims.look(instanceId);
    if (outcome === 'in doubt')
      observer.report({ type: 'trim-in-doubt', instanceId, trimInstanceId: this.#trims.highest });
    const trimInstanceId = this.#trims.lost;
    if (outcome !== 'behind' || trimInstanceId === this.#saidBehindTrim) return;
    this.#saidBehindTrim = trimInstanceId;
    observer.report({ type: 'behind-trim', instanceId, trimInstanceId });
    if (this.core.nextInstanceId <= trimInstanceId) behindTrim?.(instanceId, trimInstanceId);
  }

  /** The highest instance that can be learned, as far as is known. */
  get #reachable(): number {
    const heard = kthHighest(this.#highest, quorumSize(this.core.acceptors));
    return Math.max(heard, this.core.highestClosed, this.core.highestCounted);
  }

  #deliver(): boolean {
    const { deliver, wantsMore, turn } = this.#options;
    let count = 0;
    while (count < MAX_DELIVERIES_PER_TURN && (wantsMore === undefined || wantsMore())) {
      const chosen = this.core.deliverNext();
      if (chosen === undefined) break;
      count++;
      deliver(chosen);
    }
    if (count === MAX_DELIVERIES_PER_TURN) turn.schedule();
    if (this.#isFurther || (count > 0 && this.#askedTo > 0)) this.#askAhead();
    this.#isFurther = false;
    if (this.#farRounds > 0) this.#askFar();
    return count > 0;
  }

  /** While history is being fetched: asks for the next stretch when half of the last has come. */
  #askAhead(): void {
    if (!this.core.hasBegun) return;
    const next = this.core.nextInstanceId;
    const reachable = this.#reachable;
    if (next > reachable || this.#askedTo - next > REPEAT_INSTANCES / 2) return;
    const isLive = this.#askedTo < next && next > this.#farAskedFrom + 2;
    if (isLive && reachable - next < REPEAT_INSTANCES && this.core.highestSeen >= reachable) return;
    const from = Math.max(next, this.#askedTo + 1);
    const to = Math.min(from + REPEAT_INSTANCES - 1, reachable);
    if (from > to) return;
    this.#ask(from, to);
  }

  /** Every 100 ms: what did not come, although it was chosen, is asked for again. */
  #checkHoles(): void {
    if (!this.#isPlaced || this.core.waitingForFirst) return;
    const next = this.core.nextInstanceId;
    const isStuck = next === this.#nextAtLastCheck;
    this.#nextAtLastCheck = next;
    if (!isStuck || this.#options.wantsMore?.() === false) {
      return;
    }
    this.#lookForTrim(next);
    if (next > this.#reachable) return;
    // One acceptor alone told of this instance: history is not fetched on its word.
    if (!this.core.hasBegun && this.#reachable - next > REPEAT_INSTANCES) return;
    this.#sparing.listen(this.#options.clock.now());
    this.#askedTo = 0;
    this.#ask(next, Math.min(next + REPEAT_INSTANCES - 1, this.#reachable));
  }

  /** Asks for what is missing from `from` to `to`: what is here already would only be in the way of the rest. */
  #ask(from: number, to: number): void {
    // Whoever needs what is trimmed needs a checkpoint: nobody has an answer.
    if (this.core.nextInstanceId <= this.#trims.lost) return;
    let askedTo = to;
    let stretches = 0;
    for (const missing of this.core.missing(from, Math.min(to, MAX_WIRE_INSTANCE))) {
      if (stretches++ === MAX_STRETCHES) {
        askedTo = missing.from - 1;
        break;
      }
      this.#askStretch(missing.from, missing.to);
    }
    this.#askedTo = Math.max(this.#askedTo, askedTo);
  }

  #askStretch(from: number, to: number): void {
    for (const peer of this.#options.peers.acceptors) {
      if (peer.isBehind()) continue;
      encodeRepeat(peer.out, from, to);
      peer.sent();
    }
  }

  /** Asks originals for the next instance and for those 1, 3, 7, 15, … above, unless there is enough to fetch. */
  #askFar(): void {
    const next = this.core.nextInstanceId;
    if (!this.#isPlaced || this.core.waitingForFirst || next <= this.#reachable) return;
    if (next === this.#farAskedFrom) return;
    this.#farAskedFrom = next;
    this.#farRounds--;
    for (const peer of this.#options.peers.acceptors) {
      if (peer.isOurs) continue;
      for (let step = 1; next + step - 1 <= MAX_WIRE_INSTANCE; step *= 2)
        encodeRepeat(peer.out, next + step - 1, next + step - 1);
      peer.sent();
    }
  }
}
