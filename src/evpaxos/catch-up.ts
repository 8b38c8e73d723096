/**
 * CatchUp: what a learner asks for, of what it missed, and when.
 *
 *   acceptors are further, or nothing comes for 100 ms → FETCH to one acceptor that has learned it, on and on
 *                                                      → nobody has: REPEAT to all, a stretch at a time, to be counted
 *
 * Acceptors of ours tell how far they are. Originals do not: they are asked for single instances ever further away, and
 * the furthest that is answered is fetched up to; at least half the way, so that few rounds are enough.
 *
 * Invariant: what is under way is bounded, and nothing is asked for while whoever takes deliveries has enough.
 */
import { MAX_WIRE_INSTANCE } from '../paxos/ballot.ts';
import type { Learner } from '../paxos/learner.ts';
import { encodeRepeat } from '../transport/encode.ts';
import type { Clock, Timer } from '../transport/transport.ts';
import type { BehindTrim } from './behind-trim.ts';
import type { Observer } from './observer.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import type { AcceptorsReach } from './reach.ts';
import { Source } from './source.ts';
import type { Turn } from './turn.ts';

/** Holes are looked for this often, as in the original. */
const HOLES_INTERVAL_MS = 100;
/** How many instances all acceptors are asked for at a time; the next stretch is asked for when half of it has come. */
const REPEAT_INSTANCES = 2048;
/** How many instances a source is asked for at a time, if the learner's ring is as large; likewise. */
const FETCH_INSTANCES = 16_384;
/** What lies apart by less is fetched together, and what is between with it. */
const NEAR_INSTANCES_MISSING = 64;
/** How often originals are asked how far they are, after one was connected: each round halves what is left. */
const FAR_ROUNDS = 32;
/** How many stretches that are missing are asked for at a time. */
const MAX_STRETCHES = 64;
/** While nothing can be learned but from a source, it is asked again so soon after it had nothing more to tell, */
const POLL_MS = 10;
/** and for so long after it told something. */
const POLL_FOR_MS = 250;

export interface CatchUpOptions {
  readonly core: Learner;
  readonly reach: AcceptorsReach;
  readonly trims: BehindTrim;
  readonly peers: Peers;
  readonly turn: Turn;
  readonly clock: Clock;
  readonly observer: Observer;
  /** the highest instance id there may be */
  readonly lastInstance: number;
  /** which acceptor is asked first */
  readonly firstSource: number;
  /** false until it is known where to begin */
  readonly isPlaced: () => boolean;
  readonly wantsMore: () => boolean;
  /** nothing came since the last look, whether there is something to come or not */
  readonly standsStill: (next: number) => void;
  /** what was chosen does not come */
  readonly isStuck: () => void;
}

export class CatchUp {
  readonly #options: CatchUpOptions;
  readonly #core: Learner;
  readonly #source: Source;
  readonly #ahead: number;
  #timer: Timer | undefined;
  #poll: Timer | undefined;
  /** everything up to here was asked for */
  #askedTo = 0;
  #nextAtLastCheck = 0;
  /** how often originals may still be asked how far they are, and from where they were asked last */
  #farRounds = 0;
  #farAskedFrom = 0;
  /** something was heard that may be reason to ask */
  #isDue = false;
  /** nothing came by itself when it was looked at last; until when a source is asked again and again therefore */
  #wasStuck = false;
  #pollUntil = Number.NEGATIVE_INFINITY;
  #countedFrom = 0;
  /** how far history goes, as anybody told since this learner had all of it; 0: it has */
  #behindTo = 0;

  constructor(options: CatchUpOptions) {
    this.#options = options;
    this.#core = options.core;
    this.#source = new Source({ ...options, first: options.firstSource });
    this.#ahead = Math.min(FETCH_INSTANCES, Math.max(1, options.core.window / 2));
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
    this.#poll?.cancel();
  }

  /** True if an instance was asked for: it is history. */
  wasAskedFor(instanceId: number): boolean {
    return instanceId <= this.#askedTo;
  }

  /** An original is asked how far it is. */
  onOriginal(): void {
    this.#farRounds = FAR_ROUNDS;
    this.#farAskedFrom = 0;
    this.#askFar();
  }

