/**
 * ReadIndex: how far a node has to have delivered to read what is current, without writing anything to the log.
 *
 *   read → waits → one question to the leader for all that wait → `next` → everything below is delivered here → done
 *
 * The leader may be in this process, or another replica's (READ_INDEX, READ_INDEX_IS). Whatever becomes of it, of the
 * question or of the answer, it is asked again: an answer of a leader that was lost since may name an instance that is
 * never reached, where the next leader names one that is. Each answer is right for every read that was there before it
 * was asked for, so the lowest counts.
 *
 * Invariants: a read is done only by the answer to a question that was put after it came. One question is under way at a
 * time. What waits is bounded.
 */
import type { Config } from '../config/config.ts';
import { PaxosError } from '../paxos/error.ts';
import { encodeReadIndex, encodeReadIndexIs } from '../transport/encode-commands.ts';
import type { Clock, Timer } from '../transport/transport.ts';
import type { Confirmations } from './confirmations.ts';
import type { Peer } from './peer.ts';
import type { PeerListener, ReadsHandler } from './roles.ts';
import type { Turn } from './turn.ts';
import type { Route } from './values.ts';

/** So many reads wait in a node. */
export const MAX_WAITING_READS = 65_536;
/** A question that was not answered, or in vain, or whose answer is not reached yet, is put again so often. */
const READ_AGAIN_MS = 50;

/** Told the instance up to which everything is delivered. */
type Done = (instanceId: number) => void;

/** Reads that were asked for together. */
interface Batch {
  readonly reads: Set<Done>;
  /** everything below has to be delivered; infinite: not known yet */
  next: number;
}

interface Question {
  readonly token: number;
  /** whom it was put to; undefined: this process */
  readonly to: Peer | undefined;
  readonly batches: readonly Batch[];
  readonly askedAt: number;
}

export interface ReadIndexOptions {
  readonly config: Config;
  /** where the leader is, as the proposer knows it; `nowhere` if nobody leads */
  readonly route: () => Route;
  /** this process's own, for while it leads */
  readonly confirmations: Confirmations | undefined;
  readonly delivered: () => number;
  readonly clock: Clock;
  readonly turn: Turn;
}

export class ReadIndex implements ReadsHandler, PeerListener {
  readonly #options: ReadIndexOptions;
  #waiting = new Set<Done>();
  #batches: Batch[] = [];
  #count = 0;
  #question: Question | undefined;
  /** by who asked, because the leader is not within reach there: withdraws the question */
  readonly #relayed = new Map<Peer, () => void>();
  #lastToken = 0;
  #again: Timer | undefined;
  #isAskDue = false;

