/**
 * Two clients at two replicas, an original one and one of ours: nobody is left without while the other is served.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Program, whyNoOriginal } from './programs.ts';
import { type OurSequence, Scene, until } from './scene.ts';
import { expectSameSequences } from './sequences.ts';
import { Submitting } from './submitting.ts';

const MISSING = whyNoOriginal();
const OUTSTANDING = 50;
/** The number of the first value of the second client. */
const SECOND = 10_000_000;
const IDLE_FOR = 20_000;

beforeEach((context) => context.skip(MISSING !== undefined, MISSING));

/** Three replicas, these of them originals, and all of them connected. */
async function mixture(originals: readonly number[]): Promise<{ scene: Scene; learned: OurSequence }> {
  const scene = await Scene.make({ replicas: 3 });
  for (const id of [0, 1, 2]) if (!originals.includes(id)) await scene.replica(id);
  const programs = originals.map((id) => scene.original('replica', id));
  const learned = await scene.learner();
  await scene.connected(...programs, scene.originalLearner());
  return { scene, learned };
}

/** How many values each has chosen in each of the next seconds. */
async function count(seconds: number, clients: readonly Submitting[]): Promise<number[][]> {
  const rows: number[][] = [];
  for (let i = 0; i < seconds; i++) {
    const before = clients.map(({ chosen }) => chosen);
    await sleep(1000);
    rows.push(clients.map(({ chosen }, j) => chosen - (before[j] ?? 0)));
  }
  return rows;
}

const shown = (rows: readonly (readonly number[])[]) => rows.map((row) => row.join(' and ')).join(', ');
const sumOf = (rows: readonly (readonly number[])[], j: number) =>
  rows.reduce((sum, row) => sum + (row[j] ?? 0), 0);

/** True for what a client of the original's submitted: its id is random, and that of ours 1. */
function isTheirs(value: Uint8Array): boolean {
  return new DataView(value.buffer, value.byteOffset).getInt32(0, true) !== 1;
}

/**
 * Starts a client of the original's, and waits until it is served. One whose first values were all chosen before it
 * could learn them waits for ever, a fault of its own: then another one is started.
 */
async function served(scene: Scene, learned: OurSequence): Promise<Program> {
  const before = learned.values.filter(isTheirs).length;
  const client = scene.originalClient(0, OUTSTANDING);
  await until('its client tells', () => client.valuesPerSecond.length >= 1);
  if (learned.values.filter(isTheirs).length > before + OUTSTANDING) return client;
  await client.end();
  return served(scene, learned);
}

/** What a client of the original's told of its first seconds. */
async function told(scene: Scene, learned: OurSequence, seconds: number): Promise<number[]> {
  const client = await served(scene, learned);
  await until('its client tells', () => client.valuesPerSecond.length >= seconds);
  await client.end();
  return client.valuesPerSecond.slice(0, seconds);
}

const MIXTURES = [
  { originals: [0], name: 'one original and two of ours' },
  { originals: [0, 1], name: 'two originals and one of ours' },
];

describe('a client at an original replica and one at ours', () => {
  it.each(MIXTURES)('have a third of the values each, or more, with $name', async ({ originals }) => {
    const { scene } = await mixture(originals);
    try {
      const clients = [
        new Submitting(await scene.client(2), OUTSTANDING),
        new Submitting(await scene.client(0), OUTSTANDING, SECOND),
      ];
      await Promise.all(clients.map((client) => client.until(500)));
      const rows = await count(4, clients);
      await Promise.all(clients.map((client) => client.end()));
      const [ours, theirs] = [sumOf(rows, 0), sumOf(rows, 1)];
      expect(Math.min(ours, theirs) / (ours + theirs), shown(rows)).toBeGreaterThan(1 / 3);
      await expectSameSequences(scene, ours + theirs);
    } finally {
      await scene.end();
    }
  });
});

describe('a client of the original’s at its replica and one of ours', () => {
  it('have a third of the values each, or more', async () => {
    const { scene, learned } = await mixture([0]);
    try {
      const ours = new Submitting(await scene.client(2), OUTSTANDING);
      await ours.until(500);
      const client = await served(scene, learned);
      const from = learned.count;
      await sleep(4000);
      const values = learned.values.slice(from);
      await client.end();
      await ours.end();
      const theirs = values.filter(isTheirs).length;
      const share = Math.min(theirs, values.length - theirs) / values.length;
      expect(share, `${theirs} of ${values.length} are theirs`).toBeGreaterThan(1 / 3);
      await expectSameSequences(scene, ours.submitted);
    } finally {
      await scene.end();
    }
  });
});

describe('an original replica that idled while ours led, and is then given values', () => {
  it.each(MIXTURES)('leaves nobody a second without, with $name', async ({ originals }) => {
    const { scene } = await mixture(originals);
    try {
      const ours = new Submitting(await scene.client(2), OUTSTANDING);
      await ours.until(IDLE_FOR);
      const theirs = new Submitting(await scene.client(0), OUTSTANDING, SECOND);
      const rows = await count(4, [ours, theirs]);
      await Promise.all([ours.end(), theirs.end()]);
      expect(Math.max(ours.longestPauseMs, theirs.longestPauseMs), shown(rows)).toBeLessThan(1000);
      await expectSameSequences(scene, ours.submitted + theirs.submitted);
    } finally {
      await scene.end();
    }
  });

  it('serves a client of the original’s every second, and one at ours too', async () => {
    const { scene, learned } = await mixture([0]);
    try {
      const ours = new Submitting(await scene.client(2), OUTSTANDING);
      await ours.until(IDLE_FOR);
      const theirs = await told(scene, learned, 4);
      await ours.end();
      expect(Math.min(...theirs), `values in each second: ${theirs.join(', ')}`).toBeGreaterThan(0);
      expect(ours.longestPauseMs, `values in each second: ${theirs.join(', ')}`).toBeLessThan(1000);
      await expectSameSequences(scene, ours.submitted);
    } finally {
      await scene.end();
    }
  });
});
