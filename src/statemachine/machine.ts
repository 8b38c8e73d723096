/**
 * StateMachine: what an application writes. Every replica has one, starts it empty, and applies the same commands in the
 * same order; so all of them are in the same state, as long as `apply` depends on nothing else (Lamport, Paxos Made
 * Simple, 2001, section 3; docs/state-machines.md has the rules of determinism).
 */

/** What a machine may know of the world while it applies a command: the same on every replica. Valid during `apply`. */
export interface ApplyContext {
  /** the instance that the command was chosen in */
  readonly instanceId: number;
  /** which of the instance's commands it is, from 0 */
  readonly index: number;
  /** the time in ms since 1970 that the log says it is: never falls, and is a leader's clock, roughly */
  readonly timeMs: number;
  /** whose command it is */
  readonly session: number;
  /** which of the session's commands it is, from 1 */
  readonly sequence: number;
  /** A number from 0 up to 1, the same on every replica, another one with each call. */
  random(): number;
}

/** What a snapshot holds, to be read once: in pieces, or as a whole. */
export interface SnapshotReader extends AsyncIterable<Uint8Array> {
  bytes(): Promise<Uint8Array>;
  text(): Promise<string>;
  /** JSON of it, believed to be a T. */
  json<T>(): Promise<T>;
}

/** What `snapshot` gives. */
export type SnapshotSource = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

export interface StateMachine<Command, Result, Query = unknown, Answer = unknown> {
  /**
   * Applies one command and gives its result. Synchronous and deterministic. A thrown Error is a result, too: whoever
   * proposed the command gets its message, and the machine goes on, with what it had changed before it threw.
   */
  apply(command: Command, context: ApplyContext): Result;

  /** Answers a question about the state, and changes nothing. */
  read?(query: Query): Answer;

  /**
   * Captures the state, between two commands. What is given back is written out afterwards, while commands go on: what
   * it reads from must not change any more. A generator is run up to its first chunk at once: it captures before that.
   */
  snapshot(): SnapshotSource;

  /** Replaces the whole state by the one that `snapshot` gave. No command is applied until it has ended. */
  restore(reader: SnapshotReader): void | Promise<void>;
}
