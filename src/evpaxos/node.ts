/**
 * Node: puts the roles of one process together and starts them. Which roles is all that an acceptor, a proposer, a
 * learner and a replica differ in.
 */
import type { Config } from '../config/config.ts';
import { ballotOwner } from '../paxos/ballot.ts';
import { PaxosError } from '../paxos/error.ts';
import { invariant } from '../paxos/invariant.ts';
import { SystemClock } from '../transport/clock.ts';
import { encodeTrim } from '../transport/encode.ts';
import { Role } from '../transport/messages.ts';
import { systemRandom } from '../transport/random.ts';
import { TcpTransport } from '../transport/tcp.ts';
import type { Clock, Random } from '../transport/transport.ts';
import { AcceptorRole } from './acceptor.ts';
import { behindTrimError } from './behind-trim.ts';
import { Confirmations } from './confirmations.ts';
import { lastInstance } from './exhausted.ts';
import { helloOf } from './hello.ts';
import { LearnerRole } from './learner.ts';
import type { NodeOptions, Rings } from './node-options.ts';
import { type Observer, SILENT } from './observer.ts';
import { OwnQueue } from './own-queue.ts';
import { Peers } from './peers.ts';
import { asPaxosError, closedError, Pending } from './pending.ts';
import { ProposerRole } from './proposer.ts';
import { ProposerIds } from './proposer-ids.ts';
import { ReadIndex } from './read-index.ts';
import { Reporter } from './reporter.ts';
import type { Roles } from './roles.ts';
import { valueRoute } from './routes.ts';
import { Storages } from './storages.ts';
import { Submitters } from './submitters.ts';
import { Turn } from './turn.ts';
import { ValueRouter } from './values.ts';

export type { NodeOptions, Rings, World } from './node-options.ts';

const DEFAULT_RINGS: Rings = { inFlight: 8192, learner: 65_536 };

export class Node {
  readonly config: Config;
  readonly peers: Peers;
  readonly acceptor: AcceptorRole | undefined;
  readonly proposer: ProposerRole | undefined;
  readonly learner: LearnerRole | undefined;
  readonly values: ValueRouter | undefined;
  readonly turn: Turn;
  /** with value-format commands, beside a proposer */
  readonly reads: ReadIndex | undefined;
  /** Resolves when the node was closed; rejects when it had to stop, with the reason. */
  readonly closed: Promise<void>;
  readonly #options: NodeOptions;
  readonly #clock: Clock;
  readonly #observer: Observer;
  #port: number | undefined;
  #closing: Promise<void> | undefined;
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  readonly #submitters: Submitters;
  readonly #pending = new Pending();

