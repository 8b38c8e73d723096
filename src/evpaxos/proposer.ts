/**
 * ProposerRole: the proposer on the network. Leads if nobody else does, follows whoever leads.
 *
 *   following → (nobody is heard) asking → probing → leading → (outvoted, yielding, or no quorum) following
 *
 * While leading it proposes what waits; while following the ValueRouter passes that on. Acceptors of ours are asked
 * for ranges of instances, originals instance by instance. See core Proposer for what makes a ballot safe to use.
 */
import type { Config } from '../config/config.ts';
import { ballotAbove, ballotOwner, MAX_BALLOT, MAX_WIRE_INSTANCE, probeBallot } from '../paxos/ballot.ts';
import { PaxosError } from '../paxos/error.ts';
import type { Chosen } from '../paxos/learner.ts';
import { type Accept, Proposer } from '../paxos/proposer.ts';
import { quorumSize } from '../paxos/quorum.ts';
import {
  encodeAccept,
  encodeHeartbeat,
  encodePrepare,
  encodePrepareFrom,
  encodeQuery,
} from '../transport/encode.ts';
import type { AcceptorStatus } from '../transport/messages.ts';
import type { Clock, Random, Timer } from '../transport/transport.ts';
import { Campaign } from './campaign.ts';
import { Leadership } from './leadership.ts';
import type { Observer } from './observer.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import { Raises } from './raises.ts';
import { Repairs } from './repairs.ts';
import type { PeerListener, ProposerHandler, RangedPromise } from './roles.ts';
import { hasOurProposer, leaderRoute } from './routes.ts';
import type { Turn } from './turn.ts';
import type { Route, Value } from './values.ts';

/** Unanswered questions are asked again this often. */
const ASK_AGAIN_MS = 500;

export interface ProposerRoleOptions {
  readonly id: number;
  readonly config: Config;
  /** how many instances may be open at once, a power of two; so many are run again after the whole cluster stopped */
  readonly inFlight: number;
  readonly peers: Peers;
  readonly turn: Turn;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer;
  /** the highest instance this node has delivered without a gap */
  readonly delivered: () => number;
  /** the highest instance this node knows to be chosen */
  readonly highestChosen: () => number;
  /** a value of this node's was chosen */
  readonly chosen: (value: Value) => void;
  /** everything up to `instanceId` was found to be settled */
  readonly placed: (instanceId: number) => void;
  /** the proposer cannot go on */
  readonly failed: (error: unknown) => void;
}

type State = 'following' | 'asking' | 'probing' | 'leading';

export class ProposerRole implements ProposerHandler, PeerListener {
  readonly core: Proposer<Value>;
  readonly #options: ProposerRoleOptions;
  readonly #leadership: Leadership;
  readonly #quorum: number;
  #state: State = 'following';
  #campaign: Campaign | undefined;
  #nextToken = 1;
  /** trim points told, by acceptor */
  readonly #trims: number[];
  /** when each acceptor was last heard, and last asked for a range */
  readonly #heardAt: number[];
  readonly #rangeAskedAt: number[];
  #announced = false;
  /** the highest ballot that this process proposed with */
  #usedBallot = 0;
  readonly #raises: Raises;
  readonly #repairs: Repairs<Value>;
  #ticks: Timer | undefined;
  #heartbeatAt = 0;
  #resendAt = 0;
  #closed = false;

