/**
 * Confirmations: how a leader makes sure that it still leads, for those who want to read. It asks acceptors whether they
 * have promised anything above its ballot; once a quorum has not, no value was chosen at a higher one before it asked.
 *
 *   ask → waits → a round begins: CONFIRM to all → CONFIRMED from a quorum → answered with the round's `next`
 *
 * `next` is where new values begin: every value that can have been chosen by then at this ballot or a lower one is
 * below. For that a quorum has to have promised without end, and to have told before what it promised.
 *
 * Invariants: a question is answered by a round that began after it was asked. One round is under way at a time, and
 * serves all that waited when it began. It waits for no disk: that nothing was promised reveals no promise.
 *
 * With `read-lease` the acceptors of a round promise nobody else anything for a while, and what is asked within that time
 * is answered at once. Acceptors count from when they are asked, the leader from before it asked; and neither's clock has
 * to be right, if only its speed is within MAX_CLOCK_DRIFT. Algorithm: Ongaro, "Consensus: Bridging Theory and Practice"
 * (2014), section 6.4; leases after Gray and Cheriton (1989).
 */
import type { Config } from '../config/config.ts';
import type { Proposer } from '../paxos/proposer.ts';
import { Quorum } from '../paxos/quorum.ts';
import { encodeConfirm } from '../transport/encode-commands.ts';
import { Capability } from '../transport/messages.ts';
import type { Clock, Timer } from '../transport/transport.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import type { Turn } from './turn.ts';
import type { Value } from './values.ts';

/** So many questions wait; to one more the answer is that this node cannot tell. */
export const MAX_QUESTIONS = 16_384;
/** By how much the speed of a clock may be wrong. */
export const MAX_CLOCK_DRIFT = 0.1;
/** For how long no lease is asked for once acceptors did not grant one. */
const LEASE_REST_MS = 10_000;

/** Told the first instance that need not be applied; 0: this node does not lead, or cannot tell. */
export type ReadAnswer = (next: number) => void;

interface Round {
  readonly token: number;
  readonly ballot: number;
  readonly next: number;
  readonly answers: readonly ReadAnswer[];
  readonly confirmed: Quorum;
  readonly leaseMs: number;
  readonly sentAt: number;
  readonly sentAtWall: number;
}

export interface ConfirmationsOptions {
  readonly core: Pick<Proposer<Value>, 'ballot' | 'newValuesFrom' | 'hasProbedQuorum'>;
  readonly isLeading: () => boolean;
  readonly config: Config;
  readonly peers: Pick<Peers, 'acceptors'>;
  readonly clock: Clock;
  readonly turn: Turn;
}

export class Confirmations {
  readonly #options: ConfirmationsOptions;
  #waiting: ReadAnswer[] = [];
  #round: Round | undefined;
  #lastToken = 0;
  #again: Timer | undefined;
  /** the round by which a lease stands */
  #leased: Round | undefined;
  #isLeaseDue = false;
  #noLeaseBefore = Number.NEGATIVE_INFINITY;

  constructor(options: ConfirmationsOptions) {
    this.#options = options;
    options.turn.addStep(() => this.#step());
  }

  close(): void {
    this.#again?.cancel();
  }

  /** Asks how far one has to have applied to read now. The answer may come at once. */
  ask(answer: ReadAnswer): void {
    const { core, isLeading, turn } = this.#options;
    const count = this.#waiting.length + (this.#round?.answers.length ?? 0);
    if (!isLeading() || count >= MAX_QUESTIONS) {
      answer(0);
      return;
    }
    const leftMs = this.#leaseLeftMs();
    if (leftMs < this.#options.config.readLeaseMs / 2) this.#isLeaseDue = this.#leased !== undefined;
    if (leftMs > 0) answer(core.newValuesFrom);
    else this.#waiting.push(answer);
    turn.schedule();
  }

  onConfirmed(peer: Peer, ballot: number, token: number): void {
    const round = this.#round;
    if (round?.token !== token || round.ballot !== ballot) return;
    if (!round.confirmed.add(peer.acceptorId) || !round.confirmed.reached()) return;
    this.#round = undefined;
    this.#again?.cancel();
    if (round.leaseMs > 0) this.#leased = round;
    for (const answer of round.answers) answer(round.next);
    this.#options.turn.schedule();
  }

  /** Gives up what a leader cannot answer any more, or begins a round. */
  #step(): boolean {
    if (this.#waiting.length === 0 && this.#round === undefined && !this.#isLeaseDue) return false;
    const { core, isLeading } = this.#options;
    if (!isLeading() || (this.#round !== undefined && this.#round.ballot !== core.ballot)) {
      this.#giveUp();
      return false;
    }
    if (this.#round !== undefined || !this.#knowsAll) return false;
    this.#begin();
    return true;
  }

  /** True once it knows of every value that can have been chosen at a lower ballot. */
  get #knowsAll(): boolean {
    const { core } = this.#options;
    return core.ballot > 0 && core.newValuesFrom < Number.MAX_SAFE_INTEGER && core.hasProbedQuorum('all');
  }

  #begin(): void {
    const { core, clock, config, peers } = this.#options;
    const sentAt = clock.now();
    const round: Round = {
      token: ++this.#lastToken,
      ballot: core.ballot,
      next: core.newValuesFrom,
      answers: this.#waiting,
      confirmed: new Quorum(config.acceptors.length),
      leaseMs: sentAt < this.#noLeaseBefore ? 0 : config.readLeaseMs,
      sentAt,
      sentAtWall: clock.wallMicros() / 1000,
    };
    this.#round = round;
    this.#waiting = [];
    this.#isLeaseDue = false;
    for (const peer of peers.acceptors) {
      if (!peer.can(Capability.commands) || peer.isBehind()) continue;
      encodeConfirm(peer.out, round.ballot, round.token, round.leaseMs);
      peer.sent();
    }
    this.#again = clock.after(config.heartbeatIntervalMs, () => this.#askAgain(round));
  }

  /** Messages were lost, or a lease is not granted: asks once more, for that and for what has come since. */
  #askAgain(round: Round): void {
    if (this.#round !== round) return;
    if (round.leaseMs > 0) this.#noLeaseBefore = this.#options.clock.now() + LEASE_REST_MS;
    this.#round = undefined;
    this.#waiting = [...round.answers, ...this.#waiting];
    this.#options.turn.schedule();
  }

  #giveUp(): void {
    const answers = [...(this.#round?.answers ?? []), ...this.#waiting];
    this.#again?.cancel();
    this.#round = undefined;
    this.#waiting = [];
    this.#isLeaseDue = false;
    for (const answer of answers) answer(0);
  }

  /**
   * For how much longer the lease of a quorum stands, ms, by this process's clock; 0 or less: none does. The wall clock
   * goes on while a machine sleeps, where the other one may stand still: it has to agree.
   */
  #leaseLeftMs(): number {
    const leased = this.#leased;
    const { core, clock } = this.#options;
    if (leased === undefined) return 0;
    if (leased.ballot !== core.ballot || !this.#knowsAll) return 0;
    const lastsMs = (leased.leaseMs * (1 - MAX_CLOCK_DRIFT)) / (1 + MAX_CLOCK_DRIFT);
    const wallMs = clock.wallMicros() / 1000 - leased.sentAtWall;
    if (wallMs < 0) return 0;
    return lastsMs - Math.max(clock.now() - leased.sentAt, wallMs);
  }
}
