/**
 * SimDisk: what a machine's disk holds, apart from the process that uses it. A storage opened on it keeps what was
 * committed across crashes, loses what was not, and fails as disks do.
 *
 * A commit is atomic, as an LMDB transaction is: a crash while it is under way leaves all of it or nothing. An unsynced
 * disk keeps what a killed process wrote, but loses some of it, torn anywhere, when the power goes.
 */
import { PaxosError } from '../paxos/error.ts';
import { invariant } from '../paxos/invariant.ts';
import type { Span } from '../paxos/learned.ts';
import type { AcceptorRecord, Storage, StorageIdentities, StoredSpans } from '../paxos/storage.ts';
import { MemoryStorage } from '../storage/memory.ts';
import { checkRecord } from '../storage/record.ts';
import type { Random } from '../transport/transport.ts';
import { readFlipped } from './flip.ts';
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

/** What an acceptor was told of another's storage, or has learned. */
type Telling =
  | { readonly type: 'identity'; readonly acceptorId: number; readonly identity: number }
  | { readonly type: 'spans'; readonly spans: readonly Span[] };

/** Sees each change just before it reaches the platter. */
export type DiskObserver = (durable: MemoryStorage, write: Write) => void;

/** Without syncs the system writes to the platter when about so many changes have gathered. */
const UNSYNCED_WRITES = 200;

function perform(storage: MemoryStorage, write: Write): void {
  if (write.type === 'floor') storage.setPromiseFloor(write.ballot);
  else if (write.type === 'trim') storage.trim(write.instanceId);
  else storage.put(write.instanceId, write.promisedBallot, write.acceptedBallot, write.value);
}

export class SimDisk {
  readonly faults: DiskFaults = { syncMs: 0.3, failNextSync: false, full: false, corruption: 0 };
  readonly durability: Storage['durability'];
  readonly #random: Random;
  readonly #observe: DiskObserver;
  /** what the next process will find */
  #durable = new MemoryStorage();
  /** unsynced: what is on the platter for certain, and what only the system's memory holds beyond it */
  #platter = new MemoryStorage();
  #unwritten: Write[] = [];
  #underWay = 0;
  #commits = 0;
  /** how often the storage was made; no other acceptor's is mistaken for it */
  #identity = 1;
  /** what its acceptor was told of storages, and is durable */
  #known = new Map<number, number>();
  /** what its acceptor has learned, and is durable */
  #spans: readonly Span[] = [];

  constructor(random: Random, observe: DiskObserver, durability: Storage['durability'] = 'synced') {
    this.#random = random;
    this.#observe = observe;
    this.durability = durability;
  }

  /** What would be read after a crash now. For the checkers. */
  get durable(): MemoryStorage {
    return this.#durable;
  }

  /** Tells this disk's storage from a new one in its place. */
  get identity(): number {
    return this.#identity;
  }

  /** Which storages its acceptor knows, and will after a crash. */
  get known(): ReadonlyMap<number, number> {
    return this.#known;
  }

  /** Everything on it is gone, and somebody put an empty one in its place. Call it between processes. */
  replace(): void {
    this.#durable = new MemoryStorage();
    this.#platter = new MemoryStorage();
    this.#unwritten = [];
    this.#identity++;
    this.#known = new Map();
    this.#spans = [];
  }

  /** What its acceptor had learned, and kept. */
  get spans(): readonly Span[] {
    return this.#spans;
  }

  /** How many commits have reached the disk. */
  get commits(): number {
    return this.#commits;
  }

  /** True while a commit is under way: a crash now is one between a write and its sync. */
  get isWriting(): boolean {
    return this.#underWay > 0;
  }

