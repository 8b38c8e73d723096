/**
 * TestCluster: a whole cluster in one process, for the tests of an application: replicas with its state machine, and
 * clients, on a simulated network, disks and clock. The nodes are those of production.
 *
 *   await using cluster = await TestCluster.start({ machine: () => new Counter(), seed: 1 });
 *   await cluster.client().propose(command);
 *   cluster.partition([0], [1, 2]); cluster.heal(); cluster.crash(1); await cluster.restart(1);
 *   await cluster.settle(); await cluster.states();
 *
 * Time is virtual and passes while the test waits for something of the cluster. Equal seeds and equal tests give equal
 * runs. Errors name the seed.
 */
import { type Config, makeConfig, type Options } from '../config/index.ts';
import type { World } from '../evpaxos/node.ts';
import type { NodeEvent } from '../evpaxos/observer.ts';
import { SimDisk } from '../sim/disk.ts';
import { EventHash } from '../sim/event-hash.ts';
import { SimNetwork } from '../sim/network.ts';
import { SimProcess } from '../sim/process.ts';
import { Scheduler } from '../sim/scheduler.ts';
import { SimSnapshotDisk } from '../sim/snapshot-disk.ts';
import { Wiretap } from '../sim/wiretap.ts';
import { MachineClient } from '../statemachine/client.ts';
import type { Codecs, StateMachine } from '../statemachine/index.ts';
import { MachineReplica } from '../statemachine/replica.ts';
import { SeededRandom } from '../transport/random.ts';
import { Driver } from './driver.ts';
import { TestClusterError } from './error.ts';
import { TestClient, TestReplica } from './members.ts';
import { type ClusterFaults, RandomFaults } from './random-faults.ts';
import { differenceOf, stateOf } from './states.ts';

const FIRST_PORT = 1000;
const MAX_REPLICAS = 9;
const PATIENCE_MS = 120_000;

export interface TestClusterOptions<Command, Result, Query, Answer> {
  /** makes a machine as new: for each replica when it starts, and for the check below */
  readonly machine: () => StateMachine<Command, Result, Query, Answer>;
  /** how many, 1 to 9; 3 unless told */
  readonly replicas?: number;
  /** decides everything that is left to chance; 1 unless told */
  readonly seed?: number;
  /** as those of Replica.start */
  readonly codecs?: Partial<Codecs<Command, Result, Query, Answer>>;
  /** options of paxos.conf, such as `snapshotLogBytes` or `readLeaseMs` */
  readonly config?: Partial<Options>;
  /** false: commands are not applied a second time, to see whether the machine is deterministic */
  readonly verifyDeterminism?: boolean;
  /** how long anything that is waited for may take, virtual ms; 120,000 unless told */
  readonly patienceMs?: number;
}

/** A process of the cluster, in a partition: a replica's id, or a client. */
export type Member = number | { readonly name: string };

export interface TestClientOptions {
  /** as that of Client.connect */
  readonly sessionTimeoutMs?: number;
}

export class TestCluster<Command, Result, Query, Answer> implements AsyncDisposable {
  readonly seed: number;
  readonly config: Config;
  readonly #options: TestClusterOptions<Command, Result, Query, Answer>;
  readonly #scheduler = new Scheduler();
  readonly #random: SeededRandom;
  readonly #network: SimNetwork;
  readonly #driver: Driver;
  readonly #faults: RandomFaults;
  readonly #hash = new EventHash();
  readonly #disks: readonly SimDisk[];
  readonly #snapshots: readonly SimSnapshotDisk[];
  readonly #replicas: readonly TestReplica<Command, Result, Query, Answer>[];
  readonly #clients: TestClient<Command, Result, Query, Answer>[] = [];
  /** `from>to` that the test keeps apart, and that chance does */
  #partitioned: ReadonlySet<string> = new Set();
  #cutOff: ReadonlySet<string> = new Set();
  #isClosed = false;

