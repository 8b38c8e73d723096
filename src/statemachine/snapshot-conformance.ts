/**
 * The conformance suite: what every SnapshotStore must do, as claims that any test runner can run. One suite, so that
 * files, memory and a simulated disk cannot differ in what a replica relies on.
 *
 *   for (const { claim, run } of SNAPSHOT_CONFORMANCE) test(claim, () => run(harness))
 */
import assert from 'node:assert/strict';
import { PaxosError, type PaxosErrorCode } from '../paxos/error.ts';
import { gather } from './snapshot-reader.ts';
import {
  KEPT_SNAPSHOTS,
  MAX_SNAPSHOT_BYTES,
  type SnapshotInfo,
  type SnapshotStore,
} from './snapshot-store.ts';

/** How the suite gets a store. */
export interface SnapshotHarness {
  /** A new, empty store of this cluster. The suite closes it. */
  create(clusterName: string): Promise<SnapshotStore>;
  /** Closes a store and opens what it left behind; undefined if it leaves nothing, as memory does. */
  readonly reopen: ((store: SnapshotStore) => Promise<SnapshotStore>) | undefined;
}

export interface SnapshotCase {
  readonly claim: string;
  /** the case needs `reopen` */
  readonly durable: boolean;
  run(harness: SnapshotHarness): Promise<void>;
}

const CLUSTER = 'test';

function holds(
  claim: string,
  body: (store: SnapshotStore, other: SnapshotStore) => Promise<void>,
): SnapshotCase {
  return {
    claim,
    durable: false,
    run: async (harness) => {
      const [store, other] = [await harness.create(CLUSTER), await harness.create(CLUSTER)];
      try {
        await body(store, other);
      } finally {
        await store.close();
        await other.close();
      }
    },
  };
}

function survives(
  claim: string,
  body: (
    store: SnapshotStore,
    reopen: (store: SnapshotStore) => Promise<SnapshotStore>,
  ) => Promise<SnapshotStore>,
): SnapshotCase {
  return {
    claim,
    durable: true,
    run: async (harness) => {
      assert.ok(harness.reopen !== undefined, 'a durable case needs reopen');
      const last = await body(await harness.create(CLUSTER), harness.reopen);
      await last.close();
    },
  };
}

/** Content of so many bytes that no other seed gives. */
export function contentOf(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (seed * 31 + index * 7 + (index >> 8)) & 0xff);
}

/** The content as a stream, cut into chunks. */
export async function* streamOf(content: Uint8Array, chunkBytes = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += chunkBytes) yield content.subarray(at, at + chunkBytes);
}

/** The content of a snapshot, as it is read back. */
export async function contentIn(store: SnapshotStore, snapshotId: number): Promise<Uint8Array> {
  const snapshot = await store.open(snapshotId);
  assert.ok(snapshot !== undefined, 'the snapshot is there');
  try {
    return await gather(snapshot.read());
  } finally {
    await snapshot.close();
  }
}

/** All bytes of a snapshot, read by pieces. */
export async function wholeOf(
  store: SnapshotStore,
  snapshotId: number,
  pieceBytes: number,
): Promise<Uint8Array> {
  const snapshot = await store.open(snapshotId);
  assert.ok(snapshot !== undefined, 'the snapshot is there');
  const pieces: Uint8Array[] = [];
  for (let offset = 0; ; ) {
    const piece = await snapshot.piece(offset, pieceBytes);
    assert.ok(piece.length <= pieceBytes, 'a piece is not larger than asked for');
    if (piece.length === 0) break;
    pieces.push(piece);
    offset += piece.length;
  }
  await snapshot.close();
  return Buffer.concat(pieces);
}

/** Gives a snapshot's bytes to another store. */
export async function hand(whole: Uint8Array, info: SnapshotInfo, to: SnapshotStore): Promise<SnapshotInfo> {
  const incoming = await to.receive(info);
  for (let at = 0; at < whole.length; at += 999) {
    assert.equal(incoming.received, at);
    await incoming.append(whole.subarray(at, at + 999));
  }
  return incoming.finish();
}

async function rejects(promise: Promise<unknown>, code: PaxosErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => error instanceof PaxosError && error.code === code);
}

