import { describe, expect, it } from 'vitest';
import { MemoryWorld } from '../../test/support/memory-world.ts';
import { PeerConnection } from '../../test/support/peer-connection.ts';
import { Role } from '../transport/messages.ts';
import { SeededRandom } from '../transport/random.ts';
import { SnapshotFetching } from './snapshot-fetching.ts';
import { MemorySnapshotStore } from './snapshot-memory.ts';
import { PIECE_BYTES, SnapshotServing } from './snapshot-serving.ts';
import type { SnapshotInfo } from './snapshot-store.ts';

const REPLICA = Role.acceptor | Role.proposer | Role.learner;
const store = (seed: number) =>
  new MemorySnapshotStore({ clusterName: 'test', random: new SeededRandom(seed) });

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const settled = async () => {
  for (let i = 0; i < 3000; i++) await null;
};

/** One that fetches, and sources that have snapshots. */
class Scene {
  readonly world = new MemoryWorld();
  readonly mine = store(1);
  readonly fetched: SnapshotInfo[] = [];
  readonly failures: string[] = [];
  readonly begun: number[] = [];
  readonly fetching = new SnapshotFetching({
    pieceBytes: PIECE_BYTES,
    store: this.mine,
    clock: this.world,
    fetched: (info) => this.fetched.push(info),
    begun: (info) => this.begun.push(info.snapshotId),
    failed: (error) => this.failures.push(String(error)),
  });

  /** A source with this snapshot. */
  async source(id: number, from: MemorySnapshotStore, pieceBytes = PIECE_BYTES): Promise<Source> {
    const source = new Source(this, id, from, pieceBytes);
    if (from.newest !== undefined) this.fetching.onOffer(source.asking.peer, from.newest);
    await settled();
    return source;
  }
}

/** A replica that is asked: what was asked of it, and what it answers when the test lets it. */
class Source {
  /** the connection as the one that fetches has it, and as the source has it */
  readonly asking: PeerConnection;
  readonly #answering: PeerConnection;
  readonly offsets: number[] = [];
  readonly #scene: Scene;
  readonly #serving: SnapshotServing;

  constructor(scene: Scene, id: number, from: MemorySnapshotStore, pieceBytes: number) {
    this.#scene = scene;
    this.asking = new PeerConnection(REPLICA, id);
    this.#answering = new PeerConnection(REPLICA, 9);
    this.#serving = new SnapshotServing({
      pieceBytes,
      store: from,
      clock: scene.world,
      failed: (error) => {
        throw error;
      },
    });
  }

  /** Answers up to so many questions; how many there were. */
  async answer(most = Number.POSITIVE_INFINITY): Promise<number> {
    let count = 0;
    for (;;) {
      const asked = this.asking.heard().filter((message) => message.type === 'fetchSnapshot');
      if (asked.length === 0) return count;
      for (const { snapshotId, offset } of asked) {
        this.offsets.push(offset);
        if (count++ >= most) continue;
        this.#serving.onFetch(this.#answering.peer, snapshotId, offset);
        await settled();
        for (const message of this.#answering.heard()) {
          if (message.type !== 'snapshotPiece') continue;
          const { totalBytes, piece } = message;
          this.#scene.fetching.onPiece(
            this.asking.peer,
            message.snapshotId,
            message.offset,
            totalBytes,
            piece,
          );
          await settled();
        }
      }
      if (count >= most) return count;
    }
  }
}

const CONTENT = new Uint8Array(10 * PIECE_BYTES + 77).map((_, i) => i % 251);

