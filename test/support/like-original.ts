/**
 * Nodes that behave as the original's do, in a MemoryCluster: a proposer and an acceptor, step for step as the C ones,
 * their faults included. They say no HELLO and understand none.
 */
import { Quorum } from '../../src/paxos/quorum.ts';
import {
  encodeAccept,
  encodeAccepted,
  encodeAcceptorState,
  encodePreempted,
  encodePrepare,
  encodePromise,
} from '../../src/transport/encode.ts';
import type { Message } from '../../src/transport/message-log.ts';
import { type MemoryCluster, RawPeer } from './memory-cluster.ts';

const WINDOW = 128;
const STATE_INTERVAL_MS = 1000;
const NO_VALUE = new Uint8Array(0);

interface Instance {
  readonly iid: number;
  ballot: number;
  value: Uint8Array | undefined;
  promised: Uint8Array | undefined;
  promisedBallot: number;
  quorum: Quorum;
}

type Said<Type extends Message['type']> = Extract<Message, { readonly type: Type }>;

/** A proposer of the original's. It has no clock: nothing times out. */
export class OriginalProposer {
  readonly id: number;
  readonly #acceptors: number;
  readonly #peers: readonly RawPeer[];
  readonly #preparing = new Map<number, Instance>();
  readonly #accepting = new Map<number, Instance>();
  readonly #values: Uint8Array[] = [];
  /** the trim points that acceptors told it */
  readonly trimsHeard: number[] = [];
  #nextPrepared = 0;
  #trimmed = 0;

  private constructor(cluster: MemoryCluster, id: number) {
    this.id = id;
    this.#acceptors = cluster.config.acceptors.length;
    this.#peers = cluster.config.acceptors.map((acceptor) => {
      const peer = this.#peer();
      peer.link = cluster.world.connect(acceptor, peer);
      return peer;
    });
  }

  /** Listens, connects to every acceptor, and prepares the first instances. */
  static async start(cluster: MemoryCluster, id: number): Promise<OriginalProposer> {
    const proposer = new OriginalProposer(cluster, id);
    await cluster.world.listen(cluster.config.proposers[id]?.port ?? 0, (link) => {
      const peer = proposer.#peer();
      peer.link = link;
      return peer;
    });
    cluster.world.settle();
    proposer.#prepareAhead();
    return proposer;
  }

  #peer(): RawPeer {
    return new ListeningPeer((message) => this.#receive(message));
  }

  /** The lowest instance that it has not finished. */
  get lowest(): number {
    return Math.min(...this.#preparing.keys(), ...this.#accepting.keys());
  }

  /** The highest ballot that it has used. */
  get highestBallot(): number {
    return Math.max(
      ...[...this.#preparing.values(), ...this.#accepting.values()].map(({ ballot }) => ballot),
    );
  }

  /** As a client gives it one. */
  propose(value: Uint8Array): void {
    this.#values.push(value);
    this.#tryAccept();
  }

  #receive(message: Message): void {
    switch (message.type) {
      case 'promise':
        this.#receivePromise(message);
        this.#tryAccept();
        break;
      case 'accepted':
        if (this.#receiveAccepted(message)) this.#tryAccept();
        break;
      case 'preempted':
        if (this.#receivePreempted(message)) this.#tryAccept();
        break;
      case 'acceptorState':
        this.trimsHeard.push(message.trimInstanceId);
        this.#receiveState(message.trimInstanceId);
        break;
      case 'clientValue':
        this.propose(message.value);
        break;
      default:
    }
  }

  #receivePromise({ acceptorId, instanceId, ballot, valueBallot, value }: Said<'promise'>): void {
    const instance = this.#preparing.get(instanceId);
    if (instance === undefined || ballot < instance.ballot) return;
    if (ballot > instance.ballot) {
      this.#preempt(instance);
      return;
    }
    if (!instance.quorum.add(acceptorId)) return;
    if (value.length === 0 || valueBallot <= instance.promisedBallot) return;
    instance.promisedBallot = valueBallot;
    instance.promised = value;
  }

  #receiveAccepted({ acceptorId, instanceId, ballot }: Said<'accepted'>): boolean {
    const instance = this.#accepting.get(instanceId);
    if (instance === undefined || instance.ballot !== ballot || !instance.quorum.add(acceptorId))
      return false;
    if (instance.quorum.reached()) {
      const { promised, value } = instance;
      const isOther = promised !== undefined && value !== undefined && Buffer.compare(promised, value) !== 0;
      if (isOther) this.#values.push(value);
      this.#accepting.delete(instanceId);
    }
    return true;
  }

  #receivePreempted({ instanceId, ballot }: Said<'preempted'>): boolean {
    const instance = this.#accepting.get(instanceId);
    if (instance === undefined || ballot <= instance.ballot) return false;
    this.#accepting.delete(instanceId);
    this.#preparing.set(instanceId, instance);
    this.#preempt(instance);
    return true;
  }

  #preempt(instance: Instance): void {
    instance.ballot += 10;
    instance.promised = undefined;
    instance.promisedBallot = 0;
    instance.quorum.clear();
    this.#say((peer) => peer.say((out) => encodePrepare(out, instance.iid, instance.ballot)));
  }

  #receiveState(trimmed: number): void {
    if (trimmed <= this.#trimmed) return;
    this.#trimmed = trimmed;
    if (trimmed <= this.#nextPrepared) return;
    this.#nextPrepared = trimmed;
    for (const instances of [this.#preparing, this.#accepting]) {
      for (const [iid, { value }] of instances) {
        if (iid > trimmed) continue;
        if (value !== undefined) this.#values.push(value);
        instances.delete(iid);
      }
    }
  }

  #tryAccept(): void {
    for (;;) {
      const instance = this.#preparing.get(Math.min(...this.#preparing.keys()));
      if (instance === undefined || !instance.quorum.reached()) break;
      instance.value ??= this.#values.shift();
      const value = instance.promised ?? instance.value;
      if (value === undefined) break;
      this.#preparing.delete(instance.iid);
      this.#accepting.set(instance.iid, instance);
      instance.quorum.clear();
      this.#say((peer) => peer.say((out) => encodeAccept(out, instance.iid, instance.ballot, value)));
    }
    this.#prepareAhead();
  }

  #prepareAhead(): void {
    while (this.#preparing.size < WINDOW) {
      const iid = ++this.#nextPrepared;
      const ballot = 10 + this.id;
      const quorum = new Quorum(this.#acceptors);
      const instance = { iid, ballot, quorum, value: undefined, promised: undefined, promisedBallot: 0 };
      this.#preparing.set(iid, instance);
      this.#say((peer) => peer.say((out) => encodePrepare(out, iid, ballot)));
    }
  }

  #say(say: (peer: RawPeer) => void): void {
    for (const peer of this.#peers) say(peer);
  }
}

