/**
 * SnapshotFetching: gets a snapshot from another replica, when the log that this one needs is gone.
 *
 *   want(instance) → the best offer → receive → FETCH_SNAPSHOT, a few pieces ahead → append … → finish → fetched(info)
 *   cut, silent, or gone there → another replica that has the same one: on from where it was; else from the start
 *
 * Invariants: pieces are appended in order, one at a time, from one source. What is kept of pieces that came is bounded
 * by what was asked for. A snapshot that is not verified is none.
 */
import type { Peer } from '../evpaxos/peer.ts';
import { PaxosError } from '../paxos/error.ts';
import { encodeFetchSnapshot } from '../transport/encode-commands.ts';
import type { Clock, Timer } from '../transport/transport.ts';
import type { IncomingSnapshot, SnapshotInfo, SnapshotStore } from './snapshot-store.ts';

/** How many pieces are asked for ahead of the one that is missing: on a fast network the disk is the bound. */
const PIECES_AHEAD = 4;
/** A source that has sent nothing for so long is left for another, if there is one, and asked again if not. */
const SILENT_MS = 3000;
const LOOK_MS = 500;
/** No config has smaller messages than hold that: a source that gives less is none of ours. */
const LEAST_PIECE_BYTES = 512;

export interface SnapshotFetchingOptions {
  readonly store: SnapshotStore;
  readonly clock: Clock;
  /** the most that one piece holds */
  readonly pieceBytes: number;
  /** it is verified and kept */
  readonly fetched: (info: SnapshotInfo) => void;
  /** it begins, or begins again, with this source */
  readonly begun: (info: SnapshotInfo, source: Peer) => void;
  /** something went wrong that is tried again */
  readonly failed: (error: unknown) => void;
}

export class SnapshotFetching {
  readonly #options: SnapshotFetchingOptions;
  readonly #offers = new Map<Peer, SnapshotInfo>();
  /** a snapshot of this instance or a later one is wanted; 0: none */
  #wanted = 0;
  #source: Peer | undefined;
  #incoming: IncomingSnapshot | undefined;
  /** pieces that came and were not appended yet */
  #pieces: Uint8Array[] = [];
  #isAppending = false;
  /** how much this source gives at a time: less than we take, if its messages may be no larger */
  #pieceBytes = 0;
  /** where the next piece that comes begins, and the next that is asked for */
  #expected = 0;
  #asked = 0;
  #heardAt = 0;
  #timer: Timer | undefined;
  /** who did not deliver last time */
  #left: Peer | undefined;
  /** true while a snapshot is opened for receiving, or is being verified */
  #isBusy = false;
  #isClosed = false;

  constructor(options: SnapshotFetchingOptions) {
    this.#options = options;
  }

  get isFetching(): boolean {
    return this.#wanted > 0;
  }

