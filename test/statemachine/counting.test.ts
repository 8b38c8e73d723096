/** A short count, as `npm run counting` does it for an hour: the counter is what was answered, on every replica. */
import { expect, it } from 'vitest';
import { count } from './counting.ts';

it('counts every answered addition once, through cuts, delays, doubled commands and crashes', async () => {
  const { answered, sums, answeredTwice, leaders } = await count(2, 2);
  expect(answered).toBeGreaterThan(200);
  expect([sums, answeredTwice]).toEqual([[answered, answered, answered], 0]);
  expect(leaders).toBeGreaterThan(1);
}, 60_000);
