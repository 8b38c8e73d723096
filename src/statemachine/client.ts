/**
 * MachineClient: proposes commands to a replicated state machine and reads from it, in a program that is no replica. It
 * follows the leader, and whatever is cut or killed, sends again what has no answer, under the same numbers.
 *
 *   propose → ClientSession → COMMANDS → home → RESULTS      read → ClientReads → READ → home → READ_RESULT
 *
 * It learns nothing of the log, and takes no part in anything.
 */
import { type Config, readConfig } from '../config/index.ts';
import { helloOf } from '../evpaxos/hello.ts';
import type { World } from '../evpaxos/node.ts';
import { SILENT } from '../evpaxos/observer.ts';
import type { Peer } from '../evpaxos/peer.ts';
import { isInMemory } from '../evpaxos/peer-context.ts';
import { Peers } from '../evpaxos/peers.ts';
import type { LeaderHandler, MachineHandler, PeerListener, Roles } from '../evpaxos/roles.ts';
import { Turn } from '../evpaxos/turn.ts';
import { maxValueBytes } from '../evpaxos/values.ts';
import { PaxosError } from '../paxos/error.ts';
import { SystemClock } from '../transport/clock.ts';
import { encodeCommands, encodeRead } from '../transport/encode-commands.ts';
import { Consistency, Role } from '../transport/messages.ts';
import { systemRandom } from '../transport/random.ts';
import { TcpTransport } from '../transport/tcp.ts';
import type { Clock } from '../transport/transport.ts';
import { ClientReads } from './client-reads.ts';
import { type Codecs, withDefaultCodecs } from './codec.ts';
import { encoded } from './encoded.ts';
import { closed } from './errors.ts';
import { ClientSession, DEFAULT_SESSION_TIMEOUT_MS } from './session.ts';
import { Upstream } from './upstream.ts';

/** What a message and an instance hold beside a command, at most. */
const COMMAND_HEAD_BYTES = 128;
/**
 * Where no disk is waited for, so much is sent before the turn ends: the replicas work on it while the next is being
 * proposed, which gave 1.2 to 1.4 times as many commands. Where one is, each part has to wait for a sync of its own: with
 * 16 kB at a time that gave 0.87 times as many.
 */
const EARLY_BYTES = 32 * 1024;

export interface ProposeOptions {
  readonly signal?: AbortSignal;
}

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /**
   * linearizable: holds everything that anybody had the result of before this was asked. local: what the replica that
   * is asked has applied, at once, however far behind it may be.
   */
  readonly consistency?: keyof typeof Consistency;
}

export interface MachineClientOptions<Command, Result, Query, Answer> extends World {
  /** the path of a paxos.conf, or what readConfig or makeConfig gave */
  readonly config: string | Config;
  /** how commands, results, queries and answers become bytes: as the replicas do it; JSON unless told */
  readonly codecs?: Partial<Codecs<Command, Result, Query, Answer>>;
  /** a client that the cluster did not hear of for so long has to begin anew, ms; 60,000 unless told */
  readonly sessionTimeoutMs?: number;
}

export class MachineClient<Command, Result, Query = unknown, Answer = unknown> implements AsyncDisposable {
  readonly #codecs: Codecs<Command, Result, Query, Answer>;
  readonly #session: ClientSession<Result>;
  readonly #reads: ClientReads<Answer>;
  readonly #upstream: Upstream;
  readonly #peers: Peers;
  readonly #turn: Turn;
  readonly #maxQueryBytes: number;
  #closing: Promise<void> | undefined;

