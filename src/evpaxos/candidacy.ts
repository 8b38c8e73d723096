/**
 * Candidacy: a proposer's way from nobody being heard to leading: a campaign, and a position, and a quorum's word of
 * what was promised. One at a time; it can be given up at any point.
 *
 *   begin → asking (does anybody hear a leader? how far are you?) → probing (what was promised?) → elected
 */
import type { Proposer } from '../paxos/proposer.ts';
import type { AcceptorStatus } from '../transport/messages.ts';
import type { Asking } from './asking.ts';
import { Campaign } from './campaign.ts';
import type { Peer } from './peer.ts';
import type { Value } from './values.ts';

export interface CandidacyOptions {
  readonly core: Proposer<Value>;
  readonly asking: Asking;
  readonly inFlight: number;
  /** the highest instance this node has delivered without a gap */
  readonly delivered: () => number;
  /** the highest trim point that is believed */
  readonly trimmed: () => number;
  /** everything up to `instanceId` was found to be settled */
  readonly placed: (instanceId: number) => void;
}

/** What came of the answers so far: we may lead; others hear this leader, at its ballot; or neither yet. */
export type CandidacyOutcome = 'elected' | 'waiting' | { readonly leaderHeard: number };

export class Candidacy {
  readonly #options: CandidacyOptions;
  #campaign: Campaign | undefined;
  #nextToken = 1;
  #isProbing = false;

  constructor(options: CandidacyOptions) {
    this.#options = options;
  }

  /** True while instances are asked about one by one: what is lost is asked again. */
  get isProbing(): boolean {
    return this.#isProbing;
  }

  begin(now: number): void {
    const { core, asking, inFlight, delivered, trimmed } = this.#options;
    const token = this.#nextToken++;
    this.#isProbing = false;
    this.#campaign = new Campaign({
      id: core.id,
      acceptors: core.acceptors,
      inFlight,
      token,
      delivered: delivered(),
      trimmed,
    });
    for (const peer of asking.acceptors) if (!peer.isOurs) this.#campaign.addOriginal(peer.acceptorId);
    if (this.#campaign.isTimeToAsk(now)) asking.queryAll(token);
  }

  end(): void {
    this.#campaign = undefined;
    this.#isProbing = false;
  }

  /** A connection to an acceptor is ready: asks it what the others are asked. */
  met(peer: Peer): void {
    if (!peer.isOurs) {
      this.#campaign?.addOriginal(peer.acceptorId);
      return;
    }
    // It may have been taken for an original until now, and is not probed any more as one.
    this.#campaign?.remove(peer.acceptorId);
    this.#options.asking.query(peer, this.#campaign?.token ?? 0);
  }

  lost(acceptorId: number): void {
    this.#campaign?.remove(acceptorId);
  }

  noteStatus(status: AcceptorStatus): void {
    if (status.token === this.#campaign?.token) this.#campaign.addStatus(status);
  }

  noteProbe(acceptorId: number, instanceId: number, hasValue: boolean): void {
    this.#campaign?.addProbeAnswer(acceptorId, instanceId, hasValue);
  }

  /** History reaches at least so far. */
  noteHistory(instanceId: number): void {
    this.#campaign?.noteHistory(instanceId);
  }

  /**
   * Goes as far as the answers allow.
   * @param lostBallot of a leader that is gone; others may not have noticed yet. 0: none.
   */
  advance(now: number, lostBallot: number): CandidacyOutcome {
    const campaign = this.#campaign;
    if (campaign === undefined) return 'waiting';
    const { core, asking, placed } = this.#options;
    if (!this.#isProbing) {
      if (!campaign.mayStand()) {
        // An answer may have been dropped on the way to us, or was given before its giver lost the leader as well.
        if (campaign.isTimeToAsk(now, lostBallot > 0)) asking.queryAll(campaign.token);
        const { leaderHeard } = campaign;
        return leaderHeard > lostBallot && campaign.hasQuorum() ? { leaderHeard } : 'waiting';
      }
      const { probe } = campaign;
      if (probe !== undefined) {
        if (campaign.isTimeToAsk(now)) asking.probeOriginals(probe);
        return 'waiting';
      }
      // Values of ours under way are not given up for a position: phase 1 will tell what became of them.
      if (!core.holdsOwn()) core.setInstanceId(campaign.position() - 1);
      placed(core.low - 1);
      this.#isProbing = true;
    }
    // Those that were opened before may have been learned meanwhile: then others are asked about.
    asking.prepareAhead();
    return core.hasProbedQuorum() ? 'elected' : 'waiting';
  }
}
