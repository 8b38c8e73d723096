/**
 * Config: what paxos.conf says, parsed once at the edge, readonly from then on, passed by constructor.
 */
import type { Address } from '../transport/transport.ts';

export type Verbosity = 'quiet' | 'error' | 'info' | 'debug';
export type StorageBackend = 'memory' | 'lmdb';
/** raw: an instance holds one value as it was submitted. commands: it holds a batch of items for state machines. */
export type ValueFormat = 'raw' | 'commands';

/** Every option; src/config/options.ts is the one table of their names, defaults, units and sentences. */
export interface Options {
  readonly verbosity: Verbosity;
  readonly tcpNodelay: boolean;
  readonly learnerCatchUp: boolean;
  /** seconds until an instance without a quorum is sent again */
  readonly proposerTimeoutS: number;
  readonly proposerPreexecWindow: number;
  readonly storageBackend: StorageBackend;
  readonly acceptorTrashFiles: boolean;
  readonly lmdbSync: boolean;
  /** the data directory is this with `_ID` behind it */
  readonly lmdbEnvPath: string;
  readonly lmdbMapsizeBytes: number;
  /** names the cluster in HELLO and in data directories; nodes of other names are refused */
  readonly clusterName: string;
  readonly leaderTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** the largest message that is taken from a peer, and so the largest value */
  readonly maxMessageBytes: number;
  /** what may wait for a peer that does not read, before broadcasts to it are dropped */
  readonly maxPeerBacklogBytes: number;
  /** what may wait in a node to be proposed */
  readonly maxWaitingBytes: number;
  readonly valueFormat: ValueFormat;
  /** for how long acceptors may promise a leader to promise no other proposer anything; 0: not at all */
  readonly readLeaseMs: number;
  /** for how long a leader looks for input that is likely to come before it sleeps, microseconds; 0: not at all */
  readonly busyPollMicros: number;
  /** a snapshot is made when so much was chosen since the last */
  readonly snapshotLogBytes: number;
  /** or when so much time has passed, seconds */
  readonly snapshotIntervalS: number;
}

/**
 * A node, from a line `replica`, `acceptor` or `proposer`. Its id is its position among the nodes of its role, as in the
 * original; its host is an address or a name, as it was written.
 */
export interface NodeAddress extends Address {
  readonly id: number;
}

export interface Config extends Options {
  /** the file it was read from, for messages; undefined if made in a program */
  readonly file: string | undefined;
  /** by acceptor id: replica and acceptor lines in the order of the file; 1 to 10 */
  readonly acceptors: readonly NodeAddress[];
  /** by proposer id: replica and proposer lines in the order of the file; 0 to 10 */
  readonly proposers: readonly NodeAddress[];
  /** true if the file has replica lines: then acceptor i and proposer i of such a line are one address */
  readonly replicas: boolean;
}