  constructor(options: NodeOptions) {
    const { config, id, roles: roleBits, random = systemRandom() } = options;
    this.config = config;
    this.#options = options;
    this.#clock = options.clock ?? new SystemClock();
    this.turn = new Turn(this.#clock);
    const common = { config, clock: this.#clock, turn: this.turn };
    const reporter = new Reporter({ ...common, id, roles: roleBits, observer: options.observer ?? SILENT });
    this.#observer = reporter;
    this.closed = new Promise<void>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever does not look at `closed` hears of a failure from the observer.
    this.closed.catch(() => undefined);

    const roles: Roles = { listeners: [reporter], status: reporter };
    const storage = options.storage?.identities?.own ?? 0;
    const hello = helloOf(config, { roles: roleBits, id, storage }, random);
    const transport = options.transport ?? new TcpTransport({ noDelay: config.tcpNodelay });
    this.peers = new Peers({
      ...common,
      transport,
      observer: reporter,
      roles,
      hello,
      idInUse: (reason) => this.fail(new PaxosError('ID_IN_USE', reason)),
    });

    const isProposer = (roleBits & Role.proposer) !== 0;
    const isAcceptor = (roleBits & Role.acceptor) !== 0;
    const storages = this.#makeStorages(isProposer, roles);
    // A proposer learns too: it has to know what was chosen, whoever proposed it.
    if (isProposer || (roleBits & Role.learner) !== 0) this.learner = this.#makeLearner(hello.process);
    if (isProposer) this.proposer = this.#makeProposer(random);
    if (isAcceptor) {
      this.acceptor = this.#makeAcceptor();
      if (storages.isOwnReplaced) this.acceptor.fallSilent();
      roles.listeners.push(new ProposerIds(this.#clock));
    }
    if (roleBits !== Role.learner) this.values = this.#makeValues();
    const { maxWaitingBytes } = config;
    this.#submitters = new Submitters({ values: () => this.values, turn: this.turn, maxWaitingBytes });
    this.reads = this.#makeReads();
    this.#assign(roles);
    reporter.lookAt(this, options.storage);
  }

  /** From here on the roles hear what peers say. */
  #assign(roles: Roles): void {
    if (this.acceptor !== undefined) roles.acceptor = this.acceptor;
    if (this.proposer !== undefined) {
      roles.proposer = this.proposer;
      roles.leader = this.proposer;
    }
    if (this.learner !== undefined) roles.learner = this.learner;
    if (this.values !== undefined) roles.values = this.values;
    if (this.reads !== undefined) roles.reads = this.reads;
    const machine = this.#options.machine?.(this);
    if (machine !== undefined) roles.machine = machine;
    for (const role of [this.acceptor, this.learner, this.proposer, this.values, this.reads, machine])
      if (role !== undefined) roles.listeners.push(role);
  }

  /** The port it listens on; undefined if it does not. */
  get port(): number | undefined {
    return this.#port;
  }

  /**
   * Listens and connects.
   * @throws PaxosError ADDRESS_IN_USE or LISTEN_FAILED
   */
  async start(): Promise<void> {
    const { config, id } = this.#options;
    if (this.acceptor !== undefined || this.proposer !== undefined) {
      const line = this.acceptor === undefined ? config.proposers[id] : config.acceptors[id];
      this.#port = await this.peers.listen(this.#options.port ?? line?.port ?? 0);
    }
    if (this.learner !== undefined) {
      this.peers.connectToAcceptors(config, this.acceptor === undefined ? undefined : id);
    }
    if (this.learner !== undefined && this.values !== undefined) {
      this.peers.connectToProposers(config, this.proposer === undefined ? undefined : id);
    }
    this.peers.watch();
    this.acceptor?.start();
    this.proposer?.start();
    this.learner?.start();
  }

  /** The highest instance delivered without a gap; 0 for a node that does not learn. */
  get delivered(): number {
    return this.learner?.delivered ?? 0;
  }

  /** Gets a value chosen, and resolves when it is; where there is no room for it, waits for that first. */
  submit(value: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    return this.#submitters.submit(value, signal);
  }

  /**
   * Resolves once all that was chosen before now was delivered here, with the highest instance that is. Writes nothing
   * to the log; with `value-format commands` only, and for a node with a proposer. Waits for a leader for as long as
   * it takes.
   * @throws PaxosError QUEUE_FULL, ABORTED, CLOSED
   */
  readIndex(signal?: AbortSignal): Promise<number> {
    const { reads } = this;
    invariant(reads !== undefined, 'a replica with value-format commands can be read');
    return this.#pending.wait<number>(
      (resolve) => reads.read(resolve),
      signal,
      'the wait for the leader was aborted',
    );
  }

  /** The ballot of the leader that is heard, or of this process if it leads; 0: none. Its owner is the leader's id. */
  get leaderBallot(): number {
    return this.proposer?.leaderBallot ?? this.acceptor?.leaderBallot ?? 0;
  }

  /** The proposer that leads; undefined: nobody is heard. */
  get leaderId(): number | undefined {
    return this.leaderBallot === 0 ? undefined : ballotOwner(this.leaderBallot);
  }

  /** Hands in a value without waiting for it. */
  offer(value: Uint8Array, chosen: (() => void) | undefined): void {
    if (this.#closing !== undefined) throw closedError();
    this.values?.submit(value, chosen);
  }

  /**
   * Tells every acceptor, or the one in this process and those that are no replicas, to forget the instances up to `instanceId`: all learners, or so
   * many as it takes, have them in a checkpoint.
   */
  sendTrim(instanceId: number, to: 'all' | 'own' = 'all'): void {
    for (const peer of this.peers.acceptors) {
      // One that learns nothing is told by those that do; a replica looks to itself.
      if (to === 'own' && !this.peers.isSelf(peer) && peer.hasRole(Role.learner)) continue;
      encodeTrim(peer.out, Math.min(instanceId, lastInstance(this.#options.config)));
      peer.sent();
    }
  }

  /** Goes on above `instanceId`: what came before is in a checkpoint. */
  setInstanceId(instanceId: number): void {
    this.learner?.setInstanceId(instanceId);
    this.proposer?.setInstanceId(instanceId);
  }

  /** What made room for more deliveries: looks again whether there are any. */
  resumeDelivery(): void {
    this.turn.schedule();
  }

  /** Stops. What was answered is on disk as promised; connections are closed. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close().then(this.#resolve, this.#reject);
    return this.closed.catch(() => undefined);
  }

  async #close(): Promise<void> {
    this.#submitters.close(closedError());
    this.proposer?.close();
    this.reads?.close();
    this.learner?.close();
    await this.acceptor?.close();
    this.turn.stop();
    await this.peers.close();
    this.#pending.close();
    await this.#options.storage?.close();
  }

  /** Stops because it, or what runs on it, cannot go on, loudly. */
  fail(error: unknown): void {
    if (this.#closing !== undefined) return;
    const fault = asPaxosError(error);
    this.#observer.report({ type: 'failed', error: fault });
    // Nothing more may leave, not even what is encoded already.
    this.turn.stop();
    this.#closing = this.#close().then(
      () => this.#reject(fault),
      () => this.#reject(fault),
    );
  }

  /** Before the roles: an acceptor hears which storages are known before it is asked anything. */
  #makeStorages(isProposer: boolean, roles: Roles): Storages {
    const { id, storage } = this.#options;
    const storages = new Storages({
      id,
      identities: storage?.identities,
      isProposer,
      peers: () => this.peers,
      replaced: () => this.acceptor?.fallSilent(),
      distrusted: () => this.proposer?.distrust(),
    });
    roles.storages = storages;
    roles.listeners.push(storages);
    return storages;
  }

  #makeLearner(process: number): LearnerRole {
    const {
      config,
      id,
      deliver,
      wantsMore,
      roles,
      catchUp = config.learnerCatchUp,
      rings = DEFAULT_RINGS,
    } = this.#options;
    const isLearner = (roles & Role.learner) !== 0;
    return new LearnerRole({
      config,
      window: rings.learner,
      peers: this.peers,
      turn: this.turn,
      clock: this.#clock,
      observer: this.#observer,
      start: isLearner ? (catchUp ? 'one' : 'heard') : 'chosen',
      self: (roles & Role.acceptor) === 0 ? -1 : id,
      firstSource: process,
      deliver: (chosen) => {
        this.acceptor?.onLearned(chosen);
        this.proposer?.onDelivered(chosen);
        this.values?.onDelivered(chosen.value);
        deliver?.(chosen);
      },
      ...(wantsMore === undefined ? {} : { wantsMore }),
      skipped: () => this.values?.onSkipped(),
      behindTrim:
        this.#options.behindTrim ??
        ((instanceId, trimInstanceId) => this.fail(behindTrimError(instanceId, trimInstanceId))),
      chosenLive: (ballot) => this.proposer?.onChosenLive(ballot),
    });
  }

  #makeProposer(random: Random): ProposerRole {
    const { config, id, rings = DEFAULT_RINGS } = this.#options;
    return new ProposerRole({
      id,
      config,
      inFlight: rings.inFlight,
      peers: this.peers,
      turn: this.turn,
      clock: this.#clock,
      random,
      observer: this.#observer,
      delivered: () => this.learner?.delivered ?? 0,
      highestChosen: () => this.learner?.core.highestClosed ?? 0,
      diskWaitingMs: () => this.acceptor?.diskWaitingMs ?? 0,
      chosen: (value) => this.values?.settle(value),
      placed: (instanceId) => this.learner?.place(instanceId),
      failed: (error) => this.fail(error),
    });
  }

  #makeAcceptor(): AcceptorRole {
    const { config, id, storage } = this.#options;
    invariant(storage !== undefined, 'an acceptor has a storage');
    return new AcceptorRole({
      id,
      config,
      storage,
      peers: this.peers,
      turn: this.turn,
      clock: this.#clock,
      observer: this.#observer,
      delivered: () => this.learner?.delivered ?? 0,
      learns: this.learner !== undefined,
      failed: (error) => this.fail(error),
    });
  }

  #makeReads(): ReadIndex | undefined {
    const { config, peers, proposer } = this;
    if (proposer === undefined || config.valueFormat === 'raw') return undefined;
    const common = { config, peers, clock: this.#clock, turn: this.turn };
    const { core } = proposer;
    const confirmations = new Confirmations({ ...common, core, isLeading: () => proposer.isLeading });
    const delivered = () => this.delivered;
    return new ReadIndex({ ...common, confirmations, delivered, route: () => proposer.route() });
  }

  #makeValues(): ValueRouter {
    const { config, proposerId = 0 } = this.#options;
    const route = valueRoute(this, { proposerId, clock: this.#clock, observer: this.#observer });
    return new ValueRouter({
      config,
      queue: this.proposer?.core ?? new OwnQueue(),
      route,
      learns: this.learner !== undefined,
      clock: this.#clock,
      turn: this.turn,
      observer: this.#observer,
    });
  }
}
