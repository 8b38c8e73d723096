import { beforeEach, describe, expect, it } from 'vitest';
import { whyNoOriginal } from './programs.ts';
import { Scene } from './scene.ts';
import { expectSameSequences, OUTSTANDING, runClient } from './sequences.ts';
import { Submitting } from './submitting.ts';

const MISSING = whyNoOriginal();
const VALUES = 100_000;

beforeEach((context) => context.skip(MISSING !== undefined, MISSING));

describe('an original proposer with acceptors of ours', () => {
  it('gets one sequence chosen', async () => {
    const scene = await Scene.make({ acceptors: 3, proposers: 1 });
    try {
      for (const id of [0, 1, 2]) await scene.acceptor(id);
      const first = await scene.learner();
      await scene.learner();
      await scene.connected(scene.original('proposer', 0), scene.originalLearner());
      await runClient(scene, 0, first, VALUES);
      await expectSameSequences(scene, VALUES);
    } finally {
      await scene.end();
    }
  });

  it('has its client served at once after a proposer of ours has led for long', async () => {
    const scene = await Scene.make({ acceptors: 3, proposers: 2 });
    try {
      for (const id of [0, 1, 2]) await scene.acceptor(id);
      await scene.proposer(1);
      const first = await scene.learner();
      await scene.connected(scene.original('proposer', 0), scene.originalLearner());
      // The original has prepared the first instances; when its client comes it is behind by all these.
      await runClient(scene, 1, first, VALUES);
      await runClient(scene, 0, first, 20_000);
      await runClient(scene, 1, first, 20_000);
      await expectSameSequences(scene, VALUES + 40_000);
    } finally {
      await scene.end();
    }
  });
});

describe('a proposer of ours with original acceptors', () => {
  it('gets one sequence chosen', async () => {
    const scene = await Scene.make({ acceptors: 3, proposers: 1 });
    try {
      for (const id of [0, 1, 2]) scene.original('acceptor', id);
      await scene.proposer(0);
      const first = await scene.learner();
      await scene.learner();
      await scene.connected(scene.originalLearner());
      await runClient(scene, 0, first, VALUES);
      await expectSameSequences(scene, VALUES);
    } finally {
      await scene.end();
    }
  });
});

describe('a client of ours with original replicas', () => {
  it('gets every value chosen once, as all learners see', async () => {
    const scene = await Scene.make({ replicas: 3 });
    try {
      const replicas = [0, 1, 2].map((id) => scene.original('replica', id));
      await scene.connected(...replicas);
      const first = await scene.learner();
      await scene.connected(scene.originalLearner());
      const ours = new Submitting(await scene.client(0), OUTSTANDING);
      await ours.until(VALUES);
      await ours.end();
      await expectSameSequences(scene, VALUES);
      expect(first.count).toBe(ours.submitted);
      expect(ours.countMissing(first.values)).toBe(0);
    } finally {
      await scene.end();
    }
  });
});

describe('an original client and an original learner with replicas of ours', () => {
  it('see one sequence', async () => {
    const scene = await Scene.make({ replicas: 3 });
    try {
      for (const id of [0, 1, 2]) await scene.replica(id);
      const first = await scene.learner();
      await scene.connected(scene.originalLearner());
      await runClient(scene, 2, first, VALUES);
      await expectSameSequences(scene, VALUES);
    } finally {
      await scene.end();
    }
  });
});
