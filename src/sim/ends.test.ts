import { expect, it } from 'vitest';
import { PaxosError } from '../paxos/error.ts';
import { isExpectedEnd } from './ends.ts';

it('a process may end by a fault of its disk where there are such, and by none where there are not', () => {
  const corrupt = new PaxosError('STORAGE_CORRUPT', 'a record is damaged');
  expect(isExpectedEnd(corrupt, { faults: ['crash', 'flipped-bit'] })).toBe(true);
  expect(isExpectedEnd(corrupt, { faults: ['crash', 'failed-sync'] })).toBe(false);
  expect(isExpectedEnd(new PaxosError('BEHIND_TRIM', 'it is behind'), { faults: [] })).toBe(true);
  expect(isExpectedEnd(new PaxosError('CLOSED', 'it was closed'), { faults: ['crash'] })).toBe(false);
});
