/**
 * Comparisons: whether all that learned delivered the same, and whether a client was ever left without.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { OurSequence, type Scene, type Sequence, until } from './scene.ts';

const SETTLED_MS = 300;
/** what clients keep outstanding */
export const OUTSTANDING = 100;

/**
 * Waits until all sequences of a scene are equally long and grow no more, and compares them: ours byte by byte, with an
 * original's by what it prints.
 * @param atLeast how many values there have to be
 */
export async function expectSameSequences(scene: Scene, atLeast: number): Promise<void> {
  const { sequences } = scene;
  const counts = () => sequences.map(({ count }) => count);
  let last = '';
  let since = performance.now();
  await until('all learners have delivered everything', () => {
    const now = counts().join();
    if (now !== last) since = performance.now();
    last = now;
    return performance.now() - since >= SETTLED_MS && new Set(counts()).size === 1;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${sequences.map(({ name, count }) => `${name} ${count}`).join(', ')}`);
  });

  const [first, ...others] = [...sequences].sort(
    (a, b) => Number(b instanceof OurSequence) - Number(a instanceof OurSequence),
  );
  if (first === undefined) throw new Error('nobody learned');
  expect(first.count).toBeGreaterThanOrEqual(atLeast);
  expect(sequences.flatMap((one) => (one instanceof OurSequence && one.fault) || [])).toEqual([]);
  expect(others.flatMap((other) => difference(first, other))).toEqual([]);
}

/** The first position at which two sequences differ, as a sentence; none: they are the same. */
function difference(left: Sequence, right: Sequence): string[] {
  const areOurs = left instanceof OurSequence && right instanceof OurSequence;
  for (let i = 0; i < Math.max(left.count, right.count); i++) {
    const isSame = areOurs
      ? Buffer.compare(left.values[i] ?? Buffer.of(), right.values[i] ?? Buffer.of()) === 0
      : left.line(i) === right.line(i);
    if (!isSame) return [`at ${i} ${left.name} has ${left.line(i)}, ${right.name} ${right.line(i)}`];
  }
  return [];
}

/**
 * Lets a client of the original's run until so many values are there, ends it, and looks at what it printed each second.
 * One whose first values were all chosen before it could learn them waits for ever, a fault of its own: then another
 * one is started.
 */
export async function runClient(
  scene: Scene,
  proposerId: number,
  sequence: Sequence,
  values: number,
): Promise<void> {
  const begin = sequence.count;
  let client = scene.originalClient(proposerId, OUTSTANDING);
  const hasMissedItsOwn = () =>
    client.valuesPerSecond.length > 0 &&
    client.valuesPerSecond.every((count) => count === 0) &&
    sequence.count - begin === OUTSTANDING;
  await until('the client has begun', () => sequence.count > begin + OUTSTANDING || hasMissedItsOwn());
  if (hasMissedItsOwn()) {
    await client.end();
    client = scene.originalClient(proposerId, OUTSTANDING);
  }
  await until(`${values} values`, () => sequence.count >= begin + values || client.hasDied, 60_000);
  // The last second is printed when it is over.
  await sleep(1000);
  const perSecond = client.valuesPerSecond;
  await client.end();
  expectNoStall(perSecond);
}

/** No two seconds on end are without values. */
export function expectNoStall(perSecond: readonly number[]): void {
  const stalls = perSecond.filter((count, i) => count === 0 && perSecond[i + 1] === 0);
  expect(perSecond.length, 'seconds that the client told of').toBeGreaterThan(0);
  expect(stalls, `values per second: ${perSecond.join(' ')}`).toEqual([]);
}
