/**
 * Operational faults: what can go wrong although the program is right (a port that is taken, a full disk, a bad line
 * in a config). Each reaches a person as one line that says what is wrong and what to do.
 */

export type PaxosErrorCode =
  | 'CONFIG_INVALID' // a paxos.conf that cannot be used
  | 'CONFIG_UNREADABLE' // a paxos.conf that cannot be read
  | 'ID_UNKNOWN' // an id that no line of the config has
  | 'ADDRESS_IN_USE' // the port to listen on is taken
  | 'LISTEN_FAILED' // listening failed otherwise
  | 'ID_IN_USE' // another living process has this proposer id
  | 'CLUSTER_MISMATCH' // a peer belongs to a cluster set up otherwise
  | 'STORAGE_LOCKED' // another process has the data directory
  | 'STORAGE_FOREIGN' // the directory is not ours, of another acceptor, cluster, format, or the original's
  | 'STORAGE_CORRUPT' // a record's checksum does not match
  | 'STORAGE_FAILED' // reading, writing or syncing failed
  | 'STORAGE_FULL' // the disk, or the bound set for the storage, is full
  | 'VALUE_EMPTY' // an empty value was submitted
  | 'VALUE_TOO_LARGE' // a value above the message limit was submitted
  | 'VALUE_FORMAT' // the config's value-format is not the one that this needs
  | 'BEHIND_TRIM' // a learner needs instances that were trimmed
  | 'QUEUE_FULL' // more values wait than the bound allows
  | 'INSTANCES_EXHAUSTED' // raw instance ids end at 2^32-2
  | 'BALLOTS_EXHAUSTED' // ballots end at 2^31
  | 'COMMAND_FAILED' // the state machine's apply threw
  | 'COMMAND_INVALID' // the codec of the replicas refused the command
  | 'SESSION_EXPIRED' // the session of a command ended before it was known to be applied
  | 'NOT_DETERMINISTIC' // two state machines went apart on the same commands
  | 'SNAPSHOT_CORRUPT' // a snapshot is damaged, or cannot be restored
  | 'MACHINE_NEEDS_COMMANDS' // a state machine is spoken of, and value-format is raw
  | 'NOT_DURABLE' // a state machine was given, and the storage does not keep what it answers
  | 'SESSION_REFUSED' // the cluster has too many sessions
  | 'READ_UNAVAILABLE' // nobody could say how far to read
  | 'READ_FAILED' // the state machine's read threw
  | 'ABORTED' // the caller's AbortSignal fired
  | 'CLOSED' // the handle was closed
  | 'INTERNAL'; // a fault of libpaxos itself

export interface PaxosErrorDetails {
  readonly cause?: unknown;
  readonly instanceId?: number;
  readonly trimInstanceId?: number;
}

/** An operational fault with a code for programs and one line for people. */
export class PaxosError extends Error {
  override readonly name = 'PaxosError';
  readonly code: PaxosErrorCode;
  /** with BEHIND_TRIM: the first instance that is needed, and the trim point: a checkpoint has to hold it */
  readonly instanceId: number | undefined;
  readonly trimInstanceId: number | undefined;

  constructor(code: PaxosErrorCode, message: string, details: PaxosErrorDetails = {}) {
    super(message, details);
    this.code = code;
    this.instanceId = details.instanceId;
    this.trimInstanceId = details.trimInstanceId;
  }
}
