import { beforeEach, describe, expect, it } from 'vitest';
import type { NodeEvent, Replica } from '../../src/evpaxos/index.ts';
import { type Program, whyNoOriginal } from './programs.ts';
import { type OurSequence, Scene, until } from './scene.ts';
import { expectSameSequences, OUTSTANDING, runClient } from './sequences.ts';
import { Submitting } from './submitting.ts';

const MISSING = whyNoOriginal();
const VALUES = 100_000;

beforeEach((context) => context.skip(MISSING !== undefined, MISSING));

/** Three replicas, with an original's learner beside ours. Ours start first, so that originals need not try twice. */
async function mixture(
  originals: readonly number[],
): Promise<{ scene: Scene; first: OurSequence; programs: readonly Program[]; replicas: readonly Replica[] }> {
  const scene = await Scene.make({ replicas: 3 });
  const replicas: Replica[] = [];
  for (const id of [0, 1, 2]) if (!originals.includes(id)) replicas.push(await scene.replica(id));
  const programs = originals.map((id) => scene.original('replica', id));
  const first = await scene.learner();
  await scene.connected(...programs, scene.originalLearner());
  return { scene, first, programs, replicas };
}

describe('one original replica and two of ours', () => {
  it('choose one sequence for a client of the original', async () => {
    const { scene, first } = await mixture([0]);
    try {
      await runClient(scene, 0, first, VALUES);
      await expectSameSequences(scene, VALUES);
    } finally {
      await scene.end();
    }
  });

  it('choose one sequence for a client of ours', async () => {
    const { scene, first } = await mixture([0]);
    try {
      await runClient(scene, 1, first, VALUES);
      await expectSameSequences(scene, VALUES);
    } finally {
      await scene.end();
    }
  });
});

describe('two original replicas and one of ours', () => {
  it('choose one sequence for a client of an original', async () => {
    const { scene, first } = await mixture([0, 1]);
    try {
      await runClient(scene, 1, first, VALUES);
      await expectSameSequences(scene, VALUES);
    } finally {
      await scene.end();
    }
  });

  it('choose one sequence for a client of ours', async () => {
    const { scene, first } = await mixture([0, 1]);
    try {
      await runClient(scene, 2, first, VALUES);
      await expectSameSequences(scene, VALUES);
    } finally {
      await scene.end();
    }
  });
});

describe('a client that goes from one proposer to another', () => {
  const ROUND = 20_000;

  it.each([
    { originals: [0], name: 'one original and two of ours' },
    { originals: [0, 1], name: 'two originals and one of ours' },
  ])('is served at once by $name', async ({ originals }) => {
    const { scene, first } = await mixture(originals);
    try {
      // 0 is an original, 2 is ours, 1 is one or the other.
      for (const proposerId of [0, 2, 0, 1, 2]) {
        await runClient(scene, proposerId, first, ROUND);
      }
      await expectSameSequences(scene, 5 * ROUND);
    } finally {
      await scene.end();
    }
  });
});

describe('a replica of ours that leads', () => {
  it('is replaced when it is gone, though an original is half of what is left', async () => {
    const { scene, first, replicas } = await mixture([0]);
    try {
      await until('one of ours leads', () => replicas.some(({ isLeading }) => isLeading));
      const leader = replicas.findIndex(({ isLeading }) => isLeading);
      const others = new Submitting(await scene.client(leader === 0 ? 2 : 1), OUTSTANDING);
      const original = new Submitting(await scene.client(0), OUTSTANDING, 1_000_000);
      await Promise.all([others.until(5000), original.until(5000)]);
      await scene.leave(replicas[leader]);
      for (const one of [others, original]) {
        await one.until(one.chosen + 5000);
        expect(one.longestPauseMs).toBeLessThan(2000);
      }
      await Promise.all([others.end(), original.end()]);
      await expectSameSequences(scene, others.submitted + original.submitted);
      expect(others.countMissing(first.values) + original.countMissing(first.values)).toBe(0);
    } finally {
      await scene.end();
    }
  });
});

describe('an original replica that leads', () => {
  it('is followed while it is active, and replaced when it is gone', async () => {
    const { scene, first, programs } = await mixture([0]);
    try {
      const theirs = scene.originalClient(0, OUTSTANDING);
      await until('the original leads', () => scene.events.some(({ event }) => isFollowing(event, 0)));
      const ours = new Submitting(await scene.client(1), OUTSTANDING);
      const byOriginal = new Submitting(await scene.client(0), OUTSTANDING, 1_000_000);
      await Promise.all([ours.until(5000), byOriginal.until(5000)]);

      await Promise.all([theirs.end(), ...programs.map((program) => program.end())]);
      for (const one of [ours, byOriginal]) {
        await one.until(one.chosen + 5000);
        expect(one.longestPauseMs).toBeLessThan(2000);
      }
      await Promise.all([ours.end(), byOriginal.end()]);
      await expectSameSequences(scene, ours.submitted + byOriginal.submitted);
      expect(ours.countMissing(first.values) + byOriginal.countMissing(first.values)).toBe(0);
    } finally {
      await scene.end();
    }
  });

  it('is replaced when it stands still, and followed again when it goes on', async () => {
    const { scene, first, programs } = await mixture([0]);
    try {
      const theirs = scene.originalClient(0, OUTSTANDING);
      await until('the original leads', () => first.count > 5000);
      const told = scene.events.length;
      for (const program of programs) program.pause();
      const isLed = () => scene.events.slice(told).some(({ event }) => event.type === 'leading');
      await until('one of ours leads', isLed);
      const ours = new Submitting(await scene.client(1), OUTSTANDING);
      await ours.until(5000);

      const before = theirs.valuesPerSecond.length;
      for (const program of programs) program.resume();
      const after = () => theirs.valuesPerSecond.slice(before);
      await until('its client has values again', () => after().reduce((sum, count) => sum + count, 0) > 5000);
      await theirs.end();
      await ours.end();
      await expectSameSequences(scene, ours.submitted);
      expect(ours.countMissing(first.values)).toBe(0);
    } finally {
      await scene.end();
    }
  });
});

function isFollowing(event: NodeEvent, proposerId: number): boolean {
  return event.type === 'following' && event.proposerId === proposerId;
}
