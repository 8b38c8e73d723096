/**
 * Leadership: who leads, as far as this node knows, and when it should ask whether it is its turn. Pure: time comes
 * as an argument, chance from a seeded generator; sends nothing.
 *
 * A leader is heard through acceptors that pass its heartbeats on; an original, which sends none, by its acceptances.
 */
import { ballotOwner } from '../paxos/ballot.ts';
import type { Random } from '../transport/transport.ts';

/**
 * Nodes that start together ask one after another, the lowest id first: it is where clients go unless told, and a value
 * that has to be passed on takes a hop more for as long as the leader lives. Processes that are started at once are up
 * within some 200 ms of each other.
 */
const START_SPREAD_MS = 250;
const MAX_START_SPREADS = 3;
/** Who loses the connection to the leader asks within this, not all at once. */
export const LOST_SPREAD_MS = 20;

export interface LeadershipOptions {
  /** our own proposer id */
  readonly id: number;
  /** a leader that was not heard for so long is gone, ms */
  readonly leaderTimeoutMs: number;
  readonly random: Random;
}

export class Leadership {
  readonly #options: LeadershipOptions;
  #ballot = 0;
  #heardAt = Number.NEGATIVE_INFINITY;
  #askAt: number;
  #lostBallot = 0;

  constructor(options: LeadershipOptions, now: number) {
    this.#options = options;
    const place = Math.min(options.id, MAX_START_SPREADS);
    this.#askAt = now + START_SPREAD_MS * (place + 0.3 * options.random.next());
  }

  /** The ballot of another proposer that leads and was heard within the leader timeout, or 0. */
  leaderBallot(now: number): number {
    return now - this.#heardAt <= this.#options.leaderTimeoutMs ? this.#ballot : 0;
  }

  /** The id of that proposer, or undefined. */
  leaderId(now: number): number | undefined {
    const ballot = this.leaderBallot(now);
    return ballot === 0 ? undefined : ballotOwner(ballot);
  }

  /** Another proposer was heard to lead at `ballot`. True if that is news: a leader, or a ballot, not known before. */
  hear(ballot: number, now: number): boolean {
    if (ballotOwner(ballot) === this.#options.id) return false;
    const known = this.leaderBallot(now);
    // An original has a ballot for each instance: a lower one shows as well that it lives.
    if (ballot < known && ballotOwner(ballot) !== ballotOwner(known)) return false;
    this.#ballot = Math.max(ballot, known);
    this.#heardAt = now;
    this.#lostBallot = 0;
    const { leaderTimeoutMs, random } = this.#options;
    this.#askAt = now + leaderTimeoutMs * (1 + 0.5 * random.next());
    return this.#ballot !== known;
  }

  /**
   * Nothing connects us with proposer `id` any more; if it led, its process has most likely ended, and is not waited
   * for. True if it led.
   */
  lose(id: number, now: number): boolean {
    if (this.leaderId(now) !== id) return false;
    this.#lostBallot = this.#ballot;
    this.#heardAt = Number.NEGATIVE_INFINITY;
    this.#askAt = now + LOST_SPREAD_MS * this.#options.random.next();
    return true;
  }

  /** The ballot of the leader that was lost and not heard since; 0: none. That somebody heard it lately is no news. */
  get lostBallot(): number {
    return this.#lostBallot;
  }

  /** True if nobody leads and it is time to ask the acceptors whether they hear a leader. */
  isTimeToAsk(now: number): boolean {
    return this.leaderBallot(now) === 0 && now >= this.#askAt;
  }

  /** Asking, or leading, came to nothing: waits a random while before asking again. */
  backOff(now: number): void {
    const { leaderTimeoutMs, random } = this.#options;
    this.#askAt = now + leaderTimeoutMs * (0.2 + 0.8 * random.next());
  }
}
