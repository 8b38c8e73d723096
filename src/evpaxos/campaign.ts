/**
 * Campaign: what a proposer hears before it takes a ballot. It asks the acceptors whether they hear a leader, how far
 * they are, and what they ever promised; originals, which cannot be asked, it takes for silent and probes.
 *
 *   ask → answers of a quorum, none of which hears a leader → position (searched for, on originals) → ready
 *
 * Holds answers; sends nothing.
 */
import { ballotOwner } from '../paxos/ballot.ts';
import { countAcceptors, kthHighest, quorumSize } from '../paxos/quorum.ts';
import type { AcceptorStatus } from '../transport/messages.ts';
import { EndSearch, firstUndecided } from './position.ts';

/** What was not answered is asked again this often. */
export const ASK_AGAIN_MS = 500;
/** And this often while the answers are about to change. */
const ASK_SOON_MS = 40;
/** Originals keep few instances open; so far below the end of their history nothing is undecided. */
const ORIGINALS_IN_FLIGHT = 1024;

export interface CampaignOptions {
  /** our own proposer id */
  readonly id: number;
  readonly acceptors: number;
  readonly inFlight: number;
  /** names this campaign in QUERY and STATUS */
  readonly token: number;
  /** delivered in this process: history up to here is known */
  readonly delivered: number;
  /** the highest trim point that is believed: nobody answers at or below */
  readonly trimmed: () => number;
}

export class Campaign {
  readonly token: number;
  readonly #options: CampaignOptions;
  readonly #statuses = new Map<number, AcceptorStatus>();
  #originals = 0;
  #search: EndSearch | undefined;
  #searched = 0;
  #searchedHasValue = false;
  /** when it was asked last, what is to be asked now */
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(options: CampaignOptions) {
    this.#options = options;
    this.token = options.token;
  }

  /** True if it is time to ask, or to ask again; the answer is taken for that it is done. */
  isTimeToAsk(now: number, isUrgent = false): boolean {
    if (now - this.#askedAt < (isUrgent ? ASK_SOON_MS : ASK_AGAIN_MS)) return false;
    this.#askedAt = now;
    return true;
  }

  /** An acceptor of ours answered. */
  addStatus(status: AcceptorStatus): void {
    this.#statuses.set(status.acceptorId, status);
    this.#originals &= ~(1 << status.acceptorId);
  }

  /** An original acceptor is connected: it knows of no leader. */
  addOriginal(acceptorId: number): void {
    if (!this.#statuses.has(acceptorId)) this.#originals |= 1 << acceptorId;
  }

  /** An acceptor is gone; its answer does not count any more. */
  remove(acceptorId: number): void {
    this.#statuses.delete(acceptorId);
    this.#originals &= ~(1 << acceptorId);
  }

  /** The highest ballot of a living leader that an answer told of; 0: none. */
  get leaderHeard(): number {
    let heard = 0;
    for (const { leaderBallot } of this.#statuses.values()) {
      if (ballotOwner(leaderBallot) !== this.#options.id) heard = Math.max(heard, leaderBallot);
    }
    return heard;
  }

  /** True once a quorum was heard, whatever it said. */
  hasQuorum(): boolean {
    return this.#statuses.size + countAcceptors(this.#originals) >= quorumSize(this.#options.acceptors);
  }

  /** True once a quorum hears no leader: then we may stand. */
  mayStand(): boolean {
    let silent = countAcceptors(this.#originals);
    for (const { leaderBallot } of this.#statuses.values()) {
      if (leaderBallot === 0 || ballotOwner(leaderBallot) === this.#options.id) silent++;
    }
    return silent >= quorumSize(this.#options.acceptors);
  }

  /**
   * The instance that originals are to be asked about next, or undefined if none has to be: a quorum of ours told how
   * far they are, or the search is over.
   */
  get probe(): number | undefined {
    if (this.#statuses.size >= quorumSize(this.#options.acceptors)) return undefined;
    if (this.#search === undefined) {
      this.#search = new EndSearch(this.#known());
      this.#startProbe();
    }
    return this.#search.end === undefined ? this.#search.probe : undefined;
  }

  /** History reaches at least so far: an original trimmed up to here, and answers nothing at or below. */
  noteHistory(instanceId: number): void {
    this.#search?.raiseTo(instanceId);
    this.#startProbe();
  }

  /** An original answered for the instance that was asked about. True if that settled it. */
  addProbeAnswer(acceptorId: number, instanceId: number, hasValue: boolean): boolean {
    const probe = this.probe;
    if (probe === undefined || probe !== instanceId || this.#search === undefined) return false;
    this.#searched |= 1 << acceptorId;
    this.#searchedHasValue ||= hasValue;
    let answered = this.#searched;
    for (const { acceptorId: ours, highestAccepted } of this.#statuses.values()) {
      answered |= 1 << ours;
      this.#searchedHasValue ||= highestAccepted >= instanceId;
    }
    if (countAcceptors(answered) < quorumSize(this.#options.acceptors)) return false;
    this.#search.answer(this.#searchedHasValue);
    this.#startProbe();
    return true;
  }

  #startProbe(): void {
    this.#searched = 0;
    this.#searchedHasValue = false;
    this.#askedAt = Number.NEGATIVE_INFINITY;
  }

  #known(): number {
    return Math.max(this.#options.delivered, this.#options.trimmed(), this.#chosen());
  }

  /** What is known to be chosen: no more than is seen by one acceptor more than may be wrong. */
  #chosen(): number {
    const { acceptors } = this.#options;
    const seen = this.#each((status) => Math.max(status.chosen, status.highestAccepted));
    const believed = kthHighest(seen, acceptors - quorumSize(acceptors) + 1);
    return Math.min(believed, Math.max(0, ...this.#each((status) => status.chosen)));
  }

  #each(pick: (status: AcceptorStatus) => number): number[] {
    return [...this.#statuses.values()].map(pick);
  }

  /** The first instance that may be undecided; call it once mayStand() holds and probe is undefined. */
  position(): number {
    const end = this.#search?.end;
    return firstUndecided({
      delivered: this.#options.delivered,
      chosen: this.#chosen(),
      highestAccepted: end === undefined ? this.#each((status) => status.highestAccepted) : [end],
      trimmed: this.#options.trimmed(),
      inFlight: end === undefined ? this.#options.inFlight : ORIGINALS_IN_FLIGHT,
    });
  }
}