  /** What is in the log only up to here has to be had from a snapshot. */
  want(instanceId: number): void {
    if (this.#isClosed) return;
    const isNew = this.#wanted === 0;
    this.#wanted = Math.max(this.#wanted, instanceId);
    if (isNew) this.#look();
  }

  /** Instances up to here were had another way. */
  reached(instanceId: number): void {
    if (this.#wanted === 0 || instanceId < this.#wanted) return;
    this.#wanted = 0;
    this.#timer?.cancel();
    this.#giveUp();
  }

  onOffer(peer: Peer, info: SnapshotInfo): void {
    this.#offers.set(peer, info);
    this.#choose();
  }

  onPeerClosed(peer: Peer): void {
    this.#offers.delete(peer);
    if (this.#left === peer) this.#left = undefined;
    if (this.#source === peer) this.#lose();
  }

  onPiece(peer: Peer, snapshotId: number, offset: number, totalBytes: number, piece: Uint8Array): void {
    const incoming = this.#incoming;
    if (peer !== this.#source || incoming?.info.snapshotId !== snapshotId) return;
    if (totalBytes === 0) {
      this.#offers.delete(peer);
      this.#lose();
      return;
    }
    const { bytes } = incoming.info;
    const { length } = piece;
    // What was asked for twice shows as well that it sends.
    this.#heardAt = this.#options.clock.now();
    if (offset !== this.#expected) return;
    const asked = Math.min(this.#pieceBytes, bytes - offset);
    if (totalBytes !== bytes || length > asked || length < Math.min(LEAST_PIECE_BYTES, asked)) {
      this.#distrust(peer, new PaxosError('SNAPSHOT_CORRUPT', `${peer.remote} sent a piece that cannot be`));
      return;
    }
    this.#expected += length;
    if (length < asked) {
      this.#pieceBytes = length;
      this.#asked = this.#expected;
    }
    this.#pieces.push(piece);
    this.#append();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wanted = 0;
    this.#timer?.cancel();
    const incoming = this.#incoming;
    this.#incoming = undefined;
    await incoming?.abort().catch(() => undefined);
  }

  /** Looks now and then whether the source still sends. */
  #look(): void {
    if (this.#wanted === 0 || this.#isClosed) return;
    const { clock } = this.#options;
    const isSilent = this.#source !== undefined && clock.now() - this.#heardAt > SILENT_MS;
    if (isSilent && !this.#isAppending && !this.#isBusy) {
      this.#left = this.#source;
      this.#lose();
    }
    this.#choose();
    this.#timer?.cancel();
    this.#timer = clock.after(LOOK_MS, () => this.#look());
  }

  /** The source is no more; what has come stays, for whoever has the same snapshot. */
  #lose(): void {
    this.#source = undefined;
    this.#pieces = [];
    this.#choose();
  }

  #distrust(peer: Peer, error: unknown): void {
    this.#options.failed(error);
    this.#offers.delete(peer);
    this.#giveUp();
    this.#choose();
  }

  #giveUp(): void {
    const incoming = this.#incoming;
    this.#incoming = undefined;
    this.#source = undefined;
    this.#pieces = [];
    incoming?.abort().catch(this.#options.failed);
  }

  #choose(): void {
    if (this.#wanted === 0 || this.#source !== undefined || this.#isBusy || this.#isAppending) return;
    const offers = [...this.#offers].filter(([, info]) => info.instanceId >= this.#wanted);
    const others = offers.filter(([peer]) => peer !== this.#left);
    const choice = others.length > 0 ? others : offers;
    const same = choice.find(([, info]) => info.snapshotId === this.#incoming?.info.snapshotId);
    const [best] = choice.sort(([, a], [, b]) => b.instanceId - a.instanceId);
    const [source, info] = same ?? best ?? [];
    if (source === undefined || info === undefined) return;
    this.#source = source;
    this.#heardAt = this.#options.clock.now();
    this.#options.begun(info, source);
    if (same !== undefined) this.#askFrom(this.#incoming?.received ?? 0);
    else this.#receive(info, source);
  }

  #receive(info: SnapshotInfo, source: Peer): void {
    const { store, failed } = this.#options;
    const before = this.#incoming;
    this.#incoming = undefined;
    this.#isBusy = true;
    const begin = async () => {
      await before?.abort();
      return store.receive(info);
    };
    begin().then(
      (incoming) => {
        this.#isBusy = false;
        if (this.#isClosed || this.#wanted === 0) {
          incoming.abort().catch(failed);
          return;
        }
        this.#incoming = incoming;
        if (this.#source === source) this.#askFrom(0);
        else this.#choose();
      },
      (error: unknown) => {
        this.#isBusy = false;
        this.#source = undefined;
        failed(error);
      },
    );
  }

  #askFrom(offset: number): void {
    this.#pieceBytes = this.#options.pieceBytes;
    this.#expected = offset;
    this.#asked = offset;
    this.#pieces = [];
    this.#heardAt = this.#options.clock.now();
    if (offset >= (this.#incoming?.info.bytes ?? Number.POSITIVE_INFINITY)) this.#append();
    else this.#ask();
  }

  #ask(): void {
    const { info, received } = this.#incoming ?? {};
    const source = this.#source;
    if (info === undefined || received === undefined || source === undefined) return;
    while (this.#asked < info.bytes && this.#asked - received < PIECES_AHEAD * this.#pieceBytes) {
      encodeFetchSnapshot(source.out, info.snapshotId, this.#asked);
      this.#asked += this.#pieceBytes;
    }
    source.sent();
  }

  /** Appends what came, one piece after another, and ends with the last. */
  #append(): void {
    const incoming = this.#incoming;
    if (incoming === undefined || this.#isAppending || this.#isBusy) return;
    const piece = this.#pieces.shift();
    if (piece === undefined) {
      if (incoming.received === incoming.info.bytes) this.#finish(incoming);
      return;
    }
    this.#isAppending = true;
    incoming.append(piece).then(
      () => {
        this.#isAppending = false;
        if (incoming !== this.#incoming) return this.#choose();
        this.#ask();
        this.#append();
        this.#choose();
      },
      (error: unknown) => {
        this.#isAppending = false;
        this.#spoilt(incoming, error);
      },
    );
  }

  #finish(incoming: IncomingSnapshot): void {
    this.#isBusy = true;
    incoming.finish().then(
      (info) => {
        this.#isBusy = false;
        this.#incoming = undefined;
        this.#source = undefined;
        this.#left = undefined;
        // While it came the log behind it was trimmed: to go on from it would lead nowhere.
        if (info.instanceId < this.#wanted) return this.#choose();
        this.#wanted = 0;
        this.#timer?.cancel();
        if (!this.#isClosed) this.#options.fetched(info);
      },
      (error: unknown) => {
        this.#isBusy = false;
        this.#spoilt(incoming, error);
      },
    );
  }

  /** What came is no good, or could not be kept: it is gone. It is tried again, with another source first. */
  #spoilt(incoming: IncomingSnapshot, error: unknown): void {
    if (incoming !== this.#incoming || this.#isClosed) return;
    this.#incoming = undefined;
    this.#left = this.#source;
    this.#source = undefined;
    this.#pieces = [];
    this.#options.failed(error);
  }
}
