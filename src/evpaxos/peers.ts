/**
 * Peers: all connections of a node. Opens those that the config asks for, again and again; takes in those that others
 * open; and ends each turn with one write per connection.
 *
 * Knows nothing of what is said on them.
 */
import type { Config, NodeAddress } from '../config/config.ts';
import { ByteBuffer } from '../transport/buffer.ts';
import { type Hello, Role } from '../transport/messages.ts';
import type { Address, Clock, Link, LinkEvents, Listener, Timer, Transport } from '../transport/transport.ts';
import { lastInstance } from './exhausted.ts';
import {
  type Loopback,
  makeLoopback,
  ownBacklogBytes,
  STRETCH_ENTRY_BYTES,
  type Stretch,
  takeAccepted,
  takeProposed,
} from './loopback.ts';
import type { Observer } from './observer.ts';
import { pair, unpair } from './pairing.ts';
import { Peer } from './peer.ts';
import { type Destination, NOWHERE, type PeerContext } from './peer-context.ts';
import type { Roles } from './roles.ts';
import { Silence } from './silence.ts';
import type { Turn } from './turn.ts';
import { Writes } from './writes.ts';

/** A lost connection is tried again after a second, and sooner the first times. The original waits for two. */
const RECONNECT_MS = [50, 100, 250, 500, 1000] as const;
/** Who has said nothing by then is taken for an original; who says anything else before HELLO is one for certain. */
const HELLO_GRACE_MS = 1000;
/** A refusal is said again at every try, and tries are 1 s apart at most: it counts for so long. */
const REFUSAL_STANDS_MS = 10_000;

export interface PeersOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly turn: Turn;
  readonly observer: Observer;
  readonly roles: Roles;
  readonly hello: Hello;
  readonly config: Config;
  /** most acceptors of ours know another living process with our proposer id: we have to stop */
  readonly idInUse: (reason: string) => void;
}

/** Whom a node's own connections lead to, by id: what they said of themselves, or of originals what the config says. */
export interface Reach {
  readonly acceptors: readonly number[];
  readonly proposers: readonly number[];
}

/** A connection that is kept up. */
interface Outbound {
  readonly address: Address;
  readonly destination: Destination;
  peer: Peer | undefined;
  attempts: number;
  timer: Timer | undefined;
  /** one of ours answered there last, and nothing says that it has gone since */
  isOurs: boolean;
  /** one of ours has answered there */
  saidHello: boolean;
}

export class Peers {
  readonly #options: PeersOptions;
  readonly #context: PeerContext;
  readonly #ownContext: PeerContext;
  readonly #outbound: Outbound[] = [];
  readonly #inbound = new Set<Peer>();
  #acceptors: Peer[] = [];
  #ownAcceptor: Peer | undefined;
  readonly #silence: Silence;
  readonly #writes: Writes;
  readonly #scratch = new ByteBuffer();
  /** when each acceptor said last that our proposer id is in use */
  readonly #refusedAt = new Map<number, number>();
  #loopback: Loopback | undefined;
  /** what was proposed to our own acceptor, and not handed to it yet */
  readonly #proposed: { to: Peer | undefined; bytes: number } = { to: undefined, bytes: 0 };
  #listener: Listener | undefined;
  #closed = false;

