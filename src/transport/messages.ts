/**
 * Messages on the wire: their types, and the handler that the codec calls, one typed method a message, so that the hot
 * path makes no object per message.
 *
 * Types 0 to 8 are the original's (docs/protocol). Types from 64 on are ours; an original node ignores them, and they
 * are sent only on a connection where a HELLO came.
 */

export const MessageType = {
  prepare: 0,
  promise: 1,
  accept: 2,
  accepted: 3,
  preempted: 4,
  repeat: 5,
  trim: 6,
  acceptorState: 7,
  clientValue: 8,
  hello: 64,
  refused: 65,
  ping: 66,
  pong: 67,
  query: 68,
  status: 69,
  prepareFrom: 70,
  promisedValue: 71,
  promiseFrom: 72,
  heartbeat: 73,
  leader: 74,
  forward: 75,
  forwarded: 76,
  repair: 77,
  acceptedRange: 78,
  chosen: 79,
  spare: 80,
  fetch: 81,
  chosenValue: 82,
  fetched: 83,
  storageIdentity: 90,
  nodeQuery: 84,
  nodeStatus: 85,
  confirm: 86,
  confirmed: 87,
  readIndex: 88,
  readIndexIs: 89,
  commands: 91,
  results: 92,
  read: 93,
  readResult: 94,
  snapshotAt: 95,
  fetchSnapshot: 96,
  snapshotPiece: 97,
  sessionOpened: 98,
  originals: 99,
} as const;

/** Text for people has a bound in both directions: the software's name, and the reason of a refusal. */
export const MAX_SOFTWARE_BYTES = 64;
export const MAX_REASON_BYTES = 256;
/** What a node says of itself. */
export const MAX_REPORT_BYTES = 4096;

/** Who speaks, and what it understands. The first message both ways between nodes of ours. */
export interface Hello {
  /** protocol version, 1 */
  readonly version: number;
  /** bit set of Role */
  readonly roles: number;
  /** acceptor and proposer id, 0 to 9; 0 where the role has none */
  readonly id: number;
  /** drawn at random when the process starts, 1 to 2^32-1: tells a reconnection from a second process */
  readonly process: number;
  /** bit set of Capability: what it understands beyond version 1 */
  readonly capabilities: number;
  /** hash of acceptor count, value format and cluster name, 32 bits: unequal clusters refuse each other */
  readonly fingerprint: number;
  /** name and version of the software, for people; UTF-8, at most 64 bytes */
  readonly software: string;
  /** tells an acceptor's storage from a new one in its place, 1 to 2^53-1; 0: it has none that could be lost */
  readonly storage: number;
}

export const Role = { acceptor: 1, proposer: 2, learner: 4, client: 8 } as const;

/**
 * brief: acceptedRange, chosen and spare, and an ACCEPT on whichever of two connections. stream: fetch, chosenValue and
 * fetched. commands: all of CommandsMessageHandler.
 */
export const Capability = { brief: 1, stream: 2, commands: 4 } as const;

/** What a READ may ask for: all that was chosen before it was asked, or what that replica has applied. */
export const Consistency = { linearizable: 0, local: 1 } as const;

/** What became of a READ; `unavailable`: this replica cannot tell, another may. */
export const ReadStatus = { ok: 0, failed: 1, unavailable: 2 } as const;

/** What an acceptor of ours says of itself, when asked and once a second. */
export interface AcceptorStatus {
  readonly acceptorId: number;
  /** the token of the QUERY that is answered; 0: unasked */
  readonly token: number;
  /** the highest ballot it ever promised or accepted */
  readonly highestBallot: number;
  /** the highest instance it ever accepted a value for */
  readonly highestAccepted: number;
  readonly trimInstanceId: number;
  /** every instance up to here is known to be chosen; 0: not known */
  readonly chosen: number;
  /** the ballot of the leader it hears; 0: none within the leader timeout */
  readonly leaderBallot: number;
}

/**
 * What the decoder calls. `value` arguments are views into the bytes that came: valid for ever, but they keep the whole
 * read buffer alive, so copy what is stored for long.
 */
export interface MessageHandler {
  prepare(instanceId: number, ballot: number): void;
  promise(
    acceptorId: number,
    instanceId: number,
    ballot: number,
    valueBallot: number,
    value: Uint8Array,
  ): void;
  accept(instanceId: number, ballot: number, value: Uint8Array): void;
  accepted(
    acceptorId: number,
    instanceId: number,
    ballot: number,
    valueBallot: number,
    value: Uint8Array,
  ): void;
  preempted(acceptorId: number, instanceId: number, ballot: number): void;
  repeat(from: number, to: number): void;
  trim(instanceId: number): void;
  acceptorState(acceptorId: number, trimInstanceId: number): void;
  clientValue(value: Uint8Array): void;

