/**
 * Source: the one acceptor from which a learner fetches what it missed. Another takes its place if it closes, falls
 * silent, has not learned what comes next, or is slower than another turned out to be.
 *
 *   at(i) → the source for instance i → fetch(from, to), fetch(to + 1, …) … → values → FETCHED: there is no more
 *
 * Knows nothing of what is missing. Invariant: what was asked of the source is one stretch, and what was asked before
 * it of others is not waited for.
 */
import { encodeFetch } from '../transport/encode.ts';
import { Capability } from '../transport/messages.ts';
import type { Clock } from '../transport/transport.ts';
import type { Observer } from './observer.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import type { Turn } from './turn.ts';

/** Values that may come in answer to one question; the next is asked when half of what was asked has come. */
const FETCH_BYTES = 4_194_304;
/**
 * A source that was asked, and says nothing for so long, is replaced: or for longer where answers take a while, as
 * between continents. Twice as long with each that said nothing; four times what the last answer took.
 */
const SOURCE_SILENT_MS = 250;
const MAX_SOURCE_SILENT_MS = 4000;
/** So long a source is measured; then another is tried, or one that was faster. */
const SOURCE_MEASURED_MS = 1000;
/** Another source has to be so much faster to be worth a change. */
const FASTER = 1.5;
/** That an acceptor has not learned something is believed for so long: it learns. Where it was asked, until forgiven. */
const LACK_STANDS_MS = 100;
/** An instance's message costs about so much beside its value. */
const MESSAGE_BYTES = 16;

/** An acceptor knows nothing from one instance on, up to another, as of then. */
interface Lack {
  readonly from: number;
  readonly until: number;
  readonly at: number;
}

export interface SourceOptions {
  readonly peers: Peers;
  readonly turn: Turn;
  readonly clock: Clock;
  readonly observer: Observer;
  /** which acceptor is asked first: learners are to ask different ones */
  readonly first: number;
}

export class Source {
  readonly #options: SourceOptions;
  #peer: Peer | undefined;
  /** where the stretches end that were asked for and not answered to the end */
  #ends: number[] = [];
  #heardAt = 0;
  /** when the first question was asked that nothing was said to yet; 0: there is none */
  #askedAt = 0;
  #patienceMs = SOURCE_SILENT_MS;
  #measuredFrom = 0;
  #measuredBytes = 0;
  readonly #lacks = new Map<Peer, Lack>();
  /** those that said nothing when they were asked: they are asked no more until they say something of themselves */
  readonly #silent = new Set<Peer>();
  /** bytes a millisecond, of those that were measured since this began */
  readonly #rates = new Map<Peer, number>();

  constructor(options: SourceOptions) {
    this.#options = options;
  }

  /** True while an answer is under way. */
  get isAsked(): boolean {
    return this.#ends.length > 0;
  }

  /** True if any acceptor could be a source. */
  get exists(): boolean {
    return this.#options.peers.acceptors.some((peer) => this.canServe(peer));
  }

