/** libpaxos/paxos: the protocol and nothing else. No network, no clock, no randomness, no async. */
export {
  type AcceptOutcome,
  Acceptor,
  type PaxosPromise,
  type PrepareFromOutcome,
  type TrimOutcome,
} from './acceptor.ts';
export {
  type Ballot,
  ballotAbove,
  ballotOwner,
  type InstanceId,
  MAX_ACCEPTORS,
  MAX_BALLOT,
  MAX_PROPOSERS,
  probeBallot,
} from './ballot.ts';
export { PaxosError, type PaxosErrorCode } from './error.ts';
export { InvariantError } from './invariant.ts';
export { type Chosen, Learner, type LearnerOptions, type LearnOutcome } from './learner.ts';
export type { PreemptedOutcome, PromiseOutcome } from './promises.ts';
export type { Accept, Finished, ProposerOptions } from './proposal.ts';
export { Proposer } from './proposer.ts';
export { countAcceptors, Quorum, quorumSize } from './quorum.ts';
export { StateWriter } from './state.ts';
export type { AcceptorRecord, Storage, StorageState } from './storage.ts';
export type { Submission } from './waiting.ts';
