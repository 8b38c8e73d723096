/**
 * Storage: the port through which an acceptor remembers. Reads and writes are synchronous and see each other at once;
 * durability is asked for once per turn, with `commit`.
 *
 *   write, write, … → commit() → undefined (already durable) | promise (durable when it resolves)
 *
 * Invariants: what was written before commit() is durable, all or nothing, when its promise resolves. The promised
 * ballot of an instance and the floor never sink. The first failure ends the storage: commit rejects, and every later
 * call throws, since nobody can know any more what is on disk.
 */
import type { Span } from './learned.ts';

/** What an acceptor remembers of one instance. */
export interface AcceptorRecord {
  /** the highest ballot promised here, at least acceptedBallot */
  readonly promisedBallot: number;
  /** the ballot of the accepted value; 0: nothing was accepted */
  readonly acceptedBallot: number;
  /** the accepted value; empty if nothing was accepted. A view: valid until the next write, copy to keep. */
  readonly value: Uint8Array;
}

/** What an acceptor remembers beside its records. */
export interface StorageState {
  /** records at or below are deleted; 0: none. Only rises. */
  readonly trimInstanceId: number;
  /** one ballot promised for every instance above the trim point. Only rises. */
  readonly promiseFloor: number;
  /** the highest instance with an accepted value, ever (trimmed ones too); 0: none */
  readonly highestAccepted: number;
  /** the highest ballot ever promised or accepted, for any instance or as the floor */
  readonly highestBallot: number;
}

/** Which storages the acceptors of a cluster have, as far as this one was told. An identity is 1 to 2^53-1. */
export interface StorageIdentities {
  /** drawn when this storage was made: tells it from a new one in its place */
  readonly own: number;
  /** what was told, by acceptor id; kept like everything else. Another identity than `own` for our own acceptor: this
   * storage took the place of one that was lost. */
  readonly known: ReadonlyMap<number, number>;
  /** Keeps what was told of an acceptor; the first word stands. */
  note(acceptorId: number, identity: number): void;
}

/**
 * Which instances an acceptor has learned to be chosen, so that one that is started again can tell. That they were is
 * true for ever, so what is kept may be behind, and may be lost: it is never wrong.
 */
export interface StoredSpans {
  /** what an earlier process kept */
  readonly kept: readonly Span[];
  /** Keeps these instead, with the next commit. */
  keep(spans: readonly Span[]): void;
}

export interface Storage extends StorageState {
  /** undefined: nothing outlasts the process */
  readonly spans?: StoredSpans | undefined;
  /** undefined: there is nothing that could be lost unnoticed, since nothing outlasts the process */
  readonly identities?: StorageIdentities | undefined;

  /** 'memory': lost with the process. 'unsynced': survives a kill, not a power cut. 'synced': survives both. */
  readonly durability: 'memory' | 'unsynced' | 'synced';
  /** Bytes held, by the backend's own reckoning; for people, not for decisions. */
  readonly sizeBytes: number;

  /** The ballot promised by this instance's own record (not the floor); 0 if there is no record. Hot. */
  promisedBallot(instanceId: number): number;

  /** The record of an instance, or undefined. Throws PaxosError STORAGE_CORRUPT if its checksum does not match. */
  get(instanceId: number): AcceptorRecord | undefined;

  /** The accepted records from `from` to `to`, inclusive, in order; records without a value are passed over. */
  accepted(from: number, to: number): Iterable<AcceptorRecord & { readonly instanceId: number }>;

  /** Replaces an instance's record. The value's bytes are copied. `acceptedBallot` 0 goes with an empty value. Hot. */
  put(instanceId: number, promisedBallot: number, acceptedBallot: number, value: Uint8Array): void;

  /** Raises the promise floor. */
  setPromiseFloor(ballot: number): void;

  /** Raises the trim point and deletes the records at or below it. */
  trim(instanceId: number): void;

  /**
   * Makes everything written so far durable. Call it once at the end of a turn, and not again before an earlier
   * promise has settled. Returns undefined when there is nothing to wait for.
   */
  commit(): Promise<void> | undefined;

  /** Waits for what is under way and gives the storage back; nothing may be called afterwards. */
  close(): Promise<void>;
}
