/**
 * Asking: what a proposer says to acceptors, and when it heard them last. Acceptors of ours are asked for stretches of
 * instances, one question at a time; originals for one instance at a time, probed first.
 */
import type { Config } from '../config/config.ts';
import { probeBallot } from '../paxos/ballot.ts';
import { isNoOp } from '../paxos/no-op.ts';
import type { Accept } from '../paxos/proposal.ts';
import type { Proposer } from '../paxos/proposer.ts';
import { quorumSize } from '../paxos/quorum.ts';
import { ByteBuffer } from '../transport/buffer.ts';
import {
  encodeAccept,
  encodeHeartbeat,
  encodePrepare,
  encodePrepareFrom,
  encodeQuery,
} from '../transport/encode.ts';
import { Role } from '../transport/messages.ts';
import type { Clock } from '../transport/transport.ts';
import { ASK_AGAIN_MS } from './campaign.ts';
import { lastInstance } from './exhausted.ts';
import type { Observer } from './observer.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import type { Turn } from './turn.ts';
import type { Value } from './values.ts';

/** So much is gathered before it is handed out, within a turn too: who falls behind is to be noticed. */
const MAX_PIECE_BYTES = 32 * 1024;

export interface AskingOptions {
  readonly core: Proposer<Value>;
  readonly config: Config;
  readonly inFlight: number;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly turn: Turn;
  readonly observer: Observer;
}

export class Asking {
  readonly #options: AskingOptions;
  /** when each acceptor was last heard, and last asked for a stretch */
  readonly #heardAt: number[];
  readonly #rangeAskedAt: number[];
  #checkedAt = Number.NEGATIVE_INFINITY;
  readonly #quorum: number;
  readonly #lastInstance: number;
  /** what was proposed in this turn and not handed out yet: how many, and, encoded, what all but our own acceptor get */
  readonly #piece = new ByteBuffer();
  #count = 0;

  constructor(options: AskingOptions) {
    this.#options = options;
    const acceptors = options.config.acceptors.length;
    this.#quorum = quorumSize(acceptors);
    this.#lastInstance = lastInstance(options.config);
    this.#heardAt = new Array<number>(acceptors).fill(Number.NEGATIVE_INFINITY);
    this.#rangeAskedAt = new Array<number>(acceptors).fill(Number.NEGATIVE_INFINITY);
  }

  /** Our connections to acceptors that can be spoken to. */
  get acceptors(): readonly Peer[] {
    return this.#options.peers.acceptors;
  }

  /** True if acceptors of ours that can be spoken to are a quorum, and a quorum has told what it promised anywhere. */
  areOursQuorum(): boolean {
    const ours = this.acceptors.filter((peer) => peer.isOurs).length;
    return ours >= this.#quorum && this.#options.core.hasProbedQuorum('all');
  }

  heard(acceptorId: number): void {
    this.#heardAt[acceptorId] = this.#options.turn.now;
  }

