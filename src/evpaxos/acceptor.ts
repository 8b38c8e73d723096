/**
 * AcceptorRole: the acceptor on the network. Answers the one who asked; tells every acceptance to everybody connected.
 *
 *   PREPARE, ACCEPT, REPEAT, TRIM, … → core Acceptor → answers into the outbox → commit → they leave
 *
 * Knows no proposer but by its connection. It also passes a leader's heartbeats on, so that everybody connected to an
 * acceptor hears the leader. A failing storage ends it.
 */
import type { Config } from '../config/config.ts';
import { Acceptor, sameBytes } from '../paxos/acceptor.ts';
import { ballotOwner, MAX_BALLOT } from '../paxos/ballot.ts';
import { Learned } from '../paxos/learned.ts';
import type { Chosen } from '../paxos/learner.ts';
import type { Storage } from '../paxos/storage.ts';
import type { ByteBuffer } from '../transport/buffer.ts';
import {
  encodeAccepted,
  encodeAcceptorState,
  encodeFetched,
  encodeLeader,
  encodePreempted,
  encodePromise,
  encodeRepair,
  encodeStatus,
} from '../transport/encode.ts';
import { encodeConfirmed } from '../transport/encode-commands.ts';
import { type AcceptorStatus, Role } from '../transport/messages.ts';
import type { Clock, Timer } from '../transport/transport.ts';
import { Acceptances } from './acceptances.ts';
import { Frontier } from './frontier.ts';
import { HeardLeader } from './heard-leader.ts';
import { KeptSpans } from './kept-spans.ts';
import { Lease } from './lease.ts';
import type { Observer } from './observer.ts';
import { Originals } from './originals.ts';
import { Outbox } from './outbox.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import { encodeRangedPromise, encodeRefusal, MAX_RECORDS_PER_TURN } from './ranged-promise.ts';
import type { AcceptorHandler, PeerListener } from './roles.ts';
import { Serving } from './serving.ts';
import { Stuck } from './stuck.ts';
import type { Turn } from './turn.ts';

/** Everybody connected hears the trim point this often, as in the original. */
const STATE_INTERVAL_MS = 1000;
/**
 * An original learner asks for so many instances every 100 ms, where it misses as many or more: it is told a stretch
 * that is worth the wait, and takes it.
 */
const ORIGINALS_REPEAT = 11;
const MORE_FOR_ORIGINALS = 2048;

export interface AcceptorRoleOptions {
  readonly id: number;
  readonly config: Config;
  readonly storage: Storage;
  readonly peers: Peers;
  readonly turn: Turn;
  readonly clock: Clock;
  readonly observer: Observer;
  /** every instance up to here was delivered in this process; 0: it does not learn */
  readonly delivered: () => number;
  /** true: onLearned tells what is chosen; false: the leader's CHOSEN does */
  readonly learns: boolean;
  /** the storage failed: the node has to stop */
  readonly failed: (error: unknown) => void;
}

export class AcceptorRole implements AcceptorHandler, PeerListener {
  readonly #options: AcceptorRoleOptions;
  readonly #acceptor: Acceptor;
  readonly #outbox: Outbox;
  readonly #acceptances: Acceptances;
  readonly #frontier: Frontier;
  readonly #told = new Map<Peer, number>();
  readonly #stuck = new Stuck();
  readonly #learned = new Learned();
  readonly #kept: KeptSpans;
  readonly #serving: Serving;
  readonly #originals: Originals;
  #stateTimer: Timer | undefined;
  readonly #leader: HeardLeader;
  readonly #lease: Lease;
  #failed = false;
  #isSilent = false;

