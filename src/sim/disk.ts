/**
 * SimDisk: what a machine's disk holds, apart from the process that uses it. A storage opened on it keeps what was
 * committed across crashes, loses what was not, and fails as disks do.
 *
 * A commit is atomic, as an LMDB transaction is: a crash while it is under way leaves all of it or nothing.
 */
import { PaxosError } from '../paxos/error.ts';
import type { AcceptorRecord, Storage } from '../paxos/storage.ts';
import { MemoryStorage } from '../storage/memory.ts';
import type { Random } from '../transport/transport.ts';
import type { SimProcess } from './process.ts';

/** How the disk behaves now; the fault injector changes it. */
export interface DiskFaults {
  /** how long a sync takes, ms */
  syncMs: number;
  /** the next sync fails */
  failNextSync: boolean;
  /** nothing more can be written */
  full: boolean;
  /** how often a record that is read has a flipped bit, which its checksum shows, 0 to 1 */
  corruption: number;
}

/** One change to what an acceptor remembers. */
export type Write =
  | {
      readonly type: 'put';
      readonly instanceId: number;
      readonly promisedBallot: number;
      readonly acceptedBallot: number;
      readonly value: Uint8Array;
    }
  | { readonly type: 'floor'; readonly ballot: number }
  | { readonly type: 'trim'; readonly instanceId: number };

/** Sees each change just before it reaches the platter. */
export type DiskObserver = (durable: MemoryStorage, write: Write) => void;

function perform(storage: MemoryStorage, write: Write): void {
  if (write.type === 'floor') storage.setPromiseFloor(write.ballot);
  else if (write.type === 'trim') storage.trim(write.instanceId);
  else storage.put(write.instanceId, write.promisedBallot, write.acceptedBallot, write.value);
}

export class SimDisk {
  readonly faults: DiskFaults = { syncMs: 0.3, failNextSync: false, full: false, corruption: 0 };
  readonly #random: Random;
  readonly #observe: DiskObserver;
  /** what is on the platter */
  readonly #durable = new MemoryStorage();
  #syncs = 0;

  constructor(random: Random, observe: DiskObserver) {
    this.#random = random;
    this.#observe = observe;
  }

  /** What would be read after a crash now. For the checkers. */
  get durable(): MemoryStorage {
    return this.#durable;
  }

  get syncs(): number {
    return this.#syncs;
  }

  /** Opens what the last process left behind. */
  open(process: SimProcess): Storage {
    return new SimStorage(this, process, this.#random);
  }

  /** Puts a batch on the platter. */
  apply(batch: readonly Write[]): void {
    this.#syncs++;
    for (const write of batch) {
      this.#observe(this.#durable, write);
      perform(this.#durable, write);
    }
  }
}

class SimStorage implements Storage {
  readonly durability = 'synced';
  readonly #disk: SimDisk;
  readonly #process: SimProcess;
  readonly #random: Random;
  /** what the process sees: the platter and all it has written since */
  readonly #view: MemoryStorage;
  #batch: Write[] = [];
  #failed: PaxosError | undefined;

  constructor(disk: SimDisk, process: SimProcess, random: Random) {
    this.#disk = disk;
    this.#process = process;
    this.#random = random;
    this.#view = disk.durable.copy();
  }

  get trimInstanceId(): number {
    return this.#view.trimInstanceId;
  }

  get promiseFloor(): number {
    return this.#view.promiseFloor;
  }

  get highestAccepted(): number {
    return this.#view.highestAccepted;
  }

  get highestBallot(): number {
    return this.#view.highestBallot;
  }

  get sizeBytes(): number {
    return this.#view.sizeBytes;
  }

  promisedBallot(instanceId: number): number {
    this.#check();
    return this.#view.promisedBallot(instanceId);
  }

  get(instanceId: number): AcceptorRecord | undefined {
    this.#check();
    const record = this.#view.get(instanceId);
    if (record !== undefined && this.#random.next() < this.#disk.faults.corruption) {
      throw this.#fail('STORAGE_CORRUPT', `the record of instance ${instanceId} does not match its checksum`);
    }
    return record;
  }

  accepted(from: number, to: number): Iterable<AcceptorRecord & { readonly instanceId: number }> {
    this.#check();
    return this.#view.accepted(from, to);
  }

  put(instanceId: number, promisedBallot: number, acceptedBallot: number, value: Uint8Array): void {
    this.#write({ type: 'put', instanceId, promisedBallot, acceptedBallot, value: value.slice() });
  }

  setPromiseFloor(ballot: number): void {
    this.#write({ type: 'floor', ballot });
  }

  trim(instanceId: number): void {
    this.#write({ type: 'trim', instanceId });
  }

  commit(): Promise<void> | undefined {
    this.#check();
    if (this.#batch.length === 0) return undefined;
    const batch = this.#batch;
    this.#batch = [];
    const { faults } = this.#disk;
    return new Promise((resolve, reject) => {
      const durationMs = faults.syncMs * (0.5 + this.#random.next());
      // The pages reach the platter at some moment of the sync: a crash before it loses them, one after it does not.
      const reachesAt = durationMs * this.#random.next();
      const fails = faults.failNextSync;
      faults.failNextSync = false;
      this.#process.after(reachesAt, () => {
        if (faults.full) reject(this.#fail('STORAGE_FULL', 'the disk is full'));
        else if (fails) reject(this.#fail('STORAGE_FAILED', 'the disk failed to sync'));
        else this.#disk.apply(batch);
      });
      this.#process.after(durationMs, () => resolve());
    });
  }

  async close(): Promise<void> {}

  #write(write: Write): void {
    this.#check();
    perform(this.#view, write);
    this.#batch.push(write);
  }

  #check(): void {
    if (this.#failed !== undefined) throw this.#failed;
  }

  #fail(code: 'STORAGE_CORRUPT' | 'STORAGE_FULL' | 'STORAGE_FAILED', message: string): PaxosError {
    this.#failed = new PaxosError(code, message);
    return this.#failed;
  }
}
