/**
 * StorePort: how operations are handed in at a process that has the store, or is a client of those that have it.
 */
import { jsonCodec } from '../../statemachine/codec.ts';
import type { Consistency } from '../../transport/messages.ts';
import type { StoreAnswer, StoreCommand, StoreQuery, StoreResult } from './store-machine.ts';

export interface StorePort {
  propose(command: StoreCommand, signal?: AbortSignal): Promise<StoreResult>;
  /** undefined: that cannot be told now */
  read(
    query: StoreQuery,
    consistency: keyof typeof Consistency,
    signal?: AbortSignal,
  ): Promise<StoreAnswer | undefined>;
}

const commandCodec = jsonCodec<StoreCommand>();

/** A command as it stands in the log. */
export function partOf(command: StoreCommand): string {
  return Buffer.from(commandCodec.encode(command)).toString('latin1');
}
