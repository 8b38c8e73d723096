/**
 * Machine: where one node of a run lives. Its disk and checkpoint outlast its processes; each start is a new process
 * with the production code.
 */
import type { Config } from '../config/config.ts';
import { Node, type Rings } from '../evpaxos/node.ts';
import type { NodeEvent } from '../evpaxos/observer.ts';
import { PaxosError } from '../paxos/error.ts';
import { Role } from '../transport/messages.ts';
import { SeededRandom } from '../transport/random.ts';
import type { Random } from '../transport/transport.ts';
import type { StorePort } from './commands/store-port.ts';
import type { SimDisk } from './disk.ts';
import type { SimNetwork } from './network.ts';
import { type OriginalWork, startOriginal } from './original/node.ts';
import { SimProcess } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimSnapshotDisk } from './snapshot-disk.ts';
import type { Violation } from './violation.ts';

export interface MachineOptions {
  readonly name: string;
  readonly roles: number;
  readonly id: number;
  readonly config: Config;
  readonly rings: Rings;
  readonly scheduler: Scheduler;
  readonly network: SimNetwork;
  readonly random: Random;
  readonly disk: SimDisk | undefined;
  /** where a replica keeps its snapshots */
  readonly snapshots?: SimSnapshotDisk;
  readonly proposerId: number;
  /** true: a node as the original's are; it is never started again */
  readonly isOriginal: boolean;
  /** what it does if it is an original client */
  readonly work: OriginalWork;
  readonly complain: (violation: Violation) => void;
  /** told of each delivery, with the instance that was next */
  readonly delivered: (machine: Machine, expected: number, instanceId: number, value: Uint8Array) => void;
  readonly event: (machine: Machine, event: NodeEvent) => void;
  /** what runs here instead of a mere node */
  readonly program?: (machine: Machine, process: SimProcess) => Promise<Program>;
  /** told when the process ended by itself */
  readonly died: (machine: Machine, error: PaxosError) => void;
}

/** What runs in a process. */
export interface Program extends StorePort {
  readonly node?: Node;
}

export class Machine {
  readonly options: MachineOptions;
  #process: SimProcess | undefined;
  #node: Node | undefined;
  #program: Program | undefined;
  #starts = 0;
  /** the next instance this process will deliver; 0: the first it hears of */
  #next = 1;
  /** everything up to here is in a checkpoint on this machine's disk */
  checkpoint = 0;
  #takes = true;
  #propose: ((value: Uint8Array) => void) | undefined;

  constructor(options: MachineOptions) {
    this.options = options;
  }

  get name(): string {
    return this.options.name;
  }

  get node(): Node | undefined {
    return this.#node;
  }

  /** Where operations on a state machine are handed in; undefined: not here, or not yet. */
  get store(): StorePort | undefined {
    return this.#program;
  }

  get process(): SimProcess | undefined {
    return this.#process;
  }

  get isUp(): boolean {
    return this.#process?.isAlive ?? false;
  }

  get starts(): number {
    return this.#starts;
  }

  /** The highest instance that this process delivered. */
  get deliveredTo(): number {
    return this.#next - 1;
  }

  start(drift: number, slownessMs: number, wallOffsetMs = 0): void {
    const { scheduler, name } = this.options;
    const process = new SimProcess({ scheduler, name, drift, slownessMs, wallOffsetMs });
    this.#process = process;
    this.#starts++;
    this.#next = this.checkpoint + 1;
    if (this.options.isOriginal) this.#startOriginal(process);
    else if (this.options.program !== undefined) this.#startProgram(process, this.options.program);
    else this.#startNode(process);
  }

  #startOriginal(process: SimProcess): void {
    const { network, disk, config, roles, id, proposerId, work, complain } = this.options;
    const transport = network.transportOf(process);
    // Nobody judges what an original delivers: it miscounts now and then.
    const delivered = (instanceId: number) => {
      this.#next = instanceId + 1;
    };
    const original = { config, roles, id, process, transport, disk, proposerId, work, delivered, complain };
    const started = (propose: ((value: Uint8Array) => void) | undefined) => {
      this.#propose = propose;
    };
    startOriginal(original).then(started, (error: unknown) => this.ended(process, error));
  }

  #startProgram(
    process: SimProcess,
    start: (machine: Machine, process: SimProcess) => Promise<Program>,
  ): void {
    const begun = (program: Program) => {
      if (this.#process !== process || !process.isAlive) return;
      this.#program = program;
      this.#node = program.node;
    };
    start(this, process).then(begun, (error: unknown) => this.ended(process, error));
  }

  #startNode(process: SimProcess): void {
    const { network, random, disk, config, roles, id, rings, proposerId } = this.options;
    const node = new Node({
      config,
      roles,
      id,
      rings,
      proposerId,
      transport: network.transportOf(process),
      clock: process.clock,
      random: new SeededRandom(Math.floor(random.next() * 2 ** 48)),
      observer: { report: (event) => this.options.event(this, event) },
      catchUp: true,
      wantsMore: () => this.#takes,
      deliver: ({ instanceId, value }) => this.deliver(instanceId, value),
      ...(disk === undefined ? {} : { storage: disk.open(process) }),
    });
    this.#node = node;
    if (this.checkpoint > 0) node.setInstanceId(this.checkpoint);
    node.closed.then(undefined, (error: unknown) => this.ended(process, error));
    node.start().then(undefined, (error: unknown) => this.ended(process, error));
  }

  /** What runs here takes the next instance. */
  deliver(instanceId: number, value: Uint8Array): void {
    const expected = this.#next;
    this.#next = instanceId + 1;
    // A mere proposer follows what is chosen from where it began; it promises no one the whole sequence.
    if ((this.options.roles & Role.learner) !== 0) this.options.delivered(this, expected, instanceId, value);
  }

  /** What runs here has the state after this instance from a snapshot. */
  goOnAbove(instanceId: number): void {
    this.#next = instanceId + 1;
  }

  get takes(): boolean {
    return this.#takes;
  }

  /** The process ended by itself. */
  ended(process: SimProcess, error: unknown): void {
    if (!process.isAlive) return;
    process.kill();
    this.#program = undefined;
    const fault =
      error instanceof PaxosError ? error : new PaxosError('INTERNAL', String(error), { cause: error });
    this.options.died(this, fault);
  }

  /** Gives an original's proposer a value, as a client of its own does. Others have none. */
  proposeAtOriginal(value: Uint8Array): void {
    this.#propose?.(value);
  }

  /** Whether what is delivered is taken: a slow consumer does not, for a while. */
  setTaking(takes: boolean): void {
    if (this.#takes === takes) return;
    this.#takes = takes;
    if (takes && this.isUp) this.#node?.resumeDelivery();
  }

  /** False for those that would have forgotten what they promised. */
  get mayRestart(): boolean {
    return !this.options.isOriginal && this.options.disk?.durability !== 'memory';
  }

  /** Ends the process between two of its steps. */
  crash(): void {
    this.#process?.kill();
    this.#node = undefined;
    this.#program = undefined;
  }
}
