/**
 * MachineCluster: replicas with a state machine, and clients, on the simulator's network, clock and disks. Time is
 * virtual; a process can be killed and started again, and its disk and snapshots are there still.
 *
 *   const cluster = new MachineCluster({ machine: () => new Ledger() });
 *   await cluster.start(); const client = await cluster.client(); await cluster.result(client.propose('a 1'))
 */
import { type Config, makeConfig, type Options } from '../../src/config/index.ts';
import type { NodeEvent } from '../../src/evpaxos/observer.ts';
import type { Storage } from '../../src/paxos/storage.ts';
import { SimDisk } from '../../src/sim/disk.ts';
import { SimNetwork } from '../../src/sim/network.ts';
import { SimProcess } from '../../src/sim/process.ts';
import { Scheduler } from '../../src/sim/scheduler.ts';
import { MachineClient } from '../../src/statemachine/client.ts';
import type { StateMachine } from '../../src/statemachine/machine.ts';
import { MachineReplica, type MachineReplicaOptions } from '../../src/statemachine/replica.ts';
import { MemorySnapshotStore } from '../../src/statemachine/snapshot-memory.ts';
import type { SnapshotStore } from '../../src/statemachine/snapshot-store.ts';
import { SeededRandom } from '../../src/transport/random.ts';
import type { Link, Transport } from '../../src/transport/transport.ts';

const FIRST_PORT = 1000;
/** Nothing takes longer than this, unless a test says so. */
const LIMIT_MS = 60_000;

export interface MachineClusterOptions<Command, Result, Query, Answer> {
  readonly machine: () => StateMachine<Command, Result, Query, Answer>;
  readonly replicas?: number;
  readonly seed?: number;
  /** of every replica's disk; synced unless told */
  readonly durability?: Storage['durability'];
  readonly options?: Partial<Options>;
  readonly replicaOptions?: Partial<MachineReplicaOptions<Command, Result, Query, Answer>>;
}

export class MachineCluster<Command, Result, Query, Answer> {
  readonly config: Config;
  readonly network: SimNetwork;
  readonly events: { readonly process: string; readonly event: NodeEvent }[] = [];
  /** what ended a replica that no test killed */
  readonly failures: string[] = [];
  /** hears what is written on connections that were opened, and by whom */
  tap: (process: string, bytes: Uint8Array) => void = () => undefined;
  readonly #options: MachineClusterOptions<Command, Result, Query, Answer>;
  readonly #scheduler = new Scheduler();
  readonly #random: SeededRandom;
  readonly #disks: SimDisk[] = [];
  readonly stores: SnapshotStore[] = [];
  readonly #processes = new Map<string, SimProcess>();
  readonly #replicas: (MachineReplica<Command, Result, Query, Answer> | undefined)[] = [];
  readonly machines: StateMachine<Command, Result, Query, Answer>[] = [];
  #clients = 0;