  constructor(options: ReadIndexOptions) {
    this.#options = options;
    options.turn.addStep(() => this.#step());
  }

  close(): void {
    this.#again?.cancel();
    this.#options.confirmations?.close();
  }

  /** How many reads wait here. */
  get waitingCount(): number {
    return this.#count;
  }

  /**
   * @param done called once everything is delivered here that was chosen before now
   * @returns withdraws it
   * @throws PaxosError QUEUE_FULL
   */
  read(done: Done): () => void {
    if (this.#count >= MAX_WAITING_READS)
      throw new PaxosError('QUEUE_FULL', 'too many reads wait for the leader; read again when some are done');
    this.#count++;
    this.#waiting.add(done);
    this.#isAskDue = true;
    // Not only once it is asked for: a question may be under way that others put, and that nobody answers.
    this.#again ??= this.#options.clock.after(READ_AGAIN_MS, () => this.#look());
    this.#options.turn.schedule();
    return () => this.#withdraw(done);
  }

  onConfirmed(peer: Peer, ballot: number, token: number): void {
    this.#options.confirmations?.onConfirmed(peer, ballot, token);
  }

  onReadIndex(peer: Peer, token: number): void {
    const answer = (next: number): void => {
      if (peer.isClosed || peer.isBehind()) return;
      encodeReadIndexIs(peer.out, token, next);
      peer.sent();
    };
    this.#withdrawFor(peer);
    const { confirmations, route } = this.#options;
    const to = route();
    if (to === 'here' && confirmations !== undefined) confirmations.ask(answer);
    else if (to === 'here' || to === 'nowhere' || to === peer || this.#count >= MAX_WAITING_READS) answer(0);
    else this.#askFor(peer, answer);
  }

  /** One that cannot reach the leader asks who can, as if it read itself; only its newest question waits here. */
  #askFor(peer: Peer, answer: (next: number) => void): void {
    const withdraw = this.read((delivered) => {
      this.#relayed.delete(peer);
      answer(delivered + 1);
    });
    this.#relayed.set(peer, withdraw);
  }

  #withdrawFor(peer: Peer): void {
    this.#relayed.get(peer)?.();
    this.#relayed.delete(peer);
  }

  onReadIndexIs(peer: Peer, token: number, next: number): void {
    if (this.#question?.to === peer) this.#answered(token, next);
  }

  onPeerReady(): void {}

  onPeerClosed(peer: Peer): void {
    if (this.#question?.to === peer) this.#question = undefined;
    this.#withdrawFor(peer);
  }

  #withdraw(done: Done): void {
    if (this.#waiting.delete(done) || this.#batches.some(({ reads }) => reads.delete(done))) this.#count--;
  }

  #step(): boolean {
    if (this.#count === 0) return false;
    const isDone = this.#finish();
    if (!this.#isAskDue || this.#question !== undefined) return isDone;
    this.#isAskDue = false;
    return this.#ask() || isDone;
  }

  /** Those whose instances are delivered are done. */
  #finish(): boolean {
    const delivered = this.#options.delivered();
    const ripe = this.#batches.filter(({ next }) => next <= delivered + 1);
    if (ripe.length === 0) return false;
    this.#batches = this.#batches.filter(({ next }) => next > delivered + 1);
    for (const { reads } of ripe) {
      this.#count -= reads.size;
      for (const done of reads) done(delivered);
    }
    return true;
  }

  /** Puts the question, for all that is there now. */
  #ask(): boolean {
    const { route, confirmations, clock } = this.#options;
    if (this.#waiting.size > 0) {
      this.#batches.push({ reads: this.#waiting, next: Number.POSITIVE_INFINITY });
      this.#waiting = new Set();
    }
    this.#batches = this.#batches.filter(({ reads }) => reads.size > 0);
    const to = route();
    if (to === 'nowhere' || (to === 'here' && confirmations === undefined)) return false;
    const token = ++this.#lastToken;
    const peer = to === 'here' ? undefined : to;
    this.#question = { token, to: peer, batches: [...this.#batches], askedAt: clock.now() };
    if (peer === undefined) confirmations?.ask((next) => this.#answered(token, next));
    else {
      encodeReadIndex(peer.out, token);
      peer.sent();
    }
    return true;
  }

  #answered(token: number, next: number): void {
    const question = this.#question;
    if (question?.token !== token) return;
    this.#question = undefined;
    // Whoever says 0 knows of nobody else either: what waits is asked for again in a while.
    if (next === 0) return;
    for (const batch of question.batches) batch.next = Math.min(batch.next, next);
    this.#isAskDue ||= this.#waiting.size > 0;
    this.#options.turn.schedule();
  }

  /** Asks again while something is not done. */
  #look(): void {
    this.#again = undefined;
    if (this.#count === 0) {
      // Whoever reads next is not to wait for an answer that was lost.
      this.#question = undefined;
      return;
    }
    const { clock, config, turn } = this.#options;
    const askedAt = this.#question?.askedAt ?? Number.NEGATIVE_INFINITY;
    if (clock.now() - askedAt > config.leaderTimeoutMs / 2) this.#question = undefined;
    this.#isAskDue = true;
    this.#again = clock.after(READ_AGAIN_MS, () => this.#look());
    turn.schedule();
  }
}
