/**
 * ChosenTeller: when a leader tells what it counted as chosen, and whom. CHOSEN spares others the counting: who follows
 * needs the value once, from its own acceptor, and not three times.
 *
 *   something is chosen → with the next ACCEPTs | at once, where nothing is under way and nothing is expected | 2 ms later
 *   nothing is under way any more → at once, to those who learn and do not accept
 *
 * CHOSEN alone costs a write, a wake-up and a read for each who follows, a third of all that a value costs where one is
 * under way at a time. So where values have followed one another closely it waits for the next ones; where that was in
 * vain, since whoever sends them waits for CHOSEN itself, it does not wait again for a while, and longer each time.
 * Who merely learns gets no ACCEPTs to wait for, and is as a rule who gives the next value once it has heard of this one.
 */
import type { Proposer } from '../paxos/proposer.ts';
import { encodeChosen } from '../transport/encode.ts';
import { Capability, Role } from '../transport/messages.ts';
import type { Clock, Timer } from '../transport/transport.ts';
import type { Asking } from './asking.ts';
import type { Peer } from './peer.ts';
import { ignoresAcceptances } from './peer-context.ts';
import type { Peers } from './peers.ts';
import type { Turn } from './turn.ts';
import type { Value } from './values.ts';

/** What is chosen is told so late at most. */
const TELL_CHOSEN_MS = 2;
/** So many ACCEPTs, each soon after all before were chosen, make it likely that the next is as near. */
const CLOSE_ACCEPTS = 4;
/** After a wait in vain, so many more have to come; twice as many after the next one, and so on, until one was not. */
const CLOSE_ACCEPTS_AGAIN = 64;
const MOST_CLOSE_ACCEPTS = 65_536;

export interface ChosenTellerOptions {
  readonly core: Proposer<Value>;
  readonly asking: Asking;
  readonly peers: Peers;
  readonly turn: Turn;
  readonly clock: Clock;
}

/** Every instance up to here was told of, at this ballot. */
interface Told {
  readonly ballot: number;
  readonly to: number;
}

const NOTHING: Told = { ballot: 0, to: 0 };

export class ChosenTeller {
  readonly #options: ChosenTellerOptions;
  /** what all were told, and what those who merely learn were, which may be more */
  #told: Told = NOTHING;
  #toldLearners: Told = NOTHING;
  /** since when something waits to be told, ms */
  #untoldSince: number | undefined;
  #timer: Timer | undefined;
  /** since when nothing is under way; undefined: something is */
  #idleSince: number | undefined;
  /** how many ACCEPTs are still to come closely before one is waited for */
  #untilClose = CLOSE_ACCEPTS;
  #afterVain = CLOSE_ACCEPTS_AGAIN;

  constructor(options: ChosenTellerOptions) {
    this.#options = options;
  }

  close(): void {
    this.#timer?.cancel();
  }

  /**
   * At the end of a turn: tells what is to be told now.
   * @param isAccepting true: ACCEPTs leave in this turn
   */
  pump(isAccepting: boolean, now: number): void {
    const { core } = this.#options;
    if (isAccepting) this.#noteAccept(now);
    const to = core.low - 1;
    if (this.#covers(this.#told, to) || to < core.countedFrom) return;
    if (core.low === core.nextToAccept) this.#idleSince ??= now;
    if (isAccepting || !this.#mayWait(now)) this.#tell(to);
    else {
      if (this.#idleSince !== undefined) this.#tellLearners(to);
      this.#wait(now);
    }
  }

  #covers(told: Told, to: number): boolean {
    return told.ballot === this.#options.core.ballot && to <= told.to;
  }

  #noteAccept(now: number): void {
    if (this.#idleSince === undefined) return;
    if (this.#untoldSince !== undefined) this.#afterVain = CLOSE_ACCEPTS_AGAIN;
    if (now - this.#idleSince > TELL_CHOSEN_MS) this.#untilClose = Math.max(this.#untilClose, CLOSE_ACCEPTS);
    else if (this.#untilClose > 0) this.#untilClose--;
    this.#idleSince = undefined;
  }

  #mayWait(now: number): boolean {
    const isDue = this.#untoldSince !== undefined && now - this.#untoldSince >= TELL_CHOSEN_MS;
    if (this.#idleSince === undefined) return !isDue;
    if (isDue) this.#wasInVain();
    return this.#untilClose === 0;
  }

  #wasInVain(): void {
    this.#untilClose = this.#afterVain;
    this.#afterVain = Math.min(2 * this.#afterVain, MOST_CLOSE_ACCEPTS);
  }

  #wait(now: number): void {
    this.#untoldSince ??= now;
    this.#timer ??= this.#options.clock.after(TELL_CHOSEN_MS, this.#look);
  }

  /** The timer is set once for many that wait one after another, and may be early for the last. */
  readonly #look = (): void => {
    const { clock, turn } = this.#options;
    this.#timer = undefined;
    if (this.#untoldSince === undefined) return;
    const restMs = this.#untoldSince + TELL_CHOSEN_MS - clock.now();
    if (restMs > 0) this.#timer = clock.after(restMs, this.#look);
    else turn.schedule();
  };

  #tell(to: number): void {
    this.#untoldSince = undefined;
    this.#told = this.#send(this.#followers(), to);
    this.#tellLearners(to);
  }

  #tellLearners(to: number): void {
    if (!this.#covers(this.#toldLearners, to)) this.#toldLearners = this.#send(this.#learners(), to);
  }

  #send(whom: Iterable<Peer>, to: number): Told {
    const { ballot, countedFrom } = this.#options.core;
    for (const peer of whom) {
      encodeChosen(peer.out, ballot, countedFrom, to);
      peer.sent();
    }
    return { ballot, to };
  }

  /**
   * One connection to each process of ours that accepts and learns: the one by which it gets ACCEPTs. A mere acceptor has
   * use for it too, if it tells what it has learned.
   */
  *#followers(): Generator<Peer> {
    const { asking, peers } = this.#options;
    for (const peer of asking.acceptors) {
      const isConcerned = peer.hasRole(Role.learner) || peer.can(Capability.stream);
      if (peer.can(Capability.brief) && isConcerned && !peers.isSelf(peer)) {
        const way = asking.way(peer);
        if (!way.isBehind()) yield way;
      }
    }
  }

  /** The connections of processes of ours that learn and do not accept. */
  *#learners(): Generator<Peer> {
    const { peers } = this.#options;
    if (!peers.hasSelf) return; // its acceptor's values are what a mere learner can do with
    for (const peer of peers.inbound) {
      // A client of a state machine hears its results, and would be woken for nothing.
      if (!peer.can(Capability.brief) || ignoresAcceptances(peer)) continue;
      if (!peer.hasRole(Role.acceptor) && !peer.isBehind()) yield peer;
    }
  }
}
