/**
 * SimSnapshotDisk: the snapshots on a machine's disk, apart from the process that uses them. A store opened on it takes
 * as long as the disk does, and fails as it does; the format is that of production.
 *
 * A snapshot is on the disk from a moment of its last sync on. A process that dies before leaves nothing of it; one that
 * dies afterwards leaves all, whether it knew or not.
 */
import { PaxosError } from '../paxos/error.ts';
import { decodeSnapshot, encodeSnapshot, verifySnapshot } from '../statemachine/snapshot-format.ts';
import {
  abortedSnapshot,
  drawSnapshotId,
  type IncomingSnapshot,
  KEPT_SNAPSHOTS,
  type OpenSnapshot,
  type SnapshotInfo,
  type SnapshotStore,
  withSnapshot,
} from '../statemachine/snapshot-store.ts';
import type { Random } from '../transport/transport.ts';
import type { DiskFaults } from './disk.ts';
import type { SimProcess } from './process.ts';

interface Kept extends SnapshotInfo {
  readonly content: Uint8Array;
}

export interface SimSnapshotDiskOptions {
  readonly random: Random;
  /** how the disk behaves now */
  readonly faults: DiskFaults;
  readonly clusterName: string;
}

export class SimSnapshotDisk {
  readonly options: SimSnapshotDiskOptions;
  /** how many are being written or fetched, by the process that has it open */
  underWay = 0;
  #kept: readonly Kept[] = [];
  #everDurable = 0;

  constructor(options: SimSnapshotDiskOptions) {
    this.options = options;
  }

  /** What is on it, the newest first. */
  get kept(): readonly Kept[] {
    return this.#kept;
  }

  /** Up to where a snapshot on it went, at the most, whatever became of it. */
  get everDurable(): number {
    return this.#everDurable;
  }

  /** True while one is being written: a crash now loses it. */
  get isWriting(): boolean {
    return this.underWay > 0;
  }

  /** Opens what the last process left behind. */
  open(process: SimProcess): SnapshotStore {
    this.underWay = 0;
    return new SimSnapshotStore(this, process);
  }

  /** Everything on it is gone. Call it between processes. */
  replace(): void {
    this.#kept = [];
  }

  keep(snapshot: Kept): void {
    this.#kept = withSnapshot(this.#kept, snapshot).slice(0, KEPT_SNAPSHOTS);
    this.#everDurable = Math.max(this.#everDurable, snapshot.instanceId);
  }
}

class SimSnapshotStore implements SnapshotStore {
  readonly #disk: SimSnapshotDisk;
  readonly #process: SimProcess;

  constructor(disk: SimSnapshotDisk, process: SimProcess) {
    this.#disk = disk;
    this.#process = process;
  }

  get newest(): SnapshotInfo | undefined {
    return this.snapshots[0];
  }

  get snapshots(): readonly SnapshotInfo[] {
    return this.#disk.kept.map(({ instanceId, snapshotId, bytes }) => ({ instanceId, snapshotId, bytes }));
  }

  async write(
    instanceId: number,
    chunks: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<SnapshotInfo> {
    const { random, clusterName } = this.#disk.options;
    const snapshotId = drawSnapshotId(random);
    const pieces: Uint8Array[] = [];
    this.#disk.underWay++;
    try {
      const slowly = this.#slowly(chunks);
      for await (const piece of encodeSnapshot({ instanceId, snapshotId, clusterName }, slowly)) {
        if (signal?.aborted) throw abortedSnapshot();
        pieces.push(piece);
      }
      return await this.#sync(instanceId, snapshotId, Buffer.concat(pieces));
    } finally {
      this.#disk.underWay--;
    }
  }

  async receive(info: SnapshotInfo): Promise<IncomingSnapshot> {
    const pieces: Uint8Array[] = [];
    const { clusterName } = this.#disk.options;
    let received = 0;
    let hasEnded = false;
    const end = async () => {
      if (!hasEnded) this.#disk.underWay--;
      hasEnded = true;
    };
    this.#disk.underWay++;
    await this.#access();
    return {
      info,
      get received() {
        return received;
      },
      append: async (piece) => {
        await this.#access();
        received += piece.length;
        pieces.push(piece.slice());
      },
      finish: async () => {
        const content = Buffer.concat(pieces);
        try {
          await verifySnapshot(one(content), { ...info, clusterName });
          return await this.#sync(info.instanceId, info.snapshotId, content);
        } finally {
          await end();
        }
      },
      abort: end,
    };
  }

  async open(snapshotId: number): Promise<OpenSnapshot | undefined> {
    await this.#access();
    const kept = this.#disk.kept.find((each) => each.snapshotId === snapshotId);
    if (kept === undefined) return undefined;
    const { instanceId, bytes, content } = kept;
    const { clusterName } = this.#disk.options;
    const expected = { instanceId, snapshotId, clusterName };
    return {
      info: { instanceId, snapshotId, bytes },
      read: () => decodeSnapshot(this.#slowly(one(this.#flipped(content))), expected),
      piece: async (offset, maxBytes) => {
        await this.#access();
        return this.#flipped(content.slice(offset, offset + maxBytes));
      },
      close: async () => undefined,
    };
  }

  async close(): Promise<void> {}

  async *#slowly(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      await this.#access();
      yield chunk;
    }
  }

  /** The disk does something, which takes a while; forever if the process dies meanwhile. */
  #access(): Promise<void> {
    const { faults, random } = this.#disk.options;
    return new Promise((resolve, reject) => {
      this.#process.after(faults.syncMs * (0.5 + random.next()), () => {
        if (faults.full) reject(new PaxosError('STORAGE_FULL', 'the disk is full'));
        else resolve();
      });
    });
  }

  async #sync(instanceId: number, snapshotId: number, content: Uint8Array): Promise<SnapshotInfo> {
    const { faults } = this.#disk.options;
    const info = { instanceId, snapshotId, bytes: content.length };
    if (faults.failNextSync) {
      faults.failNextSync = false;
      throw new PaxosError('STORAGE_FAILED', 'the disk failed to sync');
    }
    await this.#access();
    this.#disk.keep({ ...info, content });
    await this.#access();
    return info;
  }

  /** What the disk gives; now and then one of its bits is flipped. */
  #flipped(content: Uint8Array): Uint8Array {
    const { faults, random } = this.#disk.options;
    if (faults.corruption === 0 || random.next() >= faults.corruption) return content;
    // A copy: what slice() of a Buffer gives is the same memory, and the next reading is to find it whole.
    const damaged = new Uint8Array(content);
    const at = Math.floor(random.next() * damaged.length);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(8 * random.next()));
    return damaged;
  }
}

async function* one(piece: Uint8Array): AsyncGenerator<Uint8Array> {
  yield piece;
}
