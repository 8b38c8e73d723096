/**
 * The conformance suite on both backends, and both against a model: whatever is written, in whatever order, with
 * commits and reopenings between, reads as from a plain object.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, test } from 'vitest';
import { InvariantError } from '../paxos/invariant.ts';
import type { Storage } from '../paxos/storage.ts';
import { CONFORMANCE, patternOf, plain, type StorageHarness } from './conformance.ts';
import { LmdbStorage } from './lmdb.ts';
import { MemoryStorage } from './memory.ts';

const scratch = mkdtempSync(join(tmpdir(), 'libpaxos-conformance-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const memory: StorageHarness = { create: async () => new MemoryStorage(), reopen: undefined };

let directories = 0;
function lmdb(sync: boolean): StorageHarness {
  const openAt = (path: string) =>
    LmdbStorage.open({ path, acceptorId: 0, clusterName: 'test', sync, mapSizeBytes: 10_485_760 });
  return {
    create: () => openAt(join(scratch, `acceptor_${directories++}`)),
    reopen: async (storage) => {
      assert.ok(storage instanceof LmdbStorage);
      await storage.close();
      return openAt(storage.path);
    },
  };
}

const harnesses = { memory, 'lmdb, unsynced': lmdb(false), 'lmdb, synced': lmdb(true) };

/** What a storage is: a plain object of everything written, and the same as of the last commit. */
interface Model {
  records: Map<number, { promisedBallot: number; acceptedBallot: number; value: string }>;
  trim: number;
  floor: number;
  highestAccepted: number;
  highestBallot: number;
}

type Step =
  | {
      readonly kind: 'put';
      readonly id: number;
      readonly promised: number;
      accepted: number;
      readonly size: number;
    }
  | { readonly kind: 'floor'; readonly ballot: number }
  | { readonly kind: 'trim'; readonly id: number }
  | { readonly kind: 'commit'; readonly wait: boolean }
  | { readonly kind: 'reopen' };

/** Instances close together, around a page's edge, and far apart. */
const anyId = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 60 }) },
  { weight: 3, arbitrary: fc.integer({ min: 1_000, max: 1_060 }) },
  { weight: 1, arbitrary: fc.constantFrom(1e9, 2e9, 2 ** 32, 2 ** 50) },
);
const anyBallot = fc.integer({ min: 1, max: 40 });
const anySize = fc.constantFrom(0, 1, 8, 64, 65, 5_000, 20_000);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      id: anyId,
      promised: anyBallot,
      accepted: fc.oneof(fc.constant(0), anyBallot),
      size: anySize,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('floor' as const), ballot: anyBallot }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trim' as const), id: anyId }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('commit' as const), wait: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);

function modelPut(model: Model, step: Extract<Step, { kind: 'put' }>, value: Uint8Array): boolean {
  const before = model.records.get(step.id)?.promisedBallot ?? 0;
  if (step.id <= model.trim || step.promised < before || step.accepted > step.promised) return false;
  model.records.set(step.id, {
    promisedBallot: step.promised,
    acceptedBallot: step.accepted,
    value: Buffer.from(value).toString('hex'),
  });
  if (step.accepted > 0) model.highestAccepted = Math.max(model.highestAccepted, step.id);
  model.highestBallot = Math.max(model.highestBallot, step.promised);
  return true;
}

function compare(storage: Storage, model: Model): void {
  assert.equal(storage.trimInstanceId, model.trim);
  assert.equal(storage.promiseFloor, model.floor);
  assert.equal(storage.highestAccepted, model.highestAccepted);
  assert.equal(storage.highestBallot, model.highestBallot);
  const expected: unknown[] = [];
  for (const [id, record] of [...model.records].sort(([a], [b]) => a - b)) {
    assert.deepEqual(plain(storage.get(id)), record);
    assert.equal(storage.promisedBallot(id), record.promisedBallot);
    if (record.acceptedBallot > 0) expected.push({ id, ...record });
  }
  for (const id of [0, model.trim, model.trim + 1, 61, 999]) {
    assert.equal(storage.get(id) !== undefined, model.records.has(id));
  }
  const found: unknown[] = [];
  for (const { instanceId, promisedBallot, acceptedBallot, value } of storage.accepted(1, 2 ** 52)) {
    found.push({ id: instanceId, promisedBallot, acceptedBallot, value: Buffer.from(value).toString('hex') });
  }
  assert.deepEqual(found, expected);
}

async function follow(harness: StorageHarness, steps: readonly Step[]): Promise<void> {
  let storage = await harness.create();
  let model: Model = { records: new Map(), trim: 0, floor: 0, highestAccepted: 0, highestBallot: 0 };
  let committed = structuredClone(model);
  let committing: Promise<void> | undefined;
  try {
    for (const step of steps) {
      switch (step.kind) {
        case 'put': {
          const value = patternOf(step.accepted === 0 ? 0 : step.size, step.promised);
          const put = () => storage.put(step.id, step.promised, step.accepted, value);
          if (modelPut(model, step, value)) put();
          else assert.throws(put, InvariantError);
          break;
        }
        case 'floor':
          storage.setPromiseFloor(step.ballot);
          model.floor = Math.max(model.floor, step.ballot);
          model.highestBallot = Math.max(model.highestBallot, step.ballot);
          break;
        case 'trim':
          storage.trim(step.id);
          model.trim = Math.max(model.trim, step.id);
          for (const id of model.records.keys()) if (id <= model.trim) model.records.delete(id);
          break;
        case 'commit':
          await committing;
          committing = storage.commit();
          committed = structuredClone(model);
          if (step.wait) await committing;
          break;
        case 'reopen':
          if (harness.reopen === undefined) break;
          storage = await harness.reopen(storage);
          await committing;
          model = structuredClone(committed);
          break;
      }
      compare(storage, model);
    }
    await committing;
    compare(storage, model);
  } finally {
    await storage.close();
  }
}

for (const [name, harness] of Object.entries(harnesses)) {
  describe(`storage: ${name}`, () => {
    for (const { claim, run } of CONFORMANCE.filter(
      ({ durable }) => !durable || harness.reopen !== undefined,
    )) {
      test(claim, () => run(harness));
    }

    test('whatever is written reads as from a plain object', async () => {
      const steps = fc.array(anyStep, { minLength: 20, maxLength: 120 });
      const numRuns = name === 'memory' ? 80 : 20;
      await fc.assert(
        fc.asyncProperty(steps, (all) => follow(harness, all)),
        { numRuns },
      );
    });
  });
}
