/** Exhausted: the two numbers of the protocol end somewhere, and a proposer that comes there has to say so. */
import { PaxosError } from '../paxos/error.ts';

export function ballotsExhausted(): PaxosError {
  return new PaxosError(
    'BALLOTS_EXHAUSTED',
    'no ballot is left below 2^31; the cluster needs fresh storages',
  );
}

export function instancesExhausted(): PaxosError {
  const text = 'raw instance ids are used up: they end at 2^32-2. Start a new cluster, with fresh storages';
  return new PaxosError('INSTANCES_EXHAUSTED', text);
}