const writing: readonly SnapshotCase[] = [
  holds('a new store has none', async (store) => {
    assert.deepEqual([store.newest, store.snapshots, await store.open(1)], [undefined, [], undefined]);
  }),
  holds('what was written reads back, whatever its size and however it was cut', async (store) => {
    for (const [seed, length] of [0, 1, 65_535, 65_536, 65_537, 300_000].entries()) {
      const content = contentOf(length, seed);
      const info = await store.write(seed + 1, streamOf(content, 1 + 997 * (seed + 1)));
      assert.deepEqual(store.newest, info);
      assert.equal(info.instanceId, seed + 1);
      assert.equal(Buffer.compare(await contentIn(store, info.snapshotId), content), 0);
      assert.equal((await wholeOf(store, info.snapshotId, 7_777)).length, info.bytes);
    }
  }),
  holds('the newest and the one before are kept', async (store) => {
    const infos: SnapshotInfo[] = [];
    for (let i = 1; i <= 4; i++) infos.unshift(await store.write(10 * i, streamOf(contentOf(100, i))));
    assert.deepEqual(store.snapshots, infos.slice(0, KEPT_SNAPSHOTS));
    assert.equal(await store.open(infos[3]?.snapshotId ?? 0), undefined);
    assert.equal(new Set(infos.map(({ snapshotId }) => snapshotId)).size, 4);
  }),
  holds('content that fails leaves everything as it was, and its error is what is told', async (store) => {
    const info = await store.write(1, streamOf(contentOf(100, 1)));
    const failing = async function* () {
      yield contentOf(100_000, 2);
      throw new RangeError('the machine failed');
    };
    await assert.rejects(store.write(2, failing()), /the machine failed/);
    assert.deepEqual(store.snapshots, [info]);
    await store.write(3, streamOf(contentOf(100, 3)));
  }),
  holds('writing ends when it is aborted, and leaves nothing', async (store) => {
    const controller = new AbortController();
    const slow = async function* () {
      yield contentOf(200_000, 1);
      controller.abort();
      yield contentOf(200_000, 1);
    };
    await rejects(store.write(1, slow(), controller.signal), 'ABORTED');
    assert.deepEqual(store.snapshots, []);
  }),
  holds('what is open stays readable when newer ones are made', async (store) => {
    const content = contentOf(100_000, 1);
    const info = await store.write(1, streamOf(content));
    const opened = await store.open(info.snapshotId);
    assert.ok(opened !== undefined);
    for (let i = 2; i <= 5; i++) await store.write(i, streamOf(contentOf(100, i)));
    assert.equal(await store.open(info.snapshotId), undefined);
    assert.equal(Buffer.compare(await gather(opened.read()), content), 0);
    const tail = await opened.piece(info.bytes - 10, 100);
    assert.equal(tail.length, 10);
    assert.equal((await opened.piece(info.bytes, 100)).length, 0);
    assert.equal((await opened.piece(info.bytes + 1, 100)).length, 0);
    await opened.close();
  }),
  holds('a closed store takes and gives nothing', async (store) => {
    await store.close();
    await rejects(store.write(1, streamOf(contentOf(1, 1))), 'CLOSED');
    await rejects(store.receive({ instanceId: 1, snapshotId: 1, bytes: 1 }), 'CLOSED');
    await rejects(store.open(1), 'CLOSED');
  }),
];

