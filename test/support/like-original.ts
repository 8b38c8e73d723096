/**
 * Nodes that behave as the original's do, in a MemoryCluster: a proposer and an acceptor, step for step as the C ones,
 * their faults included. They say no HELLO and understand none.
 */
import { OriginalProposer as Core } from '../../src/sim/original/proposer.ts';
import { encodeMessage } from '../../src/transport/describe.ts';
import {
  encodeAccepted,
  encodeAcceptorState,
  encodePreempted,
  encodePromise,
} from '../../src/transport/encode.ts';
import type { Message } from '../../src/transport/message-log.ts';
import { type MemoryCluster, RawPeer } from './memory-cluster.ts';

const STATE_INTERVAL_MS = 1000;
const NO_VALUE = new Uint8Array(0);

type Said<Type extends Message['type']> = Extract<Message, { readonly type: Type }>;

/** The simulator's proposer of the original's kind, in a cluster's place for one. */
export class OriginalProposer {
  readonly #core: Core;
  readonly #peers: readonly RawPeer[];
  /** the trim points that acceptors told it */
  readonly trimsHeard: number[] = [];
  readonly #givers = new Set<RawPeer>();

  private constructor(cluster: MemoryCluster, id: number) {
    const { config, world } = cluster;
    this.#core = new Core({
      id,
      config,
      now: () => world.now(),
      after: (delayMs, call) => world.after(delayMs, call),
      tellAcceptors: (message) => {
        for (const peer of this.#peers) peer.say((out) => encodeMessage(out, message));
      },
    });
    this.#peers = config.acceptors.map((acceptor) => {
      const peer = this.#peer();
      peer.link = world.connect(acceptor, peer);
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
    proposer.#core.start();
    return proposer;
  }

  #peer(): RawPeer {
    const peer: ListeningPeer = new ListeningPeer((message) => {
      if (message.type === 'acceptorState') this.trimsHeard.push(message.trimInstanceId);
      if (message.type === 'clientValue') this.#givers.add(peer);
      this.#core.receive(message);
    });
    return peer;
  }

  /** How many connections gave it values. */
  get givers(): number {
    return this.#givers.size;
  }

  get lowest(): number {
    return this.#core.lowest;
  }

  get highestBallot(): number {
    return this.#core.highestBallot;
  }

  /** As a client gives it one. */
  propose(value: Uint8Array): void {
    this.#core.receive({ type: 'clientValue', value });
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

  /** As if it had promised this since. */
  promise(
    instanceId: number,
    ballots: { readonly promised: number; readonly accepted: number },
    value: Uint8Array,
  ): void {
    this.#records.set(instanceId, { ballot: ballots.promised, valueBallot: ballots.accepted, value });
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
