/**
 * ProposerRole: the proposer on the network. Leads if nobody else does, follows whoever leads.
 *
 *   following → (nobody is heard) standing → leading → (outvoted, yielding, or no quorum) following
 *
 * While leading it proposes what waits; while following the ValueRouter passes that on. Acceptors of ours are asked
 * for ranges of instances, originals instance by instance. See core Proposer for what makes a ballot safe to use.
 */
import { ballotAbove, ballotOwner, MAX_BALLOT } from '../paxos/ballot.ts';
import type { Chosen } from '../paxos/learner.ts';
import type { Proposer } from '../paxos/proposer.ts';
import { type AcceptorStatus, Role } from '../transport/messages.ts';
import type { Timer } from '../transport/transport.ts';
import { Asking } from './asking.ts';
import { BusyPoll } from './busy-poll.ts';
import { ASK_AGAIN_MS } from './campaign.ts';
import { Candidacy } from './candidacy.ts';
import { ballotsExhausted, lastInstance } from './exhausted.ts';
import { Leadership, LOST_SPREAD_MS } from './leadership.ts';
import type { Peer } from './peer.ts';
import { PhaseTwo } from './phase-two.ts';
import { coreOf, type ProposerRoleOptions } from './proposer-core.ts';
import { Raises } from './raises.ts';
import type { PeerListener, ProposerHandler, RangedPromise } from './roles.ts';
import { hasOurProposer, leaderRoute } from './routes.ts';
import { Trims } from './trims.ts';
import type { Route, Value } from './values.ts';

/** A disk that has not answered for so many leader timeouts has stalled. A slow one, on which all have to wait, has not. */
const STALLED_TIMEOUTS = 4;

type State = 'following' | 'standing' | 'leading';

export class ProposerRole implements ProposerHandler, PeerListener {
  readonly core: Proposer<Value>;
  readonly #options: ProposerRoleOptions;
  readonly #leadership: Leadership;
  #state: State = 'following';
  readonly #trims: Trims;
  /** the trim point that was acted on last */
  #trimmedTo = 0;
  readonly #asking: Asking;
  readonly #candidacy: Candidacy;
  #announced = false;
  /** the acceptor that told of the leader last */
  #heardFrom: Peer | undefined;
  /** the highest ballot that this process proposed with */
  #usedBallot = 0;
  readonly #raises: Raises;
  readonly #phaseTwo: PhaseTwo;
  readonly #busyPoll: BusyPoll;
  #ticks: Timer | undefined;
  #heartbeatAt = 0;
  #resendAt = 0;
  #closed = false;

