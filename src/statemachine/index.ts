/**
 * libpaxos/statemachine: what stands on a sequence of values: commands of sessions, applied exactly once to a machine
 * that is the same on every replica, and its snapshots.
 */

export {
  MachineClient,
  type MachineClientOptions,
  type ProposeOptions,
  type ReadOptions,
} from './client.ts';
export { clientItemsFault, MAX_CLIENT_ITEMS } from './client-items.ts';
export { bytesCodec, type Codec, type Codecs, jsonCodec, withDefaultCodecs } from './codec.ts';
export type { Divergence } from './digest.ts';
export type { MachineEvent } from './events.ts';
export type { ApplyContext, SnapshotReader, SnapshotSource, StateMachine } from './machine.ts';
export {
  type CapturedSnapshot,
  MachineHost,
  type MachineHostListener,
  type MachineHostOptions,
} from './machine-host.ts';
export { MachineReplica, type MachineReplicaOptions, type MachineStatus } from './replica.ts';
export { ResultReader, ResultStatus, resultError } from './results.ts';
export { RunBuilder } from './run-builder.ts';
export { FileSnapshotStore, type FileSnapshotStoreOptions } from './snapshot-files.ts';
export { MemorySnapshotStore } from './snapshot-memory.ts';
export type {
  IncomingSnapshot,
  OpenSnapshot,
  SnapshotInfo,
  SnapshotReport,
  SnapshotStore,
  SnapshotStoreOptions,
} from './snapshot-store.ts';
