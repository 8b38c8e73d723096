/** Exhausted: the two numbers of the protocol end somewhere, and a proposer that comes there has to say so. */
import type { Config } from '../config/config.ts';
import { MAX_INSTANCE, MAX_WIRE_INSTANCE } from '../paxos/ballot.ts';
import { PaxosError } from '../paxos/error.ts';

/** The highest instance id there may be: with commands there are no originals, whose ids have 32 bits. */
export function lastInstance({ valueFormat }: Pick<Config, 'valueFormat'>): number {
  return valueFormat === 'commands' ? MAX_INSTANCE : MAX_WIRE_INSTANCE;
}

export function ballotsExhausted(): PaxosError {
  return new PaxosError(
    'BALLOTS_EXHAUSTED',
    'no ballot is left below 2^31; the cluster needs fresh storages',
  );
}

export function instancesExhausted(config: Pick<Config, 'valueFormat'>): PaxosError {
  const text = `instance ids are used up: they end at ${lastInstance(config)}. Start a new cluster, with fresh storages`;
  return new PaxosError('INSTANCES_EXHAUSTED', text);
}
