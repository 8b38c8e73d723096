/**
 * MemoryCluster: real nodes in a MemoryWorld, and raw connections that say to them whatever a test wants said.
 *
 *   const cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
 *   await cluster.startAll(); cluster.world.advance(1000);
 */
import { type Config, clusterFingerprint, makeConfig, type Options } from '../../src/config/index.ts';
import { Node, type NodeOptions } from '../../src/evpaxos/node.ts';
import type { NodeEvent } from '../../src/evpaxos/observer.ts';
import type { Storage } from '../../src/paxos/storage.ts';
import { MemoryStorage } from '../../src/storage/memory.ts';
import { ByteBuffer } from '../../src/transport/buffer.ts';
import { Decoder } from '../../src/transport/decode.ts';
import { encodeHello } from '../../src/transport/encode.ts';
import { MessageLog } from '../../src/transport/message-log.ts';
import { type Hello, Role } from '../../src/transport/messages.ts';
import { SeededRandom } from '../../src/transport/random.ts';
import type { Clock, Link } from '../../src/transport/transport.ts';
import { type MemoryLink, MemoryWorld } from './memory-world.ts';

const HOST = 'memory';
const FIRST_PROPOSER_PORT = 100;

export interface Sizes {
  readonly replicas?: number;
  readonly acceptors?: number;
  readonly proposers?: number;
}

/** A learner's sequence, each value as text. */
export interface Sequence {
  readonly values: string[];
}

export class MemoryCluster {
  readonly world = new MemoryWorld();
  readonly config: Config;
  readonly nodes = new Map<string, Node>();
  readonly events: { readonly node: string; readonly event: NodeEvent }[] = [];
  /** what a program does with an event while it is reported */
  heed: (node: string, event: NodeEvent) => void = () => undefined;
  /** who asked its clock to stay awake, each time */
  readonly awake: string[] = [];
  /** what ended a node that was not closed by the test */
  readonly failures: string[] = [];

  constructor(sizes: Sizes, options: Partial<Options> = {}) {
    const addresses = (count: number, first: number) =>
      Array.from({ length: count }, (_, i) => ({ host: HOST, port: first + i }));
    const { replicas = 0, acceptors = 0, proposers = 0 } = sizes;
    const nodes = {
      replicas: addresses(replicas, 1),
      acceptors: addresses(acceptors, 1 + replicas),
      proposers: addresses(proposers, FIRST_PROPOSER_PORT),
    };
    this.config = makeConfig(nodes, options);
  }

  /** Starts every node of the config but for acceptors that the test plays itself. */
  async startAll(without: readonly number[] = []): Promise<void> {
    const { acceptors, proposers, replicas } = this.config;
    for (const { id } of acceptors) {
      if (without.includes(id)) continue;
      if (replicas) await this.replica(id);
      else await this.acceptor(id);
    }
    if (!replicas) for (const { id } of proposers) await this.proposer(id);
    this.world.advance(1000);
  }

  acceptor(id: number, storage: Storage = new MemoryStorage()): Promise<Node> {
    return this.#start(`acceptor ${id}`, { roles: Role.acceptor, id, storage });
  }

  proposer(id: number): Promise<Node> {
    return this.#start(`proposer ${id}`, { roles: Role.proposer, id });
  }

  replica(id: number, sequence?: Sequence, more: Partial<NodeOptions> = {}): Promise<Node> {
    const roles = Role.acceptor | Role.proposer | Role.learner;
    const storage = new MemoryStorage();
    return this.#start(`replica ${id}`, { roles, id, storage, ...into(sequence), ...more });
  }

  learner(name: string, sequence: Sequence, wantsMore?: () => boolean): Promise<Node> {
    const slowly = wantsMore === undefined ? {} : { wantsMore };
    return this.#start(name, { roles: Role.learner, id: 0, ...into(sequence), ...slowly });
  }

  client(name: string, sequence?: Sequence, proposerId = 0): Promise<Node> {
    return this.#start(name, { roles: Role.learner | Role.client, id: 0, proposerId, ...into(sequence) });
  }

  /** A client that learns from now on, as clients do. */
  newcomer(name: string, sequence: Sequence): Promise<Node> {
    const deliver: NodeOptions['deliver'] = ({ value }) =>
      sequence.values.push(new TextDecoder().decode(value));
    const roles = Role.learner | Role.client;
    return this.#start(name, { roles, id: 0, proposerId: 0, catchUp: false, deliver });
  }