const receiving: readonly SnapshotCase[] = [
  holds('what another store has is taken piece by piece, and is the same there', async (store, other) => {
    const info = await store.write(7, streamOf(contentOf(200_000, 1)));
    const whole = await wholeOf(store, info.snapshotId, 50_000);
    assert.deepEqual(await hand(whole, info, other), info);
    assert.deepEqual(other.snapshots, [info]);
    assert.equal(Buffer.compare(await wholeOf(other, info.snapshotId, 10_000), whole), 0);
    assert.equal(Buffer.compare(await contentIn(other, info.snapshotId), contentOf(200_000, 1)), 0);
  }),
  holds('one that comes late is no newer than what is here', async (store, other) => {
    const info = await store.write(7, streamOf(contentOf(100, 1)));
    const whole = await wholeOf(store, info.snapshotId, 50_000);
    const newer = await other.write(9, streamOf(contentOf(100, 2)));
    await hand(whole, info, other);
    assert.deepEqual(other.snapshots, [newer, info]);
  }),
  holds('nothing is there before it was verified', async (store, other) => {
    const info = await store.write(7, streamOf(contentOf(2_000, 1)));
    const whole = await wholeOf(store, info.snapshotId, 50_000);
    const incoming = await other.receive(info);
    await incoming.append(whole);
    assert.deepEqual([other.newest, await other.open(info.snapshotId)], [undefined, undefined]);
    await incoming.abort();
    assert.deepEqual(other.snapshots, []);
  }),
  holds('a wrong bit anywhere is found, and harms nothing', async (store, other) => {
    const info = await store.write(7, streamOf(contentOf(150, 1)));
    const whole = await wholeOf(store, info.snapshotId, 50_000);
    const before = await other.write(3, streamOf(contentOf(100, 3)));
    for (let at = 0; at < whole.length; at++) {
      const wrong = whole.slice();
      wrong[at] = (wrong[at] ?? 0) ^ (1 << (at % 8));
      const taking = hand(wrong, info, other);
      await assert.rejects(
        taking,
        (error) => error instanceof PaxosError && /damaged|too early/.test(error.message),
      );
      assert.deepEqual(other.snapshots, [before]);
    }
  }),
  holds('one that is cut short, longer, or another than was said is refused', async (store, other) => {
    const info = await store.write(7, streamOf(contentOf(150, 1)));
    const whole = await wholeOf(store, info.snapshotId, 50_000);
    const longer = Buffer.concat([whole, Uint8Array.of(0)]);
    await rejects(hand(whole.subarray(0, -1), info, other), 'SNAPSHOT_CORRUPT');
    await rejects(hand(whole.subarray(0, -1), { ...info, bytes: info.bytes - 1 }, other), 'SNAPSHOT_CORRUPT');
    await rejects(hand(longer, info, other), 'SNAPSHOT_CORRUPT');
    await rejects(hand(longer, { ...info, bytes: longer.length }, other), 'SNAPSHOT_CORRUPT');
    await rejects(hand(whole, { ...info, instanceId: 8 }, other), 'SNAPSHOT_CORRUPT');
    await rejects(hand(whole, { ...info, snapshotId: 8 }, other), 'SNAPSHOT_CORRUPT');
    assert.deepEqual(other.snapshots, []);
    await hand(whole, info, other);
  }),
  holds('one that nobody can have is refused when it is announced', async (store) => {
    const sound = { instanceId: 1, snapshotId: 1, bytes: 1 };
    for (const wrong of [
      { instanceId: 0 },
      { snapshotId: 0 },
      { bytes: 0 },
      { bytes: MAX_SNAPSHOT_BYTES + 1 },
    ]) {
      await rejects(store.receive({ ...sound, ...wrong }), 'SNAPSHOT_CORRUPT');
    }
  }),
  {
    claim: "another cluster's is refused",
    durable: false,
    run: async ({ create }) => {
      const [store, other] = [await create('one'), await create('other')];
      const info = await store.write(7, streamOf(contentOf(150, 1)));
      const whole = await wholeOf(store, info.snapshotId, 50_000);
      await rejects(hand(whole, info, other), 'STORAGE_FOREIGN');
      assert.deepEqual(other.snapshots, []);
      await store.close();
      await other.close();
    },
  },
];

const keeping: readonly SnapshotCase[] = [
  survives('what was written is there when the store is opened again', async (store, reopen) => {
    await store.write(1, streamOf(contentOf(100, 1)));
    const previous = await store.write(2, streamOf(contentOf(100_000, 2)));
    const newest = await store.write(3, streamOf(contentOf(5, 3)));
    const again = await reopen(store);
    assert.deepEqual(again.snapshots, [newest, previous]);
    assert.equal(Buffer.compare(await contentIn(again, previous.snapshotId), contentOf(100_000, 2)), 0);
    return again;
  }),
  survives('what was received is, too; what was not finished is not', async (store, reopen) => {
    const info = await store.write(7, streamOf(contentOf(2_000, 1)));
    const whole = await wholeOf(store, info.snapshotId, 500);
    const unfinished = await store.receive({ ...info, instanceId: 9, snapshotId: 99 });
    await unfinished.append(whole.subarray(0, 100));
    const again = await reopen(store);
    assert.deepEqual(again.snapshots, [info]);
    return again;
  }),
];

export const SNAPSHOT_CONFORMANCE: readonly SnapshotCase[] = [...writing, ...receiving, ...keeping];
