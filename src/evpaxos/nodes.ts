/**
 * The nodes as a program sees them: an acceptor, a proposer, a learner, a replica and a client. Each is started with
 * the config's path or the config itself, and closed once.
 *
 *   const replica = await Replica.start({ config: 'paxos.conf', id: 0 });
 *   await replica.submit(bytes);                                   // resolves when it is chosen
 *   for await (const { instanceId, value } of replica) …           // the chosen sequence
 */
import { Role } from '../transport/messages.ts';
import type { Delivered, Deliveries } from './deliveries.ts';
import { Node } from './node.ts';
import type { Reach } from './peers.ts';
import {
  type AcceptorOptions,
  type ClientOptions,
  checkId,
  checkRaw,
  configOf,
  endWith,
  iteratorOf,
  type LearnerOptions,
  learningOf,
  type ProposerOptions,
  type ReplicaOptions,
  startAcceptor,
  started,
  worldOf,
} from './starting.ts';

export interface SubmitOptions {
  readonly signal?: AbortSignal;
}

/** What every started node can be asked. */
export interface NodeHandle extends AsyncDisposable {
  /** The port it listens on; undefined if it does not listen. */
  readonly port: number | undefined;
  /**
   * Resolves when the node was closed; rejects when it had to stop by itself, with a PaxosError: BEHIND_TRIM if it needs
   * instances that were trimmed, and the observer, told so, did not call setInstanceId.
   */
  readonly closed: Promise<void>;
  /** Closes connections and storage. What was answered before is kept as the storage promises. */
  close(): Promise<void>;
}

/** What a started proposer can be asked as well. */
export interface ProposerHandle extends NodeHandle {
  /** Proposes only above `instanceId`: what came up to there is chosen, or trimmed. A hint; it finds out by itself. */
  setInstanceId(instanceId: number): void;
}

/** An acceptor: remembers for the cluster. */
export const AcceptorNode = {
  /**
   * Opens the storage, listens and answers.
   * @throws PaxosError CONFIG_…, ID_UNKNOWN, STORAGE_…, ADDRESS_IN_USE, LISTEN_FAILED
   */
  async start(options: AcceptorOptions): Promise<NodeHandle> {
    const config = configOf(options);
    checkId('acceptor', options.id, config.acceptors.length);
    return handleOf(await startAcceptor(options, config, Role.acceptor, {}));
  },
};

/** A proposer: gets values chosen, or passes them on to the one who leads. */
export const ProposerNode = {
  /**
   * Listens, connects to every acceptor and leads if nobody else does.
   * @throws PaxosError CONFIG_…, ID_UNKNOWN, ADDRESS_IN_USE, LISTEN_FAILED
   */
  async start(options: ProposerOptions): Promise<ProposerHandle> {
    const config = configOf(options);
    checkId('proposer', options.id, config.proposers.length);
    const node = new Node({ ...worldOf(options), config, id: options.id, roles: Role.proposer });
    return proposerHandleOf(await started(node));
  },
};

/** A learner: delivers the chosen sequence, by callback or as an async iterator. */
export class LearnerNode implements NodeHandle, AsyncIterable<Delivered> {
  readonly #node: Node;
  readonly #deliveries: Deliveries | undefined;

  private constructor(node: Node, deliveries: Deliveries | undefined) {
    this.#node = node;
    this.#deliveries = deliveries;
  }

  /**
   * Connects to every acceptor and learns.
   * @throws PaxosError CONFIG_…, VALUE_FORMAT
   */
  static async start(options: LearnerOptions): Promise<LearnerNode> {
    const config = configOf(options);
    checkRaw(config, 'a learner');
    const { deliveries, learning } = learningOf(options, () => node, true);
    const node = new Node({ ...worldOf(options), ...learning, config, id: 0, roles: Role.learner });
    return new LearnerNode(await started(node, options.after), endWith(deliveries, node));
  }

  get port(): undefined {
    return undefined;
  }

  get closed(): Promise<void> {
    return this.#node.closed;
  }

  /** The highest instance delivered without a gap. */
  get delivered(): number {
    return this.#node.delivered;
  }

  /** Goes on above `instanceId`: what came up to there is in a checkpoint, and is not delivered any more. */
  setInstanceId(instanceId: number): void {
    this.#node.setInstanceId(instanceId);
  }

  /** Tells every acceptor to forget the instances up to `instanceId`, which every learner has in a checkpoint. */
  sendTrim(instanceId: number): void {
    this.#node.sendTrim(instanceId);
  }

  close(): Promise<void> {
    return this.#node.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<Delivered> {
    return iteratorOf(this.#deliveries);
  }
}

/** A replica: acceptor, proposer and learner in one process, on one port. */
export class Replica implements NodeHandle, AsyncIterable<Delivered> {
  readonly #node: Node;
  readonly #deliveries: Deliveries | undefined;

  private constructor(node: Node, deliveries: Deliveries | undefined) {
    this.#node = node;
    this.#deliveries = deliveries;
  }

