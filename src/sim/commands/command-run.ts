/**
 * CommandRun: what a run has more when its values are commands: replicas with a StoreMachine and their snapshots,
 * clients of them, and the judgement at the end.
 *
 *   program(machine, process) → replica | client      work → history      judge() → Violation?
 *
 * At the end every replica is in the same state, byte for byte; what was answered was applied exactly once; and the
 * history is linearizable.
 */
import type { Config } from '../../config/config.ts';
import type { NodeEvent } from '../../evpaxos/observer.ts';
import { sameBytes } from '../../paxos/acceptor.ts';
import type { MachineEvent } from '../../statemachine/events.ts';
import type { Message } from '../../transport/message-log.ts';
import { SeededRandom } from '../../transport/random.ts';
import type { Random } from '../../transport/transport.ts';
import type { SimDisk } from '../disk.ts';
import type { Machine, Program } from '../machine.ts';
import { sequencesOf } from '../parts.ts';
import type { CommandPlan, Plan } from '../plan.ts';
import type { SimProcess } from '../process.ts';
import type { Scheduler } from '../scheduler.ts';
import { SimSnapshotDisk } from '../snapshot-disk.ts';
import { Violation } from '../violation.ts';
import { type ProgramOptions, type StoreReplica, startClient, startReplica } from './program.ts';
import type { StoreMachine } from './store-machine.ts';
import { CommandWork } from './work.ts';

/** What a snapshot may fail by. */
const SNAPSHOT_FAULTS = ['failed-sync', 'full-disk', 'flipped-bit'] as const;

export interface CommandRunOptions {
  readonly plan: Plan;
  readonly commands: CommandPlan;
  readonly config: Config;
  readonly disks: readonly SimDisk[];
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly servers: readonly Machine[];
  readonly clients: readonly Machine[];
  readonly submitted: (part: string) => void;
  readonly settled: (part: string) => void;
  readonly event: (machine: Machine, event: NodeEvent) => void;
  readonly tell: (machine: Machine, event: MachineEvent) => void;
  readonly reached: (what: string) => void;
  /** how many messages were sent to find out whether somebody still leads */
  readonly confirms: () => number;
  readonly complain: (violation: Violation) => void;
}

export class CommandRun {
  /** by acceptor */
  readonly snapshots: readonly SimSnapshotDisk[];
  readonly #options: CommandRunOptions;
  #work: CommandWork | undefined;
  readonly #replicas = new Map<Machine, StoreReplica>();
  /** by session and sequence number: what was chosen */
  readonly #chosen = new Set<string>();
  /** by replica that fetches a snapshot: which one, as far as events tell */
  readonly #fetching = new Map<Machine, string>();

  constructor(options: CommandRunOptions) {
    this.#options = options;
    const { disks, random, config } = options;
    const { clusterName } = config;
    this.snapshots = disks.map(({ faults }) => new SimSnapshotDisk({ random, faults, clusterName }));
  }

  /** Starts what runs in a process of a machine. */
  readonly program = (machine: Machine, process: SimProcess): Promise<Program> => {
    const { config, random, commands, event } = this.#options;
    const { network } = machine.options;
    const options: ProgramOptions = {
      config,
      transport: network.transportOf(process),
      clock: process.clock,
      random: new SeededRandom(Math.floor(random.next() * 2 ** 48)),
      observer: { report: (reported) => event(machine, reported) },
      sessionTimeoutMs: commands.sessionTimeoutMs,
    };
    return machine.options.disk === undefined
      ? startClient(options)
      : this.#startReplica(machine, process, options);
  };

