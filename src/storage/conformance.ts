/**
 * The conformance suite: what every Storage must do, as claims that any test runner can run. One suite, so that the
 * disk, the memory and a simulated disk cannot differ in what the protocol relies on.
 *
 *   for (const { claim, run } of CONFORMANCE) test(claim, () => run(harness))
 */
import assert from 'node:assert/strict';
import { InvariantError } from '../paxos/invariant.ts';
import type { AcceptorRecord, Storage } from '../paxos/storage.ts';

/** How the suite gets a storage. */
export interface StorageHarness {
  /** A new, empty storage. The suite closes it. */
  create(): Promise<Storage>;
  /** Closes a storage and opens what it left behind; undefined if it leaves nothing, as memory does. */
  readonly reopen: ((storage: Storage) => Promise<Storage>) | undefined;
}

export interface ConformanceCase {
  readonly claim: string;
  /** the case needs `reopen` */
  readonly durable: boolean;
  run(harness: StorageHarness): Promise<void>;
}

type Body = (storage: Storage) => Promise<void> | void;
type DurableBody = (storage: Storage, reopen: (storage: Storage) => Promise<Storage>) => Promise<Storage>;

const NOTHING = new Uint8Array(0);
const HIGHEST_ID = Number.MAX_SAFE_INTEGER;

function holds(claim: string, body: Body): ConformanceCase {
  return {
    claim,
    durable: false,
    run: async (harness) => {
      const storage = await harness.create();
      try {
        await body(storage);
      } finally {
        await storage.close();
      }
    },
  };
}

/** A case across reopening; the body gives back the storage to be closed. */
function survives(claim: string, body: DurableBody): ConformanceCase {
  return {
    claim,
    durable: true,
    run: async (harness) => {
      assert.ok(harness.reopen !== undefined, 'a durable case needs reopen');
      const last = await body(await harness.create(), harness.reopen);
      await last.close();
    },
  };
}

/** A value of `length` bytes that no other seed gives. */
export function patternOf(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (seed * 31 + index * 7 + (index >> 8)) & 0xff);
}

/** A record with a copy of its value, to be compared. */
export function plain(record: AcceptorRecord | undefined): unknown {
  if (record === undefined) return undefined;
  const { promisedBallot, acceptedBallot, value } = record;
  return { promisedBallot, acceptedBallot, value: Buffer.from(value).toString('hex') };
}

function assertRecord(
  storage: Storage,
  instanceId: number,
  promised: number,
  accepted: number,
  value: Uint8Array,
) {
  const expected = plain({ promisedBallot: promised, acceptedBallot: accepted, value });
  assert.deepEqual(plain(storage.get(instanceId)), expected, `the record of instance ${instanceId}`);
  assert.equal(storage.promisedBallot(instanceId), promised);
}

function acceptedIds(storage: Storage, from: number, to: number): number[] {
  return [...storage.accepted(from, to)].map(({ instanceId }) => instanceId);
}

