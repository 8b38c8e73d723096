/**
 * Snapshots: when a replica makes one, what it tells the others, what its acceptor may forget, and how it goes on when
 * the log that it needs is gone.
 *
 *   applied so much, or so long → capture, between two instances → written → SNAPSHOT_AT to all replicas
 *   a quorum has one up to i → our acceptor forgets up to i, but keeps what came after our last snapshot but one
 *   needs what was trimmed → fetched from another → restored → on with the log
 *
 * Invariants: one is made at a time, and none while one is fetched. No acceptor forgets what is not in a durable
 * snapshot of a quorum of replicas: of any quorum that comes up, one has it. Between one snapshot and two's worth of log
 * stays, so that who is a little behind need not fetch all of the state.
 */
import type { Config } from '../config/config.ts';
import type { Peer } from '../evpaxos/peer.ts';
import type { Peers } from '../evpaxos/peers.ts';
import { kthHighest, quorumSize } from '../paxos/quorum.ts';
import { encodeSnapshotAt } from '../transport/encode-commands.ts';
import { Role } from '../transport/messages.ts';
import type { Clock, Timer } from '../transport/transport.ts';
import type { CapturedSnapshot } from './machine-host.ts';
import { SnapshotFetching } from './snapshot-fetching.ts';
import { pieceBytesOf, SnapshotServing } from './snapshot-serving.ts';
import type { SnapshotInfo, SnapshotStore } from './snapshot-store.ts';

export type SnapshotEvent =
  | { readonly type: 'snapshot-made'; readonly instanceId: number; readonly bytes: number }
  | { readonly type: 'snapshot-failed'; readonly reason: string }
  | {
      readonly type: 'snapshot-fetching';
      readonly instanceId: number;
      readonly bytes: number;
      readonly from: string;
    }
  | { readonly type: 'snapshot-fetched'; readonly instanceId: number; readonly bytes: number };

export interface SnapshotsOptions {
  readonly id: number;
  readonly config: Config;
  readonly store: SnapshotStore;
  readonly peers: Peers;
  readonly clock: Clock;
  /** the highest instance that is applied */
  readonly applied: () => number;
  readonly capture: () => CapturedSnapshot;
  /** tells our acceptor to forget up to here */
  readonly trim: (instanceId: number) => void;
  /** goes on from a snapshot that is in the store; the node ends if it cannot */
  readonly restore: (info: SnapshotInfo) => Promise<void>;
  readonly report: (event: SnapshotEvent) => void;
}

export class Snapshots {
  readonly #options: SnapshotsOptions;
  readonly #serving: SnapshotServing;
  readonly #fetching: SnapshotFetching;
  /** by replica: up to where it has a durable snapshot, as it said */
  readonly #known: number[];
  #logBytes = 0;
  #timer: Timer | undefined;
  #isMaking = false;
  /** a snapshot is due whatever its size: the last is old enough */
  #isOld = false;
  #trimmedTo = 0;
  /** where the last snapshot of ours ends, and the one before */
  #newest = 0;
  #newestButOne = 0;
  #making: Promise<void> = Promise.resolve();
  readonly #ending = new AbortController();

