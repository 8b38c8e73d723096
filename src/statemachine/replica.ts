/**
 * MachineReplica: a replica with a state machine, as a program sees it.
 *
 *   const replica = await Replica.start({ config: 'paxos.conf', id: 0, machine: new Counter() });
 *   await replica.propose(command)      applied exactly once, on every replica: its result
 *   await replica.read(query)           all that was answered before is in it
 *
 * "Durable" and "exactly once" are true when they are said: a config that cannot keep them is refused, unless the
 * program says that it knows.
 */
import type { Config } from '../config/index.ts';
import { Node, type World } from '../evpaxos/node.ts';
import type { NodeHandle } from '../evpaxos/nodes.ts';
import { SILENT } from '../evpaxos/observer.ts';
import { checkId, configOf, started, worldOf } from '../evpaxos/starting.ts';
import { PaxosError } from '../paxos/error.ts';
import type { Storage } from '../paxos/storage.ts';
import { durabilitySentence, openStorage } from '../storage/index.ts';
import { SystemClock } from '../transport/clock.ts';
import { Consistency, ReadStatus, Role } from '../transport/messages.ts';
import { systemRandom } from '../transport/random.ts';
import { checkCommands, type ProposeOptions, type ReadOptions } from './client.ts';
import { readError } from './client-reads.ts';
import { type Codecs, withDefaultCodecs } from './codec.ts';
import { encoded } from './encoded.ts';
import { aborted } from './errors.ts';
import type { MachineEvent } from './events.ts';
import type { StateMachine } from './machine.ts';
import { MachineRole } from './machine-role.ts';
import { DEFAULT_SESSION_TIMEOUT_MS } from './session.ts';
import { FileSnapshotStore } from './snapshot-files.ts';
import { MemorySnapshotStore } from './snapshot-memory.ts';
import type { SnapshotStore } from './snapshot-store.ts';

export interface MachineReplicaOptions<Command, Result, Query = unknown, Answer = unknown> extends World {
  /** the path of a paxos.conf, or what readConfig or makeConfig gave */
  readonly config: string | Config;
  /** position of its line in the config, 0 to 9 */
  readonly id: number;
  /** the state, as new: snapshot and log bring it to where it was */
  readonly machine: StateMachine<Command, Result, Query, Answer>;
  /** how commands, results, queries and answers become bytes; JSON unless told */
  readonly codecs?: Partial<Codecs<Command, Result, Query, Answer>>;
  /** true: the program knows that this config does not keep what was answered through every power cut or restart */
  readonly volatile?: boolean;
  /** another new machine, which is given every command too: they have to agree. For development. */
  readonly verifyDeterminism?: StateMachine<Command, Result, Query, Answer>;
  /** a replica whose program the cluster did not hear of for so long begins anew, ms; 60,000 unless told */
  readonly sessionTimeoutMs?: number;
  /** used instead of the one that the config asks for; closed with the replica */
  readonly storage?: Storage;
  /** used instead of files beside the log; closed with the replica */
  readonly snapshots?: SnapshotStore;
}

/** How a replica is. */
export interface MachineStatus {
  readonly id: number;
  readonly isLeading: boolean;
  /** the replica that leads; undefined: none is heard */
  readonly leaderId: number | undefined;
  /** every instance up to here is applied */
  readonly applied: number;
  /** the log's time, ms since 1970; 0: there is none yet */
  readonly timeMs: number;
  /** up to where the newest snapshot on this replica goes; 0: there is none */
  readonly snapshotInstanceId: number;
  readonly sessions: number;
  /** how many clients are connected here */
  readonly clients: number;
}

export class MachineReplica<Command, Result, Query = unknown, Answer = unknown> implements NodeHandle {
  readonly #id: number;
  readonly #node: Node;
  readonly #codecs: Codecs<Command, Result, Query, Answer>;
  readonly #role: MachineRole<Command, Result, Query, Answer>;

  private constructor(
    id: number,
    node: Node,
    codecs: Codecs<Command, Result, Query, Answer>,
    role: MachineRole<Command, Result, Query, Answer>,
  ) {
    this.#id = id;
    this.#node = node;
    this.#codecs = codecs;
    this.#role = role;
  }

  /**
   * Opens the storage, restores the newest snapshot, listens, connects and takes part.
   * @throws PaxosError CONFIG_…, ID_UNKNOWN, MACHINE_NEEDS_COMMANDS, NOT_DURABLE, STORAGE_…, SNAPSHOT_CORRUPT,
   * ADDRESS_IN_USE, LISTEN_FAILED
   */
  static async start<Command, Result, Query = unknown, Answer = unknown>(
    options: MachineReplicaOptions<Command, Result, Query, Answer>,
  ): Promise<MachineReplica<Command, Result, Query, Answer>> {
    const { id } = options;
    const config = configOf(options);
    checkCommands(config);
    checkId('replica', id, Math.min(config.acceptors.length, config.proposers.length));
    if (options.volatile !== true) checkDurable(config, options.storage);
    const storage = options.storage ?? (await openStorage(config, id));
    const sentence = durabilitySentence(storage);
    if (sentence !== undefined) (options.observer ?? SILENT).report({ type: 'durability', sentence });
    let store: SnapshotStore | undefined;
    let node: Node | undefined;
    try {
      store = options.snapshots ?? (await openSnapshots(config, id, storage, options));
      const codecs = withDefaultCodecs(options.codecs);
      const role = makeRole(config, options, codecs, store);
      const after = await role.restoreNewest();
      const roles = Role.acceptor | Role.proposer | Role.learner;
      node = new Node({ ...worldOf(options), ...role.nodeOptions, config, id, roles, storage });
      node.closed.then(
        () => role.close(),
        () => role.close(),
      );
      await started(node, after);
      role.start();
      return new MachineReplica(id, node, codecs, role);
    } catch (error) {
      // A node gives back what it holds by itself.
      if (node === undefined) {
        await store?.close();
        await storage.close();
      }
      throw error;
    }
  }