const reading: readonly ConformanceCase[] = [
  holds('a new storage has nothing', (storage) => {
    const { trimInstanceId, promiseFloor, highestAccepted, highestBallot } = storage;
    assert.deepEqual([trimInstanceId, promiseFloor, highestAccepted, highestBallot], [0, 0, 0, 0]);
    assert.equal(storage.get(1), undefined);
    assert.equal(storage.promisedBallot(1), 0);
    assert.deepEqual([...storage.accepted(1, HIGHEST_ID)], []);
  }),
  holds('a promise without a value reads back, and is no accepted record', (storage) => {
    storage.put(7, 12, 0, NOTHING);
    assertRecord(storage, 7, 12, 0, NOTHING);
    assert.deepEqual(acceptedIds(storage, 1, 10), []);
    assert.equal(storage.highestAccepted, 0);
    assert.deepEqual([storage.get(6), storage.get(8)], [undefined, undefined]);
  }),
  holds('a promise above the accepted ballot keeps the older value', (storage) => {
    storage.put(7, 12, 12, patternOf(64, 1));
    storage.put(7, 23, 12, patternOf(64, 1));
    assertRecord(storage, 7, 23, 12, patternOf(64, 1));
  }),
  holds('an accepted value of length 0 is a value', (storage) => {
    storage.put(3, 11, 11, NOTHING);
    assertRecord(storage, 3, 11, 11, NOTHING);
    assert.deepEqual(acceptedIds(storage, 1, 10), [3]);
  }),
  holds('the value is copied: changing the bytes afterwards changes nothing', async (storage) => {
    const value = Buffer.from(patternOf(64, 1));
    storage.put(1, 11, 11, value);
    value.fill(0);
    assertRecord(storage, 1, 11, 11, patternOf(64, 1));
    await storage.commit();
    assertRecord(storage, 1, 11, 11, patternOf(64, 1));
  }),
  holds('two records read one after the other are both whole', async (storage) => {
    storage.put(1, 11, 11, patternOf(64, 1));
    storage.put(2, 11, 11, patternOf(64, 2));
    await storage.commit();
    const [first, second] = [storage.get(1), storage.get(2)];
    assert.deepEqual(Buffer.from(first?.value ?? NOTHING), Buffer.from(patternOf(64, 1)));
    assert.deepEqual(Buffer.from(second?.value ?? NOTHING), Buffer.from(patternOf(64, 2)));
  }),
  holds('values of every size read back, before and after the commit', async (storage) => {
    const sizes = [1, 63, 64, 4_095, 4_096, 4_097, 16_384, 65_535, 65_536, 1_048_577];
    const check = () => {
      sizes.forEach((size, index) => {
        assertRecord(storage, index + 1, 11, 11, patternOf(size, index));
      });
    };
    sizes.forEach((size, index) => {
      storage.put(index + 1, 11, 11, patternOf(size, index));
    });
    check();
    await storage.commit();
    check();
  }),
  holds('a value is replaced by a shorter, an equal and a longer one', async (storage) => {
    let ballot = 1;
    for (const size of [64, 10, 10, 64, 65, 5_000, 20, 9_000, 9_000, 1, 0, 300]) {
      ballot += 10;
      for (let instanceId = 1; instanceId <= 40; instanceId++) {
        storage.put(instanceId, ballot, ballot, patternOf(size, instanceId));
      }
      for (let instanceId = 1; instanceId <= 40; instanceId++) {
        assertRecord(storage, instanceId, ballot, ballot, patternOf(size, instanceId));
      }
      if (ballot % 20 === 1) await storage.commit();
    }
  }),
  holds('instances far apart, up to 2^53-1, are kept apart', async (storage) => {
    const ids = [1, 255, 256, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40 + 3, HIGHEST_ID - 1];
    ids.forEach((id, index) => {
      storage.put(id, 11, 11, patternOf(20, index));
    });
    const check = () => {
      ids.forEach((id, index) => {
        assertRecord(storage, id, 11, 11, patternOf(20, index));
      });
      assert.deepEqual(acceptedIds(storage, 1, HIGHEST_ID - 1), ids);
      assert.deepEqual(acceptedIds(storage, 256, 2 ** 32), [256, 2 ** 31, 2 ** 32 - 1, 2 ** 32]);
    };
    check();
    await storage.commit();
    check();
    assert.equal(storage.highestAccepted, HIGHEST_ID - 1);
  }),
  holds(
    'accepted tells the range inclusive, in order, and passes over records without a value',
    async (storage) => {
      for (let instanceId = 3_000; instanceId >= 1; instanceId--) {
        const accepts = instanceId % 3 === 0;
        storage.put(instanceId, 11, accepts ? 11 : 0, accepts ? patternOf(8, instanceId) : NOTHING);
        if (instanceId === 1_500) await storage.commit();
      }
      const ids = acceptedIds(storage, 3, 2_997);
      assert.equal(ids.length, 999);
      assert.ok(ids.every((id, index) => id === 3 * (index + 1)));
      assert.deepEqual(acceptedIds(storage, 10, 9), []);
      assert.deepEqual(acceptedIds(storage, 0, 3), [3]);
      for (const { instanceId, value } of storage.accepted(1_400, 1_600)) {
        assert.deepEqual(Buffer.from(value), Buffer.from(patternOf(8, instanceId)));
      }
    },
  ),
  holds('accepted may be left early, and asked again', async (storage) => {
    for (let instanceId = 1; instanceId <= 1_000; instanceId++)
      storage.put(instanceId, 11, 11, patternOf(8, 1));
    await storage.commit();
    for (let i = 0; i < 200; i++) {
      for (const { instanceId } of storage.accepted(5, 1_000)) if (instanceId === 7) break;
    }
    assert.equal(acceptedIds(storage, 1, 1_000).length, 1_000);
  }),
];

