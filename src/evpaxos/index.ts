/** libpaxos: networked Paxos. Nodes that stand in for the original's, and what a program needs to run them. */
export type { Delivered } from './deliveries.ts';
export type { World } from './node.ts';
export {
  AcceptorNode,
  type AcceptorOptions,
  Client,
  type ClientOptions,
  LearnerNode,
  type LearnerOptions,
  type NodeHandle,
  type ProposerHandle,
  ProposerNode,
  type ProposerOptions,
  Replica,
  type ReplicaOptions,
  type StartOptions,
  type SubmitOptions,
} from './nodes.ts';
export { describeEvent, type LogLevel, type NodeEvent, type Observer } from './observer.ts';
export type { Reach } from './peers.ts';
export { maxValueBytes } from './values.ts';
