/**
 * InspectLog: what an acceptor's data directory holds, gathered: whose it is, what it promised, and its log.
 */

import type { StoredSnapshotFile } from '../statemachine/snapshot-directory.ts';
import type { LmdbReader, StoredRecord } from '../storage/lmdb-reader.ts';
import { type ValueView, viewValue } from './value-view.ts';

/** So many damaged records are named. */
const MAX_NAMED = 20;
/** So many records are read before others have their turn. */
const TURN_RECORDS = 4096;

export interface LogView {
  readonly directory: string;
  /** the process that has it open; null: none */
  readonly inUseBy: string | null;
  readonly acceptor: number;
  readonly cluster: string;
  readonly format: number;
  readonly identity: string;
  /** the first bits of the others' identities, by acceptor */
  readonly knownIdentities: Readonly<Record<string, string>>;
  readonly bytes: number;
  /** instances up to here were forgotten */
  readonly trimmed: number;
  /** no lower ballot is promised anything, in any instance */
  readonly promiseFloor: number;
  readonly highestBallot: number;
  readonly highestAccepted: number;
  readonly records: RecordTotals;
  readonly snapshots: readonly StoredSnapshotFile[];
}

export interface RecordTotals {
  readonly count: number;
  /** null: there is none */
  readonly first: number | null;
  readonly last: number | null;
  readonly accepted: number;
  readonly noOps: number;
  readonly valueBytes: number;
  /** of accepted values */
  readonly lowestBallot: number | null;
  readonly highestBallot: number | null;
  readonly damaged: number;
  /** the first of them */
  readonly damagedInstances: readonly number[];
}

/** One instance of the log. */
export type InstanceView =
  | { readonly instance: number; readonly damaged: true }
  | {
      readonly instance: number;
      readonly promisedBallot: number;
      /** 0: nothing was accepted */
      readonly acceptedBallot: number;
      readonly valueBytes: number;
      /** null: nothing was accepted */
      readonly value: ValueView | null;
    };

/** Reads the whole log. @returns undefined if it was stopped before the end */
export async function viewLog(
  reader: LmdbReader,
  snapshots: readonly StoredSnapshotFile[],
  stop: AbortSignal,
): Promise<LogView | undefined> {
  const { path, holder, state } = reader;
  const totals = new Totals();
  let left = TURN_RECORDS;
  for (const record of reader.records(1, Number.MAX_SAFE_INTEGER)) {
    totals.add(record);
    if (--left > 0) continue;
    left = TURN_RECORDS;
    await new Promise((resolve) => setImmediate(resolve));
    if (stop.aborted) return undefined;
  }
  const known = [...state.known].map(([id, identity]) => [String(id), identity.toString(16)]);
  return {
    directory: path,
    inUseBy: holder ?? null,
    acceptor: state.acceptorId,
    cluster: state.clusterName,
    format: state.format,
    identity: state.identity,
    knownIdentities: Object.fromEntries(known),
    bytes: reader.sizeBytes,
    trimmed: state.trimInstanceId,
    promiseFloor: state.promiseFloor,
    highestBallot: state.highestBallot,
    highestAccepted: state.highestAccepted,
    records: totals.view,
    snapshots,
  };
}

export function viewInstance({ instanceId, record }: StoredRecord): InstanceView {
  if (record === undefined) return { instance: instanceId, damaged: true };
  const { promisedBallot, acceptedBallot, value } = record;
  return {
    instance: instanceId,
    promisedBallot,
    acceptedBallot,
    valueBytes: value.length,
    value: acceptedBallot === 0 ? null : viewValue(value),
  };
}

class Totals {
  #count = 0;
  #first: number | null = null;
  #last: number | null = null;
  #accepted = 0;
  #noOps = 0;
  #valueBytes = 0;
  #lowestBallot: number | null = null;
  #highestBallot: number | null = null;
  #damaged = 0;
  readonly #damagedInstances: number[] = [];

  add({ instanceId, record }: StoredRecord): void {
    this.#count++;
    this.#first ??= instanceId;
    this.#last = instanceId;
    if (record === undefined) {
      this.#damaged++;
      if (this.#damagedInstances.length < MAX_NAMED) this.#damagedInstances.push(instanceId);
      return;
    }
    const { acceptedBallot, value } = record;
    if (acceptedBallot === 0) return;
    this.#accepted++;
    if (value.length === 0) this.#noOps++;
    this.#valueBytes += value.length;
    this.#lowestBallot = Math.min(this.#lowestBallot ?? acceptedBallot, acceptedBallot);
    this.#highestBallot = Math.max(this.#highestBallot ?? acceptedBallot, acceptedBallot);
  }

  get view(): RecordTotals {
    return {
      count: this.#count,
      first: this.#first,
      last: this.#last,
      accepted: this.#accepted,
      noOps: this.#noOps,
      valueBytes: this.#valueBytes,
      lowestBallot: this.#lowestBallot,
      highestBallot: this.#highestBallot,
      damaged: this.#damaged,
      damagedInstances: this.#damagedInstances,
    };
  }
}
