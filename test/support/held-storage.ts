/**
 * HeldStorage: a storage whose commits end when and how a test says. What is written is kept in memory.
 */
import type { AcceptorRecord, Storage } from '../../src/paxos/storage.ts';
import { MemoryStorage } from '../../src/storage/memory.ts';

export class HeldStorage implements Storage {
  readonly durability = 'synced';
  readonly #memory = new MemoryStorage();
  #isChanged = false;
  /** commits under way, the oldest first */
  readonly commits: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
  /** set: every later call throws it, as a storage does that has failed */
  broken: Error | undefined;
  /** how often it was asked for records */
  reads = 0;

  get trimInstanceId(): number {
    return this.#memory.trimInstanceId;
  }

  get promiseFloor(): number {
    return this.#memory.promiseFloor;
  }

  get highestAccepted(): number {
    return this.#memory.highestAccepted;
  }

  get highestBallot(): number {
    return this.#memory.highestBallot;
  }

  get sizeBytes(): number {
    return this.#memory.sizeBytes;
  }

  promisedBallot(instanceId: number): number {
    this.#mustWork();
    return this.#memory.promisedBallot(instanceId);
  }

  get(instanceId: number): AcceptorRecord | undefined {
    this.#mustWork();
    return this.#memory.get(instanceId);
  }

  accepted(from: number, to: number): Iterable<AcceptorRecord & { readonly instanceId: number }> {
    this.#mustWork();
    this.reads++;
    return this.#memory.accepted(from, to);
  }

  put(instanceId: number, promisedBallot: number, acceptedBallot: number, value: Uint8Array): void {
    this.#mustWork();
    this.#isChanged = true;
    this.#memory.put(instanceId, promisedBallot, acceptedBallot, value);
  }

  setPromiseFloor(ballot: number): void {
    this.#mustWork();
    this.#isChanged = true;
    this.#memory.setPromiseFloor(ballot);
  }

  trim(instanceId: number): void {
    this.#mustWork();
    this.#isChanged = true;
    this.#memory.trim(instanceId);
  }

  commit(): Promise<void> | undefined {
    this.#mustWork();
    if (!this.#isChanged) return undefined;
    this.#isChanged = false;
    return new Promise((resolve, reject) => this.commits.push({ resolve, reject }));
  }

  async close(): Promise<void> {
    for (const commit of this.commits.splice(0)) commit.resolve();
  }

  #mustWork(): void {
    if (this.broken !== undefined) throw this.broken;
  }
}