/** An acceptor of the original's, in the place of one in a cluster's config. */
export class OriginalAcceptor {
  readonly #id: number;
  readonly #inbound: RawPeer[] = [];
  readonly #records = new Map<number, { ballot: number; valueBallot: number; value: Uint8Array }>();
  /** how many instances it was asked for in REPEATs */
  repeated = 0;

  private constructor(id: number) {
    this.#id = id;
  }

  static async listen(cluster: MemoryCluster, id: number): Promise<OriginalAcceptor> {
    const acceptor = new OriginalAcceptor(id);
    await cluster.world.listen(cluster.config.acceptors[id]?.port ?? 0, (link) => {
      const peer: ListeningPeer = new ListeningPeer((message) => acceptor.#receive(peer, message));
      peer.link = link;
      acceptor.#inbound.push(peer);
      return peer;
    });
    acceptor.#tellState(cluster);
    return acceptor;
  }

  #tellState(cluster: MemoryCluster): void {
    cluster.world.after(STATE_INTERVAL_MS, () => {
      for (const peer of this.#inbound) peer.say((out) => encodeAcceptorState(out, this.#id, 0));
      this.#tellState(cluster);
    });
  }

  /** The ballots that instances up to `last` were accepted at, each once. */
  ballots(last: number): number[] {
    const ballots = [...this.#records]
      .filter(([iid]) => iid <= last)
      .map(([, { valueBallot }]) => valueBallot);
    return [...new Set(ballots)].sort((a, b) => a - b);
  }

  /** As if it had accepted this before. */
  put(instanceId: number, ballot: number, value: Uint8Array): void {
    this.#records.set(instanceId, { ballot, valueBallot: ballot, value });
  }

  #receive(peer: RawPeer, message: Message): void {
    if (message.type === 'prepare') this.#receivePrepare(peer, message);
    else if (message.type === 'accept') this.#receiveAccept(peer, message);
    else if (message.type === 'repeat') this.#receiveRepeat(peer, message);
  }

  #receivePrepare(peer: RawPeer, { instanceId, ballot }: Said<'prepare'>): void {
    const record = this.#records.get(instanceId) ?? { ballot: 0, valueBallot: 0, value: NO_VALUE };
    if (ballot >= record.ballot) record.ballot = ballot;
    this.#records.set(instanceId, record);
    peer.say((out) =>
      encodePromise(out, this.#id, instanceId, record.ballot, record.valueBallot, record.value),
    );
  }

  #receiveAccept(peer: RawPeer, { instanceId, ballot, value }: Said<'accept'>): void {
    const promised = this.#records.get(instanceId)?.ballot ?? 0;
    if (ballot < promised) peer.say((out) => encodePreempted(out, this.#id, instanceId, promised));
    else this.accept(instanceId, ballot, value);
  }

  /** Accepts this, whoever sent it, and tells everybody. */
  accept(instanceId: number, ballot: number, value: Uint8Array): void {
    this.put(instanceId, ballot, value);
    for (const other of this.#inbound) {
      other.say((out) => encodeAccepted(out, this.#id, instanceId, ballot, ballot, value));
    }
  }

  #receiveRepeat(peer: RawPeer, { from, to }: Said<'repeat'>): void {
    this.repeated += to - from + 1;
    for (let iid = from; iid <= to; iid++) {
      const record = this.#records.get(iid);
      if (record === undefined || record.value.length === 0) continue;
      peer.say((out) => encodeAccepted(out, this.#id, iid, record.ballot, record.valueBallot, record.value));
    }
  }
}

/** A raw connection whose messages are taken as they come. */
class ListeningPeer extends RawPeer {
  readonly #take: (message: Message) => void;
  #taken = 0;

  constructor(take: (message: Message) => void) {
    super();
    this.#take = take;
  }

  override data(bytes: Uint8Array): void {
    super.data(bytes);
    for (const message of this.messages.slice(this.#taken)) {
      this.#taken++;
      this.#take(message);
    }
  }
}
