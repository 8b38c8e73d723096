import { expect, it } from 'vitest';
import { DOES_NOT_READ } from '../evpaxos/peer-context.ts';
import { PaxosError } from '../paxos/error.ts';
import { isExpectedEnd, isExpectedFault } from './ends.ts';

it('a process may end by a fault of its disk where there are such, and by none where there are not', () => {
  const corrupt = new PaxosError('STORAGE_CORRUPT', 'a record is damaged');
  expect(isExpectedEnd(corrupt, { faults: ['crash', 'flipped-bit'] })).toBe(true);
  expect(isExpectedEnd(corrupt, { faults: ['crash', 'failed-sync'] })).toBe(false);
  expect(isExpectedEnd(new PaxosError('BEHIND_TRIM', 'it is behind'), { faults: [] })).toBe(true);
  expect(isExpectedEnd(new PaxosError('CLOSED', 'it was closed'), { faults: ['crash'] })).toBe(false);
});

it('a node may hang up on another that does not read, where something keeps it from reading, and for nothing else', () => {
  expect(isExpectedFault(DOES_NOT_READ, true, { faults: ['crash', 'partition'] })).toBe(true);
  expect(isExpectedFault(DOES_NOT_READ, false, { faults: ['crash', 'partition'] })).toBe(false);
  expect(isExpectedFault(DOES_NOT_READ, true, { faults: ['crash', 'lost-storage'] })).toBe(false);
  expect(isExpectedFault('an empty array came', true, { faults: ['partition'] })).toBe(false);
});