describe('SnapshotFetching', () => {
  it('fetches the newest that is offered, a few pieces ahead, and keeps it', async () => {
    const scene = new Scene();
    const theirs = store(2);
    const info = await theirs.write(50, once(CONTENT));
    await scene.source(0, store(3));
    const source = await scene.source(1, theirs);
    expect(source.asking.heard()).toEqual([]);
    scene.fetching.want(40);
    await settled();
    const asked = source.asking.heard();
    expect(asked.map((message) => message.type === 'fetchSnapshot' && message.offset / PIECE_BYTES)).toEqual([
      0, 1, 2, 3,
    ]);
    scene.fetching.onPeerClosed(source.asking.peer);
    const again = await scene.source(1, theirs);
    await again.answer();
    expect(scene.fetched).toEqual([info]);
    expect(scene.mine.newest).toEqual(info);
    expect(again.offsets).toEqual(Array.from({ length: 11 }, (_, i) => i * PIECE_BYTES));
    expect(scene.fetching.isFetching).toBe(false);
  });

  it('goes on where it was, with whoever has the same one, after a cut', async () => {
    const scene = new Scene();
    const theirs = store(2);
    const info = await theirs.write(50, once(CONTENT));
    const first = await scene.source(0, theirs);
    scene.fetching.want(40);
    await settled();
    await first.answer(5);
    scene.fetching.onPeerClosed(first.asking.peer);
    const second = await scene.source(1, theirs);
    await second.answer();
    expect(second.offsets[0]).toBe(5 * PIECE_BYTES);
    expect(scene.fetched).toEqual([info]);
  });

  it('begins anew with another one, where nobody has the same any more', async () => {
    const scene = new Scene();
    const theirs = store(2);
    await theirs.write(50, once(CONTENT));
    const first = await scene.source(0, theirs);
    scene.fetching.want(40);
    await settled();
    await first.answer(5);
    scene.fetching.onPeerClosed(first.asking.peer);
    const others = store(3);
    const info = await others.write(60, once(CONTENT));
    const second = await scene.source(1, others);
    await second.answer();
    expect([second.offsets[0], scene.fetched]).toEqual([0, [info]]);
  });

  it('leaves a source that is silent, or has it no more, for another', async () => {
    const scene = new Scene();
    const theirs = store(2);
    const info = await theirs.write(50, once(CONTENT));
    const silent = await scene.source(0, theirs);
    scene.fetching.want(40);
    await settled();
    await silent.answer(2);
    const without = new PeerConnection(REPLICA, 1);
    scene.fetching.onOffer(without.peer, info);
    scene.world.advance(10_000);
    await settled();
    const [asked] = without.heard();
    expect(asked).toMatchObject({ type: 'fetchSnapshot', offset: 2 * PIECE_BYTES });
    const third = await scene.source(2, theirs);
    scene.fetching.onPiece(without.peer, info.snapshotId, 2 * PIECE_BYTES, 0, new Uint8Array(0));
    await settled();
    await third.answer();
    await silent.answer();
    expect(scene.fetched).toEqual([info]);
  });

  it('takes no damaged one, and none whose pieces cannot be', async () => {
    const scene = new Scene();
    const theirs = store(2);
    const info = await theirs.write(50, once(CONTENT));
    const liar = new PeerConnection(REPLICA, 0);
    scene.fetching.onOffer(liar.peer, info);
    scene.fetching.want(40);
    await settled();
    scene.fetching.onPiece(liar.peer, info.snapshotId, 0, info.bytes, new Uint8Array(5));
    await settled();
    expect(scene.failures).toHaveLength(1);
    const damaged = new PeerConnection(REPLICA, 1);
    scene.fetching.onOffer(damaged.peer, info);
    await settled();
    for (let offset = 0; offset < info.bytes; offset += PIECE_BYTES) {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, info.bytes - offset));
      scene.fetching.onPiece(damaged.peer, info.snapshotId, offset, info.bytes, piece);
      await settled();
    }
    expect(scene.failures).toHaveLength(2);
    const honest = await scene.source(2, theirs);
    scene.world.advance(1000);
    await settled();
    await honest.answer();
    expect(scene.fetched).toEqual([info]);
  });

  it('takes smaller pieces of a source whose messages may be no larger, all of them at once', async () => {
    const scene = new Scene();
    const theirs = store(2);
    const info = await theirs.write(50, once(CONTENT));
    const source = await scene.source(0, theirs, PIECE_BYTES / 2);
    scene.fetching.want(40);
    await settled();
    // No time passes: it does not wait until the source seems silent.
    await source.answer();
    expect([scene.fetched, scene.failures]).toEqual([[info], []]);
  });

  it('gets another one when what it got is no longer enough: the log behind it was trimmed meanwhile', async () => {
    const scene = new Scene();
    const theirs = store(2);
    await theirs.write(50, once(CONTENT));
    const source = await scene.source(0, theirs);
    scene.fetching.want(40);
    await settled();
    const info = await theirs.write(90, once(CONTENT));
    scene.fetching.want(80);
    scene.fetching.onOffer(source.asking.peer, info);
    await source.answer();
    expect([scene.fetched, scene.failures, scene.fetching.isFetching]).toEqual([[info], [], false]);
  });

  it('wants nothing more once the log has brought it there, or it is closed', async () => {
    const scene = new Scene();
    const theirs = store(2);
    await theirs.write(50, once(CONTENT));
    const source = await scene.source(0, theirs);
    scene.fetching.want(40);
    await settled();
    scene.fetching.reached(39);
    expect(scene.fetching.isFetching).toBe(true);
    scene.fetching.reached(40);
    await source.answer();
    expect([scene.fetching.isFetching, scene.fetched, scene.mine.newest]).toEqual([false, [], undefined]);
    await scene.fetching.close();
    scene.fetching.want(80);
    expect(scene.fetching.isFetching).toBe(false);
  });
});
