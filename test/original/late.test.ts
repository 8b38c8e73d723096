import { beforeEach, describe, expect, it } from 'vitest';
import { whyNoOriginal } from './programs.ts';
import { type OurSequence, Scene, until } from './scene.ts';
import { expectSameSequences, OUTSTANDING, runClient } from './sequences.ts';
import { numberedValue } from './values.ts';

const MISSING = whyNoOriginal();
/** An original is known for one only by its silence, which takes a second. */
const LONGEST_START_MS = 4000;
/** The most that an original had open when it was last seen, and more. */
const RUN_AGAIN = 2048;

beforeEach((context) => context.skip(MISSING !== undefined, MISSING));

/** How many instances a second a learner that starts now delivers of those that are there. */
async function rate(start: () => Promise<OurSequence>, count: number): Promise<number> {
  const startedAt = performance.now();
  const late = await start();
  await until('a late learner has everything', () => late.count >= count, 60_000);
  return Math.round((count / (performance.now() - startedAt)) * 1000);
}

describe('on original acceptors with 400,000 instances', () => {
  it('a late proposer and a late learner of ours are up soon, and run next to nothing again', async () => {
    const scene = await Scene.make({ acceptors: 3, proposers: 2 });
    try {
      const acceptors = [0, 1, 2].map((id) => scene.original('acceptor', id));
      const first = await scene.learner();
      const original = scene.original('proposer', 0);
      await scene.connected(original);
      const filling = scene.originalClient(0, 500);
      await until('the history is there', () => first.count >= 400_000, 90_000);
      await Promise.all([filling.end(), original.end()]);
      const history = first.count;

      const startedAt = performance.now();
      await scene.proposer(1);
      const client = await scene.client(1);
      await client.submit(numberedValue(1));
      const ms = Math.round(performance.now() - startedAt);
      process.stdout.write(`a late proposer on originals: a value after ${ms} ms\n`);
      const leading = () =>
        scene.events.flatMap(({ event }) => (event.type === 'leading' ? [event.from] : []));
      await until('it says that it leads', () => leading().length > 0);
      expect(ms).toBeLessThan(LONGEST_START_MS);
      expect(leading()[0]).toBeGreaterThan(history - RUN_AGAIN);

      const perSecond = await rate(() => scene.learner(), history);
      process.stdout.write(`a late learner on originals: ${perSecond} instances/s\n`);
      expect(perSecond).toBeGreaterThan(10_000);
      await expectSameSequences(scene, history);
      expect(acceptors.some((acceptor) => acceptor.hasDied)).toBe(false);
    } finally {
      await scene.end();
    }
  });
});

describe('beside two original replicas with a history', () => {
  it('a late replica of ours learns it all, and serves its client', async () => {
    const scene = await Scene.make({ replicas: 3 });
    try {
      const originals = [0, 1].map((id) => scene.original('replica', id));
      const first = await scene.learner();
      await until('the originals are connected', () =>
        originals.every(({ connections }) => connections >= 2),
      );
      await runClient(scene, 0, first, 50_000);

      const startedAt = performance.now();
      await scene.replica(2);
      const client = await scene.client(2);
      await client.submit(numberedValue(1));
      const ms = Math.round(performance.now() - startedAt);
      process.stdout.write(`a late replica beside originals: a value after ${ms} ms\n`);
      expect(ms).toBeLessThan(LONGEST_START_MS);
      await runClient(scene, 2, first, 20_000);
      await expectSameSequences(scene, 70_000);
    } finally {
      await scene.end();
    }
  });
});

describe('on acceptors of ours with a history', () => {
  it('an original learner that starts late has it soon after something new is chosen', async () => {
    const scene = await Scene.make({ acceptors: 3, proposers: 1 });
    try {
      for (const id of [0, 1, 2]) await scene.acceptor(id);
      await scene.proposer(0);
      const first = await scene.learner();
      await runClient(scene, 0, first, 50_000);

      const late = scene.originalLearner();
      await scene.connected(late);
      const client = await scene.client(0);
      const startedAt = performance.now();
      for (let i = 0; i < OUTSTANDING; i++) await client.submit(numberedValue(i));
      await expectSameSequences(scene, 50_000);
      const perSecond = Math.round((first.count / (performance.now() - startedAt)) * 1000);
      process.stdout.write(`a late original learner: ${perSecond} instances/s\n`);
      expect(perSecond).toBeGreaterThan(2000);
    } finally {
      await scene.end();
    }
  });
});
