/**
 * Acceptor: the cluster's memory. One record per instance; contacts no one.
 *
 *   prepare(i, b)      → promise(i, promisedBallot, acceptedBallot, value)
 *   accept(i, b, v)    → accepted(i, b, v) | preempted(i, promisedBallot)
 *   prepareFrom(i, b)  → a promise for every instance from i on | preempted
 *
 * What it answers is in its storage but perhaps not yet on disk: whoever sends an answer first waits for the commit
 * that follows it. promisedBallot never decreases, across restarts too.
 *
 * Algorithm: Lamport, "Paxos Made Simple" (2001), section 2.2; the promise for a range of instances is section 3's
 * "phase 1 for infinitely many instances".
 */
import { MAX_BALLOT, MAX_BALLOT_JUMP } from './ballot.ts';
import { invariant } from './invariant.ts';
import type { StateWriter } from './state.ts';
import type { AcceptorRecord, Storage } from './storage.ts';

/** An acceptor's answer to a prepare. `promisedBallot` above the one asked for is a refusal. */
export interface PaxosPromise {
  readonly promisedBallot: number;
  /** 0: no value was accepted. Only this tells whether there is a value: a value can be empty. */
  readonly acceptedBallot: number;
  readonly value: Uint8Array;
}

/** trimmed: at or below the trim point, no answer. refused: a ballot nobody may use, no answer. */
export type Silence = 'trimmed' | 'refused';
export type AcceptOutcome = 'accepted' | 'preempted' | Silence;
export type PrepareFromOutcome = 'promised' | 'preempted' | 'refused';
/** stale: at or below the trim point already. refused: above everything that was ever accepted here. */
export type TrimOutcome = 'trimmed' | 'stale' | 'refused';

const NO_VALUE = new Uint8Array(0);
/** Values from this length on are compared in blocks; for shorter ones that gains nothing. */
const BLOCKS_FROM_BYTES = 128;

export class Acceptor {
  readonly id: number;
  readonly #storage: Storage;
  #preemptedBy = 0;

  /**
   * @param id the acceptor's id, 0 to 9
   * @param storage what it remembers, as it was left by the last process
   */
  constructor(id: number, storage: Storage) {
    this.id = id;
    this.#storage = storage;
  }

  get trimInstanceId(): number {
    return this.#storage.trimInstanceId;
  }

  /** The highest instance a value was ever accepted for; 0: none. */
  get highestAccepted(): number {
    return this.#storage.highestAccepted;
  }

  /** The highest ballot ever promised or accepted, for any instance. */
  get highestBallot(): number {
    return this.#storage.highestBallot;
  }

  /** After an outcome `preempted`: the ballot that the asker has to go above. */
  get preemptedBy(): number {
    return this.#preemptedBy;
  }