  constructor(options: MachineClusterOptions<Command, Result, Query, Answer>) {
    this.#options = options;
    const { replicas = 3, seed = 1 } = options;
    this.#random = new SeededRandom(seed);
    this.network = new SimNetwork(this.#scheduler, this.#random);
    Object.assign(this.network.weather, { delayMs: 0.5, tail: 0, split: 0.05 });
    const ids = Array.from({ length: replicas }, (_, id) => id);
    const addresses = ids.map((id) => ({ host: '10.0.0.1', port: FIRST_PORT + id }));
    this.config = makeConfig({ replicas: addresses }, { valueFormat: 'commands', ...options.options });
    for (const _ of ids) {
      this.#disks.push(new SimDisk(this.#random, () => undefined, options.durability));
      this.stores.push(
        new MemorySnapshotStore({ clusterName: this.config.clusterName, random: this.#random }),
      );
    }
  }

  /** Starts every replica, and lets one of them lead. */
  async start(): Promise<void> {
    for (const { id } of this.config.acceptors) await this.startReplica(id);
    await this.until(() => this.leader !== undefined);
  }

  async startReplica(id: number): Promise<void> {
    const process = this.#process(`replica ${id}`);
    const machine = this.#options.machine();
    const starting = MachineReplica.start<Command, Result, Query, Answer>({
      ...this.#world(process),
      config: this.config,
      id,
      machine,
      storage: this.#disk(id).open(process),
      snapshots: this.#store(id),
      volatile: this.#options.durability === 'memory',
      ...this.#options.replicaOptions,
    });
    const replica = await this.result(starting);
    replica.closed.catch((error: unknown) => this.failures.push(`replica ${id}: ${String(error)}`));
    this.machines[id] = machine;
    this.#replicas[id] = replica;
  }

  async client(sessionTimeoutMs?: number): Promise<MachineClient<Command, Result, Query, Answer>> {
    const process = this.#process(`client ${this.#clients++}`);
    const timeout = sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs };
    return MachineClient.connect({ ...this.#world(process), config: this.config, ...timeout });
  }

  /** Another connection to a replica, on which nothing is said but what a test does; answers go nowhere. */
  async stranger(id: number): Promise<Link> {
    const process = this.#process(`stranger to ${id}`);
    const address = this.config.acceptors[id];
    if (address === undefined) throw new RangeError(`there is no replica ${id}`);
    const nothing = () => undefined;
    let isConnected = false;
    const link = this.network.transportOf(process).connect(address, {
      connected: () => {
        isConnected = true;
      },
      data: nothing,
      drained: nothing,
      closed: nothing,
    });
    await this.until(() => isConnected);
    return link;
  }

  replica(id: number): MachineReplica<Command, Result, Query, Answer> {
    const replica = this.#replicas[id];
    if (replica === undefined) throw new RangeError(`replica ${id} is not up`);
    return replica;
  }

  isUp(id: number): boolean {
    return this.#replicas[id] !== undefined;
  }

  /** Who leads; undefined: nobody, or it is not certain. */
  get leader(): number | undefined {
    const leading = this.#replicas.filter((replica) => replica?.status.isLeading === true);
    return leading.length === 1 ? leading[0]?.status.id : undefined;
  }

  /** A replica that does not lead. */
  get follower(): number {
    const { leader } = this;
    const found = this.config.acceptors.find(({ id }) => id !== leader && this.#replicas[id] !== undefined);
    if (found === undefined) throw new Error('every replica leads');
    return found.id;
  }

  kill(id: number): void {
    this.#processes.get(`replica ${id}`)?.kill();
    this.#replicas[id] = undefined;
  }

  /** A process stands still. */
  pause(name: string, ms: number): void {
    this.#processes.get(name)?.pause(ms);
  }

  /** Keeps these processes and all others apart, both ways. */
  isolate(name: string, isIsolated = true): void {
    for (const other of this.#processes.keys()) {
      if (other === name) continue;
      this.network.setBlocked(name, other, isIsolated);
      this.network.setBlocked(other, name, isIsolated);
    }
  }

  get now(): number {
    return this.#scheduler.now;
  }

  /** What a promise comes to, while time passes. */
  async result<T>(promise: Promise<T>, limitMs = LIMIT_MS): Promise<T> {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    promise.then(settle, settle);
    if (!(await this.until(() => isSettled, limitMs)))
      throw new Error(`nothing came of it within ${limitMs} ms`);
    return promise;
  }

  /** Lets virtual time pass. */
  async pass(ms: number): Promise<void> {
    await this.until(() => false, ms);
  }

  /** Lets virtual time pass until it is so. @returns false if it was not within `ms` */
  async until(isSo: () => boolean, ms = LIMIT_MS): Promise<boolean> {
    const end = this.#scheduler.now + ms;
    do {
      // Lets promises that were settled by the last event run before the next one.
      for (let i = 0; i < 10; i++) await null;
      if (isSo()) return true;
    } while (this.#scheduler.step(end));
    return isSo();
  }

  #world(process: SimProcess) {
    return {
      transport: this.#tapped(process),
      clock: process.clock,
      random: new SeededRandom(Math.floor(this.#random.next() * 2 ** 48)),
      observer: {
        report: (event: NodeEvent) => void this.events.push({ process: process.name, event }),
      },
    };
  }

  #tapped(process: SimProcess): Transport {
    const transport = this.network.transportOf(process);
    const connect: Transport['connect'] = (address, events) => {
      const link = transport.connect(address, events);
      const write = link.write.bind(link);
      link.write = (bytes) => {
        this.tap(process.name, bytes);
        return write(bytes);
      };
      return link;
    };
    return { ...transport, connect };
  }

  #process(name: string): SimProcess {
    const process = new SimProcess({ scheduler: this.#scheduler, name, drift: 1, slownessMs: 0 });
    this.#processes.set(name, process);
    return process;
  }

  #disk(id: number): SimDisk {
    const disk = this.#disks[id];
    if (disk === undefined) throw new RangeError(`there is no replica ${id}`);
    return disk;
  }

  #store(id: number): SnapshotStore {
    const store = this.stores[id];
    if (store === undefined) throw new RangeError(`there is no replica ${id}`);
    return store;
  }
}
