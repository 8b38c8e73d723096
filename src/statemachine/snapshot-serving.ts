/**
 * SnapshotServing: hands a replica's snapshots, piece by piece, to replicas that are too far behind for the log.
 *
 *   FETCH_SNAPSHOT(id, offset) → opened, once for all → SNAPSHOT_PIECE | total 0: it is not there any more
 *
 * What is open stays readable, whatever is made meanwhile, so it is closed when nobody has asked for a while. Who has
 * not read what came before is answered once it has; who asks for more at a time than a window is not, and asks again.
 */
import type { Config } from '../config/config.ts';
import type { Peer } from '../evpaxos/peer.ts';
import { maxValueBytes } from '../evpaxos/values.ts';
import { encodeSnapshotPiece } from '../transport/encode-commands.ts';
import type { Clock, Timer } from '../transport/transport.ts';
import type { OpenSnapshot, SnapshotStore } from './snapshot-store.ts';

/** How much one piece holds, if messages may be so large; the last of a snapshot holds what is left. */
export const PIECE_BYTES = 256 * 1024;
/** How many pieces are read for one connection at a time. */
export const MAX_PIECES = 8;
/** How soon it is looked whether a peer has read what it was sent; twice as long each time, up to the last. */
const LOOK_MS = 5;
const MAX_LOOK_MS = 160;
/** A snapshot that nobody asked for is closed after so long. */
const IDLE_MS = 30_000;

const NO_BYTES = new Uint8Array(0);

/** How much one piece holds with this config: a larger one would not be taken. */
export function pieceBytesOf(config: Pick<Config, 'maxMessageBytes'>): number {
  return Math.min(PIECE_BYTES, maxValueBytes(config));
}

export interface SnapshotServingOptions {
  readonly store: SnapshotStore;
  readonly clock: Clock;
  readonly pieceBytes: number;
  /** reading failed; whoever asked will ask somebody else */
  readonly failed: (error: unknown) => void;
}

interface Opened {
  readonly snapshot: Promise<OpenSnapshot | undefined>;
  askedAt: number;
}

export class SnapshotServing {
  readonly #options: SnapshotServingOptions;
  readonly #opened = new Map<number, Opened>();
  readonly #underWay = new WeakMap<Peer, number>();
  /** when what was asked last is answered: pieces come in the order in which they were asked for */
  readonly #last = new WeakMap<Peer, Promise<void>>();
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: SnapshotServingOptions) {
    this.#options = options;
  }

  onFetch(peer: Peer, snapshotId: number, offset: number): void {
    const underWay = this.#underWay.get(peer) ?? 0;
    if (this.#isClosed || underWay >= MAX_PIECES) return;
    this.#underWay.set(peer, underWay + 1);
    const before = this.#last.get(peer) ?? Promise.resolve();
    const answered = before
      .then(() => this.#answer(peer, snapshotId, offset))
      .catch((error: unknown) => {
        this.#opened.delete(snapshotId);
        this.#options.failed(error);
      })
      .finally(() => this.#underWay.set(peer, (this.#underWay.get(peer) ?? 1) - 1));
    this.#last.set(peer, answered);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    const opened = [...this.#opened.values()];
    this.#opened.clear();
    for (const { snapshot } of opened) await (await snapshot.catch(() => undefined))?.close();
  }

  async #answer(peer: Peer, snapshotId: number, offset: number): Promise<void> {
    await this.#hasRead(peer);
    if (peer.isClosed || this.#isClosed) return;
    const snapshot = await this.#open(snapshotId);
    const piece = await snapshot?.piece(offset, this.#options.pieceBytes);
    if (peer.isClosed || this.#isClosed) return;
    encodeSnapshotPiece(peer.out, snapshotId, offset, snapshot?.info.bytes ?? 0, piece ?? NO_BYTES);
    peer.sent();
  }

  /** A request that was dropped would be missed only when the source is taken for silent. */
  async #hasRead(peer: Peer): Promise<void> {
    const { clock } = this.#options;
    for (
      let ms = LOOK_MS;
      peer.isBehind() && !peer.isClosed && !this.#isClosed;
      ms = Math.min(2 * ms, MAX_LOOK_MS)
    )
      await new Promise<void>((resolve) => clock.after(ms, resolve));
  }

  #open(snapshotId: number): Promise<OpenSnapshot | undefined> {
    const { store, clock } = this.#options;
    const known = this.#opened.get(snapshotId);
    if (known !== undefined) {
      known.askedAt = clock.now();
      return known.snapshot;
    }
    // An id that means nothing costs nothing, and is not remembered.
    if (!store.snapshots.some((info) => info.snapshotId === snapshotId)) return Promise.resolve(undefined);
    const snapshot = store.open(snapshotId);
    this.#opened.set(snapshotId, { snapshot, askedAt: clock.now() });
    this.#closeLater();
    return snapshot;
  }

  #closeLater(): void {
    if (this.#timer !== undefined) return;
    const { clock, failed } = this.#options;
    this.#timer = clock.after(IDLE_MS, () => {
      this.#timer = undefined;
      for (const [id, { snapshot, askedAt }] of this.#opened) {
        if (clock.now() - askedAt < IDLE_MS) continue;
        this.#opened.delete(id);
        snapshot.then((one) => one?.close()).catch(failed);
      }
      if (this.#opened.size > 0) this.#closeLater();
    });
  }
}