  onPeerClosed(peer: Peer): void {
    if (this.#source.closed(peer)) this.#askAgain();
  }

  /** An acceptor is further than it was known to be. */
  isFurther(): void {
    this.#isDue = true;
  }

  /** Acceptances are enough: nothing has to be asked for. Hot. */
  closedLive(): void {
    this.#wasStuck = false;
    this.#pollUntil = Number.NEGATIVE_INFINITY;
  }

  /** An acceptor says how it is. */
  onStatus(peer: Peer): void {
    this.#source.stirs(peer);
    this.askAhead();
  }

  /** Hot while catching up. */
  onChosenValue(peer: Peer, valueBytes: number): void {
    this.#source.heard(peer, valueBytes);
  }

  onFetched(peer: Peer, from: number, to: number, next: number): void {
    if (to >= from && this.#wasStuck) this.#pollUntil = this.#options.clock.now() + POLL_FOR_MS;
    if (!this.#source.fetched(peer, from, to, next)) return;
    // Where it knows what comes later others may know what is between; where it is at its end it learns more itself.
    if (next > to + 1 && next < Number.MAX_SAFE_INTEGER) this.#pollUntil = Number.NEGATIVE_INFINITY;
    this.#askedTo = Math.min(this.#askedTo, to);
    // What it told is delivered first, at the end of this turn.
    this.#isDue = true;
    this.#options.turn.schedule();
  }

  /** So many instances were delivered in this turn. */
  delivered(count: number): void {
    if (this.#isDue || (count > 0 && this.#askedTo > 0)) this.askAhead();
    this.#isDue = false;
    if (this.#farRounds > 0) this.#askFar();
  }

  /** While history is being fetched: asks for the next stretch when half of the last has come. */
  askAhead(): void {
    if (!this.#core.hasBegun) return;
    const next = this.#core.nextInstanceId;
    const last = this.#historyTo(next);
    if (this.#behindTo > 0) this.#behindTo = Math.max(this.#behindTo, last, this.#furthestChosen);
    if (next > last) {
      // Caught up: deliveries are no reason to look again.
      if (this.#askedTo < next) this.#askedTo = 0;
      this.#reportIfCaughtUp(next);
      this.#pollSoon();
      return;
    }
    const ahead = this.#source.isAsked ? this.#ahead : REPEAT_INSTANCES;
    if (this.#askedTo - next > ahead / 2) return;
    const isLive = this.#askedTo < next && next > this.#farAskedFrom + 2;
    const mayCome = !this.#wasStuck || this.#options.clock.now() < this.#pollUntil;
    if (mayCome && isLive && last - next < REPEAT_INSTANCES && this.#core.highestSeen >= last) {
      this.#pollSoon();
      return;
    }
    this.#ask(Math.max(next, this.#askedTo + 1), true);
  }

  /** What was told by who is gone still has to come: it was chosen. */
  #reportIfCaughtUp(next: number): void {
    if (this.#behindTo === 0 || next <= this.#behindTo) return;
    this.#behindTo = 0;
    this.#options.observer.report({ type: 'caught-up', instanceId: next - 1 });
  }

  /**
   * The highest instance that can be learned by counting, as far as is known. Where nothing comes one acceptor's word that
   * it was chosen is enough to ask all: too few may still hold it, after storages were lost, and then the leader has to
   * hear that, and runs it again.
   */
  get #reachable(): number {
    const told = this.#wasStuck ? this.#furthestChosen : 0;
    return Math.max(this.#options.reach.accepted, told, this.#core.highestClosed, this.#core.highestCounted);
  }

  /** How far there is history to fetch. What one acceptor says is heeded where it is more than what is on its way. */
  #historyTo(next: number): number {
    const chosen = this.#furthestChosen;
    return chosen - next < REPEAT_INSTANCES ? this.#reachable : Math.max(chosen, this.#reachable);
  }

  /** The highest instance that one acceptor, which could be asked, says is chosen. */
  get #furthestChosen(): number {
    const { reach, peers } = this.#options;
    let furthest = 0;
    for (const peer of peers.acceptors) {
      if (this.#source.canServe(peer)) furthest = Math.max(furthest, reach.chosenBy(peer.acceptorId));
    }
    return furthest;
  }

  /** The highest instance that some acceptor may have learned. */
  get #reachToFetch(): number {
    return Math.max(this.#furthestChosen, this.#core.highestSeen);
  }

  /** The highest instance that is worth asking this acceptor for. */
  #reachOf(peer: Peer): number {
    const seen = Math.min(this.#core.highestSeen, this.#core.nextInstanceId + this.#ahead);
    return Math.max(this.#reachable, this.#options.reach.chosenBy(peer.acceptorId), seen);
  }

  /** Every 100 ms: what did not come, although it was chosen, is asked for again. */
  #checkHoles(): void {
    const { isPlaced, wantsMore, standsStill, isStuck } = this.#options;
    const isWanted = wantsMore();
    const isGivenUp = this.#source.check(isWanted);
    if (!isPlaced() || this.#core.waitingForFirst) return;
    const next = this.#core.nextInstanceId;
    const didMove = next !== this.#nextAtLastCheck;
    this.#nextAtLastCheck = next;
    if (!isWanted) return;
    if (isGivenUp) this.#askAgain();
    if (didMove) this.#wasStuck &&= this.#options.clock.now() < this.#pollUntil;
    if (didMove) return;
    standsStill(next);
    if (this.#source.isAsked) return;
    const reachable = this.#reachable;
    if (next > reachable && !(this.#source.exists && next <= this.#reachToFetch)) return;
    // One acceptor alone told of this instance: history is not fetched on its word.
    if (!this.#core.hasBegun && reachable - next > REPEAT_INSTANCES) return;
    if (next <= reachable) isStuck();
    // One that was silent was asked among others: what these said stands until all were asked.
    if (!isGivenUp) this.#source.forgive();
    this.#askedTo = 0;
    this.#wasStuck = true;
    this.#ask(next, true);
  }

  /** What was under way will not come. */
  #askAgain(): void {
    this.#askedTo = this.#core.nextInstanceId - 1;
    this.#isDue = true;
    this.#options.turn.schedule();
  }

  /** Asks for what is missing from `from` on: one acceptor that may have learned it, else all of them. */
  #ask(from: number, mayCount: boolean): void {
    this.#behindTo = Math.max(this.#behindTo, from, this.#furthestChosen);
    const source = this.#core.hasBegun
      ? this.#source.at(from, (peer) => this.#reachOf(peer) >= from)
      : undefined;
    if (source !== undefined) {
      this.#fetch(from, Math.min(this.#core.nextInstanceId + this.#ahead - 1, this.#reachOf(source)));
      return;
    }
    const last = Math.min(from + REPEAT_INSTANCES, this.#reachable + 1, this.#source.knownFrom(from)) - 1;
    // Whoever needs what is trimmed needs a checkpoint: no quorum has an answer.
    if (!mayCount || from > last || this.#core.nextInstanceId <= this.#options.trims.lost) return;
    if (this.#source.exists && this.#countedFrom !== from) {
      this.#countedFrom = from;
      this.#options.observer.report({ type: 'counting', instanceId: from });
    }
    this.#count(from, last);
  }

  #fetch(from: number, to: number): void {
    const stretch = this.#firstMissing(from, to);
    if (stretch === undefined) {
      if (!this.#source.isAsked) this.#askedTo = Math.max(this.#askedTo, to);
      return;
    }
    // What is asked for while an answer is under way follows upon that, whatever of it is here already.
    const first = this.#source.isAsked ? from : stretch.from;
    this.#source.fetch(first, stretch.to);
    this.#askedTo = Math.max(this.#askedTo, stretch.to);
  }

  /** The first stretch of what is missing, and what is near it. */
  #firstMissing(from: number, to: number): { readonly from: number; readonly to: number } | undefined {
    let found: { readonly from: number; readonly to: number } | undefined;
    for (const missing of this.#core.missing(from, to)) {
      if (found !== undefined && missing.from - found.to > NEAR_INSTANCES_MISSING) break;
      found = { from: found?.from ?? missing.from, to: missing.to };
    }
    return found;
  }

  /** Asks all for what is missing from `from` to `to`: what is here already would only be in the way of the rest. */
  #count(from: number, to: number): void {
    let askedTo = to;
    let stretches = 0;
    for (const missing of this.#core.missing(from, Math.min(to, this.#options.lastInstance))) {
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

  /** Nothing comes but from the source: it is asked again in a moment. */
  #pollSoon(): void {
    const { clock } = this.#options;
    if (this.#poll !== undefined) return;
    if (clock.now() >= this.#pollUntil) {
      this.#source.release();
      return;
    }
    this.#poll = clock.after(POLL_MS, () => {
      this.#poll = undefined;
      if (this.#source.isAsked || clock.now() >= this.#pollUntil) return;
      const next = this.#core.nextInstanceId;
      this.#source.forgive();
      if (next <= this.#core.highestSeen) this.#ask(next, false);
      else this.#pollSoon();
    });
  }

  /** Asks originals for the next instance and for those 1, 3, 7, 15, … above, unless there is enough to fetch. */
  #askFar(): void {
    const next = this.#core.nextInstanceId;
    if (!this.#options.isPlaced() || this.#core.waitingForFirst || next <= this.#reachable) return;
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