  /** Who is asked for `instanceId`, if anybody may have learned it whom `mayKnow` does not rule out. */
  at(instanceId: number, mayKnow: (peer: Peer) => boolean): Peer | undefined {
    const now = this.#options.clock.now();
    const isFit = (peer: Peer): boolean => !this.#lacksAt(peer, instanceId, now) && mayKnow(peer);
    if (this.#peer !== undefined && (this.isAsked || isFit(this.#peer))) return this.#peer;
    const found = this.#candidates().find(isFit);
    if (found !== undefined) this.#change(found, instanceId);
    return found;
  }

  /** Asks the source; what is asked while an answer is under way has to follow upon that. */
  fetch(from: number, to: number): void {
    const peer = this.#peer;
    if (peer === undefined) return;
    if (!this.isAsked) this.#begin();
    encodeFetch(peer.out, from, to, FETCH_BYTES);
    peer.sent();
    this.#ends.push(to);
  }

  /** The first instance above `instanceId` that somebody may know after all. */
  knownFrom(instanceId: number): number {
    const now = this.#options.clock.now();
    let first = Number.MAX_SAFE_INTEGER;
    for (const [peer, { until }] of this.#lacks)
      if (this.#lacksAt(peer, instanceId, now)) first = Math.min(first, until);
    return first;
  }

  /** A value came from an acceptor. Hot while catching up. */
  heard(peer: Peer, bytes: number): void {
    this.#silent.delete(peer);
    if (peer !== this.#peer) return;
    this.#heardAt = this.#options.turn.now;
    if (this.#askedAt > 0) this.#answered();
    this.#measuredBytes += bytes + MESSAGE_BYTES;
  }

  /** An acceptor told all it could, up to `to`. True if the source's answer is at its end. */
  fetched(peer: Peer, from: number, to: number, next: number): boolean {
    const now = this.#options.clock.now();
    this.#silent.delete(peer);
    // One that says nothing of what it was asked for lacks that, whatever else it says.
    const until = to < from ? Math.max(next, to + 2) : next;
    if (until > to + 1) this.#lacks.set(peer, { from: to + 1, until, at: now });
    if (peer !== this.#peer || !this.isAsked) return false;
    this.#heardAt = now;
    if (this.#askedAt > 0) this.#answered();
    const isWhole = this.#ends.includes(to);
    this.#ends = this.#ends.filter((end) => end > to);
    // It had come to the end of one question before it got the next.
    if (isWhole && this.isAsked) return false;
    this.#ends = [];
    return true;
  }

  /** An acceptor says how it is: it may be asked. */
  stirs(peer: Peer): void {
    this.#silent.delete(peer);
  }

  /** What nobody had learned may be known by now. */
  forgive(): void {
    this.#lacks.clear();
  }

  /** Nothing is missing any more: the next time all begin anew. */
  release(): void {
    if (this.isAsked) return;
    this.#peer = undefined;
    this.#rates.clear();
  }

  /**
   * Looks whether the source is worth staying with. True if it was given up, and what was asked of it has to be asked
   * of another.
   */
  check(isWanted: boolean): boolean {
    const peer = this.#peer;
    if (peer === undefined || !this.isAsked) return false;
    const now = this.#options.clock.now();
    if (now - this.#heardAt >= this.#patienceMs) {
      this.#silent.add(peer);
      this.#patienceMs = Math.min(2 * this.#patienceMs, MAX_SOURCE_SILENT_MS);
      return this.#giveUp(peer, 'says nothing', 0);
    }
    if (!isWanted) this.#heardAt = now;
    if (!isWanted || this.#askedAt > 0) this.#measureFrom(now);
    const elapsedMs = now - this.#measuredFrom;
    if (elapsedMs < SOURCE_MEASURED_MS) return false;
    const rate = this.#measuredBytes / elapsedMs;
    this.#rates.set(peer, rate);
    this.#measureFrom(now);
    if (this.#faster(peer, rate) === undefined) return false;
    return this.#giveUp(peer, 'may be slower than another', rate);
  }

  closed(peer: Peer): boolean {
    this.#lacks.delete(peer);
    this.#silent.delete(peer);
    this.#rates.delete(peer);
    if (peer !== this.#peer) return false;
    this.#options.observer.report({ type: 'source-replaced', remote: peer.remote, reason: 'is gone' });
    this.#peer = undefined;
    this.#ends = [];
    return true;
  }

  canServe(peer: Peer): boolean {
    const isThere = !peer.isClosed && !this.#silent.has(peer);
    return isThere && peer.can(Capability.stream) && !this.#options.peers.isSelf(peer);
  }

  /** Those that can be asked: one that was faster, then those that were not tried, in the order of their ids. */
  #candidates(): Peer[] {
    const { peers, first } = this.#options;
    const count = Math.max(...peers.acceptors.map(({ acceptorId }) => acceptorId + 1), 1);
    const order = (peer: Peer): number => (peer.acceptorId + count - (first % count)) % count;
    const worth = (peer: Peer): number => this.#rates.get(peer) ?? Number.MAX_SAFE_INTEGER;
    return peers.acceptors
      .filter((peer) => this.canServe(peer) && !peer.isBehind())
      .sort((left, right) => worth(right) - worth(left) || order(left) - order(right));
  }

  #faster(peer: Peer, rate: number): Peer | undefined {
    return this.#candidates().find(
      (other) => other !== peer && (this.#rates.get(other) ?? Number.MAX_SAFE_INTEGER) > FASTER * rate,
    );
  }

  #lacksAt(peer: Peer, instanceId: number, now: number): boolean {
    const lack = this.#lacks.get(peer);
    if (lack === undefined || instanceId < lack.from || instanceId >= lack.until) return false;
    // However long the others take to answer: all of them lack an instance at the same time, or nobody counts it.
    return instanceId === lack.from || now - lack.at < LACK_STANDS_MS;
  }

  #change(peer: Peer, instanceId: number): void {
    this.#peer = peer;
    this.#ends = [];
    this.#options.observer.report({ type: 'fetching', remote: peer.remote, instanceId });
  }

  /** One that was slow is the last to be asked again. */
  #giveUp(peer: Peer, reason: string, rate: number): true {
    this.#options.observer.report({ type: 'source-replaced', remote: peer.remote, reason });
    this.#rates.set(peer, rate);
    encodeFetch(peer.out, 1, 0, 0);
    peer.sent();
    this.#peer = undefined;
    this.#ends = [];
    return true;
  }

  #answered(): void {
    const tookMs = this.#heardAt - this.#askedAt;
    this.#patienceMs = Math.min(Math.max(4 * tookMs, SOURCE_SILENT_MS), MAX_SOURCE_SILENT_MS);
    this.#askedAt = 0;
  }

  #begin(): void {
    const now = this.#options.clock.now();
    this.#askedAt = now;
    this.#heardAt = now;
    this.#measureFrom(now);
  }

  #measureFrom(now: number): void {
    this.#measuredFrom = now;
    this.#measuredBytes = 0;
  }
}
