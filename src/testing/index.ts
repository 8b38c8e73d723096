/**
 * libpaxos/testing: a cluster with an application's state machine, on virtual time, for its tests.
 */
export {
  type Member,
  type TestClientOptions,
  TestCluster,
  type TestClusterOptions,
} from './cluster.ts';
export { TestClusterError } from './error.ts';
export type { TestClient, TestReplica } from './members.ts';
export type { ClusterFaults } from './random-faults.ts';
