/**
 * Ends: what a process may end with by itself, each with the fault that can be its cause.
 */
import type { PaxosError } from '../paxos/error.ts';
import type { FaultKind, Plan } from './plan.ts';

/** undefined: it needs no fault */
const CAUSES: ReadonlyMap<string, FaultKind | undefined> = new Map([
  ['ID_IN_USE', undefined],
  ['BEHIND_TRIM', undefined],
  ['STORAGE_FAILED', 'failed-sync'],
  ['STORAGE_FULL', 'full-disk'],
  ['STORAGE_CORRUPT', 'flipped-bit'],
  ['SNAPSHOT_CORRUPT', 'flipped-bit'],
]);

/** True if a process may end with this error in a run of this plan. */
export function isExpectedEnd({ code }: PaxosError, { faults }: Pick<Plan, 'faults'>): boolean {
  const cause = CAUSES.get(code);
  return cause === undefined ? CAUSES.has(code) : faults.includes(cause);
}
