/** libpaxos: networked Paxos. Nodes that stand in for the original's, and what a program needs to run them. */
export {
  type ClusterStatus,
  ClusterWatch,
  clusterStatus,
  type NodeStatus,
  type StatusOptions,
} from './cluster-status.ts';
export type { Delivered } from './deliveries.ts';
export type { World } from './node.ts';
export {
  AcceptorNode,
  Client,
  LearnerNode,
  type NodeHandle,
  type ProposerHandle,
  ProposerNode,
  Replica,
  type SubmitOptions,
} from './nodes.ts';
export { describeEvent, type LogLevel, type NodeEvent, type Observer } from './observer.ts';
export type { Reach } from './peers.ts';
export type {
  AcceptorOptions,
  ClientOptions,
  LearnerOptions,
  ProposerOptions,
  ReplicaOptions,
  StartOptions,
} from './starting.ts';
export { maxValueBytes } from './values.ts';