  /** The ballot promised for an instance: its record's, or the floor for all instances. */
  promisedBallot(instanceId: number): number {
    return Math.max(this.#storage.promisedBallot(instanceId), this.#storage.promiseFloor);
  }

  /** Phase 1 for one instance. A lower ballot is answered too, with the higher one that was promised. */
  receivePrepare(instanceId: number, ballot: number): PaxosPromise | Silence {
    if (instanceId <= this.#storage.trimInstanceId) return 'trimmed';
    if (!this.#isCredible(ballot)) return 'refused';

    const record = this.#storage.get(instanceId);
    const promised = Math.max(record?.promisedBallot ?? 0, this.#storage.promiseFloor);
    const acceptedBallot = record?.acceptedBallot ?? 0;
    if (ballot <= promised)
      return { promisedBallot: promised, acceptedBallot, value: record?.value ?? NO_VALUE };

    // A copy, since the record's value is a view that ends with the next write.
    const value = record?.value.slice() ?? NO_VALUE;
    this.#storage.put(instanceId, ballot, acceptedBallot, value);
    return { promisedBallot: ballot, acceptedBallot, value };
  }

  /** Phase 2 for one instance. The same value at the same ballot may come twice; another value may not. Hot. */
  receiveAccept(instanceId: number, ballot: number, value: Uint8Array): AcceptOutcome {
    if (instanceId <= this.#storage.trimInstanceId) return 'trimmed';
    if (ballot <= 0 || !this.#isCredible(ballot)) return 'refused';

    const own = this.#storage.promisedBallot(instanceId);
    const promised = Math.max(own, this.#storage.promiseFloor);
    if (ballot < promised) return this.#preempt(promised);
    if (own === ballot) {
      const record = this.#storage.get(instanceId);
      if (record !== undefined && record.acceptedBallot === ballot) {
        // Originals ignore a PREEMPTED that is not above their ballot, hence + 1.
        return sameBytes(record.value, value) ? 'accepted' : this.#preempt(ballot + 1);
      }
    }
    this.#storage.put(instanceId, ballot, ballot, value);
    return 'accepted';
  }

  /**
   * Phase 1 for every instance from `from` on: raises the promise floor. The answer is complete only together with
   * `accepted(from, to)`. Refused below any ballot ever promised, so that one floor can stand for every record.
   *
   * @param isLeaders true: this ballot leads the cluster for certain, and no jump to it is too far
   */
  receivePrepareFrom(from: number, ballot: number, isLeaders = false): PrepareFromOutcome {
    if (from < 1 || ballot > MAX_BALLOT || !(isLeaders || this.#isCredible(ballot))) return 'refused';
    if (ballot < this.#storage.highestBallot) {
      this.#preemptedBy = this.#storage.highestBallot;
      return 'preempted';
    }
    if (ballot > this.#storage.promiseFloor) this.#storage.setPromiseFloor(ballot);
    return 'promised';
  }

  /** The records with an accepted value from `from` to `to`, inclusive and in order; never a trimmed one. */
  accepted(from: number, to: number): Iterable<AcceptorRecord & { readonly instanceId: number }> {
    const first = Math.max(from, this.#storage.trimInstanceId + 1);
    const last = Math.min(to, this.#storage.highestAccepted);
    return first <= last ? this.#storage.accepted(first, last) : [];
  }

  /** Forgets the records at or below an instance, which every learner has to have delivered. */
  receiveTrim(instanceId: number): TrimOutcome {
    if (instanceId <= this.#storage.trimInstanceId) return 'stale';
    if (instanceId > this.#storage.highestAccepted) return 'refused';
    this.#storage.trim(instanceId);
    invariant(this.#storage.trimInstanceId === instanceId, 'a trim shows at once in the storage');
    return 'trimmed';
  }

  /** The same acceptor on a copy of its storage, which is all the state it has. */
  copy(storage: Storage): Acceptor {
    return new Acceptor(this.id, storage);
  }

  /** Writes down all that this acceptor's future depends on; no instance above `highest` may have a record. */
  writeState(to: StateWriter, highest: number): void {
    const { trimInstanceId, promiseFloor, highestAccepted, highestBallot } = this.#storage;
    for (const number of [trimInstanceId, promiseFloor, highestAccepted, highestBallot]) to.number(number);
    for (let i = trimInstanceId + 1; i <= highest; i++) {
      const record = this.#storage.get(i);
      to.number(record?.promisedBallot ?? 0);
      to.number(record?.acceptedBallot ?? 0);
      to.bytes(record?.value);
    }
  }

  #isCredible(ballot: number): boolean {
    return ballot <= MAX_BALLOT && ballot <= this.#storage.highestBallot + MAX_BALLOT_JUMP;
  }

  #preempt(by: number): 'preempted' {
    this.#preemptedBy = by;
    return 'preempted';
  }
}

/** True if two values have the same bytes. Hot: every value is compared with what its own acceptor holds. */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left === right) return true;
  const { length } = left;
  if (length !== right.length) return false;
  let at = 0;
  if (length >= BLOCKS_FROM_BYTES) {
    const one = new DataView(left.buffer, left.byteOffset, length);
    const other = new DataView(right.buffer, right.byteOffset, length);
    for (; at + 16 <= length; at += 16) if (differ(one, other, at)) return false;
  }
  for (; at < length; at++) if (left[at] !== right[at]) return false;
  return true;
}

/** True if two blocks of 16 bytes differ: at 1,000 bytes this takes 0.4 us, and a loop over bytes 1.6. */
function differ(one: DataView, other: DataView, at: number): boolean {
  const first = (one.getInt32(at) ^ other.getInt32(at)) | (one.getInt32(at + 4) ^ other.getInt32(at + 4));
  const last =
    (one.getInt32(at + 8) ^ other.getInt32(at + 8)) | (one.getInt32(at + 12) ^ other.getInt32(at + 12));
  return (first | last) !== 0;
}