  /**
   * True while a quorum was heard within the leader timeout. Of originals, heard once a second, a connection counts.
   * To be asked every half heartbeat interval: between two questions further apart this process stood still, and what
   * it could not hear then is held against nobody.
   */
  isHeardByQuorum(now: number): boolean {
    const { config } = this.#options;
    const stillMs = now - this.#checkedAt;
    this.#checkedAt = now;
    if (stillMs > config.heartbeatIntervalMs) {
      for (const [i, at] of this.#heardAt.entries()) this.#heardAt[i] = Math.min(now, at + stillMs);
    }
    let heard = 0;
    for (const peer of this.acceptors) {
      const age = now - (this.#heardAt[peer.acceptorId] ?? 0);
      if (!peer.isOurs || age <= config.leaderTimeoutMs) heard++;
    }
    return heard >= this.#quorum;
  }

  query(peer: Peer, token: number): void {
    encodeQuery(peer.out, token);
    peer.sent();
  }

  /** Asks every acceptor of ours how far it is, and whom it hears. */
  queryAll(token: number): void {
    for (const peer of this.acceptors) if (peer.isOurs) this.query(peer, token);
  }

  /** Asks every original what it promised for one instance. */
  probeOriginals(instanceId: number): void {
    const { core } = this.#options;
    for (const peer of this.acceptors) {
      if (!peer.isOurs) this.prepareSingle(peer, instanceId, probeBallot(core.id));
    }
  }

  /** Asks every acceptor of ours for one instance, at our ballot. */
  prepareAtOurs(instanceId: number): void {
    const { core } = this.#options;
    for (const peer of this.acceptors) if (peer.isOurs) this.prepareSingle(peer, instanceId, core.ballot);
  }

  /** A question for a stretch was answered, or can be no more: the next may be asked at once. */
  rangeAnswered(acceptorId: number): void {
    this.heard(acceptorId);
    this.#rangeAskedAt[acceptorId] = Number.NEGATIVE_INFINITY;
  }

  /** A piece of an answer came: the rest is on its way, and a new question would undo it. */
  rangeUnderWay(acceptorId: number): void {
    this.heard(acceptorId);
    this.#rangeAskedAt[acceptorId] = this.#options.clock.now();
  }

  /** True while a quorum of acceptors reads what we send: what is proposed to fewer waits for a timeout. Hot. */
  isQuorumReading(): boolean {
    // The others did before this piece.
    if (this.#count > 0 && this.#options.peers.ownAcceptor?.isBehind() !== true) return true;
    let reading = 0;
    for (const peer of this.acceptors) if (!this.way(peer).isBehind()) reading++;
    return reading >= this.#quorum;
  }

  /** Asks an acceptor of ours for the next stretch, unless a question is under way. */
  prepareRange(peer: Peer): void {
    const { core, inFlight, clock } = this.#options;
    const range = core.rangeToPrepare(peer.acceptorId);
    if (range === undefined) return;
    const now = clock.now();
    if (now - (this.#rangeAskedAt[peer.acceptorId] ?? 0) < ASK_AGAIN_MS) return;
    // Small stretches are left to grow, but for the first.
    if (range.from > core.low && range.to - range.from < inFlight / 4) return;
    this.#rangeAskedAt[peer.acceptorId] = now;
    core.forget(peer.acceptorId, 'pieces');
    encodePrepareFrom(peer.out, range.from, range.to, core.ballot);
    peer.sent();
  }

  /** Asks every acceptor of ours for what is next, where nothing is under way. */
  prepareRanges(): void {
    for (const peer of this.acceptors) if (peer.isOurs) this.prepareRange(peer);
  }

  /** Prepares ahead, in refills rather than one by one. True if instances were opened. */
  prepareAhead(): boolean {
    const { core, clock } = this.#options;
    if (core.preparedCount > core.preexecWindow / 2) return false;
    const { from, to } = core.openInstances(clock.now());
    if (from === to) return false;
    this.propose(); // values wait for a quorum, and each question may cost an original a sync
    this.prepareAtOriginals(from, to);
    return true;
  }

  prepareSingle(peer: Peer, instanceId: number, ballot: number): void {
    if (peer.isBehind()) peer.countDropped();
    else encodePrepare(peer.out, instanceId, ballot);
    peer.sent();
  }

  /** Probes an original for new instances; asks it at our ballot for those it was probed for. */
  prepareSingles(peer: Peer, from: number, to: number): void {
    const { core } = this.#options;
    for (let i = from; i < to && i <= this.#lastInstance; i++) {
      if (!core.wantsPromise(peer.acceptorId, i)) continue;
      const isProbed = core.ballot !== 0 && core.isProbed(peer.acceptorId, i);
      this.prepareSingle(peer, i, isProbed ? core.ballot : probeBallot(core.id));
    }
  }

  /** Asks every original for the instances from `from` up to, not including, `to`. */
  prepareAtOriginals(from: number, to: number): void {
    for (const peer of this.acceptors) if (!peer.isOurs) this.prepareSingles(peer, from, to);
  }

  /** Phase 1 at a new ballot, for all open instances and from every acceptor. */
  prepareAll(): void {
    const { core } = this.#options;
    for (const peer of this.acceptors) {
      if (!peer.isOurs) continue;
      this.#rangeAskedAt[peer.acceptorId] = Number.NEGATIVE_INFINITY;
      this.prepareRange(peer);
    }
    this.prepareAtOriginals(core.low, core.next);
  }

  /**
   * Where an acceptor is sent ACCEPTs: among ours on the connection that broadcasts of our own acceptor take too, one
   * write less; on our own where there is none, or where that one does not get through. Hot.
   */
  way(acceptor: Peer): Peer {
    const { counterpart } = acceptor;
    return counterpart === undefined || counterpart.isBehind() ? acceptor : counterpart;
  }

  /**
   * Proposes to every acceptor: gathered, until propose() is called. Encoded once, and copied once to every acceptor but
   * our own, which takes it as it is. Hot.
   */
  accept({ instanceId, ballot, value }: Accept): void {
    const { peers } = this.#options;
    if (isNoOp(value)) {
      this.#acceptApart({ instanceId, ballot, value });
      return;
    }
    encodeAccept(this.#piece, instanceId, ballot, value);
    this.#count++;
    const self = peers.ownAcceptor;
    if (self?.isBehind() === true) self.countDropped();
    else if (self !== undefined) peers.proposeToSelf(self, instanceId, ballot, value);
    if (this.#piece.length >= MAX_PIECE_BYTES) this.propose();
  }

  /** Hands out what was gathered. */
  propose(): void {
    const count = this.#count;
    if (count === 0) return;
    const { ownAcceptor } = this.#options.peers;
    const piece = this.#piece.view();
    this.#piece.clear();
    this.#count = 0;
    for (const acceptor of this.acceptors) {
      if (acceptor === ownAcceptor) continue;
      const peer = this.way(acceptor);
      if (peer.isBehind()) peer.countDropped(count);
      else {
        peer.out.append(piece);
        peer.sent();
      }
    }
    ownAcceptor?.sent();
  }

  /** One by one: a no-op, which no original may get, and what is said again, on our own connections. */
  #acceptApart({ instanceId, ballot, value }: Accept, isAgain = false): void {
    this.propose();
    const { peers } = this.#options;
    for (const acceptor of this.acceptors) {
      // An original came since it was decided that there are none: it takes an empty value for none.
      if (isNoOp(value) && !acceptor.isOurs) continue;
      const peer = isAgain ? acceptor : this.way(acceptor);
      if (peer.isBehind()) {
        peer.countDropped();
        continue;
      }
      if (acceptor === peers.ownAcceptor) peers.proposeToSelf(acceptor, instanceId, ballot, value);
      else encodeAccept(peer.out, instanceId, ballot, value);
      peer.sent();
    }
  }

  /** Says again what has waited too long for a quorum. Stretches are asked for again by prepareRange. */
  resend(now: number): void {
    const { core, config, observer } = this.#options;
    const timeoutMs = config.proposerTimeoutS * 1000;
    const prepares = core.timedOutPrepares(now, timeoutMs);
    for (const instanceId of prepares) this.prepareAtOriginals(instanceId, instanceId + 1);
    const accepts = core.timedOutAccepts(now, timeoutMs);
    for (const accept of accepts) this.#acceptApart(accept, true);
    const [prepare] = prepares;
    const [accept] = accepts;
    if (prepare !== undefined) {
      observer.report({ type: 'prepare-timeout', instanceId: prepare, count: prepares.length });
    }
    if (accept !== undefined) {
      observer.report({ type: 'accept-timeout', instanceId: accept.instanceId, count: accepts.length });
    }
  }

  /** Shows that the leader lives: to acceptors of ours, which pass it on, and to proposers, should there be none. */
  heartbeat(delivered: number): void {
    const { core, peers } = this.#options;
    const chosen = Math.max(delivered, core.low - 1);
    const proposers = [...peers.inbound].filter((peer) => peer.hasRole(Role.proposer));
    for (const peer of [...this.acceptors, ...proposers.filter((peer) => !peer.hasRole(Role.acceptor))]) {
      if (!peer.isOurs || peer.isBehind()) continue;
      encodeHeartbeat(peer.out, core.ballot, chosen, core.newValuesFrom);
      peer.sent();
    }
  }
}