  async #startReplica(machine: Machine, process: SimProcess, options: ProgramOptions): Promise<Program> {
    const { disk, id, rings } = machine.options;
    const snapshots = this.snapshots[id];
    if (disk === undefined || snapshots === undefined) throw new RangeError(`${machine.name} has no disk`);
    const replica = await startReplica({
      ...options,
      id,
      rings,
      storage: disk.open(process),
      snapshots: snapshots.open(process),
      ballastBytes: this.#options.commands.ballastBytes,
      wantsMore: () => machine.takes,
      delivered: (instanceId, value) => machine.deliver(instanceId, value),
      restored: (instanceId) => machine.goOnAbove(instanceId),
      event: (event) => this.#onEvent(machine, event),
      ended: (error) => machine.ended(process, error),
    });
    this.#replicas.set(machine, replica);
    return replica;
  }

  begin(): void {
    const { plan, commands, scheduler, random, servers, clients } = this.#options;
    const { submitted, settled, reached, confirms, complain } = this.#options;
    const agents = commands.replicasAsk ? [...clients, ...servers] : clients;
    const { keys } = commands;
    this.#work = new CommandWork({
      plan,
      keys,
      scheduler,
      random,
      agents,
      submitted,
      settled,
      reached,
      // Where there is no other acceptor nothing is sent, lease or not.
      confirms: commands.readLeaseMs > 0 && plan.acceptors > 1 ? confirms : undefined,
      complain,
    });
    this.#work.begin();
  }

  /** Whoever asks on these machines only reads, or does as ever. */
  quieten(machines: ReadonlySet<Machine>, isQuiet: boolean): void {
    this.#work?.quieten(machines, isQuiet);
  }

  /** True when everybody has had his answers. */
  get isAnswered(): boolean {
    return this.#work?.isAnswered ?? false;
  }

  /** Who waits for what, for people. */
  get waiting(): string {
    return this.#work?.waiting ?? 'nobody has begun';
  }

  /** A message was sent: who does not lead has asked the leader for somebody else, to whom it was out of reach. */
  sent(from: string, message: Message): void {
    if (message.type !== 'readIndexIs' || message.next === 0) return;
    const sender = this.#options.servers.find(({ name }) => name === from);
    if (sender?.node?.proposer?.isLeading === false) this.#options.reached('read asked for others');
  }

  /** An instance was delivered for the first time anywhere. */
  chosen(value: Uint8Array): void {
    for (const sequence of sequencesOf(value)) {
      if (this.#chosen.has(sequence)) this.#options.reached('duplicate suppressed');
      this.#chosen.add(sequence);
    }
  }

  /**
   * Looks at what it all came to. Everybody has applied the same instances.
   * @throws Violation
   */
  async judge(): Promise<void> {
    const { servers, reached } = this.#options;
    let first:
      | { readonly name: string; readonly state: Uint8Array; readonly machine: StoreMachine }
      | undefined;
    for (const machine of servers) {
      const replica = this.#replicas.get(machine);
      if (replica === undefined) continue;
      const state = await replica.state();
      first ??= { name: machine.name, state, machine: replica.machine };
      if (!sameBytes(first.state, state))
        throw new Violation('states', `${machine.name} is in another state than ${first.name}`);
    }
    if (first === undefined) return;
    for (const unknown of this.#work?.history.judge(first.machine) ?? [])
      reached(`history not judged: ${unknown}`);
  }

  #onEvent(machine: Machine, event: MachineEvent): void {
    const { plan, reached, complain, tell } = this.#options;
    reached(`machine ${event.type}`);
    tell(machine, event);
    if (event.type === 'snapshot-fetching') {
      const which = `${event.instanceId}, ${event.bytes} bytes, in life ${machine.starts}`;
      if (this.#fetching.get(machine) === which) reached('snapshot fetched on after a cut');
      this.#fetching.set(machine, which);
    } else if (event.type === 'snapshot-fetched' || event.type === 'snapshot-failed')
      this.#fetching.delete(machine);
    if (event.type === 'snapshot-failed' && !SNAPSHOT_FAULTS.some((kind) => plan.faults.includes(kind)))
      complain(new Violation('invariant', `${machine.name} tells without a cause: ${JSON.stringify(event)}`));
    if (event.type === 'diverged' || event.type === 'not-deterministic' || event.type === 'passed-over')
      complain(new Violation('states', `${machine.name} tells: ${JSON.stringify(event)}`));
  }
}
