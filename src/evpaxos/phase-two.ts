/**
 * PhaseTwo: what a leader proposes, how it counts who accepted, and how it tells what is chosen.
 *
 *   values → ACCEPT to every acceptor → ACCEPTED, or ranges of them from acceptors of ours → chosen → CHOSEN
 *
 * CHOSEN spares others the counting: who follows needs the value once, from its own acceptor, and not three times. It
 * leaves with the next ACCEPTs, or a little later without, or at once where nothing is under way any more.
 */
import type { Config } from '../config/config.ts';
import { MAX_WIRE_INSTANCE } from '../paxos/ballot.ts';
import type { Proposer } from '../paxos/proposer.ts';
import { encodeChosen } from '../transport/encode.ts';
import { Capability, Role } from '../transport/messages.ts';
import type { Clock, Timer } from '../transport/transport.ts';
import type { Asking } from './asking.ts';
import { instancesExhausted } from './exhausted.ts';
import { NoOps } from './no-ops.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import { MAX_REPAIRS, Repairs } from './repairs.ts';
import type { Turn } from './turn.ts';
import type { Value } from './values.ts';

/** What is chosen is told so late at most. */
const TELL_CHOSEN_MS = 2;

export interface PhaseTwoOptions {
  readonly core: Proposer<Value>;
  readonly asking: Asking;
  readonly peers: Peers;
  readonly turn: Turn;
  readonly clock: Clock;
  readonly config: Config;
  /** the highest instance this node knows to be chosen */
  readonly highestChosen: () => number;
  readonly chosen: (value: Value) => void;
  readonly failed: (error: unknown) => void;
}

export class PhaseTwo {
  /** old instances that are run again */
  readonly repairs: Repairs<Value>;
  readonly #options: PhaseTwoOptions;
  readonly #noOps: NoOps;
  /** every instance up to here was told of */
  #toldTo = 0;
  #toldBallot = 0;
  #timer: Timer | undefined;
  #isDue = false;

  constructor(options: PhaseTwoOptions) {
    const { core, chosen } = options;
    this.#options = options;
    this.#noOps = new NoOps({ ...options, valueFormat: options.config.valueFormat });
    this.repairs = new Repairs<Value>({
      acceptors: core.acceptors,
      mayFill: () => this.#noOps.areAllowed,
      takeWaiting: () => core.takeWaiting(),
      putBack: (value) => core.propose(value),
      chosen,
    });
  }

  close(): void {
    this.#timer?.cancel();
  }

  /** Proposes all it can. */
  pump(): void {
    const { core, asking, clock, failed } = this.#options;
    const now = clock.now();
    let isAccepting = false;
    let fillBelow: number;
    do {
      fillBelow = this.#noOps.fillBelow;
      while (asking.isQuorumReading()) {
        const accept = core.accept(now, fillBelow);
        if (accept === undefined) break;
        isAccepting = true;
        if (accept.instanceId > MAX_WIRE_INSTANCE) failed(instancesExhausted());
        else asking.accept(accept);
      }
    } while (asking.prepareAhead() && (core.waitingCount > 0 || core.nextToAccept < fillBelow));
    this.#tellChosen(isAccepting);
  }

  /** Opens repairs of an old instance and its neighbours; those that are to be asked for. */
  openRepairs(instanceId: number): number[] {
    const { core, clock } = this.#options;
    const opened: number[] = [];
    for (let i = instanceId; i < Math.min(instanceId + MAX_REPAIRS, core.low); i++)
      if (this.repairs.open(i, clock.now())) opened.push(i);
    return opened;
  }

  /** Hot. */
  receiveAccepted(acceptorId: number, instanceId: number, acceptedBallot: number, value: Uint8Array): void {
    const finished = this.#options.core.receiveAccepted(acceptorId, instanceId, acceptedBallot, value);
    this.repairs.receiveAccepted(acceptorId, instanceId, acceptedBallot, value);
    if (finished?.chosen !== undefined) this.#options.chosen(finished.chosen);
  }

  /** Counts what ACCEPTED would have told one by one: an acceptor answers so only to the process that proposed. */
  receiveAcceptedRange(peer: Peer, ballot: number, from: number, to: number): void {
    const { core } = this.#options;
    if (ballot !== core.ballot) return;
    const tell = (instanceId: number, value: Uint8Array): void =>
      peer.accepted(peer.acceptorId, instanceId, ballot, ballot, value);
    for (const { instanceId, value } of this.repairs.proposed(ballot, from, to)) tell(instanceId, value);
    const last = Math.min(to, core.next - 1);
    for (let i = Math.max(from, core.low); i <= last; i++) {
      const value = core.proposed(i);
      if (value !== undefined) tell(i, value);
    }
  }

  #tellChosen(isAccepting: boolean): void {
    const { core, clock, turn } = this.#options;
    const to = core.low - 1;
    const isTold = core.ballot === this.#toldBallot && to <= this.#toldTo;
    if (isTold || to < core.countedFrom) return;
    const isAllDone = core.low === core.nextToAccept;
    if (!isAccepting && !isAllDone) {
      this.#timer ??= clock.after(TELL_CHOSEN_MS, () => {
        this.#timer = undefined;
        this.#isDue = true;
        turn.schedule();
      });
      if (!this.#isDue) return;
    }
    this.#isDue = false;
    this.#toldTo = to;
    this.#toldBallot = core.ballot;
    for (const peer of this.#listeners()) {
      encodeChosen(peer.out, core.ballot, core.countedFrom, to);
      peer.sent();
    }
  }

  /**
   * One connection to each process of ours that learns: the one by which it gets ACCEPTs, if it does. A mere acceptor
   * has use for it too, if it tells what it has learned.
   */
  *#listeners(): Generator<Peer> {
    const { asking, peers } = this.#options;
    for (const peer of asking.acceptors) {
      const isConcerned = peer.hasRole(Role.learner) || peer.can(Capability.stream);
      if (peer.can(Capability.brief) && isConcerned && !peers.isSelf(peer)) {
        const way = asking.way(peer);
        if (!way.isBehind()) yield way;
      }
    }
    if (!peers.hasSelf) return; // its acceptor's values are what a mere learner can do with
    for (const peer of peers.inbound) {
      if (peer.can(Capability.brief) && !peer.hasRole(Role.acceptor) && !peer.isBehind()) yield peer;
    }
  }
}