  private constructor(options: TestClusterOptions<Command, Result, Query, Answer>) {
    const { replicas = 3, seed = 1, patienceMs = PATIENCE_MS } = options;
    if (!Number.isInteger(replicas) || replicas < 1 || replicas > MAX_REPLICAS)
      throw new RangeError(`a cluster has 1 to ${MAX_REPLICAS} replicas, not ${replicas}`);
    this.#options = options;
    this.seed = seed;
    const random = new SeededRandom(seed);
    this.#random = random;
    this.#network = new SimNetwork(this.#scheduler, random);
    Object.assign(this.#network.weather, { tail: 0 });
    this.#driver = new Driver({ scheduler: this.#scheduler, seed, patienceMs });
    const ids = Array.from({ length: replicas }, (_, id) => id);
    const addresses = ids.map((id) => ({ host: '10.0.0.1', port: FIRST_PORT + id }));
    this.config = makeConfig({ replicas: addresses }, { ...options.config, valueFormat: 'commands' });
    const { clusterName } = this.config;
    this.#disks = ids.map(() => new SimDisk(random, () => undefined, 'synced'));
    this.#snapshots = this.#disks.map(({ faults }) => new SimSnapshotDisk({ random, faults, clusterName }));
    this.#replicas = ids.map((id) => new TestReplica(id, this.#driver));
    this.#faults = this.#makeFaults();
    const wiretap = new Wiretap({
      hash: this.#hash,
      random,
      now: () => this.#scheduler.now,
      faults: () => this.#faults.messages,
      see: () => undefined,
      complain: (violation) => this.#driver.fail(violation.message, violation),
    });
    this.#network.tamper = (from, to, bytes) => wiretap.pass(from, to, bytes);
  }

  /** Starts every replica, and lets one of them lead. */
  static async start<Command, Result, Query = unknown, Answer = unknown>(
    options: TestClusterOptions<Command, Result, Query, Answer>,
  ): Promise<TestCluster<Command, Result, Query, Answer>> {
    const cluster = new TestCluster(options);
    await Promise.all(cluster.#replicas.map(({ id }) => cluster.restart(id)));
    await cluster.#driver.until(() => cluster.leader !== undefined, 'electing a leader');
    return cluster;
  }

  /** Virtual time since the start, ms. */
  get nowMs(): number {
    return this.#scheduler.now;
  }

  /** A number for all that was sent so far: where it is equal, the runs were. */
  get fingerprint(): number {
    return this.#hash.value;
  }

  /** The replica that leads; undefined: none does, or several believe it. */
  get leader(): number | undefined {
    const leading = this.#replicas.filter((replica) => replica.isUp && replica.status.isLeading);
    return leading.length === 1 ? leading[0]?.id : undefined;
  }

  /** @throws RangeError */
  replica(id: number): TestReplica<Command, Result, Query, Answer> {
    const replica = this.#replicas[id];
    if (replica === undefined) {
      throw new RangeError(`there is no replica ${id}: they are 0 to ${this.#replicas.length - 1}`);
    }
    return replica;
  }

  /** Another client, which connects to the replicas. */
  client(options: TestClientOptions = {}): TestClient<Command, Result, Query, Answer> {
    const name = `client ${this.#clients.length}`;
    const { codecs } = this.#options;
    const connected = MachineClient.connect<Command, Result, Query, Answer>({
      ...this.#world(this.#process(name)),
      ...options,
      config: this.config,
      ...(codecs === undefined ? {} : { codecs }),
    });
    const client = new TestClient(name, this.#driver, connected);
    this.#clients.push(client);
    return client;
  }

  /** Keeps these groups apart from each other, until `heal`: nothing arrives. Who is in none reaches everybody. */
  partition(...groups: readonly (readonly Member[])[]): void {
    this.#partitioned = pairsBetween(groups.map((group) => group.map((member) => this.#nameOf(member))));
    this.#block();
  }

  /** The network is whole again, and there are no more random faults. */
  heal(): void {
    this.#partitioned = new Set();
    this.#faults.end();
    this.#block();
  }

  /** Ends a replica's process at once; what is on its disk stays. */
  crash(id: number): void {
    const replica = this.replica(id);
    replica.life?.process.kill();
    replica.turnTo(undefined);
  }

  /** Starts a replica that is down, from what is on its disk. */
  async restart(id: number): Promise<void> {
    const replica = this.replica(id);
    if (replica.isUp) throw new TestClusterError(`replica ${id} is up already`, this.seed);
    await this.#driver.wait(this.#start(id), `starting replica ${id}`);
  }

  /** A replica stands still, as after SIGSTOP. */
  pause(id: number, ms: number): void {
    this.replica(id).life?.process.pause(ms);
  }

  /** Faults by chance from now on, until `heal`, `settle`, or others. */
  faults(faults: ClusterFaults): void {
    this.#faults.begin(faults);
  }

  /** Lets so much virtual time pass. */
  advance(ms: number): Promise<void> {
    const end = this.#scheduler.now + ms;
    let isOver = false;
    this.#scheduler.at(end, () => {
      isOver = true;
    });
    return this.#driver.until(() => isOver, `${ms} ms`, { extraMs: ms });
  }

  /**
   * Ends random faults, and lets time pass until everything that was asked is answered, somebody leads, and all replicas
   * that are up have applied the same. What the test crashed or partitioned it has to undo itself.
   */
  async settle(): Promise<void> {
    this.#faults.end();
    await this.#driver.until(() => this.#unsettled === '', 'settling', { obstacle: () => this.#unsettled });
  }

  /**
   * The state of each replica that is up, as the machine's snapshot gives it. They are equal.
   * @throws TestClusterError if replicas have not applied the same, or differ: with the first difference
   */
  async states(): Promise<readonly Uint8Array[]> {
    this.#driver.rethrowUntold();
    const up = this.#replicas.flatMap(({ id, life }) => (life === undefined ? [] : [{ id, ...life }]));
    const applied = up.map(({ replica }) => replica.status.applied);
    if (new Set(applied).size > 1) {
      const how = up.map(({ id }, i) => `replica ${id} ${applied[i]}`).join(', ');
      throw new TestClusterError(`replicas have applied so many instances: ${how}; settle first`, this.seed);
    }
    const states = await Promise.all(up.map(({ machine }) => stateOf(machine)));
    for (const [i, state] of states.entries()) {
      const difference = differenceOf(states[0] ?? state, state);
      if (difference === undefined) continue;
      const who = `replicas ${up[0]?.id} and ${up[i]?.id} have applied the same commands, and their states differ`;
      throw new TestClusterError(`${who}: ${difference}`, this.seed);
    }
    return states;
  }

  /** Ends every process. @throws TestClusterError if something went wrong that nobody was told of */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#faults.end();
    for (const { id } of this.#replicas) this.crash(id);
    this.#driver.rethrowUntold();
  }

  /** Ends every process. */
  close(): Promise<void> {
    return this[Symbol.asyncDispose]();
  }

  async #start(id: number): Promise<void> {
    const { codecs, verifyDeterminism = true } = this.#options;
    const [disk, snapshots] = [this.#disks[id], this.#snapshots[id]];
    if (disk === undefined || snapshots === undefined) throw new RangeError(`there is no replica ${id}`);
    const process = this.#process(`replica ${id}`);
    const machine = this.#options.machine();
    const replica = await MachineReplica.start<Command, Result, Query, Answer>({
      ...this.#world(process),
      config: this.config,
      id,
      machine,
      storage: disk.open(process),
      snapshots: snapshots.open(process),
      ...(codecs === undefined ? {} : { codecs }),
      ...(verifyDeterminism ? { verifyDeterminism: this.#options.machine() } : {}),
    });
    this.replica(id).turnTo({ process, machine, replica });
    this.#listen(id, process, replica);
  }

  /** What goes wrong in a replica by itself, the test is told of. */
  #listen(id: number, process: SimProcess, replica: MachineReplica<Command, Result, Query, Answer>): void {
    const ended = (error: unknown) => {
      if (!process.isAlive) return;
      process.kill();
      this.replica(id).turnTo(undefined);
      const why = error instanceof Error ? error.message : String(error);
      this.#driver.fail(`replica ${id} ended: ${why}`, error);
    };
    replica.closed.catch(ended);
    const heed = async () => {
      for await (const event of replica.events()) {
        if (event.type !== 'diverged') continue;
        const where = `in an instance from ${event.agreedAt + 1} to ${event.instanceId}`;
        this.#driver.fail(`replica ${id} had other results than another, first ${where}`);
      }
    };
    heed().catch(ended);
  }

  /** What keeps it from being settled; '': nothing does. */
  get #unsettled(): string {
    const up = this.#replicas.filter(({ isUp }) => isUp);
    const asking = [
      ...up.map(({ id, askedCount }) => ({ name: `replica ${id}`, askedCount })),
      ...this.#clients,
    ].filter(({ askedCount }) => askedCount > 0);
    const waiting = asking.map(({ name, askedCount }) => `${name} waits for ${askedCount} answers`);
    if (this.leader === undefined) waiting.push('nobody leads');
    const applied = up.map(({ status }) => status.applied);
    if (new Set(applied).size > 1)
      waiting.push(up.map(({ id }, i) => `replica ${id} has applied ${applied[i]}`).join(', '));
    return waiting.join('; ');
  }

  #makeFaults(): RandomFaults {
    return new RandomFaults({
      scheduler: this.#scheduler,
      random: this.#random,
      network: this.#network,
      replicas: this.#replicas.length,
      names: () => this.#names,
      isUp: (id) => this.replica(id).isUp,
      crash: (id) => this.crash(id),
      restart: (id) => {
        this.#start(id).catch((error: unknown) => {
          this.#driver.fail(`replica ${id} could not start again: ${String(error)}`, error);
        });
      },
      cutOff: (replicas) => {
        const inside = [...replicas].map((id) => this.#nameOf(id));
        this.#cutOff = pairsBetween([inside, this.#names.filter((name) => !inside.includes(name))]);
        this.#block();
      },
    });
  }

  get #names(): readonly string[] {
    return [...this.#replicas.map(({ id }) => this.#nameOf(id)), ...this.#clients.map(({ name }) => name)];
  }

  #nameOf(member: Member): string {
    return typeof member === 'number' ? `replica ${this.replica(member).id}` : member.name;
  }

  #block(): void {
    for (const from of this.#names) {
      for (const to of this.#names) {
        const pair = `${from}>${to}`;
        const isBlocked = this.#partitioned.has(pair) || this.#cutOff.has(pair);
        if (isBlocked !== this.#network.isBlocked(from, to)) this.#network.setBlocked(from, to, isBlocked);
      }
    }
  }

  #process(name: string): SimProcess {
    return new SimProcess({ scheduler: this.#scheduler, name, drift: 1, slownessMs: 0 });
  }

  #world(process: SimProcess): World {
    return {
      transport: this.#network.transportOf(process),
      clock: process.clock,
      random: new SeededRandom(Math.floor(this.#random.next() * 2 ** 48)),
      observer: { report: (event: NodeEvent) => this.#onEvent(process.name, event) },
    };
  }

  #onEvent(name: string, event: NodeEvent): void {
    if (event.type === 'bad-input') this.#driver.fail(`${name} was sent ${event.reason}`);
  }
}

/** `from>to` for every two that are in different groups. */
function pairsBetween(groups: readonly (readonly string[])[]): ReadonlySet<string> {
  const pairs = new Set<string>();
  for (const one of groups)
    for (const other of groups)
      if (one !== other) for (const from of one) for (const to of other) pairs.add(`${from}>${to}`);
  return pairs;
}