  constructor(options: PeersOptions) {
    const { turn, clock, observer, roles, hello, config } = options;
    this.#options = options;
    const writes = new Writes(turn, clock);
    this.#writes = writes;
    this.#silence = new Silence(this, options);
    this.#context = {
      roles,
      observer,
      hello,
      maxMessageBytes: config.maxMessageBytes,
      lastInstance: lastInstance(config),
      onlyOurs: config.valueFormat === 'commands',
      maxBacklogBytes: config.maxPeerBacklogBytes,
      changed: (peer, isInHurry) => writes.changed(peer, isInHurry),
      heard: (peer) => writes.heard(peer),
      idInUse: (peer, reason) => this.#idInUse(peer, reason),
    };
    this.#ownContext = { ...this.#context, maxBacklogBytes: ownBacklogBytes(config) };
    roles.listeners.push({
      onPeerReady: (peer) => {
        if (peer.acceptorId >= 0 && !this.#acceptors.includes(peer)) this.#acceptors.push(peer);
        if (peer.acceptorId >= 0 && this.isSelf(peer)) this.#ownAcceptor = peer;
        for (const outbound of this.#outbound) if (outbound.peer === peer) outbound.saidHello ||= peer.isOurs;
        if (!this.isSelf(peer)) pair(peer, peer.outbound ? this.#inbound : this.ready());
        this.#meet(peer);
      },
      onPeerClosed: (peer) => {
        this.#acceptors = this.#acceptors.filter((one) => one !== peer);
        if (this.#ownAcceptor === peer) this.#ownAcceptor = undefined;
        const { counterpart } = peer;
        unpair(peer);
        if (counterpart !== undefined)
          if (!this.isSelf(counterpart))
            pair(counterpart, counterpart.outbound ? this.#inbound : this.ready());
      },
    });
    turn.addStep(() => this.#deliverLoopback());
  }

  /** Every connection that others opened to us, the replica's own among them. */
  get inbound(): ReadonlySet<Peer> {
    return this.#inbound;
  }

  /** Where a message is encoded that goes to several peers; cleared before each use. */
  get scratch(): ByteBuffer {
    this.#scratch.clear();
    return this.#scratch;
  }

  /** Our connections that are up and ready, to acceptors and to proposers. */
  *ready(): Generator<Peer> {
    for (const { peer } of this.#outbound) if (peer?.isReady) yield peer;
  }

  /** The acceptors and proposers that our connections lead to now. */
  get reach(): Reach {
    const acceptors: number[] = [];
    const proposers: number[] = [];
    for (const peer of this.ready()) {
      const { acceptorId, proposerId } = peer.destination;
      if (acceptorId >= 0 && (!peer.isOurs || peer.hasRole(Role.acceptor))) acceptors.push(acceptorId);
      if (proposerId >= 0 && (!peer.isOurs || peer.hasRole(Role.proposer))) proposers.push(proposerId);
    }
    return { acceptors, proposers };
  }

  /** True if every node that we connect to has said HELLO once, and nobody is connected, here or there, who has not. */
  get areAllOurs(): boolean {
    const knowsOurs = ({ peer, saidHello }: Outbound) =>
      saidHello && (peer?.isReady !== true || (peer.isOurs && !peer.hasOriginals));
    return this.#outbound.every(knowsOurs) && [...this.#inbound].every((peer) => peer.isOurs);
  }

  /** Our connections to acceptors that are up and ready. */
  get acceptors(): readonly Peer[] {
    return this.#acceptors;
  }

  /** Our connection to a proposer, if it is up and ready. */
  proposer(proposerId: number): Peer | undefined {
    const found = this.#outbound.find((outbound) => outbound.destination.proposerId === proposerId)?.peer;
    return found?.isReady ? found : undefined;
  }

  /**
   * Takes connections in.
   * @returns the port that is listened on
   * @throws PaxosError ADDRESS_IN_USE or LISTEN_FAILED
   */
  async listen(port: number): Promise<number> {
    const listener = await this.#options.transport.listen(
      port,
      (link) => this.#takeIn(link, this.#context).events,
    );
    this.#listener = listener;
    this.#options.observer.report({ type: 'listening', port: listener.port });
    return listener.port;
  }

  /** Opens the connections to every acceptor; `selfId` is the acceptor in this process, reached without a socket. */
  connectToAcceptors(config: Config, selfId: number | undefined): void {
    for (const acceptor of config.acceptors) {
      const proposerId = config.proposers.some((p) => isSameAddress(p, acceptor) && p.id === acceptor.id)
        ? acceptor.id
        : -1;
      const destination = { acceptorId: acceptor.id, proposerId };
      if (acceptor.id === selfId) this.#connectToSelf(destination);
      else this.#keepConnected({ host: acceptor.host, port: acceptor.port }, destination);
    }
  }

  /** Opens the connections to the proposers that have a line of their own; `selfId` is the one in this process. */
  connectToProposers(config: Config, selfId: number | undefined): void {
    for (const proposer of config.proposers) {
      if (proposer.id === selfId || config.acceptors.some((a) => isSameAddress(a, proposer))) continue;
      const destination = { acceptorId: -1, proposerId: proposer.id };
      this.#keepConnected({ host: proposer.host, port: proposer.port }, destination);
    }
  }

  /** Looks from now on who still speaks. */
  watch(): void {
    this.#silence.start();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#silence.close();
    this.#writes.close();
    for (const outbound of this.#outbound) {
      outbound.timer?.cancel();
      outbound.peer?.close();
    }
    for (const peer of this.#inbound) peer.close();
    await this.#listener?.close();
  }

  #connectToSelf(destination: Destination): void {
    const outbound: Outbound = {
      address: { host: 'itself', port: 0 },
      destination,
      peer: undefined,
      attempts: 0,
      timer: undefined,
      isOurs: true,
      saidHello: true,
    };
    this.#outbound.push(outbound);
    this.#loopback = makeLoopback(
      (link) => {
        const peer = new Peer(this.#ownContext, link, true, destination);
        outbound.peer = peer;
        const events = peerEvents(peer, () => (outbound.peer = undefined));
        return { ...events, take: takeAccepted(peer) };
      },
      (link) => {
        const { peer, events } = this.#takeIn(link, this.#ownContext);
        return { ...events, take: takeProposed(peer) };
      },
    );
    outbound.peer?.open();
  }

  #keepConnected(address: Address, destination: Destination): void {
    const fresh = { peer: undefined, attempts: 0, timer: undefined, isOurs: false, saidHello: false };
    const outbound: Outbound = { address, destination, ...fresh };
    this.#outbound.push(outbound);
    this.#connect(outbound);
  }

  #connect(outbound: Outbound): void {
    if (this.#closed) return;
    const { transport, clock, observer } = this.#options;
    const remote = `${outbound.address.host}:${outbound.address.port}`;
    observer.report({ type: 'connecting', remote });
    outbound.timer = undefined;
    let peer: Peer | undefined;
    const link = transport.connect(outbound.address, {
      connected: () => {
        if (peer === undefined) return;
        outbound.peer = peer;
        observer.report({ type: 'connected', remote });
        peer.open();
        // A process that stands still is connected to by its system alone: it is no original that says no HELLO.
        const takeForOriginal = () => {
          if (peer?.isReady === true) return;
          if (outbound.isOurs) link.close();
          else peer?.becomeReady();
        };
        outbound.timer = clock.after(HELLO_GRACE_MS, takeForOriginal);
      },
      data: (bytes) => peer?.data(bytes),
      drained: () => peer?.drained(),
      closed: (reason) => {
        outbound.timer?.cancel();
        // Refused: whoever answered there has gone, and another may come.
        outbound.isOurs = peer?.isOurs === true || (outbound.isOurs && outbound.peer !== undefined);
        outbound.peer = undefined;
        peer?.closed();
        if (this.#closed) return;
        // One that refuses us is up, but no sooner asked again than one that is down.
        if (peer?.isReady) outbound.attempts = 0;
        observer.report({ type: 'disconnected', remote, reason: reason ?? 'connection closed' });
        const delayMs = RECONNECT_MS[Math.min(outbound.attempts++, RECONNECT_MS.length - 1)] ?? 1000;
        outbound.timer = clock.after(delayMs, () => this.#connect(outbound));
      },
    });
    peer = new Peer(this.#context, link, true, outbound.destination);
  }

  /** True if an acceptor is in this process too. */
  get hasSelf(): boolean {
    return this.#loopback !== undefined;
  }

  /** Hands a proposal to the acceptor in this process, by our connection to it, behind what was said there before. Hot. */
  proposeToSelf(self: Peer, instanceId: number, ballot: number, value: Uint8Array): void {
    if (self.out.length > 0) self.flush();
    this.#loopback?.propose(instanceId, ballot, value);
    const bytes = STRETCH_ENTRY_BYTES + value.length;
    this.#proposed.bytes += bytes;
    this.#proposed.to = self;
    self.backlog.waitApart(bytes);
  }

  /** Hands on what the acceptor in this process accepted, by its end of the same connection. */
  tellSelf(self: Peer, stretch: Stretch): void {
    if (self.out.length > 0) self.flush();
    this.#loopback?.tell(stretch);
    this.#options.turn.schedule();
  }

  /** Our connection to the acceptor in this process, once it is ready. Hot. */
  get ownAcceptor(): Peer | undefined {
    return this.#ownAcceptor;
  }

  /** True for either end of a replica's connection with itself. */
  isSelf(peer: Peer): boolean {
    return peer.link === this.#loopback?.outbound || peer.link === this.#loopback?.inbound;
  }

  /** An acceptor came to us: it is up, so a connection to it need not wait for its next try. */
  #meet(peer: Peer): void {
    if (peer.outbound || !peer.hasRole(Role.acceptor)) return;
    for (const outbound of this.#outbound) {
      const isWaiting = outbound.destination.acceptorId === peer.peerHello?.id && outbound.attempts > 0;
      if (!isWaiting || outbound.peer !== undefined || outbound.timer === undefined) continue;
      outbound.timer.cancel();
      this.#connect(outbound);
    }
  }

  #takeIn(link: Link, context: PeerContext): { readonly peer: Peer; readonly events: LinkEvents } {
    const peer = new Peer(context, link, false, NOWHERE);
    this.#inbound.add(peer);
    if (context !== this.#ownContext)
      this.#options.observer.report({ type: 'accepted-connection', remote: link.remote });
    peer.open();
    // Where originals have no place, one that only listens is none the better.
    const grace = this.#context.onlyOurs
      ? this.#options.clock.after(HELLO_GRACE_MS, () => peer.becomeReady())
      : undefined;
    const gone = () => {
      grace?.cancel();
      this.#inbound.delete(peer);
    };
    return { peer, events: peerEvents(peer, gone) };
  }

  /** One acceptor may be wrong; originals, which know nothing of this, do not count. */
  #idInUse(peer: Peer, reason: string): void {
    const { clock, config, hello, idInUse } = this.#options;
    if ((hello.roles & Role.proposer) === 0) return;
    const now = clock.now();
    this.#refusedAt.set(peer.acceptorId, now);
    const refusals = [...this.#refusedAt.values()].filter((at) => now - at < REFUSAL_STANDS_MS).length;
    const originals = this.#acceptors.filter((acceptor) => !acceptor.isOurs).length;
    if (2 * refusals > config.acceptors.length - originals) idInUse(reason);
  }

  #deliverLoopback(): boolean {
    const loopback = this.#loopback;
    if (loopback === undefined) return false;
    for (const peer of this.#writes.dirty) if (this.isSelf(peer)) peer.flush();
    const { to, bytes } = this.#proposed;
    this.#proposed.bytes = 0;
    to?.backlog.waitApart(-bytes);
    return loopback.deliver();
  }
}

function peerEvents(peer: Peer, gone: () => void): LinkEvents {
  return {
    connected: () => undefined,
    data: (bytes) => peer.data(bytes),
    drained: () => peer.drained(),
    closed: () => {
      gone();
      peer.closed();
    },
  };
}

function isSameAddress(left: NodeAddress, right: NodeAddress): boolean {
  return left.host === right.host && left.port === right.port;
}