  constructor(options: SnapshotsOptions) {
    const { store, clock, config, report } = options;
    this.#options = options;
    this.#known = new Array<number>(config.acceptors.length).fill(0);
    const failed = (error: unknown) => report({ type: 'snapshot-failed', reason: textOf(error) });
    const pieceBytes = pieceBytesOf(config);
    this.#serving = new SnapshotServing({ store, clock, pieceBytes, failed });
    this.#fetching = new SnapshotFetching({
      store,
      clock,
      pieceBytes,
      failed,
      begun: ({ instanceId, bytes }, { remote: from }) =>
        report({ type: 'snapshot-fetching', instanceId, bytes, from }),
      fetched: (info) => this.#restore(info),
    });
  }

  start(): void {
    const { newest } = this.#options.store;
    if (newest !== undefined) this.#made(newest);
    this.#tick();
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#ending.abort();
    await this.#fetching.close();
    await this.#serving.close();
    await this.#making;
    await this.#options.store.close();
  }

  /** An instance of so many bytes was applied. */
  applied(bytes: number): void {
    this.#logBytes += bytes;
    if (this.#logBytes >= this.#options.config.snapshotLogBytes || this.#isOld) this.#make();
    if (this.#fetching.isFetching) this.#fetching.reached(this.#options.applied());
  }

  /** Instances up to here are needed, and are in no acceptor's log any more. */
  needs(trimInstanceId: number): void {
    this.#fetching.want(trimInstanceId);
  }

  onPeerReady(peer: Peer): void {
    const id = replicaId(peer);
    if (id === undefined || id >= this.#known.length || id === this.#options.id) return;
    // Another process may be there now; it says what it has.
    this.#known[id] = 0;
    const { newest } = this.#options.store;
    if (newest !== undefined) this.#tell(peer, newest);
  }

  onPeerClosed(peer: Peer): void {
    this.#fetching.onPeerClosed(peer);
  }

  onSnapshotAt(peer: Peer, instanceId: number, snapshotId: number, bytes: number): void {
    const id = replicaId(peer);
    if (id === undefined || id >= this.#known.length || id === this.#options.id || bytes < 1) return;
    this.#known[id] = instanceId;
    this.#fetching.onOffer(peer, { instanceId, snapshotId, bytes });
    this.#trim();
  }

  onFetchSnapshot(peer: Peer, snapshotId: number, offset: number): void {
    this.#serving.onFetch(peer, snapshotId, offset);
  }

  onSnapshotPiece(
    peer: Peer,
    snapshotId: number,
    offset: number,
    totalBytes: number,
    piece: Uint8Array,
  ): void {
    this.#fetching.onPiece(peer, snapshotId, offset, totalBytes, piece);
  }

  #tick(): void {
    const { clock, config } = this.#options;
    this.#timer?.cancel();
    this.#timer = clock.after(1000 * config.snapshotIntervalS, () => {
      this.#isOld = true;
      if (this.#logBytes > 0) this.#make();
      this.#tick();
    });
  }

  #make(): void {
    if (this.#isMaking || this.#fetching.isFetching || this.#ending.signal.aborted) return;
    const { capture, store, report } = this.#options;
    this.#isMaking = true;
    this.#isOld = false;
    this.#logBytes = 0;
    this.#tick();
    const write = async () => {
      const { instanceId, chunks } = capture();
      return store.write(instanceId, chunks, this.#ending.signal);
    };
    this.#making = write().then(
      (info) => {
        this.#isMaking = false;
        report({ type: 'snapshot-made', instanceId: info.instanceId, bytes: info.bytes });
        this.#made(info);
      },
      (error: unknown) => {
        this.#isMaking = false;
        if (!this.#ending.signal.aborted) report({ type: 'snapshot-failed', reason: textOf(error) });
      },
    );
  }

  #restore(info: SnapshotInfo): void {
    const { applied, restore, report } = this.#options;
    if (info.instanceId <= applied()) {
      this.#made(info);
      return;
    }
    this.#isMaking = true;
    restore(info).then(
      () => {
        this.#isMaking = false;
        this.#logBytes = 0;
        report({ type: 'snapshot-fetched', instanceId: info.instanceId, bytes: info.bytes });
        this.#made(info);
      },
      () => undefined, // the node ends, and says why
    );
  }

  /** There is a new one: everybody is told, and perhaps the log may be shorter. */
  #made(info: SnapshotInfo): void {
    const { peers, id } = this.#options;
    this.#known[id] = info.instanceId;
    this.#newestButOne = this.#newest;
    this.#newest = info.instanceId;
    for (const peer of [...peers.ready(), ...peers.inbound])
      if (replicaId(peer) !== undefined && !peers.isSelf(peer)) this.#tell(peer, info);
    this.#trim();
  }

  #tell(peer: Peer, { instanceId, snapshotId, bytes }: SnapshotInfo): void {
    encodeSnapshotAt(peer.out, instanceId, snapshotId, bytes);
    peer.sent();
  }

  /** Our acceptor forgets what a quorum has in snapshots, but for what came after our last but one. */
  #trim(): void {
    const { trim } = this.#options;
    const safe = Math.min(kthHighest(this.#known, quorumSize(this.#known.length)), this.#newestButOne);
    if (safe <= this.#trimmedTo) return;
    this.#trimmedTo = safe;
    trim(safe);
  }
}

/** The id of the replica at the other end, if it is one of ours. */
function replicaId(peer: Peer): number | undefined {
  const isReplica = peer.hasRole(Role.acceptor) && peer.hasRole(Role.learner);
  return isReplica ? peer.peerHello?.id : undefined;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