  /** The proposer, or replica, that leads. */
  get leader(): { readonly name: string; readonly id: number; readonly node: Node } {
    for (const [name, node] of this.nodes) {
      if (node.proposer?.isLeading === true) return { name, id: node.proposer.core.id, node };
    }
    throw new Error('nobody leads');
  }

  /** Ends a node as a test does that has had enough of it. */
  async close(name: string): Promise<void> {
    const node = this.nodes.get(name);
    this.nodes.delete(name);
    const closed = node?.close();
    await this.settled();
    await closed;
  }

  async closeAll(): Promise<void> {
    for (const name of [...this.nodes.keys()]) await this.close(name);
  }

  /** Opens a connection to a node; nothing is said on it but what the test says. */
  connect(to: 'acceptor' | 'proposer', id: number): RawPeer {
    const address = (to === 'acceptor' ? this.config.acceptors : this.config.proposers)[id];
    if (address === undefined) throw new Error(`there is no ${to} ${id}`);
    const peer = new RawPeer();
    peer.link = this.world.connect(address, peer);
    this.world.settle();
    return peer;
  }

  /** Plays an acceptor: whoever connects to it is a RawPeer. */
  async play(acceptorId: number, connected: (peer: RawPeer) => void): Promise<void> {
    const port = this.config.acceptors[acceptorId]?.port ?? 0;
    await this.world.listen(port, (link: Link) => {
      const peer = new RawPeer();
      peer.link = link;
      connected(peer);
      return peer;
    });
  }

  /** A HELLO that this cluster's nodes take. */
  hello(roles: number, id = 0): Hello {
    const fingerprint = clusterFingerprint(this.config);
    const rest = { process: 99_999, capabilities: 0, software: 'a test', storage: 0 };
    return { version: 1, roles, id, fingerprint, ...rest };
  }

  async #start(name: string, options: Omit<NodeOptions, 'config' | 'transport' | 'clock'>): Promise<Node> {
    const node = new Node({
      config: this.config,
      transport: this.world,
      clock: this.#clockOf(name),
      random: new SeededRandom(1 + options.id),
      observer: {
        report: (event) => {
          this.events.push({ node: name, event });
          this.heed(name, event);
        },
      },
      ...options,
    });
    node.closed.catch((error: unknown) => this.failures.push(`${name}: ${String(error)}`));
    this.nodes.set(name, node);
    await node.start();
    return node;
  }

  #clockOf(name: string): Clock {
    const { world } = this;
    return {
      now: () => world.now(),
      wallMicros: () => world.wallMicros(),
      after: (delayMs, call) => world.after(delayMs, call),
      endOfTurn: (call) => world.endOfTurn(call),
      busyPoll: () => void this.awake.push(name),
    };
  }

  /** Lets everything happen that can happen without time passing, promises included. */
  async settled(): Promise<void> {
    for (let i = 0; i < 10; i++) {
      this.world.settle();
      await Promise.resolve();
    }
  }
}

function into(sequence: Sequence | undefined): Pick<NodeOptions, 'catchUp' | 'deliver'> {
  if (sequence === undefined) return { catchUp: true };
  const deliver: NodeOptions['deliver'] = ({ instanceId, value }) => {
    sequence.values.push(new TextDecoder().decode(value));
    if (instanceId !== sequence.values.length) throw new Error(`instance ${instanceId} is out of order`);
  };
  return { catchUp: true, deliver };
}

/** The test's end of a connection. */
export class RawPeer {
  readonly #log = new MessageLog();
  readonly #decoder = new Decoder(this.#log, { maxMessageBytes: 2 ** 26 });
  link: Link | undefined;
  isClosed = false;

  /** What the node said. */
  get messages(): MessageLog['messages'] {
    return this.#log.messages;
  }

  /** How much the node has said that nobody has read, and in how many writes. */
  get unreadBytes(): number {
    return this.#far?.waitingBytes ?? 0;
  }
  get unreadPieces(): number {
    return this.#far?.waitingPieces ?? 0;
  }

  get #far(): MemoryLink | undefined {
    const link: Partial<MemoryLink> | undefined = this.link;
    return link?.other;
  }

  /** Says what `encode` writes, `times` over, in one write. */
  say(encode: (out: ByteBuffer) => void, times = 1): void {
    const out = new ByteBuffer();
    for (let i = 0; i < times; i++) encode(out);
    this.link?.write(out.take());
  }

  sayHello(hello: Hello): void {
    this.say((out) => encodeHello(out, hello));
  }

  connected(): void {}

  data(bytes: Uint8Array): void {
    this.#decoder.push(bytes);
  }

  drained(): void {}

  closed(): void {
    this.isClosed = true;
  }
}
