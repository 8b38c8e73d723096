/**
 * PhaseTwo: what a leader proposes, and how it counts who accepted.
 *
 *   values → ACCEPT to every acceptor → ACCEPTED, or ranges of them from acceptors of ours → chosen → CHOSEN
 */
import type { Config } from '../config/config.ts';
import type { Proposer } from '../paxos/proposer.ts';
import type { Clock } from '../transport/transport.ts';
import type { Asking } from './asking.ts';
import { ChosenTeller } from './chosen-teller.ts';
import { instancesExhausted, lastInstance } from './exhausted.ts';
import { NoOps } from './no-ops.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import { MAX_REPAIRS, type RepairPromise, Repairs } from './repairs.ts';
import type { Turn } from './turn.ts';
import type { Value } from './values.ts';

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
  readonly #teller: ChosenTeller;
  readonly #lastInstance: number;
  /** the lowest instance that was open when the present ballot was taken: below it none was asked for, or proposed in */
  #begunAt = 0;

  constructor(options: PhaseTwoOptions) {
    const { core, chosen } = options;
    this.#options = options;
    this.#lastInstance = lastInstance(options.config);
    this.#noOps = new NoOps({ ...options, valueFormat: options.config.valueFormat });
    this.#teller = new ChosenTeller(options);
    this.repairs = new Repairs<Value>({
      acceptors: core.acceptors,
      probed: () => core.probedForAll,
      mayFill: () => this.#noOps.areAllowed,
      takeWaiting: () => core.takeWaiting(),
      putBack: (value) => core.propose(value),
      chosen,
    });
  }

  close(): void {
    this.#teller.close();
  }

  /** Proposes all it can. */
  pump(): void {
    const { core, asking, clock, config, failed } = this.#options;
    const now = clock.now();
    const last = this.#lastInstance;
    let isAccepting = false;
    let fillBelow: number;
    do {
      fillBelow = this.#noOps.fillBelow;
      while (asking.isQuorumReading()) {
        const accept = core.accept(now, fillBelow);
        if (accept === undefined) break;
        isAccepting = true;
        if (accept.instanceId > last) failed(instancesExhausted(config));
        else asking.accept(accept);
      }
    } while (asking.prepareAhead() && (core.waitingCount > 0 || core.nextToAccept < fillBelow));
    asking.propose();
    this.#teller.pump(isAccepting, now);
  }

  /** The ballot is given up, or another is taken: what is run again is asked for again. */
  restart(): void {
    this.repairs.clear();
    this.#begunAt = this.#options.core.low;
  }

  /**
   * Runs an old instance again, which a learner cannot learn, and its neighbours: where one is missing they are. Originals
   * are asked where ours alone are no quorum, after they have told what they promised there.
   * @returns blocked: it takes another ballot. At the present one originals were asked for this instance before, and an
   * answer that was under way could be taken for one to this question.
   */
  repair(instanceId: number): 'asked' | 'blocked' {
    const { core, asking, clock } = this.#options;
    const takesOriginals = !asking.areOursQuorum();
    const end = takesOriginals ? this.#begunAt : core.low;
    if (instanceId >= end) return 'blocked';
    for (let i = instanceId; i < Math.min(instanceId + MAX_REPAIRS, end); i++) {
      if (!this.repairs.open(i, clock.now())) continue;
      asking.prepareAtOurs(i);
      if (takesOriginals) asking.probeOriginals(i);
    }
    return 'asked';
  }

  /** An acceptor's answer for one instance: of use where that is run again. blocked: it takes another ballot. */
  receivePromise(peer: Peer, told: Omit<RepairPromise, 'acceptorId'>): 'blocked' | undefined {
    const { core, asking } = this.#options;
    if (told.instanceId >= core.low) return undefined;
    const outcome = this.repairs.receivePromise({ acceptorId: peer.acceptorId, ...told }, core.ballot);
    if (typeof outcome === 'object') {
      asking.accept(outcome);
      asking.propose();
    } else if (outcome === 'prepare') asking.prepareSingle(peer, told.instanceId, core.ballot);
    // One of ours that promised more tells so of every instance.
    else if (outcome === 'used' || (outcome === 'outvoted' && !peer.isOurs)) return 'blocked';
    return undefined;
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
}