  constructor(options: AcceptorRoleOptions) {
    this.#options = options;
    this.#acceptor = new Acceptor(options.id, options.storage);
    this.#kept = new KeptSpans(options.storage, this.#learned);
    this.#leader = new HeardLeader(options.clock, options.config.leaderTimeoutMs);
    const { valueFormat, readLeaseMs } = options.config;
    this.#lease = new Lease(options.clock, valueFormat === 'commands' ? readLeaseMs : 0);
    this.#frontier = new Frontier(options.storage);
    this.#serving = new Serving(this.#acceptor, this.#learned);
    // Before the outbox: what is handed out in a turn leaves with its commit.
    options.turn.addStep(() => {
      if (this.#told.size > 0) this.#told.clear();
      return this.#acceptances.flush();
    });
    this.#outbox = new Outbox(options.storage, options.turn, options.clock, (error) => this.#fail(error));
    this.#acceptances = new Acceptances(options, this.#outbox);
    this.#originals = new Originals({
      acceptor: this.#acceptor,
      outbox: this.#outbox,
      peers: options.peers,
      clock: options.clock,
      window: options.config.proposerPreexecWindow,
      chosen: () => this.#chosen,
    });
    options.turn.addStep(() => {
      this.#guarded(() => {
        if (this.#serving.serve()) options.turn.schedule();
      });
      return false;
    });
  }

  start(): void {
    this.#stateTimer = this.#options.clock.after(STATE_INTERVAL_MS, () => {
      this.#guarded(() => {
        this.#kept.keep();
        this.#tellState();
      });
      this.#originals.look();
      this.start();
    });
  }

  /** True for as long as it lives, once it fell silent. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  /**
   * Its storage took the place of one that was lost: it has forgotten what it promised. Says nothing to anybody any
   * more, for as long as it has this storage.
   */
  fallSilent(): void {
    if (this.#isSilent) return;
    this.#isSilent = true;
    this.#options.observer.report({ type: 'storage-replaced', acceptorId: this.#acceptor.id });
    this.#options.turn.schedule();
  }

  /** Stops answering and waits for what is being written. */
  async close(): Promise<void> {
    this.#failed = true;
    this.#stateTimer?.cancel();
    await this.#outbox.settled();
  }

  /** The ballot of the leader heard within the leader timeout, or 0. */
  get leaderBallot(): number {
    return this.#leader.ballot;
  }

  /** For how long its disk has not answered, ms; 0: nothing is asked of it. */
  get diskWaitingMs(): number {
    return this.#outbox.waitingMs;
  }

  onPeerReady(peer: Peer): void {
    this.#originals.look(peer);
  }

  onPeerClosed(peer: Peer): void {
    this.#leader.lose(peer, this.#options.peers);
    this.#originals.look(peer);
  }

  onPrepare(peer: Peer, instanceId: number, ballot: number): void {
    this.#guarded(() => {
      if (!peer.isOurs) this.#originals.moveOn(peer, instanceId);
      if (this.#lease.refuses(peer, ballot, this.#acceptor.highestBallot)) return;
      const promise = this.#acceptor.receivePrepare(instanceId, ballot);
      if (typeof promise === 'string') return;
      const { promisedBallot, acceptedBallot, value } = promise;
      if (acceptedBallot > 0 && !this.#originals.mayBeTold(peer, value)) return;
      if (peer.isBehind()) return peer.countDropped();
      const out = this.#outbox.to(peer);
      encodePromise(out, this.#acceptor.id, instanceId, promisedBallot, acceptedBallot, value);
    });
  }

  /** Every instance up to here is known to be chosen, by a leader's word or because this process delivered it. */
  get #chosen(): number {
    return Math.max(this.#leader.chosen, this.#options.delivered());
  }

  /** Hot. */
  onAccept(peer: Peer, instanceId: number, ballot: number, value: Uint8Array): void {
    if (this.#failed || this.#isSilent || this.#leader.isIntruder(peer, ballot)) return;
    try {
      if (!peer.isOurs) this.#originals.moveOn(peer, instanceId);
      if (this.#lease.refuses(peer, ballot, this.#acceptor.highestBallot)) return;
      const outcome = this.#acceptor.receiveAccept(instanceId, ballot, value);
      if (outcome === 'accepted') {
        this.#frontier.note(instanceId);
        this.#acceptances.note(peer, instanceId, ballot, value);
        this.#options.turn.schedule();
      } else if (outcome === 'preempted') {
        if (peer.isBehind()) peer.countDropped();
        else
          encodePreempted(this.#outbox.to(peer), this.#acceptor.id, instanceId, this.#acceptor.preemptedBy);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  onRepeat(peer: Peer, from: number, to: number): void {
    this.#guarded(() => {
      let told = this.#told.get(peer) ?? 0;
      // Before the storage is asked: whoever asks a thousand times in a turn costs one look.
      if (told >= MAX_RECORDS_PER_TURN || peer.isBehind()) return;
      const isCutShort = !peer.isOurs && to - from + 1 === ORIGINALS_REPEAT;
      const last = isCutShort ? from + MORE_FOR_ORIGINALS - 1 : to;
      for (const { instanceId, acceptedBallot, value } of this.#acceptor.accepted(from, last)) {
        if (told >= MAX_RECORDS_PER_TURN || peer.isBehind()) break;
        if (!this.#originals.mayBeTold(peer, value)) break;
        told++;
        const out = this.#outbox.to(peer);
        encodeAccepted(out, this.#acceptor.id, instanceId, acceptedBallot, acceptedBallot, value);
      }
      this.#told.set(peer, told);
      if (from > this.#acceptor.trimInstanceId && this.#stuck.note(peer, from)) this.#askForRepair(from);
    });
  }

  onFetch(peer: Peer, from: number, to: number, bytes: number): void {
    if (!peer.isOurs) return;
    if (this.#isSilent) {
      // No vote: a learner would ask in vain, again and again, before it counts what the others accepted.
      encodeFetched(peer.out, this.#acceptor.id, from, from - 1, Number.MAX_SAFE_INTEGER);
      peer.sent();
    }
    this.#guarded(() => {
      this.#serving.fetch(peer, from, to, bytes);
      // Whoever needs what is trimmed is told at once, not with the next second's status.
      if (from <= this.#acceptor.trimInstanceId && to >= from) this.#tellStatus(peer, 0);
      this.#options.turn.schedule();
    });
  }

  /**
   * This process delivered an instance, in order. What our record holds there is what was chosen, once it was accepted
   * at the ballot of that choice or above; which it may not be, or not be yet. Hot.
   */
  onLearned({ instanceId, ballot, value, isHeld }: Chosen): void {
    if (isHeld) {
      this.#learned.note(instanceId, ballot);
      return;
    }
    this.#guarded(() => {
      const record = this.#options.storage.get(instanceId);
      if (record === undefined || record.acceptedBallot < ballot || !sameBytes(record.value, value)) return;
      this.#learned.note(instanceId, ballot);
    });
  }

  /** A mere acceptor takes the leader's word: what it accepted at that ballot is what that leader proposed. */
  onChosen(ballot: number, from: number, to: number): void {
    if (!this.#options.learns && ballot <= MAX_BALLOT) this.#learned.noteRange(ballot, from, to);
  }

  onTrim(peer: Peer, instanceId: number): void {
    this.#guarded(() => {
      const { observer } = this.#options;
      const highest = this.#frontier.reached;
      const outcome = instanceId > highest ? 'refused' : this.#acceptor.receiveTrim(instanceId);
      if (outcome === 'trimmed') {
        this.#learned.trim(instanceId);
        observer.report({ type: 'trimmed', instanceId });
      }
      if (outcome === 'refused') {
        observer.report({ type: 'trim-refused', remote: peer.remote, instanceId, highest });
      }
      this.#options.turn.schedule();
    });
  }

  onQuery(peer: Peer, token: number): void {
    this.#guarded(() => this.#tellStatus(peer, token));
  }

  onPrepareFrom(peer: Peer, from: number, to: number, ballot: number): void {
    this.#guarded(() => {
      if (this.#lease.refuses(peer, ballot, this.#acceptor.highestBallot)) return;
      // One that came back without its memory knows the ballots of its cluster by the leader that it hears.
      const isLeaders = peer === this.#leader.peer && ballot === this.leaderBallot;
      const outcome = this.#acceptor.receivePrepareFrom(from, ballot, isLeaders);
      if (outcome === 'refused' || peer.isBehind()) return;
      const out = this.#outbox.to(peer);
      if (outcome === 'preempted') encodeRefusal(out, this.#acceptor, from, ballot);
      else encodeRangedPromise(out, this.#acceptor, { from, to, ballot });
    });
  }

  /**
   * True says that no higher ballot was promised, be it on disk yet or not; it shows nothing that was, so it waits for no
   * disk. Otherwise it is silent, as it is where the lease that is asked for cannot be granted.
   */
  onConfirm(peer: Peer, ballot: number, token: number, leaseMs: number): void {
    if (peer.peerHello?.id !== ballotOwner(ballot) || !peer.hasRole(Role.proposer) || peer.isBehind()) return;
    this.#guarded(() => {
      if (this.#acceptor.highestBallot > ballot) return;
      if (leaseMs > 0 && !this.#lease.grant(peer, leaseMs)) return;
      encodeConfirmed(peer.out, this.#acceptor.id, ballot, token);
      peer.sent();
    });
  }

  /** Asks the leader to run an instance again that a learner cannot learn. */
  #askForRepair(instanceId: number): void {
    const leader = this.#leader.peer;
    if (leader === undefined || leader.isClosed || this.leaderBallot === 0) return;
    if (instanceId > this.#acceptor.highestAccepted) return;
    encodeRepair(leader.out, this.#acceptor.id, instanceId);
    leader.sent();
  }

  /** A leader lives: remembered, and passed on. One that was outvoted is told so. */
  onHeartbeat(peer: Peer, ballot: number, chosen: number, next: number): void {
    this.#guarded(() => {
      const acceptor = this.#acceptor;
      if (ballot < acceptor.highestBallot && ballot < this.#options.storage.promiseFloor) {
        if (peer.isBehind()) return peer.countDropped();
        return encodeRefusal(this.#outbox.to(peer), acceptor, next, ballot, acceptor.highestBallot);
      }
      // A leader knows where new values begin only where a quorum promised for ranges, as ours do.
      if (next < Number.MAX_SAFE_INTEGER) this.#originals.quorumIsOurs();
      this.#leader.hear(peer, ballot, Math.min(chosen, acceptor.highestAccepted));
      // Says nothing of promises, so it need not wait for the disk. To the leader it is a sign of life.
      for (const other of this.#options.peers.inbound) {
        if (!other.isOurs || other.isBehind()) continue;
        encodeLeader(other.out, acceptor.id, ballot, chosen, next);
        other.sent();
      }
    });
  }

  #tellState(): void {
    const scratch = this.#options.peers.scratch;
    encodeAcceptorState(scratch, this.#acceptor.id, this.#acceptor.trimInstanceId);
    const bytes = scratch.view();
    for (const peer of this.#options.peers.inbound) {
      if (peer.isBehind()) peer.countDropped();
      else this.#outbox.to(peer).append(bytes);
      if (peer.isOurs) this.#tellStatus(peer, 0);
    }
  }

  #tellStatus(peer: Peer, token: number): void {
    if (peer.isBehind()) {
      peer.countDropped();
      return;
    }
    encodeStatus(this.#outbox.to(peer), this.status(token));
  }

  /** How far it is. May be told only by way of `outTo`: not all of it need be on disk. */
  status(token: number): AcceptorStatus {
    return {
      acceptorId: this.#acceptor.id,
      token,
      highestBallot: this.#acceptor.highestBallot,
      highestAccepted: this.#frontier.reached,
      trimInstanceId: this.#acceptor.trimInstanceId,
      chosen: this.#chosen,
      leaderBallot: this.leaderBallot,
    };
  }

  /** Where something is encoded that tells what this acceptor has on disk. */
  outTo(peer: Peer): ByteBuffer {
    return this.#outbox.to(peer);
  }

  /** Runs a handler; a storage that fails in it ends the acceptor. */
  #guarded(handle: () => void): void {
    if (this.#failed || this.#isSilent) return;
    try {
      handle();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#options.failed(error);
  }
}
