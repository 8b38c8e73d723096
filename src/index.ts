/** libpaxos: Paxos in your own process. See README.md; the core without a network is `libpaxos/paxos`. */
export {
  type Config,
  type ConfigNodes,
  makeConfig,
  type Options,
  type ParsedConfig,
  parseConfig,
  readConfig,
} from './config/index.ts';
export * from './evpaxos/index.ts';
export { PaxosError, type PaxosErrorCode } from './paxos/error.ts';
// With a state machine and without: they take the place of the plain ones.
export { Client, Replica } from './statemachine/faces.ts';
export {
  type ApplyContext,
  bytesCodec,
  type Codec,
  type Codecs,
  jsonCodec,
  type MachineClient,
  type MachineClientOptions,
  type MachineEvent,
  type MachineReplica,
  type MachineReplicaOptions,
  type MachineStatus,
  type ProposeOptions,
  type ReadOptions,
  type SnapshotReader,
  type SnapshotSource,
  type StateMachine,
} from './statemachine/index.ts';
