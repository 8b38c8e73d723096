/**
 * LearnerRole: the learner on the network. Counts what acceptors accepted, takes what one of them has learned, and
 * delivers in order.
 *
 *   ACCEPTED, CHOSEN, CHOSEN_VALUE → core Learner → deliver, in order, at the end of the turn
 *   a hole, or acceptors that are further → CatchUp asks
 *
 * Invariant: each instance is delivered once, in order, without gaps.
 */
import type { Config } from '../config/config.ts';
import { MAX_BALLOT } from '../paxos/ballot.ts';
import { type Chosen, Learner } from '../paxos/learner.ts';
import { encodeQuery } from '../transport/encode.ts';
import type { AcceptorStatus } from '../transport/messages.ts';
import type { Clock } from '../transport/transport.ts';
import { BehindTrim } from './behind-trim.ts';
import { CatchUp } from './catch-up.ts';
import { lastInstance } from './exhausted.ts';
import type { Observer } from './observer.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import { AcceptorsReach } from './reach.ts';
import type { LearnerHandler, PeerListener } from './roles.ts';
import { Sparing } from './sparing.ts';
import type { Turn } from './turn.ts';

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
  /** the acceptor in this process, if there is one */
  readonly self?: number;
  /** which acceptor is asked first for what was missed: learners are to ask different ones */
  readonly firstSource: number;
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
  readonly #reach: AcceptorsReach;
  readonly #trims: BehindTrim;
  readonly #catchUp: CatchUp;
  readonly #sparing: Sparing;
  #saidBehindTrim = 0;
  /** at which ballot an instance was chosen last that was not asked for as history, and when */
  #chosenBallot = 0;
  #chosenAt = Number.NEGATIVE_INFINITY;
  /** false until it is known where to begin */
  #isPlaced: boolean;

  constructor(options: LearnerRoleOptions) {
    this.#options = options;
    const acceptors = options.config.acceptors.length;
    const { window, self = -1, start } = options;
    this.core = new Learner({ acceptors, window, catchUp: start !== 'heard', self });
    this.#sparing = new Sparing(options.peers);
    this.#isPlaced = options.start !== 'chosen';
    this.#reach = new AcceptorsReach(acceptors);
    this.#trims = new BehindTrim(acceptors);
    this.#catchUp = new CatchUp({
      ...options,
      core: this.core,
      reach: this.#reach,
      trims: this.#trims,
      lastInstance: lastInstance(options.config),
      isPlaced: () => this.#isPlaced,
      wantsMore: () => options.wantsMore === undefined || options.wantsMore(),
      standsStill: (next) => this.#lookForTrim(next),
      isStuck: () => this.#sparing.listen(options.clock.now()),
    });
    options.turn.addStep(() => this.#deliver());
  }

  start(): void {
    this.#catchUp.start();
  }

  close(): void {
    this.#catchUp.close();
  }

  /** Everything up to `instanceId` is settled; a learner that did not know where to begin begins above it. */
  place(instanceId: number): void {
    if (!this.#isPlaced) this.setInstanceId(instanceId);
  }

  /** The highest instance delivered without a gap. */
  get delivered(): number {
    return this.core.nextInstanceId - 1;
  }

  /** The ballot at which values were chosen within the leader timeout: whose it is gets them chosen. 0: none were. */
  get chosenBallot(): number {
    const { clock, config } = this.#options;
    return clock.now() - this.#chosenAt <= config.leaderTimeoutMs ? this.#chosenBallot : 0;
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
    this.#catchUp.onOriginal();
  }

  onPeerClosed(peer: Peer): void {
    if (peer.acceptorId < 0) return;
    this.#reach.forget(peer.acceptorId);
    this.#sparing.closed(peer);
    this.#catchUp.onPeerClosed(peer);
  }

  /** Hot. */
  onAccepted(peer: Peer, instanceId: number, acceptedBallot: number, value: Uint8Array): void {
    if (!this.#isPlaced) return;
    if (!peer.isOurs && this.#reach.noteAccepted(peer.acceptorId, instanceId)) this.#catchUp.isFurther();
    const outcome = this.core.receiveAccepted(peer.acceptorId, instanceId, acceptedBallot, value);
    if (outcome !== 'closed' || this.#catchUp.wasAskedFor(instanceId)) return;
    this.#catchUp.closedLive();
    this.#noteChosen(acceptedBallot);
    this.#options.chosenLive?.(acceptedBallot);
  }

  onChosen(leader: Peer, ballot: number, from: number, to: number): void {
    if (!this.#isPlaced || from > to || ballot > MAX_BALLOT) return;
    if (!this.core.receiveChosen(ballot, from, to)) return;
    this.#sparing.heard(leader, ballot, this.#options.clock.now());
    this.#catchUp.closedLive();
    this.#noteChosen(ballot);
    this.#options.turn.schedule();
  }

  /** Hot while catching up. What comes unasked is as true. */
  onChosenValue(peer: Peer, instanceId: number, ballot: number, value: Uint8Array): void {
    if (!this.#isPlaced || ballot <= 0 || ballot > MAX_BALLOT) return;
    this.#catchUp.onChosenValue(peer, value.length);
    this.core.receiveLearned(peer.acceptorId, instanceId, ballot, value);
  }

  onFetched(peer: Peer, from: number, to: number, next: number): void {
    this.#catchUp.onFetched(peer, from, to, next);
  }

  onStatus(peer: Peer, status: AcceptorStatus): void {
    this.#reach.note(peer.acceptorId, status.highestAccepted, status.chosen);
    const chosen = this.#reach.settled;
    if (chosen > 0) this.place(chosen);
    if (!this.#isPlaced) return;
    this.onAcceptorState(peer, status.trimInstanceId);
    this.#catchUp.onStatus(peer);
  }

  onAcceptorState(peer: Peer, trimInstanceId: number): void {
    if (trimInstanceId > lastInstance(this.#options.config)) return;
    this.#trims.note(peer.acceptorId, trimInstanceId);
    if (this.#options.start !== 'chosen' || !this.#isPlaced) return;
    // A proposer needs no history: what was trimmed is settled.
    if (this.#trims.settled >= this.core.nextInstanceId) this.setInstanceId(this.#trims.settled);
  }

  #noteChosen(ballot: number): void {
    this.#chosenBallot = ballot;
    this.#chosenAt = this.#options.turn.now;
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
    this.#catchUp.delivered(count);
    return count > 0;
  }
}
