/**
 * Peer: one connection, for as long as it lasts. Decodes what comes and hands it to the node's roles; gathers what
 * goes out in a turn. Knows whether the other end is one of ours (it said HELLO) or an original.
 *
 *   bytes → Decoder → Peer (a MessageHandler) → roles
 *   roles → encode…(peer.out) or peer.broadcast(bytes) → flush: one write
 *
 * Invariant: a vote of acceptor i is passed on only if this is our own connection to acceptor i.
 */
import { ballotOwner } from '../paxos/ballot.ts';
import type { ByteBuffer } from '../transport/buffer.ts';
import { Decoder } from '../transport/decode.ts';
import { encodeHello, encodePong, encodeRefused } from '../transport/encode.ts';
import type { AcceptorStatus, CommandsMessageHandler, Hello, MessageHandler } from '../transport/messages.ts';
import { Role } from '../transport/messages.ts';
import type { Link } from '../transport/transport.ts';
import { Backlog } from './backlog.ts';
import { PeerCommands } from './peer-commands.ts';
import {
  type Destination,
  DOES_NOT_READ,
  isAdmitted,
  type PeerContext,
  RefusalCode,
} from './peer-context.ts';
import type { AcceptorHandler } from './roles.ts';

export class Peer implements MessageHandler {
  readonly link: Link;
  readonly remote: string;
  readonly destination: Destination;
  /** the acceptor this connection of ours leads to, or -1 */
  readonly acceptorId: number;
  readonly outbound: boolean;
  /** what leaves at the end of this turn */
  readonly out: ByteBuffer;
  /** what leaves once the open batch is durable; the acceptor's */
  readonly held: ByteBuffer;
  /** in the node's list of peers that have something to send */
  dirty = false;
  /** for how long nothing came from it, while this process ran, ms; whoever looks counts */
  silentMs = 0;
  /** the ballot of its last PREPARE or ACCEPT: whoever sends one is a proposer; 0: it sent none */
  proposesWith = 0;
  /** what it asks of our acceptor is not heard: another process may have its proposer id */
  isMuted = false;
  /** the connection that goes the other way between the same two processes, while both are up */
  counterpart: Peer | undefined;
  /** it wants to hear no acceptances at this ballot; 0: all */
  sparedBallot = 0;
  /** it is an acceptor of ours, and says that somebody is connected to it who has not said HELLO */
  hasOriginals = false;
  /** what the other end has sent: while it is nothing but values, holding it back holds nothing else back */
  sends: 'nothing' | 'values' | 'more' = 'nothing';
  readonly commands: CommandsMessageHandler;
  readonly #context: PeerContext;
  readonly #decoder: Decoder;
  #hello: Hello | undefined;
  #ready = false;
  /** the link is gone: closed() says so, and nobody else */
  isClosed = false;
  readonly backlog: Backlog;
  #isAcceptor = false;

  constructor(context: PeerContext, link: Link, outbound: boolean, destination: Destination) {
    this.#context = context;
    this.link = link;
    this.remote = link.remote;
    this.outbound = outbound;
    this.destination = destination;
    this.acceptorId = destination.acceptorId;
    this.backlog = new Backlog(context, link);
    this.out = this.backlog.out;
    this.held = this.backlog.held;
    this.commands = new PeerCommands(this, context.roles);
    this.#decoder = new Decoder(this, context);
  }

  /** What the other end said of itself; undefined: an original node, or not heard yet. */
  get peerHello(): Hello | undefined {
    return this.#hello;
  }

  get isOurs(): boolean {
    return this.#hello !== undefined;
  }

  /** True if an acceptor is known to be at the other end: then it speaks once a second, of ours or not. */
  get isAcceptor(): boolean {
    return this.#isAcceptor || (this.outbound && this.hasRole(Role.acceptor));
  }

  get isReady(): boolean {
    return this.#ready;
  }

  /** True if it has a Capability. */
  can(capability: number): boolean {
    return this.#hello !== undefined && (this.#hello.capabilities & capability) !== 0;
  }

  hasRole(role: number): boolean {
    return this.#hello !== undefined && (this.#hello.roles & role) !== 0;
  }

