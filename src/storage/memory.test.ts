import { describe, expect, test } from 'vitest';
import { PaxosError } from '../paxos/error.ts';
import { Arena } from './arena.ts';
import { patternOf, plain } from './conformance.ts';
import { MemoryStorage } from './memory.ts';
import { PAGE_INSTANCES, Page } from './page.ts';

const NOTHING = new Uint8Array(0);
const VALUE = patternOf(64, 1);

describe('MemoryStorage', () => {
  test('says that it lasts no longer than the process', () => {
    const storage = new MemoryStorage();
    expect(storage.durability).toBe('memory');
    expect(storage.commit()).toBeUndefined();
  });

  test('100,000 records of 64 bytes take less than 100 bytes each', () => {
    const storage = new MemoryStorage();
    for (let instanceId = 1; instanceId <= 100_000; instanceId++) storage.put(instanceId, 11, 11, VALUE);
    expect(storage.sizeBytes).toBeLessThan(10_000_000);
    expect(storage.sizeBytes).toBeGreaterThan(6_400_000);
  });

  test('a trim that follows the writes keeps the size flat', () => {
    const storage = new MemoryStorage();
    for (let instanceId = 1; instanceId <= 300_000; instanceId++) {
      storage.put(instanceId, 11, 11, VALUE);
      if (instanceId % 1_000 === 0 && instanceId > 5_000) storage.trim(instanceId - 5_000);
    }
    expect(storage.sizeBytes).toBeLessThan(1_000_000);
  });

  test('instances far apart cost a record each, not a page', () => {
    const storage = new MemoryStorage();
    for (let i = 1; i <= 10_000; i++) storage.put(i * 1e9, 11, 0, NOTHING);
    expect(storage.sizeBytes).toBeLessThan(10_000 * 200);
    expect(storage.promisedBallot(7_000 * 1e9)).toBe(11);
    storage.trim(5_000 * 1e9);
    expect(storage.sizeBytes).toBeLessThan(5_000 * 200);
  });

  test('too many instances far apart fill it, and it ends', () => {
    const storage = new MemoryStorage({ maxSparseRecords: 100 });
    for (let i = 1; i <= 100; i++) storage.put(i * 1e9, 11, 0, NOTHING);
    storage.put(5e9, 21, 0, NOTHING);
    expect(() => storage.put(101e9, 11, 0, NOTHING)).toThrow(PaxosError);
    expect(() => storage.get(1e9)).toThrow(expect.objectContaining({ code: 'STORAGE_FULL' }));
    expect(() => storage.commit()).toThrow(expect.objectContaining({ code: 'STORAGE_FULL' }));
  });

  test('a copy has the same contents and shares nothing', () => {
    const storage = new MemoryStorage();
    for (let instanceId = 1; instanceId <= 3_000; instanceId++) storage.put(instanceId, 11, 11, VALUE);
    storage.put(1e9, 11, 11, VALUE);
    storage.setPromiseFloor(12);
    storage.trim(10);

    const copy = storage.copy();
    copy.put(20, 21, 21, patternOf(64, 2));
    copy.put(1e9, 21, 21, patternOf(64, 2));
    copy.put(4_000, 31, 31, VALUE);
    copy.trim(15);
    copy.setPromiseFloor(42);

    const before = plain({ promisedBallot: 11, acceptedBallot: 11, value: VALUE });
    expect(plain(storage.get(20))).toEqual(before);
    expect(plain(storage.get(1e9))).toEqual(before);
    expect(plain(storage.get(11))).toEqual(before);
    expect(storage.get(4_000)).toBeUndefined();
    expect([storage.trimInstanceId, storage.promiseFloor, storage.highestBallot]).toEqual([10, 12, 12]);
    expect(plain(copy.get(3_000))).toEqual(before);
    expect(copy.get(15)).toBeUndefined();
    expect([copy.trimInstanceId, copy.promiseFloor, copy.highestBallot]).toEqual([15, 42, 42]);
  });
});

describe('Page', () => {
  test('values that grow again and again leave no more lost than alive', () => {
    const page = new Page(new Arena());
    for (let length = 4; length <= 400; length += 4) {
      for (let slot = 0; slot < PAGE_INSTANCES; slot += 8) {
        page.put(slot, length, length, patternOf(length, slot));
      }
    }
    const alive = 400 * (PAGE_INSTANCES / 8);
    expect(page.sizeBytes).toBeLessThan(16_384 + 3 * alive + 65_536);
    for (let slot = 0; slot < PAGE_INSTANCES; slot += 8) {
      expect(Buffer.from(page.get(slot)?.value ?? NOTHING)).toEqual(Buffer.from(patternOf(400, slot)));
    }
  });

  test('a large value that is replaced gives its buffer back', () => {
    const page = new Page(new Arena());
    const large = patternOf(1_000_000, 1);
    for (let ballot = 1; ballot <= 50; ballot++) {
      page.put(3, ballot, ballot, ballot % 2 === 0 ? large : VALUE);
      page.put(4, ballot, ballot, large);
      expect(Buffer.from(page.get(3)?.value ?? NOTHING).equals(ballot % 2 === 0 ? large : VALUE)).toBe(true);
    }
    expect(page.sizeBytes).toBeLessThan(2_200_000);
  });
});