  private constructor(config: Config, options: MachineClientOptions<Command, Result, Query, Answer>) {
    const { random = systemRandom(), observer = SILENT, sessionTimeoutMs } = options;
    const clock = options.clock ?? new SystemClock();
    this.#codecs = withDefaultCodecs(options.codecs);
    this.#turn = new Turn(clock);
    const roles: Roles = { listeners: [] };
    const transport = options.transport ?? new TcpTransport({ noDelay: config.tcpNodelay });
    const hello = helloOf(config, { roles: Role.client, id: 0, storage: 0 }, random);
    const turn = this.#turn;
    this.#maxQueryBytes = maxValueBytes(config);
    const idInUse = () => undefined;
    this.#peers = new Peers({ transport, clock, turn, observer, roles, hello, config, idInUse });
    this.#upstream = this.#makeUpstream(config, clock);
    const port = this.#port();
    this.#session = new ClientSession({
      clock,
      random,
      port,
      decode: (bytes) => this.#codecs.result.decode(bytes),
      maxCommandBytes: maxValueBytes(config) - COMMAND_HEAD_BYTES,
      timeoutMs: sessionTimeoutMs ?? DEFAULT_SESSION_TIMEOUT_MS,
    });
    this.#reads = new ClientReads(clock, port, (bytes) => this.#codecs.answer.decode(bytes));
    const handler = this.#handler((remote, reason) => observer.report({ type: 'bad-input', remote, reason }));
    roles.machine = handler;
    roles.leader = handler;
    roles.listeners.push(handler);
    this.#turn.addStep(() => this.#step());
    this.#peers.connectToAcceptors(config, undefined);
    this.#peers.watch();
  }

  /**
   * Connects to the replicas, and goes on trying: what is proposed meanwhile waits.
   * @throws PaxosError CONFIG_…, MACHINE_NEEDS_COMMANDS
   */
  static async connect<Command, Result, Query = unknown, Answer = unknown>(
    options: MachineClientOptions<Command, Result, Query, Answer>,
  ): Promise<MachineClient<Command, Result, Query, Answer>> {
    const config = typeof options.config === 'string' ? readConfig(options.config).config : options.config;
    if (config.valueFormat !== 'commands') {
      const advice =
        'add "value-format commands" to the config of all nodes, or use Client.start for plain values';
      throw new PaxosError(
        'MACHINE_NEEDS_COMMANDS',
        `there are no state machines with value-format raw: ${advice}`,
      );
    }
    return new MachineClient(config, options);
  }

  /**
   * Has a command applied, exactly once, and resolves to its result.
   * @throws PaxosError COMMAND_FAILED, COMMAND_INVALID, SESSION_EXPIRED, SESSION_REFUSED, VALUE_TOO_LARGE, QUEUE_FULL,
   * ABORTED, CLOSED
   */
  propose(command: Command, options: ProposeOptions = {}): Promise<Result> {
    const payload = encoded(this.#codecs.command, command);
    if (!(payload instanceof Uint8Array)) return payload;
    const result = this.#session.propose(payload, options.signal);
    if (this.#session.waitingBytes >= EARLY_BYTES) this.#sendEarly();
    return result;
  }

  /**
   * Asks the machine, without writing to the log.
   * @throws PaxosError READ_FAILED, VALUE_TOO_LARGE, QUEUE_FULL, ABORTED, CLOSED
   */
  read(query: Query, options: ReadOptions = {}): Promise<Answer> {
    const { signal, consistency = 'linearizable' } = options;
    const payload = encoded(this.#codecs.query, query);
    if (!(payload instanceof Uint8Array)) return payload;
    if (payload.length > this.#maxQueryBytes)
      return Promise.reject(tooLarge(payload.length, this.#maxQueryBytes));
    return this.#reads.read(payload, Consistency[consistency], signal);
  }

  /** The id of the replica that leads, as far as this client has heard; undefined: none is known to. */
  get leaderId(): number | undefined {
    return this.#upstream.leaderId;
  }

  /** The id of the replica that is talked to; undefined: none can be reached. */
  get replicaId(): number | undefined {
    return this.#upstream.home?.peerHello?.id;
  }

  /** Ends the session and the connections. What has no result is rejected with CLOSED. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#session.close(closed('client'));
    this.#reads.close(closed('client'));
    this.#turn.stop();
    await this.#peers.close();
  }

  #makeUpstream(config: Config, clock: Clock): Upstream {
    return new Upstream({
      clock,
      leaderTimeoutMs: config.leaderTimeoutMs,
      ready: () => this.#peers.ready(),
      isWaitedFor: () => this.#session.isWaitedFor || this.#reads.isWaitedFor,
      moved: (home) => {
        if (home === undefined) return;
        this.#session.reconnected();
        this.#reads.reconnected();
      },
    });
  }

  /** Commands and reads go to whoever is home. */
  #port() {
    const say = (encode: (home: Peer) => void) => {
      const { home } = this.#upstream;
      if (home === undefined) return;
      encode(home);
      home.sent();
    };
    return {
      isReady: () => this.#upstream.home?.isBehind() === false,
      send: (session: number, items: readonly Uint8Array[]) =>
        say((home) => encodeCommands(home.out, session, ...items)),
      read: (token: number, consistency: number, query: Uint8Array) =>
        say((home) => encodeRead(home.out, token, consistency, query)),
      wake: () => this.#turn.schedule(),
    };
  }

  #sendEarly(): void {
    this.#upstream.look();
    const { home } = this.#upstream;
    if (home === undefined || !isInMemory(home)) return;
    this.#session.flush();
    home.flush();
  }

  #step(): boolean {
    this.#upstream.look();
    this.#session.flush();
    this.#reads.flush();
    return false;
  }

  /** What home says; others have nothing to say to a client but who leads. */
  #handler(bad: (remote: string, reason: string) => void): MachineHandler & PeerListener & LeaderHandler {
    const upstream = this.#upstream;
    const isHome = (peer: Peer) => peer === upstream.home;
    return {
      onResults: (peer, session, results) => {
        if (!isHome(peer)) return;
        upstream.answered();
        const fault = this.#session.onResults(session, results);
        if (fault === undefined) return;
        bad(peer.remote, fault);
        peer.close();
      },
      onReadResult: (peer, token, status, answer) => {
        if (!isHome(peer)) return;
        upstream.answered();
        this.#reads.onReadResult(token, status, answer);
      },
      onSessionOpened: (peer, nonceHigh, nonceLow, session) => {
        if (isHome(peer)) this.#session.onOpened(nonceHigh, nonceLow, session);
      },
      onLeader: (peer, ballot) => {
        upstream.onLeader(peer, ballot);
        this.#turn.schedule();
      },
      onPeerReady: () => {
        upstream.onPeerReady();
        this.#turn.schedule();
      },
      onPeerClosed: (peer) => {
        upstream.onPeerClosed(peer);
        this.#turn.schedule();
      },
      onCommands: () => undefined,
      onRead: () => undefined,
      onSnapshotAt: () => undefined,
      onFetchSnapshot: () => undefined,
      onSnapshotPiece: () => undefined,
    };
  }
}

function tooLarge(bytes: number, limit: number): PaxosError {
  return new PaxosError('VALUE_TOO_LARGE', `the query has ${bytes} bytes; max-message allows ${limit}`);
}

/** @throws PaxosError MACHINE_NEEDS_COMMANDS */
export function checkCommands(config: Config): void {
  if (config.valueFormat === 'commands') return;
  const advice = 'add "value-format commands" to the config of every node, replicas and clients';
  throw new PaxosError(
    'MACHINE_NEEDS_COMMANDS',
    `there is no state machine with value-format raw: ${advice}`,
  );
}