const writing: readonly ConformanceCase[] = [
  holds('highestAccepted and highestBallot only rise', (storage) => {
    storage.put(5, 31, 21, patternOf(8, 1));
    storage.put(9, 12, 0, NOTHING);
    storage.put(2, 13, 13, patternOf(8, 1));
    assert.deepEqual([storage.highestAccepted, storage.highestBallot], [5, 31]);
  }),
  holds('the promise floor only rises, and counts as a ballot seen', (storage) => {
    storage.setPromiseFloor(42);
    storage.setPromiseFloor(12);
    assert.deepEqual([storage.promiseFloor, storage.highestBallot], [42, 42]);
    assert.equal(storage.promisedBallot(1), 0, 'the floor is not in the record');
  }),
  holds('a promised ballot that would sink is a bug, before and after the commit', async (storage) => {
    storage.put(5, 31, 0, NOTHING);
    assert.throws(() => storage.put(5, 21, 21, patternOf(8, 1)), InvariantError);
    await storage.commit();
    assert.throws(() => storage.put(5, 21, 21, patternOf(8, 1)), InvariantError);
    assertRecord(storage, 5, 31, 0, NOTHING);
  }),
  holds('a record that no acceptor can have is a bug', (storage) => {
    assert.throws(() => storage.put(0, 11, 0, NOTHING), InvariantError);
    assert.throws(() => storage.put(-1, 11, 0, NOTHING), InvariantError);
    assert.throws(() => storage.put(1.5, 11, 0, NOTHING), InvariantError);
    assert.throws(() => storage.put(2 ** 53, 11, 0, NOTHING), InvariantError);
    assert.throws(() => storage.put(1, 11, 0, patternOf(8, 1)), InvariantError);
    assert.throws(() => storage.put(1, 11, 21, patternOf(8, 1)), InvariantError);
    assert.throws(() => storage.put(1, 0, 0, NOTHING), InvariantError);
    assert.throws(() => storage.put(1, 2 ** 31 + 1, 0, NOTHING), InvariantError);
  }),
  holds('a commit of nothing has nothing to wait for', async (storage) => {
    assert.equal(storage.commit(), undefined);
    storage.put(1, 11, 0, NOTHING);
    storage.setPromiseFloor(9);
    await storage.commit();
    assert.equal(storage.commit(), undefined);
    storage.setPromiseFloor(8);
    assert.equal(storage.commit(), undefined);
  }),
  holds('what is being committed is seen, and so is what is written meanwhile', async (storage) => {
    storage.put(1, 11, 11, patternOf(64, 1));
    storage.put(2, 11, 11, patternOf(64, 2));
    const committing = storage.commit();
    assertRecord(storage, 1, 11, 11, patternOf(64, 1));
    storage.put(2, 21, 21, patternOf(32, 3));
    storage.put(3, 21, 21, patternOf(32, 4));
    const check = () => {
      assertRecord(storage, 1, 11, 11, patternOf(64, 1));
      assertRecord(storage, 2, 21, 21, patternOf(32, 3));
      assertRecord(storage, 3, 21, 21, patternOf(32, 4));
      assert.deepEqual(acceptedIds(storage, 1, 10), [1, 2, 3]);
    };
    check();
    await committing;
    check();
    await storage.commit();
    check();
  }),
  holds('many batches of many records', async (storage) => {
    for (let batch = 0; batch < 20; batch++) {
      for (let i = 1; i <= 500; i++) storage.put(batch * 500 + i, 11, 11, patternOf(100, i));
      await storage.commit();
    }
    for (const id of [1, 500, 501, 5_000, 9_999, 10_000]) {
      assertRecord(storage, id, 11, 11, patternOf(100, ((id - 1) % 500) + 1));
    }
    assert.equal(acceptedIds(storage, 1, 20_000).length, 10_000);
    assert.ok(storage.sizeBytes >= 1_000_000);
  }),
];

const trimming: readonly ConformanceCase[] = [
  holds('records at or below the trim point are gone at once, and stay gone', async (storage) => {
    for (let instanceId = 1; instanceId <= 3_000; instanceId++)
      storage.put(instanceId, 11, 11, patternOf(20, 1));
    await storage.commit();
    for (let instanceId = 3_001; instanceId <= 3_100; instanceId++) {
      storage.put(instanceId, 11, 11, patternOf(20, 1));
    }
    storage.trim(3_050);
    const check = () => {
      assert.equal(storage.trimInstanceId, 3_050);
      assert.equal(storage.get(1), undefined);
      assert.equal(storage.get(3_050), undefined);
      assert.equal(storage.promisedBallot(3_050), 0);
      assertRecord(storage, 3_051, 11, 11, patternOf(20, 1));
      assert.equal(acceptedIds(storage, 1, 4_000).length, 50);
    };
    check();
    await storage.commit();
    check();
  }),
  holds('a trim keeps highestAccepted, highestBallot and the floor', async (storage) => {
    storage.put(5, 31, 31, patternOf(20, 1));
    storage.setPromiseFloor(21);
    storage.trim(10);
    await storage.commit();
    assert.deepEqual([storage.highestAccepted, storage.highestBallot, storage.promiseFloor], [5, 31, 21]);
    assert.deepEqual(acceptedIds(storage, 1, 100), []);
  }),
  holds('the trim point only rises, and nothing is written at or below it', (storage) => {
    storage.put(11, 11, 11, patternOf(8, 1));
    storage.trim(10);
    storage.trim(4);
    assert.equal(storage.trimInstanceId, 10);
    assert.throws(() => storage.put(10, 11, 0, NOTHING), InvariantError);
    storage.put(11, 21, 11, patternOf(8, 1));
    assertRecord(storage, 11, 21, 11, patternOf(8, 1));
  }),
  holds('a trim over instances far apart drops them alone', async (storage) => {
    const ids = [1, 2, 1e9, 2e9, 3e12, 2 ** 52];
    for (const id of ids) storage.put(id, 11, 11, patternOf(8, 1));
    await storage.commit();
    storage.trim(2e9);
    assert.deepEqual(acceptedIds(storage, 1, HIGHEST_ID - 1), [3e12, 2 ** 52]);
    storage.trim(HIGHEST_ID - 1);
    assert.deepEqual(acceptedIds(storage, 1, HIGHEST_ID - 1), []);
    await storage.commit();
    assert.deepEqual(acceptedIds(storage, 1, HIGHEST_ID - 1), []);
  }),
];

