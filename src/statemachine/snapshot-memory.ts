/**
 * MemorySnapshotStore: snapshots that end with the process, for replicas without a disk and for simulations.
 *
 * Invariant: a snapshot's bytes are never changed, so whoever opened one reads it although it is kept no longer.
 */

import { PaxosError } from '../paxos/error.ts';
import { invariant } from '../paxos/invariant.ts';
import { decodeSnapshot, encodeSnapshot, verifySnapshot } from './snapshot-format.ts';
import { gather } from './snapshot-reader.ts';
import {
  abortedSnapshot,
  checkAnnounced,
  drawSnapshotId,
  type IncomingSnapshot,
  KEPT_SNAPSHOTS,
  notAsAnnounced,
  type OpenSnapshot,
  type SnapshotInfo,
  type SnapshotStore,
  type SnapshotStoreOptions,
  withSnapshot,
} from './snapshot-store.ts';

interface Kept extends SnapshotInfo {
  readonly content: Uint8Array;
}

export class MemorySnapshotStore implements SnapshotStore {
  readonly #options: SnapshotStoreOptions;
  #kept: Kept[] = [];
  #isClosed = false;

  constructor(options: SnapshotStoreOptions) {
    this.#options = options;
  }

  get newest(): SnapshotInfo | undefined {
    return this.snapshots[0];
  }

  get snapshots(): readonly SnapshotInfo[] {
    return this.#kept.map(({ instanceId, snapshotId, bytes }) => ({ instanceId, snapshotId, bytes }));
  }

  async write(
    instanceId: number,
    chunks: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<SnapshotInfo> {
    this.#mustBeOpen();
    const { clusterName, random } = this.#options;
    const snapshotId = drawSnapshotId(random);
    const pieces: Uint8Array[] = [];
    for await (const piece of encodeSnapshot({ instanceId, snapshotId, clusterName }, chunks)) {
      this.#mustBeOpen();
      if (signal?.aborted) throw abortedSnapshot();
      pieces.push(piece);
    }
    return this.#keep(instanceId, snapshotId, Buffer.concat(pieces));
  }

  async receive(info: SnapshotInfo): Promise<IncomingSnapshot> {
    this.#mustBeOpen();
    checkAnnounced(info);
    const { clusterName } = this.#options;
    return new IncomingMemory(info, async (content) => {
      this.#mustBeOpen();
      await verifySnapshot(one(content), { ...info, clusterName });
      return this.#keep(info.instanceId, info.snapshotId, content);
    });
  }

  async open(snapshotId: number): Promise<OpenSnapshot | undefined> {
    this.#mustBeOpen();
    const kept = this.#kept.find((each) => each.snapshotId === snapshotId);
    if (kept === undefined) return undefined;
    const { content, instanceId, bytes } = kept;
    const { clusterName } = this.#options;
    return {
      info: { instanceId, snapshotId, bytes },
      read: () => decodeSnapshot(one(content), { instanceId, snapshotId, clusterName }),
      piece: async (offset, maxBytes) => content.slice(offset, offset + maxBytes),
      close: async () => undefined,
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #keep(instanceId: number, snapshotId: number, content: Uint8Array): SnapshotInfo {
    const info = { instanceId, snapshotId, bytes: content.length };
    this.#kept = withSnapshot(this.#kept, { ...info, content }).slice(0, KEPT_SNAPSHOTS);
    return info;
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new PaxosError('CLOSED', 'the snapshots were closed');
  }
}

class IncomingMemory implements IncomingSnapshot {
  readonly info: SnapshotInfo;
  readonly #keep: (content: Uint8Array) => Promise<SnapshotInfo>;
  #pieces: Uint8Array[] = [];
  #received = 0;
  #hasEnded = false;

  constructor(info: SnapshotInfo, keep: (content: Uint8Array) => Promise<SnapshotInfo>) {
    this.info = info;
    this.#keep = keep;
  }

  get received(): number {
    return this.#received;
  }

  async append(piece: Uint8Array): Promise<void> {
    invariant(!this.#hasEnded, 'a snapshot that has ended takes no more');
    this.#received += piece.length;
    if (this.#received > this.info.bytes) {
      await this.abort();
      throw notAsAnnounced(this.info, this.#received);
    }
    this.#pieces.push(piece.slice());
  }

  async finish(): Promise<SnapshotInfo> {
    invariant(!this.#hasEnded, 'a snapshot ends once');
    const content = await gather(each(this.#pieces));
    await this.abort();
    if (content.length !== this.info.bytes) throw notAsAnnounced(this.info, content.length);
    return this.#keep(content);
  }

  async abort(): Promise<void> {
    this.#hasEnded = true;
    this.#pieces = [];
  }
}

async function* one(piece: Uint8Array): AsyncGenerator<Uint8Array> {
  yield piece;
}

async function* each(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}
