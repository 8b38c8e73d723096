/**
 * Limits: what a configuration comes to in numbers: ballots, values, sizes of rings.
 */
import { MAX_PROPOSERS } from '../../paxos/ballot.ts';
import type { Configuration } from './configuration.ts';

/** Values are told apart by their first letter: one for each process of a proposer. */
const LETTERS = 'xyzuvw';

/** The highest ballot that a proposer takes. */
export function highestBallot({ ballots, proposers }: Configuration): number {
  const round = Math.floor((ballots - 1) / proposers) + 1;
  return round * MAX_PROPOSERS + ((ballots - 1) % proposers);
}

/** How many instances a proposer can hold open: a power of two. */
export function inFlight({ instances }: Configuration): number {
  let size = 1;
  while (size < instances) size *= 2;
  return size;
}

/** The value that a process of a proposer hands in first, second, … */
export function valueFrom(proposer: number, process: number, number: number): Uint8Array {
  return new TextEncoder().encode(
    `${LETTERS[process - 1] ?? '?'}${proposer}${number === 1 ? '' : `.${number}`}`,
  );
}

export function isRanged({ ranged }: Configuration, acceptor: number): boolean {
  return acceptor < ranged;
}