  constructor(options: ProposerRoleOptions) {
    const { id, config, clock, random, turn } = options;
    this.#options = options;
    const { leaderTimeoutMs } = config;
    const acceptors = config.acceptors.length;
    this.core = coreOf(options);
    this.#leadership = new Leadership({ id, leaderTimeoutMs, random }, clock.now());
    this.#raises = new Raises(leaderTimeoutMs, random);
    this.#asking = new Asking({ ...options, core: this.core });
    const settled = () => Math.max(options.highestChosen(), this.core.low - 1);
    this.#trims = new Trims(acceptors, lastInstance(config), settled, () => this.#asking.acceptors);
    const trimmed = () => this.#trims.believed;
    this.#candidacy = new Candidacy({ ...options, core: this.core, asking: this.#asking, trimmed });
    this.#phaseTwo = new PhaseTwo({ ...options, core: this.core, asking: this.#asking });
    this.#busyPoll = new BusyPoll(options);
    turn.addStep(() => this.#pump());
    turn.setEnd(() => this.#stayAwake());
  }

  get isLeading(): boolean {
    return this.#state === 'leading';
  }

  get leaderBallot(): number {
    return this.isLeading ? this.core.ballot : this.#leadership.leaderBallot(this.#options.clock.now());
  }

  start(): void {
    if (this.#closed) return;
    this.#tick();
    const intervalMs = Math.max(5, this.#options.config.heartbeatIntervalMs / 2);
    this.#ticks = this.#options.clock.after(intervalMs, () => this.start());
  }

  close(): void {
    this.#closed = true;
    this.#ticks?.cancel();
    this.#phaseTwo.close();
  }

  /** Where waiting values go now: here while we lead, else to the leader. */
  route(): Route {
    if (this.#state === 'leading') return 'here';
    const leaderId = this.#leadership.leaderId(this.#options.clock.now());
    if (leaderId === undefined) return 'nowhere';
    const { peers, config } = this.#options;
    return leaderRoute(peers, { leaderId, via: this.#heardFrom, leaderTimeoutMs: config.leaderTimeoutMs });
  }

  /** An instance was delivered, in order. */
  onDelivered({ instanceId, ballot, value }: Chosen): void {
    const finished = this.core.receiveDelivered(instanceId, ballot, value);
    if (finished?.chosen !== undefined) this.#options.chosen(finished.chosen);
  }

  /** Instances up to here are settled: in a checkpoint, or trimmed. */
  setInstanceId(instanceId: number): void {
    this.core.setInstanceId(instanceId);
    this.#options.turn.schedule();
  }

  onPeerReady(peer: Peer): void {
    if (peer.acceptorId < 0) return;
    this.#asking.rangeAnswered(peer.acceptorId);
    this.#candidacy.met(peer);
    if (!peer.isOurs && this.#state !== 'following')
      this.#asking.prepareSingles(peer, this.core.low, this.core.next);
    this.#advance();
  }

  onPeerClosed(peer: Peer): void {
    this.#loseLeader(peer);
    if (peer.acceptorId < 0) return;
    this.core.forget(peer.acceptorId, 'session');
    this.#candidacy.lost(peer.acceptorId);
  }

  onPromise(peer: Peer, instanceId: number, ballot: number, valueBallot: number, value: Uint8Array): void {
    const aid = peer.acceptorId;
    this.#asking.heard(aid);
    this.#candidacy.noteProbe(aid, instanceId, valueBallot > 0);
    const kept = valueBallot > 0 ? value.slice() : value;
    const outcome = this.core.receivePromise(aid, instanceId, ballot, valueBallot, kept);
    const promise = { instanceId, promisedBallot: ballot, valueBallot, value };
    if (this.isLeading && this.#phaseTwo.receivePromise(peer, promise) === 'blocked') this.#raiseIfTime();
    if (outcome === 'prepare') this.#asking.prepareSingle(peer, instanceId, this.core.ballot);
    else if (outcome === 'preempted') this.#preemptedIfBlocked();
    else this.#advance();
  }

  /** Hot. */
  onAccepted(peer: Peer, instanceId: number, acceptedBallot: number, value: Uint8Array): void {
    this.#asking.heard(peer.acceptorId);
    this.#phaseTwo.receiveAccepted(peer.acceptorId, instanceId, acceptedBallot, value);
  }

  onAcceptedRange(peer: Peer, ballot: number, from: number, to: number): void {
    this.#asking.heard(peer.acceptorId);
    this.#phaseTwo.receiveAcceptedRange(peer, ballot, from, to);
  }

  onPreempted(peer: Peer, instanceId: number, ballot: number): void {
    this.#asking.heard(peer.acceptorId);
    const isStuck = ballot > this.core.ballot && this.#phaseTwo.repairs.giveUp(instanceId);
    const outcome = this.core.receivePreempted(peer.acceptorId, instanceId, ballot);
    if (outcome === 'preempted' || isStuck) this.#preempted();
  }

  onAcceptorState(peer: Peer, trimInstanceId: number): void {
    this.#asking.heard(peer.acceptorId);
    this.#noteTrim(peer.acceptorId, trimInstanceId);
  }

  onStatus(peer: Peer, status: AcceptorStatus): void {
    const aid = peer.acceptorId;
    this.#asking.heard(aid);
    this.#noteTrim(aid, status.trimInstanceId);
    if (this.core.receiveHighestBallot(aid, status.highestBallot) === 'preempted') this.#preemptedIfBlocked();
    this.#candidacy.noteStatus(status);
    this.#advance();
    if (this.#state === 'leading') this.#asking.prepareRange(peer);
  }

  onPromisedValue(
    peer: Peer,
    ballot: number,
    instanceId: number,
    valueBallot: number,
    value: Uint8Array,
  ): void {
    this.#asking.rangeUnderWay(peer.acceptorId);
    const now = this.#options.clock.now();
    this.core.receivePromisedValue(peer.acceptorId, ballot, instanceId, valueBallot, value.slice(), now);
  }

  onPromiseFrom(peer: Peer, promise: RangedPromise): void {
    const aid = peer.acceptorId;
    this.#asking.heard(aid);
    this.#noteTrim(aid, promise.trimInstanceId);
    const { ballot, from, to, promisedBallot, count } = promise;
    const outcome = this.core.receivePromiseFrom(aid, ballot, from, to, promisedBallot, count);
    // After a refusal the next question waits: asked again at once, a replica would refuse itself without end.
    if (outcome === 'counted') this.#asking.rangeAnswered(aid);
    if (outcome === 'preempted') this.#preempted();
  }

  /** An acceptor passed a leader's heartbeat on, or it came from the leader; our own comes back as a sign of life. */
  onLeader(peer: Peer, ballot: number, next: number): void {
    const aid = peer.acceptorId;
    if (aid >= 0) this.#asking.heard(aid);
    if (ballotOwner(ballot) === this.core.id || this.core.ballot > ballot) return;
    if (aid >= 0 && !this.core.hear(aid, ballot)) return;
    if (aid >= 0) this.#heardFrom = peer;
    this.#follow(ballot, 'a proposer of a higher ballot leads');
    // Below a leader's new values its first phase tells what is chosen; above them ours never will be.
    if (ballot > this.#usedBallot && next < Number.MAX_SAFE_INTEGER) this.core.withdrawFrom(next);
    this.#options.turn.schedule();
  }

  /** An acceptor tells of an old instance that a learner cannot learn: it is run again, at our ballot. */
  onRepair(peer: Peer, instanceId: number): void {
    this.#asking.heard(peer.acceptorId);
    if (
      !this.isLeading ||
      instanceId <= this.#trims.believed ||
      instanceId > lastInstance(this.#options.config)
    )
      return;
    if (instanceId < this.core.low && this.#phaseTwo.repair(instanceId) === 'blocked') this.#raiseIfTime();
  }

  /** An instance was chosen just now, not asked for as history: whoever proposed it is active, and leads. */
  onChosenLive(ballot: number): void {
    const owner = ballotOwner(ballot);
    if (owner === this.core.id) return;
    // Of ours the higher ballot leads. An original, which never yields, is active at whatever ballot.
    if (ballot < this.core.ballot && hasOurProposer(this.#options.peers, owner)) return;
    this.core.noteBallot(ballot);
    this.#follow(ballot, 'another proposer is active');
  }

  /** The last connection to the leader closed: its process has most likely ended, and nobody need wait for a timeout. */
  #loseLeader(peer: Peer): void {
    const { peers, clock } = this.#options;
    const id = peer.hasRole(Role.proposer) ? peer.peerHello?.id : undefined;
    if (id === undefined || hasOurProposer(peers, id) || !this.#leadership.lose(id, clock.now())) return;
    clock.after(LOST_SPREAD_MS, () => this.#tick());
  }

  /** An acceptor lost its storage, and what it promised counts no more: begins again without it. */
  distrust(): void {
    if (this.#state !== 'following') this.#giveUp('an acceptor has lost its storage');
  }

  #follow(ballot: number, reason: string): void {
    const news = this.#leadership.hear(ballot, this.#options.turn.now);
    this.#stepDown(reason);
    if (!news) return;
    this.#options.observer.report({ type: 'following', proposerId: ballotOwner(ballot), ballot });
  }

  #stepDown(reason: string): void {
    this.#candidacy.end();
    if (this.#state === 'leading') {
      this.#options.observer.report({ type: 'stepped-down', ballot: this.core.ballot, reason });
      this.#phaseTwo.restart();
      this.core.stepDown(this.#options.clock.now());
    }
    this.#state = 'following';
  }

  /** Leads no more, and leaves others time to. */
  #giveUp(reason: string): void {
    this.#stepDown(reason);
    this.#leadership.backOff(this.#options.clock.now());
  }

  /**
   * Somebody promised a higher ballot. One of ours that took it is about to lead: it is waited for. An original may only
   * have prepared: our ballot goes above its own, once that is in our way, but not again and again.
   */
  #preempted(): void {
    const now = this.#options.clock.now();
    if (this.#leadership.leaderBallot(now) > this.core.ballot)
      this.#stepDown('another proposer leads with a higher ballot');
    if (this.#state !== 'leading') return;
    const winner = ballotOwner(this.core.highestSeen);
    if (winner !== this.core.id && hasOurProposer(this.#options.peers, winner))
      this.#giveUp(`proposer ${winner} took a higher ballot`);
    else if (winner !== this.core.id && this.#raises.isContested(now))
      this.#follow(this.core.highestSeen, 'another proposer does not yield');
    else this.#raiseIfTime();
  }

  #raiseIfTime(): void {
    if (this.#raises.mayRaise(this.#options.clock.now())) this.#raise();
  }

  /** What was promised to somebody else is in our way only where it keeps an instance from us. */
  #preemptedIfBlocked(): void {
    if (this.core.isWaitingForPromises) this.#preempted();
  }

  #raise(): void {
    const now = this.#options.clock.now();
    const ballot = ballotAbove(this.core.highestSeen, this.core.id);
    if (ballot > MAX_BALLOT) {
      this.#options.failed(ballotsExhausted());
      return;
    }
    this.#raises.note(now, this.core.low - 1);
    this.#state = 'leading';
    this.#announced = false;
    this.#phaseTwo.restart();
    this.core.raise(ballot, now);
    this.#usedBallot = ballot;
    this.#asking.prepareAll();
    // Right behind the question, so that nobody else stands meanwhile, nor proposes at our ballot.
    this.#heartbeat(now);
    this.#options.turn.schedule();
  }

  /** Goes as far with the candidacy as the answers allow. */
  #advance(): void {
    if (this.#state !== 'standing') return;
    const outcome = this.#candidacy.advance(this.#options.clock.now(), this.#leadership.lostBallot);
    if (outcome === 'elected') {
      this.#candidacy.end();
      this.#raise();
    } else if (outcome !== 'waiting') this.#follow(outcome.leaderHeard, 'a leader is heard');
  }

  /** The proposer's part of a turn's end: proposes all it can. */
  #pump(): boolean {
    if (this.#state !== 'leading') return false;
    this.#phaseTwo.pump();
    if (this.core.waitingCount > 0 && this.core.highestSeen > this.core.ballot) this.#preemptedIfBlocked();
    this.#asking.prepareRanges();
    return false;
  }

  #stayAwake(): void {
    if (this.#state === 'leading') this.#busyPoll.turnEnded(this.core.low < this.core.nextToAccept);
  }

  #tick(): void {
    if (this.#closed) return;
    const now = this.#options.clock.now();
    if (this.#state === 'following' && this.#leadership.isTimeToAsk(now) && !this.#isDiskStalled) {
      this.#state = 'standing';
      this.#candidacy.begin(now);
    } else this.#advance();
    if (this.#state === 'leading') this.#tickLeading(now);
    if (now < this.#resendAt) return;
    this.#resendAt = now + Math.min(ASK_AGAIN_MS, 500 * this.#options.config.proposerTimeoutS);
    if (this.#state === 'leading' || this.#candidacy.isProbing) this.#asking.resend(now);
  }

  #tickLeading(now: number): void {
    if (this.core.highestSeen > this.core.ballot) this.#preemptedIfBlocked();
    if (!this.#asking.isHeardByQuorum(now)) this.#giveUp('no quorum of acceptors answers');
    else if (this.#isDiskStalled) this.#giveUp('the disk of this process does not answer');
    if (now < this.#heartbeatAt || this.#state !== 'leading') return;
    this.#heartbeat(now);
    if (this.#announced || this.core.nextToAccept === 0) return;
    this.#announced = true;
    this.#options.observer.report({ type: 'leading', ballot: this.core.ballot, from: this.core.low });
  }

  /** True while others lead better: this process learns and answers late. One or two can do nothing without it. */
  get #isDiskStalled(): boolean {
    const { diskWaitingMs, config } = this.#options;
    return config.acceptors.length > 2 && diskWaitingMs() > STALLED_TIMEOUTS * config.leaderTimeoutMs;
  }

  #heartbeat(now: number): void {
    this.#heartbeatAt = now + this.#options.config.heartbeatIntervalMs;
    this.#asking.heartbeat(this.#options.delivered());
  }

  #noteTrim(acceptorId: number, trimInstanceId: number): void {
    this.#trims.note(acceptorId, trimInstanceId);
    const { believed } = this.#trims;
    if (believed <= this.#trimmedTo) return;
    this.#trimmedTo = believed;
    this.#candidacy.noteHistory(believed);
    if (believed >= this.core.low) this.setInstanceId(believed);
  }
}
