/**
 * Ends: what a process may end with by itself, or a connection by its word, each with the fault that can be its cause.
 */
import { DOES_NOT_READ } from '../evpaxos/peer-context.ts';
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

/** What keeps a node from reading what was sent to it. */
const HOLD_BACK: readonly FaultKind[] = [
  'isolated-leader',
  'partition',
  'one-way',
  'clog',
  'delay',
  'pause',
  'loss',
];

/**
 * True if a node may find this wrong with another in a run of this plan: that one does not read.
 *
 * @param isHeldUp more is unread on the way to it than leaves a node at once
 */
export function isExpectedFault(
  reason: string,
  isHeldUp: boolean,
  { faults }: Pick<Plan, 'faults'>,
): boolean {
  return reason === DOES_NOT_READ && isHeldUp && HOLD_BACK.some((kind) => faults.includes(kind));
}