  /**
   * Opens the storage, listens, connects and takes part.
   * @throws PaxosError CONFIG_…, VALUE_FORMAT, ID_UNKNOWN, STORAGE_…, ADDRESS_IN_USE, LISTEN_FAILED
   */
  static async start(options: ReplicaOptions): Promise<Replica> {
    const config = configOf(options);
    checkRaw(config, 'a replica without a machine');
    checkId('replica', options.id, Math.min(config.acceptors.length, config.proposers.length));
    const { deliveries, learning } = learningOf(options, () => node);
    const roles = Role.acceptor | Role.proposer | Role.learner;
    const node = await startAcceptor(options, config, roles, learning);
    return new Replica(node, endWith(deliveries, node));
  }

  get port(): number | undefined {
    return this.#node.port;
  }

  get closed(): Promise<void> {
    return this.#node.closed;
  }

  /** The highest instance delivered without a gap. */
  get delivered(): number {
    return this.#node.delivered;
  }

  /** True while this replica's proposer leads. */
  get isLeading(): boolean {
    return this.#node.proposer?.isLeading ?? false;
  }

  /**
   * Gets a value chosen, and resolves when it is. After a leader was lost it may be chosen twice. Waits for room while
   * as many wait as `max-waiting` allows; QUEUE_FULL: too many calls wait for room already.
   * @param value 1 byte up to `max-message`
   * @throws PaxosError VALUE_EMPTY, VALUE_TOO_LARGE, QUEUE_FULL, ABORTED, CLOSED
   */
  submit(value: Uint8Array, options: SubmitOptions = {}): Promise<void> {
    return this.#node.submit(value, options.signal);
  }

  /** Goes on above `instanceId`: what came up to there is in a checkpoint, and is not delivered any more. */
  setInstanceId(instanceId: number): void {
    this.#node.setInstanceId(instanceId);
  }

  /** Tells every acceptor to forget the instances up to `instanceId`, which every replica has in a checkpoint. */
  sendTrim(instanceId: number): void {
    this.#node.sendTrim(instanceId);
  }

  close(): Promise<void> {
    return this.#node.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<Delivered> {
    return iteratorOf(this.#deliveries);
  }
}

/** A client: gives values to a proposer, and learns what is chosen. */
export class Client implements NodeHandle, AsyncIterable<Delivered> {
  readonly #node: Node;
  readonly #deliveries: Deliveries | undefined;

  private constructor(node: Node, deliveries: Deliveries | undefined) {
    this.#node = node;
    this.#deliveries = deliveries;
  }

  /**
   * Connects to the proposers and the acceptors. Where proposer `proposerId` is away, or is no proposer, values go to
   * one that is, and the observer is told. Learns from now on, unless `catchUp` is true.
   * @throws PaxosError CONFIG_…, VALUE_FORMAT, ID_UNKNOWN
   */
  static async start(options: ClientOptions): Promise<Client> {
    const config = configOf(options);
    checkRaw(config, 'a client');
    const proposerId = options.proposerId ?? 0;
    checkId('proposer', proposerId, config.proposers.length);
    const { deliveries, learning } = learningOf({ catchUp: false, ...options }, () => node);
    const roles = Role.learner | Role.client;
    const node = new Node({ ...worldOf(options), ...learning, config, id: 0, roles, proposerId });
    return new Client(await started(node, options.after), endWith(deliveries, node));
  }

  get port(): undefined {
    return undefined;
  }

  get closed(): Promise<void> {
    return this.#node.closed;
  }

  /** The highest instance delivered without a gap. */
  get delivered(): number {
    return this.#node.delivered;
  }

  /**
   * Gets a value chosen, and resolves when it is. If the connection to the proposer is lost meanwhile it is given to
   * another, and may then be chosen twice. Waits for room while as many wait as `max-waiting` allows; QUEUE_FULL: too
   * many calls wait for room already.
   * @param value 1 byte up to `max-message`
   * @throws PaxosError VALUE_EMPTY, VALUE_TOO_LARGE, QUEUE_FULL, ABORTED, CLOSED
   */
  submit(value: Uint8Array, options: SubmitOptions = {}): Promise<void> {
    return this.#node.submit(value, options.signal);
  }

  /**
   * Hands in a value, for whoever sees by learning what becomes of it: the cheap submit(), which does not wait. Its
   * bytes must not change.
   * @param chosen called when a node of ours says that it is chosen, before or after it is delivered here
   * @throws PaxosError VALUE_EMPTY, VALUE_TOO_LARGE, QUEUE_FULL, CLOSED
   */
  offer(value: Uint8Array, chosen?: () => void): void {
    this.#node.offer(value, chosen);
  }

  /** Goes on above `instanceId`: what came up to there is in a checkpoint, and is not delivered any more. */
  setInstanceId(instanceId: number): void {
    this.#node.setInstanceId(instanceId);
  }

  /** The acceptors and proposers that it is connected to now. */
  get reach(): Reach {
    return this.#node.peers.reach;
  }

  close(): Promise<void> {
    return this.#node.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<Delivered> {
    return iteratorOf(this.#deliveries);
  }
}

function handleOf(node: Node): NodeHandle {
  return {
    port: node.port,
    closed: node.closed,
    close: () => node.close(),
    [Symbol.asyncDispose]: () => node.close(),
  };
}

function proposerHandleOf(node: Node): ProposerHandle {
  return { ...handleOf(node), setInstanceId: (instanceId) => node.setInstanceId(instanceId) };
}