  /** The link is up: introduces us. */
  open(): void {
    encodeHello(this.out, this.#context.hello);
    this.#context.changed(this);
  }

  /** What was encoded into `out` leaves at the end of this turn, or, in no hurry, with what comes after it. */
  sent(isInHurry = true): void {
    this.#context.changed(this, isInHurry);
  }

  /** True if a message that may be lost should rather not be sent now, because the other end does not read. */
  isBehind(): boolean {
    return this.backlog.exceeds(1);
  }

  /**
   * True if a message can be sent that must not be lost. Who has stopped reading, and goes on asking for such, is cut
   * off: on a lost connection nobody waits for an answer.
   */
  canBeTold(): boolean {
    if (this.isClosed || !this.backlog.exceeds(2)) return !this.isClosed;
    this.#cutOff(DOES_NOT_READ);
    return false;
  }

  /** Counts messages that were not sent because the peer is behind, and says so once. */
  countDropped(messages = 1): void {
    this.backlog.countDropped(messages);
  }

  /** Writes what was encoded in this turn. */
  flush(): void {
    if (!this.isClosed) this.backlog.flush();
  }

  /** What waited in the link is gone: it takes more. */
  drained(): void {
    this.backlog.drained();
    this.#context.changed(this);
  }

  /** Takes bytes from the link. Bad ones close it, with a line in the log. */
  data(bytes: Uint8Array): void {
    if (this.isClosed) return;
    this.silentMs = 0;
    const fault = this.#decoder.push(bytes);
    if (fault !== undefined && !this.isClosed) this.#cutOff(fault);
    this.#context.heard(this);
  }

  #cutOff(reason: string): void {
    this.#context.observer.report({ type: 'bad-input', remote: this.remote, reason });
    this.close();
  }

  /** Closes the connection and tells the other end why. */
  refuse(code: number, reason: string): void {
    if (this.isClosed) return;
    this.#context.observer.report({ type: 'refused', remote: this.remote, reason, byUs: true });
    this.out.clear();
    encodeRefused(this.out, code, reason);
    this.link.write(this.out.take());
    this.close();
  }

  close(): void {
    this.#decoder.stop();
    this.link.close();
  }