  get port(): number | undefined {
    return this.#node.port;
  }

  get closed(): Promise<void> {
    return this.#node.closed;
  }

  get status(): MachineStatus {
    const { host, snapshot, clientCount } = this.#role;
    const { proposer } = this.#node;
    return {
      id: this.#id,
      isLeading: proposer?.isLeading ?? false,
      leaderId: this.#node.leaderId,
      applied: host.instanceId,
      timeMs: host.timeMs,
      snapshotInstanceId: snapshot?.instanceId ?? 0,
      sessions: host.sessionCount,
      clients: clientCount,
    };
  }

  /**
   * Has a command applied, exactly once, and resolves to its result.
   * @throws PaxosError COMMAND_FAILED, COMMAND_INVALID, SESSION_EXPIRED, SESSION_REFUSED, VALUE_TOO_LARGE, QUEUE_FULL,
   * ABORTED, CLOSED
   */
  propose(command: Command, options: ProposeOptions = {}): Promise<Result> {
    const payload = encoded(this.#codecs.command, command);
    return payload instanceof Uint8Array ? this.#role.session.propose(payload, options.signal) : payload;
  }

  /**
   * Asks the machine, without writing to the log.
   * @throws PaxosError READ_FAILED, READ_UNAVAILABLE, ABORTED, CLOSED
   */
  read(query: Query, options: ReadOptions = {}): Promise<Answer> {
    const { signal, consistency = 'linearizable' } = options;
    const payload = encoded(this.#codecs.query, query);
    if (!(payload instanceof Uint8Array)) return payload;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(aborted('read'));
      const abort = () => reject(aborted('read'));
      signal?.addEventListener('abort', abort, { once: true });
      this.#role.reads.read(payload, Consistency[consistency], ({ status, bytes }) => {
        signal?.removeEventListener('abort', abort);
        try {
          if (status === ReadStatus.ok) resolve(this.#codecs.answer.decode(bytes));
          else reject(status === ReadStatus.failed ? readError(bytes) : unavailable());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** What happens from now on. Each reader has its own; one that does not read misses the oldest. */
  events(): AsyncIterableIterator<MachineEvent> {
    return this.#role.events.read();
  }

  /** Closes connections, storage and snapshots. What has no result is rejected with CLOSED. */
  async close(): Promise<void> {
    await this.#role.close();
    await this.#node.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function makeRole<Command, Result, Query, Answer>(
  config: Config,
  options: MachineReplicaOptions<Command, Result, Query, Answer>,
  codecs: Codecs<Command, Result, Query, Answer>,
  store: SnapshotStore,
): MachineRole<Command, Result, Query, Answer> {
  const { id, machine, verifyDeterminism, sessionTimeoutMs = DEFAULT_SESSION_TIMEOUT_MS } = options;
  return new MachineRole({
    id,
    config,
    machine,
    codecs,
    verify: verifyDeterminism,
    store,
    clock: options.clock ?? new SystemClock(),
    random: options.random ?? systemRandom(),
    observer: options.observer ?? SILENT,
    sessionTimeoutMs,
  });
}

/** @throws PaxosError NOT_DURABLE */
function checkDurable(config: Config, storage: Storage | undefined): void {
  const { storageBackend, lmdbSync } = config;
  const isSynced =
    storage === undefined ? storageBackend === 'lmdb' && lmdbSync : storage.durability === 'synced';
  if (isSynced) return;
  const what =
    storageBackend === 'memory'
      ? 'storage-backend memory forgets everything when a process ends'
      : 'lmdb-sync no can lose what was answered in a power cut';
  const advice = 'use storage-backend lmdb and lmdb-sync yes, or pass volatile: true if that is meant';
  throw new PaxosError('NOT_DURABLE', `${what}: ${advice}`);
}

function unavailable(): PaxosError {
  const text = 'too many reads wait, or the state is being restored, or the replica ends; read again';
  return new PaxosError('READ_UNAVAILABLE', text);
}

/** Files beside the log; in memory where the log is, since neither outlasts the process then. */
async function openSnapshots(
  config: Config,
  id: number,
  storage: Storage,
  world: World,
): Promise<SnapshotStore> {
  const { clusterName, lmdbEnvPath, acceptorTrashFiles: trash } = config;
  const { random = systemRandom(), observer = SILENT } = world;
  if (storage.durability === 'memory') return new MemorySnapshotStore({ clusterName, random });
  return FileSnapshotStore.open({
    path: `${lmdbEnvPath}_${id}`,
    clusterName,
    random,
    trash,
    report: (text) => observer.report({ type: 'warning', text }),
  });
}
