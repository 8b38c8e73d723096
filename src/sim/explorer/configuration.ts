/**
 * Configurations: what the explorer searches, how large that is, and what came out.
 */
import { Acceptor } from '../../paxos/acceptor.ts';
import { Learner, type LearnerOptions } from '../../paxos/learner.ts';
import type { ProposerOptions } from '../../paxos/proposal.ts';
import { Proposer } from '../../paxos/proposer.ts';
import type { Storage } from '../../paxos/storage.ts';

export interface Configuration {
  /** 1 to 5 */
  readonly acceptors: number;
  /** 1 to 3 */
  readonly proposers: number;
  readonly instances: number;
  /** so many ballots there are: the lowest of all proposers', in their order (10, 11, 20, 21, … with two proposers) */
  readonly ballots: number;
  /** the acceptors that are asked for ranges: so many, the first ones; the others are asked as the original is */
  readonly ranged: number;
  /** how often a proposer's process ends and another is started that knows nothing; all proposers together */
  readonly proposerRestarts: number;
  /** how often an acceptor's process ends, and another goes on with what was on disk; all acceptors together */
  readonly acceptorRestarts: number;
  /** true: proposers are told what their replicas' learners deliver */
  readonly replicas: boolean;
  /** true: a leader tells the learner what it counted, as ours do among ours */
  readonly brief: boolean;
  /** true: a proposer may give its ballot up at any time */
  readonly stepDowns: boolean;
}

/** What is explored: the production objects, or what a test puts in their place. */
export interface Parts {
  acceptor(id: number, storage: Storage): Acceptor;
  proposer(options: ProposerOptions): Proposer;
  learner(options: LearnerOptions): Learner;
  /** true: acceptors send their answers before they are on disk, which is wrong */
  readonly answersBeforeSync?: boolean;
}

export const PRODUCTION_PARTS: Parts = {
  acceptor: (id, storage) => new Acceptor(id, storage),
  proposer: (options) => new Proposer(options),
  learner: (options) => new Learner(options),
};

/** What must hold in every state, each by its name. */
export const CHECKS = ['agreement', 'validity', 'learning', 'ballots', 'promises', 'invariant'] as const;
export type Check = (typeof CHECKS)[number];