const lasting: readonly ConformanceCase[] = [
  survives('what was committed is there after reopening, what was not is not', async (storage, reopen) => {
    storage.put(1, 11, 11, patternOf(64, 1));
    storage.put(2, 11, 0, NOTHING);
    await storage.commit();
    storage.put(2, 21, 21, patternOf(64, 2));
    storage.put(3, 21, 21, patternOf(64, 3));
    storage.setPromiseFloor(91);
    storage.trim(1);
    const again = await reopen(storage);
    assertRecord(again, 1, 11, 11, patternOf(64, 1));
    assertRecord(again, 2, 11, 0, NOTHING);
    assert.equal(again.get(3), undefined);
    const { trimInstanceId, promiseFloor, highestAccepted, highestBallot } = again;
    assert.deepEqual([trimInstanceId, promiseFloor, highestAccepted, highestBallot], [0, 0, 1, 11]);
    return again;
  }),
  survives('close waits for the commit under way', async (storage, reopen) => {
    storage.put(1, 11, 11, patternOf(64, 1));
    const committing = storage.commit();
    const again = await reopen(storage);
    await committing;
    assertRecord(again, 1, 11, 11, patternOf(64, 1));
    return again;
  }),
  survives(
    'trim point, floor and highest numbers last, also when all records are gone',
    async (storage, reopen) => {
      for (let instanceId = 1; instanceId <= 100; instanceId++)
        storage.put(instanceId, 31, 21, patternOf(8, 1));
      storage.trim(100);
      await storage.commit();
      storage.setPromiseFloor(42);
      await storage.commit(); // by itself: it has to be reason enough to write
      const again = await reopen(storage);
      const { trimInstanceId, promiseFloor, highestAccepted, highestBallot } = again;
      assert.deepEqual([trimInstanceId, promiseFloor, highestAccepted, highestBallot], [100, 42, 100, 42]);
      assert.deepEqual(acceptedIds(again, 1, 1_000), []);
      again.put(101, 51, 51, patternOf(8, 2));
      assertRecord(again, 101, 51, 51, patternOf(8, 2));
      return again;
    },
  ),
  survives('a promise that would sink is a bug after reopening too', async (storage, reopen) => {
    storage.put(5, 31, 0, NOTHING);
    await storage.commit();
    const again = await reopen(storage);
    assert.throws(() => again.put(5, 21, 21, patternOf(8, 1)), InvariantError);
    return again;
  }),
];

const ending: readonly ConformanceCase[] = [
  holds('after close every call throws CLOSED', async (storage) => {
    storage.put(1, 11, 11, patternOf(8, 1));
    await storage.commit();
    await storage.close();
    const closed = { code: 'CLOSED' };
    assert.throws(() => storage.get(1), closed);
    assert.throws(() => storage.promisedBallot(1), closed);
    assert.throws(() => storage.put(2, 11, 0, NOTHING), closed);
    assert.throws(() => storage.setPromiseFloor(1), closed);
    assert.throws(() => storage.trim(1), closed);
    assert.throws(() => storage.commit(), closed);
    assert.throws(() => [...storage.accepted(1, 2)], closed);
    await storage.close();
  }),
];

/** Every case, in the order of what it builds on. */
export const CONFORMANCE: readonly ConformanceCase[] = [
  ...reading,
  ...writing,
  ...trimming,
  ...lasting,
  ...ending,
];
