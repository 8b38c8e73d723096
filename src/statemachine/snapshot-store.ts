/**
 * SnapshotStore: the port for where a replica keeps its snapshots. Files (snapshot-files.ts) or memory
 * (snapshot-memory.ts); one conformance suite holds both to this.
 *
 *   write(instance, chunks) → info          what this replica captured
 *   receive(info) → append(piece)… → finish() → info          what another replica captured, fetched piece by piece
 *   newest → open(info) → read() the content | piece(offset) for another replica
 *
 * A snapshot is kept as one row of bytes, the same on every replica that has it (snapshot-format.ts). Its id is drawn
 * by whoever captured it: where the ids are equal, so are the bytes, and fetching may go on from any of them.
 *
 * Invariants: what `newest` tells was verified whole, and is durable in the store's sense; it never falls. The newest
 * and the one before it are kept. What was opened stays readable until it is closed, whatever is made or removed. A
 * write or a receiving that fails, for want of room or otherwise, leaves everything as it was.
 */

import { PaxosError } from '../paxos/error.ts';
import type { Random } from '../transport/transport.ts';

/** The newest, and the one before it, in case that is damaged. */
export const KEPT_SNAPSHOTS = 2;
/** The most bytes that are taken from elsewhere as one snapshot: a tebibyte. */
export const MAX_SNAPSHOT_BYTES = 2 ** 40;

/** Which snapshot it is. */
export interface SnapshotInfo {
  /** the last instance that is applied in it */
  readonly instanceId: number;
  /** 53 random bits, not 0 */
  readonly snapshotId: number;
  /** of the whole, as pieces are read */
  readonly bytes: number;
}

/** A snapshot that is being read. */
export interface OpenSnapshot {
  readonly info: SnapshotInfo;
  /**
   * The content, as it was written. May be called again.
   * @throws PaxosError SNAPSHOT_CORRUPT, from within, where the bytes are not what was written
   */
  read(): AsyncIterable<Uint8Array>;
  /** Up to `maxBytes` of the whole from `offset` on; none behind the end. */
  piece(offset: number, maxBytes: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A snapshot that comes from elsewhere, and is none before it has been verified. One at a time. */
export interface IncomingSnapshot {
  readonly info: SnapshotInfo;
  /** how many bytes have come: where the next piece begins */
  readonly received: number;
  /**
   * Takes the next piece. To be awaited.
   * @throws PaxosError SNAPSHOT_CORRUPT if it is none of this snapshot's, STORAGE_FULL, STORAGE_FAILED; then it is gone
   */
  append(piece: Uint8Array): Promise<void>;
  /**
   * All has come: it is verified, and kept.
   * @throws PaxosError as append
   */
  finish(): Promise<SnapshotInfo>;
  /** It is given up, and leaves nothing. */
  abort(): Promise<void>;
}

export interface SnapshotStore {
  /** the newest one that is whole; undefined: there is none */
  readonly newest: SnapshotInfo | undefined;
  /** all that are whole, the newest first */
  readonly snapshots: readonly SnapshotInfo[];
  /**
   * Writes a snapshot; durable when it resolves. One at a time.
   *
   * @param chunks the content; what they throw, this throws
   * @throws PaxosError STORAGE_FULL, STORAGE_FAILED; ABORTED
   */
  write(instanceId: number, chunks: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<SnapshotInfo>;
  /** Begins to take a snapshot from elsewhere. */
  receive(info: SnapshotInfo): Promise<IncomingSnapshot>;
  /** Opens a snapshot; undefined: it is not there any more. */
  open(snapshotId: number): Promise<OpenSnapshot | undefined>;
  /** Ends what is being written or received. What is open for reading has its own close. */
  close(): Promise<void>;
}

/** Told what a store found that it cannot use, in a sentence. */
export type SnapshotReport = (sentence: string) => void;

/** What every store has to know. */
export interface SnapshotStoreOptions {
  readonly clusterName: string;
  /** where the ids of snapshots come from */
  readonly random: Random;
}

/** An id for a new snapshot: 53 bits by chance, not 0. */
export function drawSnapshotId(random: Random): number {
  return 1 + Math.floor(random.next() * 2 ** 21) * 2 ** 32 + Math.floor(random.next() * (2 ** 32 - 1));
}

/** A list with one more, the newest first; of two of one instance the one that came later. */
export function withSnapshot<T extends SnapshotInfo>(list: readonly T[], snapshot: T): T[] {
  const others = list.filter(({ snapshotId }) => snapshotId !== snapshot.snapshotId);
  return [snapshot, ...others].sort((one, other) => other.instanceId - one.instanceId);
}

/**
 * Looks whether a snapshot that is announced can be one.
 * @throws PaxosError SNAPSHOT_CORRUPT
 */
export function checkAnnounced({ instanceId, snapshotId, bytes }: SnapshotInfo): void {
  const isSound = [instanceId, snapshotId, bytes].every((value) => Number.isSafeInteger(value) && value > 0);
  if (!isSound || bytes > MAX_SNAPSHOT_BYTES) {
    throw new PaxosError('SNAPSHOT_CORRUPT', `a snapshot of ${bytes} bytes is not taken from anybody`);
  }
}

/** What came is not what was announced. */
export function notAsAnnounced(info: SnapshotInfo, received: number): PaxosError {
  return new PaxosError(
    'SNAPSHOT_CORRUPT',
    `the snapshot of instance ${info.instanceId} should have ${info.bytes} bytes, and ${received} came`,
  );
}

export function abortedSnapshot(): PaxosError {
  return new PaxosError('ABORTED', 'writing the snapshot was aborted');
}