  constructor(options: ProposerRoleOptions) {
    const { id, config, clock, random, turn, inFlight } = options;
    this.#options = options;
    const acceptors = config.acceptors.length;
    this.#quorum = quorumSize(acceptors);
    const window = Math.min(config.proposerPreexecWindow, inFlight);
    this.core = new Proposer<Value>({ id, acceptors, window, inFlight });
    const { leaderTimeoutMs } = config;
    this.#leadership = new Leadership({ id, leaderTimeoutMs, random }, clock.now());
    this.#raises = new Raises(leaderTimeoutMs, random);
    this.#trims = new Array<number>(acceptors).fill(0);
    this.#heardAt = new Array<number>(acceptors).fill(Number.NEGATIVE_INFINITY);
    this.#rangeAskedAt = new Array<number>(acceptors).fill(Number.NEGATIVE_INFINITY);
    this.#repairs = new Repairs<Value>({
      acceptors,
      takeWaiting: () => this.core.takeWaiting(),
      putBack: (value) => this.core.propose(value),
      chosen: options.chosen,
    });
    turn.addStep(() => this.#pump());
  }

  get isLeading(): boolean {
    return this.#state === 'leading';
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
  }

  /** Where waiting values go now: here while we lead, else to the leader. */
  route(): Route {
    if (this.#state === 'leading') return 'here';
    const leaderId = this.#leadership.leaderId(this.#options.clock.now());
    return leaderId === undefined ? 'nowhere' : leaderRoute(this.#options.peers, leaderId, this.core.id);
  }

  /** An instance was delivered, in order. */
  onDelivered(chosen: Chosen): void {
    const finished = this.core.receiveDelivered(chosen.instanceId, chosen.ballot, chosen.value);
    if (finished?.chosen !== undefined) this.#options.chosen(finished.chosen);
  }

  /** Instances up to here are settled: in a checkpoint, or trimmed. */
  setInstanceId(instanceId: number): void {
    this.core.setInstanceId(instanceId);
    this.#options.turn.schedule();
  }

  onPeerReady(peer: Peer): void {
    if (peer.acceptorId < 0) return;
    this.#heardAt[peer.acceptorId] = this.#options.clock.now();
    this.#rangeAskedAt[peer.acceptorId] = Number.NEGATIVE_INFINITY;
    if (peer.isOurs) this.#query(peer);
    else if (this.#state === 'leading' || this.#state === 'probing')
      this.#prepareSingles(peer, this.core.low, this.core.next);
    if (!peer.isOurs) this.#campaign?.addOriginal(peer.acceptorId);
    this.#advanceCampaign();
  }

  onPeerClosed(peer: Peer): void {
    if (peer.acceptorId < 0) return;
    this.core.forgetPieces(peer.acceptorId);
    this.#campaign?.remove(peer.acceptorId);
  }

  onPromise(peer: Peer, instanceId: number, ballot: number, valueBallot: number, value: Uint8Array): void {
    const aid = peer.acceptorId;
    this.#heard(aid);
    this.#campaign?.addProbeAnswer(aid, instanceId, valueBallot > 0);
    const kept = valueBallot > 0 ? value.slice() : value;
    const outcome = this.core.receivePromise(aid, instanceId, ballot, valueBallot, kept);
    if (this.#state === 'leading' && ballot === this.core.ballot && instanceId < this.core.low) {
      const accept = this.#repairs.receivePromise(aid, instanceId, ballot, valueBallot, value);
      if (accept !== undefined) this.#sendAccept(accept);
    }
    if (outcome === 'prepare') this.#prepareSingle(peer, instanceId, this.core.ballot);
    else if (outcome === 'preempted') this.#preemptedIfBlocked();
    else if (this.#campaign !== undefined) this.#advanceCampaign();
  }

  /** Hot. */
  onAccepted(peer: Peer, instanceId: number, acceptedBallot: number): void {
    const aid = peer.acceptorId;
    this.#heard(aid);
    const finished = this.core.receiveAccepted(aid, instanceId, acceptedBallot);
    this.#repairs.receiveAccepted(aid, instanceId, acceptedBallot);
    if (finished?.chosen !== undefined) this.#options.chosen(finished.chosen);
  }

  onPreempted(peer: Peer, instanceId: number, ballot: number): void {
    this.#heard(peer.acceptorId);
    if (this.core.receivePreempted(peer.acceptorId, instanceId, ballot) === 'preempted') this.#preempted();
  }

  onAcceptorState(peer: Peer, trimInstanceId: number): void {
    this.#heard(peer.acceptorId);
    this.#noteTrim(peer.acceptorId, trimInstanceId);
  }

  onStatus(peer: Peer, status: AcceptorStatus): void {
    const aid = peer.acceptorId;
    this.#heard(aid);
    this.#noteTrim(aid, status.trimInstanceId);
    if (this.core.receiveHighestBallot(aid, status.highestBallot) === 'preempted') this.#preemptedIfBlocked();
    if (this.#campaign !== undefined && status.token === this.#campaign.token)
      this.#campaign.addStatus(status);
    this.#advanceCampaign();
    if (this.#state === 'leading') this.#prepareRange(peer);
  }

  onPromisedValue(
    peer: Peer,
    ballot: number,
    instanceId: number,
    valueBallot: number,
    value: Uint8Array,
  ): void {
    this.#heard(peer.acceptorId);
    const now = this.#options.clock.now();
    this.core.receivePromisedValue(peer.acceptorId, ballot, instanceId, valueBallot, value.slice(), now);
  }

  onPromiseFrom(peer: Peer, promise: RangedPromise): void {
    const aid = peer.acceptorId;
    this.#heard(aid);
    this.#noteTrim(aid, promise.trimInstanceId);
    const { ballot, from, to, promisedBallot, count } = promise;
    const outcome = this.core.receivePromiseFrom(aid, ballot, from, to, promisedBallot, count);
    // After a refusal the next question waits: asked again at once, a replica would refuse itself without end.
    if (outcome === 'counted') this.#rangeAskedAt[aid] = Number.NEGATIVE_INFINITY;
    if (outcome === 'preempted') this.#preempted();
  }

  /** An acceptor passed a leader's heartbeat on; our own comes back as a sign of life. */
  onLeader(peer: Peer, ballot: number, _chosen: number, next: number): void {
    this.#heard(peer.acceptorId);
    if (ballotOwner(ballot) === this.core.id) return;
    if (!this.core.hear(peer.acceptorId, ballot) || this.core.ballot > ballot) return;
    this.#follow(ballot, 'a proposer of a higher ballot leads');
    // Below a leader's new values its first phase tells what is chosen; above them ours never will be.
    if (ballot > this.#usedBallot && next < Number.MAX_SAFE_INTEGER) this.core.withdrawFrom(next);
    this.#options.turn.schedule();
  }

  /** An acceptor tells of an old instance that a learner cannot learn: it is run again, at our ballot. */
  onRepair(peer: Peer, instanceId: number): void {
    this.#heard(peer.acceptorId);
    if (this.#state !== 'leading' || instanceId >= this.core.low) return;
    if (instanceId <= this.#believedTrim() || instanceId > MAX_WIRE_INSTANCE) return;
    if (!this.#repairs.open(instanceId, this.#options.clock.now())) return;
    // Originals have not told what they promised there; ours are asked alone.
    for (const acceptor of this.#options.peers.acceptors()) {
      if (acceptor.isOurs) this.#prepareSingle(acceptor, instanceId, this.core.ballot);
    }
  }

  #heard(acceptorId: number): void {
    this.#heardAt[acceptorId] = this.#options.clock.now();
  }

  /** An instance was chosen just now, not asked for as history: whoever proposed it is active, and leads. */
  onChosenLive(ballot: number): void {
    if (ballotOwner(ballot) === this.core.id || ballot < this.core.ballot) return;
    this.core.noteBallot(ballot);
    this.#follow(ballot, 'another proposer is active');
  }

  #follow(ballot: number, reason: string): void {
    const now = this.#options.clock.now();
    const news = this.#leadership.hear(ballot, now);
    this.#stepDown(reason);
    if (!news) return;
    this.#options.observer.report({ type: 'following', proposerId: ballotOwner(ballot), ballot });
  }

  #stepDown(reason: string): void {
    this.#campaign = undefined;
    if (this.#state === 'leading') {
      this.#options.observer.report({ type: 'stepped-down', ballot: this.core.ballot, reason });
      this.#repairs.clear();
      this.core.stepDown(this.#options.clock.now());
    }
    this.#state = 'following';
  }

  /**
   * Somebody promised a higher ballot. One of ours that took it is about to lead: it is waited for. An original may only
   * have prepared: our ballot goes above its own, once that is in our way.
   */
  #preempted(): void {
    const now = this.#options.clock.now();
    if (this.#leadership.leaderBallot(now) > this.core.ballot) {
      this.#stepDown('another proposer leads with a higher ballot');
      return;
    }
    if (this.#state !== 'leading') return;
    const winner = ballotOwner(this.core.highestSeen);
    if (winner !== this.core.id && hasOurProposer(this.#options.peers, winner)) {
      this.#stepDown(`proposer ${winner} took a higher ballot`);
      this.#leadership.backOff(now);
    } else if (this.#raises.mayRaise(now)) this.#raise();
  }

  /** What was promised to somebody else is in our way only where it keeps an instance from us. */
  #preemptedIfBlocked(): void {
    if (this.core.isWaitingForPromises) this.#preempted();
  }

  #raise(): void {
    const { clock, failed } = this.#options;
    const now = clock.now();
    const ballot = ballotAbove(this.core.highestSeen, this.core.id);
    if (ballot > MAX_BALLOT) {
      failed(
        new PaxosError('BALLOTS_EXHAUSTED', 'no ballot is left below 2^31; the cluster needs fresh storages'),
      );
      return;
    }
    this.#raises.note(now, this.core.low - 1);
    this.#state = 'leading';
    this.#announced = false;
    this.#repairs.clear();
    this.core.raise(ballot, now);
    this.#usedBallot = ballot;
    for (const peer of this.#options.peers.acceptors()) {
      if (peer.isOurs) {
        this.#rangeAskedAt[peer.acceptorId] = Number.NEGATIVE_INFINITY;
        this.#prepareRange(peer);
      } else this.#prepareSingles(peer, this.core.low, this.core.next);
    }
    this.#options.turn.schedule();
  }

  #ask(): void {
    const { config, delivered, peers } = this.#options;
    this.#state = 'asking';
    this.#campaign = new Campaign({
      id: this.core.id,
      acceptors: config.acceptors.length,
      inFlight: this.#options.inFlight,
      token: this.#nextToken++,
      delivered: delivered(),
    });
    for (const peer of peers.acceptors()) {
      if (peer.isOurs) this.#query(peer);
      else this.#campaign.addOriginal(peer.acceptorId);
    }
  }

  /** Goes as far with the campaign as the answers allow. */
  #advanceCampaign(): void {
    const campaign = this.#campaign;
    if (campaign === undefined) return;
    const now = this.#options.clock.now();
    if (this.#state === 'asking') {
      if (!campaign.mayStand()) {
        this.#askAgain(campaign, now);
        if (campaign.leaderHeard > 0 && campaign.hasQuorum())
          this.#follow(campaign.leaderHeard, 'a leader is heard');
        return;
      }
      const probe = campaign.probe;
      if (probe !== undefined) {
        if (now - campaign.askedAt < ASK_AGAIN_MS) return;
        campaign.askedAt = now;
        for (const peer of this.#options.peers.acceptors()) {
          if (!peer.isOurs) this.#prepareSingle(peer, probe, probeBallot(this.core.id));
        }
        return;
      }
      // Values of ours under way are not given up for a position: phase 1 will tell what became of them.
      if (!this.core.holdsOwn()) this.core.setInstanceId(campaign.position(this.#believedTrim()) - 1);
      this.#options.placed(this.core.low - 1);
      this.#state = 'probing';
      this.#open();
    }
    if (this.#state !== 'probing' || !this.core.hasProbedQuorum()) return;
    this.#campaign = undefined;
    this.#raise();
  }

  /** An answer may have been dropped on the way to us. */
  #askAgain(campaign: Campaign, now: number): void {
    if (now - campaign.askedAt < ASK_AGAIN_MS) return;
    campaign.askedAt = now;
    for (const peer of this.#options.peers.acceptors()) if (peer.isOurs) this.#query(peer);
  }

  #query(peer: Peer): void {
    encodeQuery(peer.out, this.#campaign?.token ?? 0);
    peer.sent();
  }

  /** Asks an acceptor of ours for the next stretch, unless a question is under way. */
  #prepareRange(peer: Peer): void {
    const now = this.#options.clock.now();
    const aid = peer.acceptorId;
    const range = this.core.rangeToPrepare(aid);
    if (range === undefined || now - (this.#rangeAskedAt[aid] ?? 0) < ASK_AGAIN_MS) return;
    // Small stretches are left to grow, but for the first.
    if (range.from > this.core.low && range.to - range.from < this.#options.inFlight / 4) return;
    this.#rangeAskedAt[aid] = now;
    this.core.forgetPieces(aid);
    encodePrepareFrom(peer.out, range.from, range.to, this.core.ballot);
    peer.sent();
  }

  #prepareSingle(peer: Peer, instanceId: number, ballot: number): void {
    if (peer.isBehind()) peer.countDropped();
    else encodePrepare(peer.out, instanceId, ballot);
    peer.sent();
  }

  /** Probes an original for new instances; asks it for those it was probed for. */
  #prepareSingles(peer: Peer, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      if (!this.core.wantsPromise(peer.acceptorId, i)) continue;
      const isProbed = this.core.ballot !== 0 && this.core.isProbed(peer.acceptorId, i);
      this.#prepareSingle(peer, i, isProbed ? this.core.ballot : probeBallot(this.core.id));
    }
  }

  /** Prepares ahead, in refills rather than one by one. True if instances were opened. */
  #open(): boolean {
    const { core } = this;
    if (core.preparedCount > core.preexecWindow / 2) return false;
    const { from, to } = core.openInstances(this.#options.clock.now());
    if (from === to) return false;
    for (const peer of this.#options.peers.acceptors())
      if (!peer.isOurs) this.#prepareSingles(peer, from, to);
    return true;
  }

  /** The proposer's part of a turn's end: proposes all it can. */
  #pump(): boolean {
    if (this.#state !== 'leading') return false;
    const now = this.#options.clock.now();
    do {
      for (let accept = this.core.accept(now); accept !== undefined; accept = this.core.accept(now)) {
        if (accept.instanceId > MAX_WIRE_INSTANCE) return this.#exhausted();
        this.#sendAccept(accept);
      }
    } while (this.#open() && this.core.waitingCount > 0);
    if (this.core.waitingCount > 0 && this.core.highestSeen > this.core.ballot) this.#preemptedIfBlocked();
    for (const peer of this.#options.peers.acceptors()) if (peer.isOurs) this.#prepareRange(peer);
    return false;
  }

  #exhausted(): boolean {
    const text = 'raw instance ids are used up: they end at 2^32-2. Start a new cluster, with fresh storages';
    this.#options.failed(new PaxosError('INSTANCES_EXHAUSTED', text));
    return false;
  }

  #sendAccept({ instanceId, ballot, value }: Accept): void {
    const scratch = this.#options.peers.scratch;
    encodeAccept(scratch, instanceId, ballot, value);
    const bytes = scratch.view();
    for (const peer of this.#options.peers.acceptors()) {
      if (peer.isBehind()) {
        peer.countDropped();
        continue;
      }
      peer.out.append(bytes);
      peer.sent();
    }
  }

  #tick(): void {
    const now = this.#options.clock.now();
    if (this.#state === 'following' && this.#leadership.isTimeToAsk(now)) this.#ask();
    else if (this.#state === 'asking' || this.#state === 'probing') this.#advanceCampaign();
    if (this.#state === 'leading') this.#tickLeading(now);
    if (now < this.#resendAt) return;
    this.#resendAt = now + Math.min(ASK_AGAIN_MS, 500 * this.#options.config.proposerTimeoutS);
    this.#resend(now);
  }

  #tickLeading(now: number): void {
    const { config, peers, delivered } = this.#options;
    if (this.core.highestSeen > this.core.ballot) this.#preemptedIfBlocked();
    if (!this.#isHeardByQuorum(now)) {
      this.#stepDown('no quorum of acceptors answers');
      this.#leadership.backOff(now);
      return;
    }
    if (now < this.#heartbeatAt || this.#state !== 'leading') return;
    this.#heartbeatAt = now + config.heartbeatIntervalMs;
    for (const peer of peers.acceptors()) {
      if (!peer.isOurs) continue;
      encodeHeartbeat(
        peer.out,
        this.core.ballot,
        Math.max(delivered(), this.core.low - 1),
        this.core.newValuesFrom,
      );
      peer.sent();
    }
    if (this.#announced || this.core.nextToAccept === 0) return;
    this.#announced = true;
    this.#options.observer.report({ type: 'leading', ballot: this.core.ballot, from: this.core.low });
  }

  /** Originals are heard only once a second; a connection to one counts. */
  #isHeardByQuorum(now: number): boolean {
    let heard = 0;
    for (const peer of this.#options.peers.acceptors()) {
      const age = now - (this.#heardAt[peer.acceptorId] ?? 0);
      if (!peer.isOurs || age <= this.#options.config.leaderTimeoutMs) heard++;
    }
    return heard >= this.#quorum;
  }

  /** Says again what has waited too long for a quorum. */
  #resend(now: number): void {
    if (this.#state !== 'leading' && this.#state !== 'probing') return;
    const { peers, observer, config } = this.#options;
    const timeoutMs = config.proposerTimeoutS * 1000;
    const prepares = this.core.timedOutPrepares(now, timeoutMs);
    for (const instanceId of prepares) {
      for (const peer of peers.acceptors())
        if (!peer.isOurs) this.#prepareSingles(peer, instanceId, instanceId + 1);
    }
    const accepts = this.#state === 'leading' ? this.core.timedOutAccepts(now, timeoutMs) : [];
    for (const accept of accepts) this.#sendAccept(accept);
    const [prepare] = prepares;
    const [accept] = accepts;
    if (prepare !== undefined)
      observer.report({ type: 'prepare-timeout', instanceId: prepare, count: prepares.length });
    if (accept !== undefined) {
      observer.report({ type: 'accept-timeout', instanceId: accept.instanceId, count: accepts.length });
    }
  }

  #noteTrim(acceptorId: number, trimInstanceId: number): void {
    if (trimInstanceId <= (this.#trims[acceptorId] ?? 0) || trimInstanceId > MAX_WIRE_INSTANCE) return;
    this.#trims[acceptorId] = trimInstanceId;
    const believed = this.#believedTrim();
    if (believed === 0) return;
    this.#campaign?.noteHistory(believed);
    if (believed >= this.core.low) this.setInstanceId(believed);
  }

  /** No trim point is believed beyond what is chosen: by our own knowledge, or by a quorum's word. */
  #believedTrim(): number {
    const byQuorum = [...this.#trims].sort((a, b) => b - a)[this.#quorum - 1] ?? 0;
    const highestChosen = Math.max(this.#options.highestChosen(), this.core.low - 1);
    const known = this.#trims.filter((trim) => trim <= highestChosen);
    return Math.max(byQuorum, ...known, 0);
  }
}
