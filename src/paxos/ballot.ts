/**
 * Instance ids and ballots: the two numbers of the protocol, kept apart by their types.
 *
 * Ballots are unique per proposer for ever: proposer p owns every ballot ≡ p (mod 10). Round 0 (ballot = p) is only
 * ever prepared, to probe; an ACCEPT begins at round 1. Ten is the original's fixed maximum of proposers and of
 * acceptors.
 */

/** Names one consensus instance: a position in the sequence, from 1. 0 means "none". Up to 2^53-1. */
export type InstanceId = number & { readonly __instanceId: never };

/** Orders attempts at an instance; 0 means "none". Up to 2^31. */
export type Ballot = number & { readonly __ballot: never };

/** The fixed maximum of proposers and of acceptors; a ballot is round × 10 + proposer id. */
export const MAX_PROPOSERS = 10;
export const MAX_ACCEPTORS = 10;

/** The highest instance id that an original node can hold: its ids are 32 bits wide. */
export const MAX_WIRE_INSTANCE = 0xffff_fffe;

/** The highest instance id where there are no originals; so far below 2^53 that sums with windows stay exact. */
export const MAX_INSTANCE = 2 ** 52;

/** The highest ballot that is believed. One PREPARE at 2^32-1 would otherwise end a promise floor for ever. */
export const MAX_BALLOT = 2 ** 31;

/**
 * How far above everything it has seen an acceptor lets one ballot go. Ballots climb by 10; one message of nonsense
 * must not use up the range in which they can.
 */
export const MAX_BALLOT_JUMP = 2 ** 24;

export const NO_BALLOT = 0 as Ballot;

/** Brands a number that is known to be an instance id. */
export function instanceId(id: number): InstanceId {
  return id as InstanceId;
}

/** The ballot a proposer probes with: prepared to hear what was promised, never used in an ACCEPT. */
export function probeBallot(proposerId: number): Ballot {
  return proposerId as Ballot;
}

/** The lowest ballot of this proposer that is above `floor`, and not of round 0. */
export function ballotAbove(floor: number, proposerId: number): Ballot {
  const round = Math.max(1, Math.floor((floor - proposerId) / MAX_PROPOSERS) + 1);
  return (round * MAX_PROPOSERS + proposerId) as Ballot;
}

/** Which proposer owns this ballot: 0 to 9. */
export function ballotOwner(value: number): number {
  return value % MAX_PROPOSERS;
}
