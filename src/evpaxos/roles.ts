/**
 * Roles: what a node does with the messages that reach it. It is acceptor, proposer or learner, or all of them, as a
 * replica is; it may take values; and it says how it is. Each method gets the peer that spoke, since an answer goes back
 * the way the question came.
 */
import type { AcceptorStatus, Hello } from '../transport/messages.ts';
import type { Peer } from './peer.ts';

export interface AcceptorHandler {
  onPrepare(peer: Peer, instanceId: number, ballot: number): void;
  onAccept(peer: Peer, instanceId: number, ballot: number, value: Uint8Array): void;
  onRepeat(peer: Peer, from: number, to: number): void;
  onTrim(peer: Peer, instanceId: number): void;
  onQuery(peer: Peer, token: number): void;
  onPrepareFrom(peer: Peer, from: number, to: number, ballot: number): void;
  onHeartbeat(peer: Peer, ballot: number, chosen: number, next: number): void;
  onFetch(peer: Peer, from: number, to: number, bytes: number): void;
  /** The leader of `ballot` counted a quorum for each of these instances. */
  onChosen(ballot: number, from: number, to: number): void;
  /** A leader asks whether nothing above its ballot is promised, and for a lease of `leaseMs`; 0: none. */
  onConfirm(peer: Peer, ballot: number, token: number, leaseMs: number): void;
}

/** Hears who leads. */
export interface LeaderHandler {
  /** By an acceptor's word, or the leader's own: nothing was proposed at this ballot from `next` on. */
  onLeader(peer: Peer, ballot: number, next: number): void;
}

/** Votes reach a proposer or a learner only from our own connection to acceptor i, and only with aid = i. */
export interface ProposerHandler extends LeaderHandler {
  onPromise(peer: Peer, instanceId: number, ballot: number, valueBallot: number, value: Uint8Array): void;
  onAccepted(peer: Peer, instanceId: number, acceptedBallot: number, value: Uint8Array): void;
  /** What was proposed at `ballot` in the instances from `from` to `to` is accepted. */
  onAcceptedRange(peer: Peer, ballot: number, from: number, to: number): void;
  onPreempted(peer: Peer, instanceId: number, ballot: number): void;
  onAcceptorState(peer: Peer, trimInstanceId: number): void;
  onStatus(peer: Peer, status: AcceptorStatus): void;
  onPromisedValue(
    peer: Peer,
    ballot: number,
    instanceId: number,
    valueBallot: number,
    value: Uint8Array,
  ): void;
  onPromiseFrom(peer: Peer, promise: RangedPromise): void;
  onRepair(peer: Peer, instanceId: number): void;
}

/** The last piece of an acceptor's answer to a ranged prepare. */
export interface RangedPromise {
  readonly ballot: number;
  readonly from: number;
  readonly to: number;
  readonly promisedBallot: number;
  readonly trimInstanceId: number;
  readonly count: number;
}

export interface LearnerHandler {
  onAccepted(peer: Peer, instanceId: number, acceptedBallot: number, value: Uint8Array): void;
  /** The leader of `ballot` counted a quorum for each of these instances. */
  onChosen(peer: Peer, ballot: number, from: number, to: number): void;
  /** Our acceptor at the other end learned that this was chosen. */
  onChosenValue(peer: Peer, instanceId: number, ballot: number, value: Uint8Array): void;
  /** It has told all that it knows from `from` to `to`; before `next` it knows no more. */
  onFetched(peer: Peer, from: number, to: number, next: number): void;
  onStatus(peer: Peer, status: AcceptorStatus): void;
  onAcceptorState(peer: Peer, trimInstanceId: number): void;
}

/** Knows which storage each acceptor has. */
export interface StoragesHandler {
  /** False if the other end was refused: it is an acceptor that lost its storage. */
  admits(peer: Peer, hello: Hello): boolean;
  onStorageIdentity(peer: Peer, acceptorId: number, identity: number): void;
}

export interface ValueHandler {
  onClientValue(peer: Peer, value: Uint8Array): void;
  onForward(peer: Peer, token: number, hops: number, value: Uint8Array): void;
  onForwarded(peer: Peer, token: number, chosen: boolean): void;
}

/** How far one has to have applied to read. */
export interface ReadsHandler {
  /** An acceptor, on our own connection to it, has promised nothing above `ballot`. */
  onConfirmed(peer: Peer, ballot: number, token: number): void;
  onReadIndex(peer: Peer, token: number): void;
  /** All below `next`; 0: that peer does not lead. */
  onReadIndexIs(peer: Peer, token: number, next: number): void;
}

/** Whoever asks how the node is, is told. */
export interface StatusHandler {
  onNodeQuery(peer: Peer, token: number): void;
}

/** Who wants to know that a peer can be spoken to (it said HELLO, or is taken for an original) or is gone. */
export interface PeerListener {
  onPeerReady(peer: Peer): void;
  onPeerClosed(peer: Peer): void;
  /** It answered a ping. */
  onPong?(peer: Peer, token: number): void;
}

/**
 * What a state machine needs of the network beside the chosen values. Only nodes of ours say these, each on whichever
 * connection it has; what they say is well-formed, and nothing more. The views are valid for ever (see MessageHandler).
 */
export interface MachineHandler {
  /** Items for the log, of `session`; 0: an OPEN is among them. */
  onCommands(peer: Peer, session: number, items: Uint8Array): void;
  onResults(peer: Peer, session: number, results: Uint8Array): void;
  /** `consistency` is a Consistency. */
  onRead(peer: Peer, token: number, consistency: number, query: Uint8Array): void;
  /** `status` is a ReadStatus. */
  onReadResult(peer: Peer, token: number, status: number, answer: Uint8Array): void;
  onSnapshotAt(peer: Peer, instanceId: number, snapshotId: number, bytes: number): void;
  onFetchSnapshot(peer: Peer, snapshotId: number, offset: number): void;
  onSnapshotPiece(
    peer: Peer,
    snapshotId: number,
    offset: number,
    totalBytes: number,
    piece: Uint8Array,
  ): void;
  onSessionOpened(peer: Peer, nonceHigh: number, nonceLow: number, session: number): void;
}

export interface Roles {
  acceptor?: AcceptorHandler;
  proposer?: ProposerHandler;
  /** the proposer, or who has none and wants to know */
  leader?: LeaderHandler;
  learner?: LearnerHandler;
  values?: ValueHandler;
  storages?: StoragesHandler;
  status?: StatusHandler;
  machine?: MachineHandler;
  reads?: ReadsHandler;
  readonly listeners: PeerListener[];
}
