/**
 * OpenState: what an open storage keeps beside its records, and whether that has yet to be written.
 *
 * Invariant: each of the four numbers only rises, and what is known of an acceptor stays.
 */
import type { StorageIdentities, StorageState } from '../paxos/storage.ts';
import { encodeState, keyOf, type StoredState } from './record.ts';

/** The key under which the state lies; no instance has it. */
export const STATE_KEY = keyOf(0);

const OWN_HEX_DIGITS = 13;

export class OpenState implements StorageState, StorageIdentities {
  trimInstanceId: number;
  promiseFloor: number;
  highestAccepted: number;
  highestBallot: number;
  /** the first 52 bits of the 128 */
  readonly own: number;
  readonly #known: Map<number, number>;
  readonly #stored: StoredState;
  #changed = false;

  constructor(stored: StoredState) {
    this.#stored = stored;
    this.own = Math.max(1, Number.parseInt(stored.identity.slice(0, OWN_HEX_DIGITS), 16));
    this.#known = new Map(stored.known);
    this.trimInstanceId = stored.trimInstanceId;
    this.promiseFloor = stored.promiseFloor;
    this.highestAccepted = stored.highestAccepted;
    this.highestBallot = stored.highestBallot;
  }

  get known(): ReadonlyMap<number, number> {
    return this.#known;
  }

  note(acceptorId: number, identity: number): void {
    if (identity === 0 || this.#known.has(acceptorId)) return;
    this.#known.set(acceptorId, identity);
    this.#changed = true;
  }

  /** Whether there is something to write. */
  get changed(): boolean {
    return this.#changed;
  }

  /** Notes that a record was written. Hot. */
  noteRecord(instanceId: number, promisedBallot: number, acceptedBallot: number): void {
    if (acceptedBallot > 0 && instanceId > this.highestAccepted) {
      this.highestAccepted = instanceId;
      this.#changed = true;
    }
    if (promisedBallot > this.highestBallot) {
      this.highestBallot = promisedBallot;
      this.#changed = true;
    }
  }

  raiseFloor(ballot: number): void {
    if (ballot <= this.promiseFloor) return;
    this.promiseFloor = ballot;
    this.highestBallot = Math.max(this.highestBallot, ballot);
    this.#changed = true;
  }

  raiseTrim(instanceId: number): void {
    if (instanceId <= this.trimInstanceId) return;
    this.trimInstanceId = instanceId;
    this.#changed = true;
  }

  /** The state to store under STATE_KEY, if it changed since it was taken last. */
  takeChanges(): Uint8Array | undefined {
    if (!this.#changed) return undefined;
    this.#changed = false;
    const { trimInstanceId, promiseFloor, highestAccepted, highestBallot } = this;
    const numbers = { trimInstanceId, promiseFloor, highestAccepted, highestBallot };
    return encodeState(STATE_KEY, { ...this.#stored, ...numbers, known: this.#known });
  }
}