  /** Opens what the last process left behind. */
  open(process: SimProcess): Storage {
    this.#underWay = 0;
    return new SimStorage(this, process, this.#random);
  }

  /** A commit begins or is over; a process that died meanwhile says no more. */
  noteCommit(begins: boolean): void {
    this.#underWay += begins ? 1 : -1;
  }

  /** Puts a batch on the platter; without syncs it reaches the system's memory, and the platter when it pleases. */
  apply(batch: readonly (Write | Telling)[]): void {
    this.#commits++;
    for (const write of batch) {
      if (write.type === 'identity') {
        this.#known.set(write.acceptorId, write.identity);
        continue;
      }
      if (write.type === 'spans') {
        this.#spans = write.spans;
        continue;
      }
      this.#observe(this.#durable, write);
      perform(this.#durable, write);
      if (this.durability === 'unsynced') this.#unwritten.push(write);
    }
    if (this.durability !== 'unsynced') return;
    if (this.#unwritten.length < UNSYNCED_WRITES) return;
    this.#platter = this.#durable.copy();
    this.#unwritten = [];
  }

  /**
   * The power goes: of what was never synced some writes are on the platter, in no order, and some are not. What was
   * synced is. Call it between processes.
   */
  losePower(): void {
    if (this.durability !== 'unsynced') return;
    const kept = this.#random.next();
    for (const write of this.#unwritten) {
      const isAbove = write.type !== 'put' || write.instanceId > this.#platter.trimInstanceId;
      if (this.#random.next() < kept && isAbove) perform(this.#platter, write);
    }
    this.#unwritten = [];
    this.#durable = this.#platter.copy();
  }
}

class SimStorage implements Storage {
  readonly durability: Storage['durability'];
  readonly identities: StorageIdentities | undefined;
  readonly spans: StoredSpans | undefined;
  readonly #disk: SimDisk;
  readonly #process: SimProcess;
  readonly #random: Random;
  /** what the process sees: the platter and all it has written since */
  readonly #view: MemoryStorage;
  #batch: (Write | Telling)[] = [];
  #syncing: Promise<void> | undefined;
  #failed: PaxosError | undefined;

  constructor(disk: SimDisk, process: SimProcess, random: Random) {
    this.durability = disk.durability;
    this.#disk = disk;
    this.#process = process;
    this.#random = random;
    this.#view = disk.durable.copy();
    const known = new Map(disk.known);
    const note = (acceptorId: number, identity: number) => {
      if (known.has(acceptorId)) return;
      known.set(acceptorId, identity);
      this.#batch.push({ type: 'identity', acceptorId, identity });
    };
    const keep = (spans: readonly Span[]) => this.#batch.push({ type: 'spans', spans });
    if (disk.durability === 'memory') return;
    this.identities = { own: disk.identity, known, note };
    this.spans = { kept: disk.spans, keep };
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
    return record === undefined ? undefined : this.#read(instanceId, record);
  }

  *accepted(from: number, to: number): Generator<AcceptorRecord & { readonly instanceId: number }> {
    this.#check();
    for (const record of this.#view.accepted(from, to)) {
      const { instanceId } = record;
      yield { ...this.#read(instanceId, record), instanceId };
    }
  }

  /** What the disk gives for a record; now and then one of its bits is flipped. */
  #read(instanceId: number, record: AcceptorRecord): AcceptorRecord {
    const { corruption } = this.#disk.faults;
    if (corruption === 0 || this.#random.next() >= corruption) return record;
    const damaged = readFlipped(instanceId, record, this.#random);
    if (damaged !== undefined) return damaged;
    throw this.#fail('STORAGE_CORRUPT', `the record of instance ${instanceId} does not match its checksum`);
  }

  put(instanceId: number, promisedBallot: number, acceptedBallot: number, value: Uint8Array): void {
    checkRecord(instanceId, promisedBallot, acceptedBallot, value.length, this.trimInstanceId);
    const copy = new Uint8Array(value);
    this.#write({ type: 'put', instanceId, promisedBallot, acceptedBallot, value: copy });
  }

  setPromiseFloor(ballot: number): void {
    this.#check();
    if (ballot > this.promiseFloor) this.#write({ type: 'floor', ballot });
  }

  trim(instanceId: number): void {
    this.#check();
    if (instanceId > this.trimInstanceId) this.#write({ type: 'trim', instanceId });
  }

  commit(): Promise<void> | undefined {
    this.#check();
    invariant(this.#syncing === undefined, 'one batch is written at a time');
    if (this.#batch.length === 0) return undefined;
    const batch = this.#batch;
    this.#batch = [];
    this.#syncing = this.#sync(batch);
    return this.#syncing;
  }

  #sync(batch: readonly (Write | Telling)[]): Promise<void> {
    const { faults } = this.#disk;
    this.#disk.noteCommit(true);
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
      this.#process.after(durationMs, () => {
        this.#syncing = undefined;
        this.#disk.noteCommit(false);
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    await this.#syncing?.catch(() => undefined);
    this.#failed ??= new PaxosError('CLOSED', 'the storage was closed');
  }

  #write(write: Write): void {
    this.#check();
    perform(this.#view, write);
    // Memory is as durable as it will ever be at once: a replica hears its own vote in the same turn.
    if (this.durability === 'memory') this.#disk.apply([write]);
    else this.#batch.push(write);
  }

  #check(): void {
    if (this.#failed !== undefined) throw this.#failed;
  }

  #fail(code: 'STORAGE_CORRUPT' | 'STORAGE_FULL' | 'STORAGE_FAILED', message: string): PaxosError {
    this.#failed = new PaxosError(code, message);
    return this.#failed;
  }
}
