/**
 * The simulated disk: a storage like the real ones, and what it does that they do on bad days.
 */
import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import type { Storage } from '../paxos/storage.ts';
import { CONFORMANCE, patternOf, plain, type StorageHarness } from '../storage/conformance.ts';
import { SeededRandom } from '../transport/random.ts';
import { SimDisk } from './disk.ts';
import { SimProcess } from './process.ts';
import { Scheduler } from './scheduler.ts';

const VALUE = patternOf(8, 1);

/** A disk, and processes on it one after another. */
class Rig {
  readonly scheduler = new Scheduler();
  readonly disk: SimDisk;
  process = this.#newProcess();

  constructor(seed: number, durability?: Storage['durability']) {
    this.disk = new SimDisk(new SeededRandom(seed), () => undefined, durability);
  }

  open(): Storage {
    this.process = this.#newProcess();
    return this.disk.open(this.process);
  }

  /** Lets virtual time pass. */
  async pass(ms: number): Promise<void> {
    const until = this.scheduler.now + ms;
    while (this.scheduler.step(until)) await null;
  }

  #newProcess(): SimProcess {
    return new SimProcess({ scheduler: this.scheduler, name: 'a0', drift: 1, slownessMs: 0 });
  }
}

describe('the conformance suite on a simulated disk', () => {
  const rigs = new Map<Storage, Rig>();
  const keep = (rig: Rig, storage: Storage) => {
    rigs.set(storage, rig);
    return storage;
  };
  const harness: StorageHarness = {
    create: async () => {
      const rig = new Rig(1);
      return keep(rig, rig.open());
    },
    reopen: async (storage) => {
      const rig = rigs.get(storage);
      assert.ok(rig !== undefined, 'it was made here');
      const closing = storage.close();
      await rig.pass(10);
      await closing;
      return keep(rig, rig.open());
    },
  };
  for (const { claim, run } of CONFORMANCE) {
    test(claim, async () => {
      let isOver = false;
      const running = run(harness).finally(() => {
        isOver = true;
      });
      // The suite waits for commits, which wait for virtual time.
      const pump = async () => {
        while (!isOver) {
          for (const rig of new Set(rigs.values())) await rig.pass(10);
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      await Promise.all([running, pump()]);
      rigs.clear();
    });
  }
});

describe('a crash during a sync', () => {
  /** A batch of two records and a floor is under way; the process dies after `ms` of a sync that takes 5 to 15. */
  async function crashedAfter(ms: number, seed: number) {
    const rig = new Rig(seed);
    rig.disk.faults.syncMs = 10;
    const storage = rig.open();
    storage.put(1, 11, 11, VALUE);
    storage.put(2, 11, 11, VALUE);
    storage.setPromiseFloor(11);
    const told: string[] = [];
    void storage.commit()?.then(() => told.push('durable'));
    await rig.pass(ms);
    const wasWriting = rig.disk.isWriting;
    rig.process.kill();
    await rig.pass(100);
    const again = rig.open();
    const found = [again.get(1) !== undefined, again.get(2) !== undefined, again.promiseFloor === 11];
    return { found, wasWriting, told };
  }

  test('leaves all of the batch or nothing, and both happen', async () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 40; seed++) {
      const { found } = await crashedAfter(5, seed);
      expect(new Set(found).size).toBe(1);
      seen.add(String(found[0]));
    }
    expect([...seen].sort()).toEqual(['false', 'true']);
  });

  test('is one between a write and its sync, and nobody is told that it is durable', async () => {
    const { wasWriting, told } = await crashedAfter(4, 1);
    expect(wasWriting).toBe(true);
    expect(told).toEqual([]);
  });

  test('after the sync keeps everything', async () => {
    const { found, wasWriting, told } = await crashedAfter(16, 1);
    expect(found).toEqual([true, true, true]);
    expect(wasWriting).toBe(false);
    expect(told).toEqual(['durable']);
  });
});

describe('a bad disk', () => {
  test('a sync that fails ends the storage, and the batch is not on the platter', async () => {
    const rig = new Rig(1);
    const storage = rig.open();
    rig.disk.faults.failNextSync = true;
    storage.put(1, 11, 11, VALUE);
    const refused = expect(storage.commit()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    await rig.pass(10);
    await refused;
    expect(() => storage.put(2, 11, 11, VALUE)).toThrow(expect.objectContaining({ code: 'STORAGE_FAILED' }));
    expect(rig.disk.durable.get(1)).toBeUndefined();
    expect(rig.open().get(1)).toBeUndefined();
  });

  test('a full one takes nothing until there is room', async () => {
    const rig = new Rig(1);
    rig.disk.faults.full = true;
    const storage = rig.open();
    storage.put(1, 11, 11, VALUE);
    const refused = expect(storage.commit()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    await rig.pass(10);
    await refused;
    rig.disk.faults.full = false;
    const again = rig.open();
    again.put(1, 11, 11, VALUE);
    void again.commit();
    await rig.pass(10);
    expect(plain(rig.disk.durable.get(1))).toMatchObject({ acceptedBallot: 11 });
  });

  test('a flipped bit is an error, never a value', async () => {
    const rig = new Rig(1);
    const storage = rig.open();
    storage.put(1, 11, 11, VALUE);
    rig.disk.faults.corruption = 1;
    expect(() => storage.get(1)).toThrow(expect.objectContaining({ code: 'STORAGE_CORRUPT' }));
    expect(() => storage.commit()).toThrow(expect.objectContaining({ code: 'STORAGE_CORRUPT' }));
  });
});

describe('a power cut', () => {
  async function heldAfterPowerCut(durability: Storage['durability'], seed: number): Promise<number> {
    const rig = new Rig(seed, durability);
    const storage = rig.open();
    for (let i = 1; i <= 50; i++) {
      storage.put(i, 11, 11, VALUE);
      void storage.commit();
      await rig.pass(1);
    }
    rig.process.kill();
    rig.disk.losePower();
    return [...rig.open().accepted(1, 50)].length;
  }

  test('takes nothing that was synced', async () => {
    expect(await heldAfterPowerCut('synced', 1)).toBe(50);
  });

  test('takes some of what was not, and not always the last', async () => {
    const held = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => heldAfterPowerCut('unsynced', seed)));
    expect(Math.min(...held)).toBeLessThan(50);
    expect(new Set(held).size).toBeGreaterThan(2);
  });

  test('a kill alone takes nothing', async () => {
    const rig = new Rig(1, 'unsynced');
    const storage = rig.open();
    storage.put(1, 11, 11, VALUE);
    void storage.commit();
    await rig.pass(1);
    rig.process.kill();
    expect(rig.open().get(1)).toBeDefined();
  });
});

test('memory has nothing to wait for, and ends with its process only because nobody opens it again', () => {
  const rig = new Rig(1, 'memory');
  const storage = rig.open();
  storage.put(1, 11, 11, VALUE);
  expect(storage.commit()).toBeUndefined();
  expect(storage.durability).toBe('memory');
  expect(rig.disk.durable.get(1)).toBeDefined();
});