  /** The link is gone: told by whoever owns it, once. */
  closed(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#decoder.stop();
    if (!this.#ready) return;
    for (const listener of this.#context.roles.listeners) listener.onPeerClosed(this);
  }

  /** The other end is taken for an original from now on, until it says HELLO. */
  becomeReady(): void {
    if (this.#ready || this.isClosed || !isAdmitted(this, undefined, this.#context)) return;
    this.#ready = true;
    for (const listener of this.#context.roles.listeners) listener.onPeerReady(this);
  }

  hello(hello: Hello): void {
    if (this.#hello !== undefined || !isAdmitted(this, hello, this.#context)) return;
    this.#hello = hello;
    if ((hello.roles & (Role.acceptor | Role.proposer)) !== 0) this.sends = 'more';
    this.#ready = true;
    for (const listener of this.#context.roles.listeners) listener.onPeerReady(this);
  }

  refused(code: number, reason: string): void {
    this.#context.observer.report({ type: 'refused', remote: this.remote, reason, byUs: false });
    if (code === RefusalCode.idInUse && this.acceptorId >= 0) this.#context.idInUse(this, reason);
    this.close();
  }

  ping(token: number): void {
    if (this.isBehind()) this.countDropped();
    else encodePong(this.out, token);
  }

  pong(token: number): void {
    for (const listener of this.#context.roles.listeners) listener.onPong?.(this, token);
  }

  prepare(instanceId: number, ballot: number): void {
    this.#speaks();
    this.proposesWith = ballot;
    this.#acceptor?.onPrepare(this, instanceId, ballot);
  }

  /** Hot. Comes on either of two connections; what it says is said by, and answered on, the one that they opened. */
  accept(instanceId: number, ballot: number, value: Uint8Array): void {
    const asker = this.outbound ? this.counterpart : this;
    if (asker === undefined) return;
    asker.#speaks();
    asker.proposesWith = ballot;
    asker.#acceptor?.onAccept(asker, instanceId, ballot, value);
  }

  repeat(from: number, to: number): void {
    this.#speaks();
    this.#acceptor?.onRepeat(this, from, to);
  }

  trim(instanceId: number): void {
    this.#speaks();
    this.#acceptor?.onTrim(this, instanceId);
  }

  query(token: number): void {
    this.#acceptor?.onQuery(this, token);
  }

  prepareFrom(from: number, to: number, ballot: number): void {
    this.#speaks();
    this.#acceptor?.onPrepareFrom(this, from, to, ballot);
  }

  heartbeat(ballot: number, chosen: number, next: number): void {
    this.#speaks();
    if (this.peerHello?.id !== ballotOwner(ballot) || !this.hasRole(Role.proposer)) return;
    if (this.#acceptor !== undefined) this.#acceptor.onHeartbeat(this, ballot, chosen, next);
    else this.#context.roles.leader?.onLeader(this, ballot, next);
  }

  promise(aid: number, instanceId: number, ballot: number, valueBallot: number, value: Uint8Array): void {
    if (!this.#isVoteOf(aid)) return;
    this.#context.roles.proposer?.onPromise(this, instanceId, ballot, valueBallot, value);
  }

  /** Hot. Counted by the ballot the value was accepted at: the other one is only what was promised since. */
  accepted(aid: number, instanceId: number, _ballot: number, valueBallot: number, value: Uint8Array): void {
    if (!this.#isVoteOf(aid) || valueBallot === 0) return;
    this.#context.roles.learner?.onAccepted(this, instanceId, valueBallot, value);
    this.#context.roles.proposer?.onAccepted(this, instanceId, valueBallot, value);
  }

  acceptedRange(acceptorId: number, ballot: number, from: number, to: number): void {
    if (this.#isOurVoteOf(acceptorId)) this.#context.roles.proposer?.onAcceptedRange(this, ballot, from, to);
  }

  /** Only a ballot's owner says what was chosen at it. */
  chosen(ballot: number, from: number, to: number): void {
    if (this.#hello?.id !== ballotOwner(ballot) || !this.hasRole(Role.proposer)) return;
    this.#context.roles.learner?.onChosen(this, ballot, from, to);
    this.#acceptor?.onChosen(ballot, from, to);
  }

  spare(ballot: number): void {
    this.sparedBallot = ballot;
  }

  fetch(from: number, to: number, bytes: number): void {
    this.#context.roles.acceptor?.onFetch(this, from, to, bytes);
  }

  /** No vote: what that acceptor has learned, for those who ask it. */
  chosenValue(acceptorId: number, instanceId: number, ballot: number, value: Uint8Array): void {
    if (!this.#isOurVoteOf(acceptorId)) return;
    this.#context.roles.learner?.onChosenValue(this, instanceId, ballot, value);
  }

  fetched(acceptorId: number, from: number, to: number, next: number): void {
    if (this.#isOurVoteOf(acceptorId)) this.#context.roles.learner?.onFetched(this, from, to, next);
  }

  preempted(acceptorId: number, instanceId: number, ballot: number): void {
    if (this.#isVoteOf(acceptorId)) this.#context.roles.proposer?.onPreempted(this, instanceId, ballot);
  }

  acceptorState(acceptorId: number, trimInstanceId: number): void {
    if (!this.#isVoteOf(acceptorId)) return;
    this.#context.roles.learner?.onAcceptorState(this, trimInstanceId);
    this.#context.roles.proposer?.onAcceptorState(this, trimInstanceId);
  }

  status(status: AcceptorStatus): void {
    if (!this.#isOurVoteOf(status.acceptorId)) return;
    this.#context.roles.learner?.onStatus(this, status);
    this.#context.roles.proposer?.onStatus(this, status);
  }

  promisedValue(
    acceptorId: number,
    ballot: number,
    instanceId: number,
    valueBallot: number,
    value: Uint8Array,
  ): void {
    if (!this.#isOurVoteOf(acceptorId)) return;
    this.#context.roles.proposer?.onPromisedValue(this, ballot, instanceId, valueBallot, value);
  }

  promiseFrom(
    acceptorId: number,
    ballot: number,
    from: number,
    to: number,
    promisedBallot: number,
    trimInstanceId: number,
    count: number,
  ): void {
    const promise = { ballot, from, to, promisedBallot, trimInstanceId, count };
    if (this.#isOurVoteOf(acceptorId)) this.#context.roles.proposer?.onPromiseFrom(this, promise);
  }

  leader(acceptorId: number, ballot: number, _chosen: number, next: number): void {
    if (this.#isOurVoteOf(acceptorId)) this.#context.roles.leader?.onLeader(this, ballot, next);
  }

  clientValue(value: Uint8Array): void {
    if (this.sends === 'nothing') this.sends = 'values';
    this.becomeReady();
    if (this.#ready) this.#context.roles.values?.onClientValue(this, value);
  }

  forward(token: number, hops: number, value: Uint8Array): void {
    if (this.isOurs) this.#context.roles.values?.onForward(this, token, hops, value);
  }

  forwarded(token: number, chosen: boolean): void {
    if (this.isOurs) this.#context.roles.values?.onForwarded(this, token, chosen);
  }

  repair(acceptorId: number, instanceId: number): void {
    if (this.#isOurVoteOf(acceptorId)) this.#context.roles.proposer?.onRepair(this, instanceId);
  }

  storageIdentity(acceptorId: number, identity: number): void {
    if (this.isOurs) this.#context.roles.storages?.onStorageIdentity(this, acceptorId, identity);
  }

  originals(acceptorId: number, areThere: boolean): void {
    if (this.#isOurVoteOf(acceptorId)) this.hasOriginals = areThere;
  }

  nodeQuery(token: number): void {
    this.#context.roles.status?.onNodeQuery(this, token);
  }

  /** No node asks. */
  nodeStatus(): void {}

  unknown(type: number): void {
    const text = `${this.remote} sent a message of type ${type}: ignored`;
    this.#context.observer.report({ type: 'debug', text });
  }

  get #acceptor(): AcceptorHandler | undefined {
    return this.isMuted ? undefined : this.#context.roles.acceptor;
  }

  /** It says more than values: an original that has not said HELLO by now never will. */
  #speaks(): void {
    this.sends = 'more';
    if (!this.#ready) this.becomeReady();
  }

  #isOurVoteOf(acceptorId: number): boolean {
    return this.isOurs && this.#isVoteOf(acceptorId);
  }

  #isVoteOf(acceptorId: number): boolean {
    if (acceptorId !== this.acceptorId) return false;
    this.#isAcceptor = true;
    if (!this.#ready) this.becomeReady();
    return this.#ready;
  }
}