  hello(hello: Hello): void;
  /** The other end closes this connection, and says why; `code` is a RefusalCode. */
  refused(code: number, reason: string): void;
  ping(token: number): void;
  pong(token: number): void;
  /** Asks an acceptor for its status. */
  query(token: number): void;
  status(status: AcceptorStatus): void;
  /** Phase 1 for every instance from `from` on; the records asked for are those up to `to`. */
  prepareFrom(from: number, to: number, ballot: number): void;
  /** One accepted record, part of the answer to prepareFrom at `ballot`. */
  promisedValue(
    acceptorId: number,
    ballot: number,
    instanceId: number,
    valueBallot: number,
    value: Uint8Array,
  ): void;
  /**
   * The last piece of that answer: `count` promisedValues went before it, all records from `from` to `to`; `to` is
   * 2^53-1 where there are no more. A `promisedBallot` above `ballot` is a refusal (and count is 0).
   */
  promiseFrom(
    acceptorId: number,
    ballot: number,
    from: number,
    to: number,
    promisedBallot: number,
    trimInstanceId: number,
    count: number,
  ): void;
  /**
   * A leader is alive (leader → acceptors). Every instance below `chosen`+1 is chosen; from `next` on, nothing was
   * proposed at this ballot yet, and nothing can be chosen at a lower one.
   */
  heartbeat(ballot: number, chosen: number, next: number): void;
  /** An acceptor passes a leader's heartbeat on to everybody of ours that is connected to it. */
  leader(acceptorId: number, ballot: number, chosen: number, next: number): void;
  /** A value on its way to the leader; `token` names it on this connection; `hops` is how often it was passed on. */
  forward(token: number, hops: number, value: Uint8Array): void;
  /** What became of a forwarded value: chosen (its giver may forget it) or returned (give it to another). */
  forwarded(token: number, chosen: boolean): void;
  /** An acceptor tells the leader of an instance that a learner asks for again and again in vain. */
  repair(acceptorId: number, instanceId: number): void;
  /** To the one who asked: what you sent at `ballot` for the instances `from` to `to`, inclusive, is accepted. */
  acceptedRange(acceptorId: number, ballot: number, from: number, to: number): void;
  /** A leader counted a quorum of acceptances at `ballot` for every instance from `from` to `to`, inclusive. */
  chosen(ballot: number, from: number, to: number): void;
  /** Asks an acceptor to tell no acceptances at `ballot`: they are learned from its leader. 0: tell all. */
  spare(ballot: number): void;
  /**
   * Asks one acceptor for what is chosen from `from` to `to`, inclusive; `to` below `from`: for nothing more. It tells
   * no more than `bytes` of values, but for the last one.
   */
  fetch(from: number, to: number, bytes: number): void;
  /** An acceptor tells what was chosen: this value, at this ballot, and its own record holds it. */
  chosenValue(acceptorId: number, instanceId: number, ballot: number, value: Uint8Array): void;
  /**
   * The end of an answer to fetch: everything from `from` to `to` was told; `to` is `from` - 1 where nothing was. What
   * comes next it cannot tell before `next`, or not at all if that is 2^53-1.
   */
  fetched(acceptorId: number, from: number, to: number, next: number): void;
  /** Acceptor `acceptorId` has the storage `identity`: so an acceptor tells proposers, and proposers acceptors. */
  storageIdentity(acceptorId: number, identity: number): void;
  /** Whether anybody is connected to acceptor `acceptorId` who has not said HELLO. */
  originals(acceptorId: number, areThere: boolean): void;

  /** Asks a node that listens, of whatever role, how it is. */
  nodeQuery(token: number): void;
  /** What it says: a JSON object, whose fields are for people and their tools alone. */
  nodeStatus(token: number, report: string): void;

  /** What nodes with `value-format commands` say to each other and to their clients. */
  readonly commands: CommandsMessageHandler;

  /** A well-formed array of a type that nobody knows: ignored, as the original does. */
  unknown(type: number): void;
}

/** Reads, commands and snapshots: what state machines need beside the chosen values. */
export interface CommandsMessageHandler {
  /**
   * A leader asks whether `ballot` is still the highest that the acceptor promised, and that it promise no other
   * proposer's for `leaseMs`; 0: no lease.
   */
  confirm(ballot: number, token: number, leaseMs: number): void;
  /** It is. */
  confirmed(acceptorId: number, ballot: number, token: number): void;
  /** A replica asks the leader how far one has to have applied to read now. */
  readIndex(token: number): void;
  /** All instances below `next`; 0: this is not the leader, or it cannot tell. */
  readIndexIs(token: number, next: number): void;
  /** Items (a value) for the log, all of `session`; 0: there is an OPEN among them. */
  commands(session: number, items: Uint8Array): void;
  /** What commands of a session came to. */
  results(session: number, results: Uint8Array): void;
  /** `consistency` is a Consistency. */
  read(token: number, consistency: number, query: Uint8Array): void;
  /** `status` is a ReadStatus; `answer` is the answer, or why there is none. */
  readResult(token: number, status: number, answer: Uint8Array): void;
  /** A replica has a durable snapshot of everything up to `instanceId`, of so many bytes. */
  snapshotAt(instanceId: number, snapshotId: number, bytes: number): void;
  fetchSnapshot(snapshotId: number, offset: number): void;
  /** `totalBytes` 0: that snapshot is not there any more. */
  snapshotPiece(snapshotId: number, offset: number, totalBytes: number, piece: Uint8Array): void;
  /** The session that the OPEN with this nonce (two halves of 32 bits) opened; 0: none, there are too many. */
  sessionOpened(nonceHigh: number, nonceLow: number, session: number): void;
}
