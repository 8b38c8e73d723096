/**
 * Simulation: one run. A seed decides the cluster, the work and the faults; production nodes run on a simulated
 * network, disk, clock and generator; checkers look at every event. First faults, then calm, in which everything that
 * was submitted has to be delivered everywhere.
 *
 *   new Simulation(seed).run() → Report | throws Violation
 */
import type { Config } from '../config/config.ts';
import type { NodeEvent } from '../evpaxos/observer.ts';
import type { PaxosError } from '../paxos/error.ts';
import type { Message } from '../transport/message-log.ts';
import { Role } from '../transport/messages.ts';
import { SeededRandom } from '../transport/random.ts';
import { Checkers } from './checkers.ts';
import { Checkpoints } from './checkpoints.ts';
import { configOfPlan, isRestartedClient, membersOf } from './cluster.ts';
import { CommandRun } from './commands/command-run.ts';
import { SimDisk } from './disk.ts';
import { isExpectedEnd, isExpectedFault } from './ends.ts';
import { EventHash } from './event-hash.ts';
import { Faults } from './faults.ts';
import { Machine } from './machine.ts';
import { SimNetwork } from './network.ts';
import { Outcomes } from './outcomes.ts';
import { commandParts, describeItems, rawParts } from './parts.ts';
import { drawDrift, drawPlan, type FaultKind, isJudged, isMixed, type Plan, pick } from './plan.ts';
import { Scheduler } from './scheduler.ts';
import { Settling } from './settling.ts';
import { text } from './text.ts';
import { Violation } from './violation.ts';
import { Wiretap } from './wiretap.ts';
import { Workload } from './workload.ts';

/** How long everything may take to be delivered once the faults are over, ms of virtual time. */
const SETTLE_MS = 30_000;
/** And in this stretch behind it there is a moment when nothing is under way. */
const MOMENT_MS = 5_000;
/** After so long the cluster may be waiting for a value: it gets one. */
const NUDGE_AFTER_MS = 8_000;
/** Somebody has to lead by then: four leader timeouts. */
const LEADER_MS = 4 * 500;
/** How long a run that is not judged goes on after its faults. */
const UNJUDGED_MS = 3000;
/** More events than any run needs: something turns without end. */
const MAX_EVENTS = 5_000_000;
/** How many promises hang on one another in what an event settles; with a state machine there are streams as well. */
const RAW_HOPS = 3;
const COMMAND_HOPS = 24;
/** How many values a client as the original's submits. */
const ORIGINAL_CLIENT_VALUES = 60;

export interface Report {
  readonly seed: number;
  readonly plan: Plan;
  /** a hash over all that was sent and delivered: equal seeds give equal hashes */
  readonly hash: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly chosen: number;
  /** values chosen more than once */
  readonly duplicates: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** how often each kind of event was reported by the nodes */
  readonly outcomes: ReadonlyMap<string, number>;
}

/** What a run tells as it goes, for message ladders. */
export type Tracer = (atMs: number, from: string, to: string, what: Message | string) => void;

export interface SimulationOptions {
  readonly seed: number;
  readonly trace?: Tracer;
}

export class Simulation {
  readonly plan: Plan;
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #scheduler = new Scheduler();
  readonly #network: SimNetwork;
  readonly #disks: SimDisk[] = [];
  /** by name of a process: the acceptor in it */
  readonly #acceptorIds = new Map<string, number>();
  readonly #originalProposers = new Set<string>();
  readonly #servers: Machine[] = [];
  readonly #clients: Machine[] = [];
  readonly #checkers: Checkers;
  readonly #faults: Faults;
  readonly #trace: Tracer | undefined;
  readonly #outcomes = new Outcomes();
  readonly #workload: Workload;
  readonly #checkpoints: Checkpoints;
  /** undefined: values are raw */
  readonly #commands: CommandRun | undefined;
  readonly #wiretap: Wiretap;
  readonly #hops: number;
  #failure: Violation | undefined;
  readonly #hash = new EventHash();

  constructor(options: SimulationOptions) {
    this.#seed = options.seed;
    this.#trace = options.trace;
    this.#random = new SeededRandom(options.seed);
    this.plan = drawPlan(this.#random);
    this.#hops = this.plan.commands === undefined ? RAW_HOPS : COMMAND_HOPS;
    this.#network = new SimNetwork(this.#scheduler, this.#random);
    this.#wiretap = new Wiretap({
      hash: this.#hash,
      random: this.#random,
      now: () => this.#scheduler.now,
      faults: () => this.#faults.messages,
      see: (from, to, messages) => this.#onMessages(from, to, messages),
      complain: (violation) => {
        this.#failure ??= violation;
      },
    });
    this.#network.tamper = (from, to, bytes) => this.#wiretap.pass(from, to, bytes);
    for (let a = 0; a < this.plan.acceptors; a++) {
      this.#disks.push(
        new SimDisk(
          this.#random,
          (durable, write) => this.#guard(() => this.#checkers.written(a, durable, write)),
          a < this.plan.originals ? 'memory' : this.plan.storage,
        ),
      );
    }
    this.#checkers = new Checkers({
      disks: this.#disks,
      originals: this.plan.originals,
      judged: isJudged(this.plan),
      partsOf: this.plan.commands === undefined ? rawParts : commandParts,
      safeTrim: () => this.#checkpoints.safeTrim,
    });
    const config = configOfPlan(this.plan);
    this.#commands = this.#makeCommands(config);
    this.#build(config);
    this.#checkpoints = new Checkpoints({
      scheduler: this.#scheduler,
      random: this.#random,
      machines: () => [...this.#servers, ...this.#clients],
      snapshots: this.#commands?.snapshots ?? [],
    });
    // Where every node of the config is ours, what nobody has a value for is filled with a no-op.
    if (this.plan.originals + this.plan.originalProposers === 0) this.#checkers.submitted('');
    this.#faults = this.#makeFaults();
    this.#workload = this.#makeWorkload();
  }

  /** The nodes of the run: servers first, then learners, then clients. */
  get names(): readonly string[] {
    return [...this.#servers, ...this.#clients].map((machine) => machine.name);
  }

  /** Runs to the end. @throws Violation when something that must hold did not */
  async run(): Promise<Report> {
    const { plan } = this;
    for (const machine of [...this.#servers, ...this.#clients]) {
      this.#scheduler.after(200 * this.#random.next(), () => this.#start(machine));
    }
    if (this.#commands === undefined) this.#workload.begin();
    else this.#commands.begin();
    if (plan.trims) this.#checkpoints.begin();
    this.#faults.begin();
    await this.#advance(plan.faultsMs, () => false);
    this.#faults.end();
    if (isJudged(plan)) await this.#calm();
    else await this.#advance(this.#scheduler.now + UNJUDGED_MS, () => false);
    return this.#report();
  }

  /** What has to happen once the faults are over. */
  async #calm(): Promise<void> {
    const { plan } = this;
    const settling = new Settling({
      machines: [...this.#servers, ...this.#clients],
      checkers: this.#checkers,
      workload: this.#workload,
      commands: this.#commands,
    });
    const isSettled = () => settling.isSettled;
    const start = this.#scheduler.now;
    // Originals tell nothing: where history ends has to be searched for. And they lead nobody, but are followed.
    const leads = isMixed(plan) || (await this.#advance(start + LEADER_MS, () => this.#isLed()));
    if (!leads) throw new Violation('liveness', `nobody leads ${LEADER_MS / 1000} s after the faults ended`);
    if (await this.#advance(start + NUDGE_AFTER_MS, isSettled)) return this.#commands?.judge();
    // Where there are originals there are no no-ops: what nobody has a value for waits for one.
    if (isMixed(plan)) {
      this.#outcomes.count('needed one more value');
      this.#workload.nudge();
    }
    if (await this.#advance(start + SETTLE_MS, isSettled)) return this.#commands?.judge();
    // The last value was submitted just now: there has to be a moment without one.
    const isNearly = () => settling.isSettledButForOriginals;
    if (!isMixed(plan) || !(await this.#advance(start + SETTLE_MS + MOMENT_MS, isNearly)))
      throw settling.whatIsMissing(SETTLE_MS);
    // Two of them outvote each other for ever, or one prepares what is trimmed: as originals do.
    this.#outcomes.count('an original kept values');
  }

  #isLed(): boolean {
    return this.#servers.some((machine) => machine.isUp && machine.node?.proposer?.isLeading === true);
  }

  /** Lets events happen until a time, or until `done`. */
  async #advance(until: number, done: () => boolean): Promise<boolean> {
    for (let turn = 0; this.#scheduler.step(until); turn++) {
      // Lets promises that were settled by this event run before the next one.
      for (let i = 0; i < this.#hops; i++) await null;
      if (this.#failure !== undefined) throw this.#failure;
      if (turn % 64 === 0 && done()) return true;
      if (this.#scheduler.executed > MAX_EVENTS) throw new Violation('liveness', 'events without end');
    }
    return done();
  }

  #makeCommands(config: Config): CommandRun | undefined {
    const { plan } = this;
    const { commands } = plan;
    if (commands === undefined) return undefined;
    return new CommandRun({
      plan,
      commands,
      config,
      disks: this.#disks,
      scheduler: this.#scheduler,
      random: this.#random,
      servers: this.#servers,
      clients: this.#clients,
      submitted: (part) => this.#checkers.submitted(part),
      settled: (part) => this.#guard(() => this.#checkers.settled(part)),
      event: (machine, event) => this.#onEvent(machine, event),
      tell: ({ name }, event) => this.#trace?.(this.#scheduler.now, name, name, JSON.stringify(event)),
      reached: (what) => this.#outcomes.count(what),
      confirms: () => this.#wiretap.sent.of('confirm'),
      complain: (violation) => {
        this.#failure ??= violation;
      },
    });
  }

  #makeFaults(): Faults {
    return new Faults({
      plan: this.plan,
      scheduler: this.#scheduler,
      random: this.#random,
      network: this.#network,
      servers: this.#servers,
      clients: this.#clients,
      start: (machine) => this.#start(machine),
      clientCrashed: (client) => this.#workload.forget(client),
      quieten: (machines, isQuiet) => this.#commands?.quieten(machines, isQuiet),
      reached: (what) => this.#outcomes.count(what),
    });
  }

  #makeWorkload(): Workload {
    return new Workload({
      plan: this.plan,
      scheduler: this.#scheduler,
      random: this.#random,
      clients: this.#clients,
      servers: this.#servers,
      submitted: (value) => this.#checkers.submitted(value),
      settled: (value) => this.#guard(() => this.#checkers.settled(value)),
    });
  }

  #build(config: Config): void {
    const { plan } = this;
    const common = {
      config,
      rings: { inFlight: plan.inFlight, learner: plan.learnerWindow },
      scheduler: this.#scheduler,
      network: this.#network,
      random: this.#random,
      work: {
        outstanding: plan.outstanding,
        values: ORIGINAL_CLIENT_VALUES,
        submitted: (value: string) => this.#checkers.submitted(value),
      },
      complain: (violation: Violation) => {
        this.#failure ??= violation;
      },
      delivered: (machine: Machine, expected: number, instanceId: number, value: Uint8Array) =>
        this.#onDelivered(machine, expected, instanceId, value),
      event: (machine: Machine, event: NodeEvent) => this.#onEvent(machine, event),
      died: (machine: Machine, error: PaxosError) => this.#onDeath(machine, error),
    };
    for (const member of membersOf(plan)) {
      const proposerId = Math.floor(this.#random.next() * config.proposers.length);
      const isAcceptor = (member.roles & Role.acceptor) !== 0;
      const disk = isAcceptor ? this.#disks[member.id] : undefined;
      const snapshots = isAcceptor ? this.#commands?.snapshots[member.id] : undefined;
      const { program } = this.#commands ?? {};
      const machine = new Machine({
        ...common,
        ...member,
        disk,
        proposerId,
        ...(snapshots === undefined ? {} : { snapshots }),
        ...(program === undefined ? {} : { program }),
      });
      if (disk !== undefined) this.#acceptorIds.set(member.name, member.id);
      if (member.isOriginal && (member.roles & Role.proposer) !== 0) this.#originalProposers.add(member.name);
      (isRestartedClient(member) ? this.#clients : this.#servers).push(machine);
    }
  }

  #start(machine: Machine): void {
    const drift = drawDrift(this.plan, this.#random);
    const slownessMs = this.#random.next() < 0.1 ? 5 * this.#random.next() : 0;
    const { wallOffsetMs = 0 } = this.plan.commands ?? {};
    machine.start(drift, slownessMs, wallOffsetMs === 0 ? 0 : pick(this.#random, [-1, 0, 1]) * wallOffsetMs);
  }

  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#failure ??= error;
    }
  }

  /** The checkers see everything that goes over the network. */
  #onMessages(from: string, to: string, messages: readonly Message[]): void {
    const acceptorId = this.#acceptorIds.get(from);
    const toOriginal = this.#originalProposers.has(to);
    this.#guard(() => {
      for (const message of messages) this.#checkers.sent(acceptorId, message, toOriginal);
    });
    for (const message of messages)
      if (toOriginal && message.type === 'clientValue') this.#workload.givenToOriginal(text(message.value));
    for (const message of messages) this.#commands?.sent(from, message);
    if (this.#trace === undefined) return;
    for (const message of messages) this.#trace(this.#scheduler.now, from, to, message);
  }

  #onDelivered(machine: Machine, expected: number, instanceId: number, value: Uint8Array): void {
    this.#hash.write(machine.name, machine.name, instanceId, value);
    const shown = this.#commands === undefined ? `"${text(value)}"` : describeItems(value);
    this.#trace?.(this.#scheduler.now, machine.name, machine.name, `delivers ${instanceId} ${shown}`);
    this.#guard(() => {
      const isFirst = this.#checkers.delivered(machine.name, expected, instanceId, value);
      if (isFirst && value.length === 0) this.#outcomes.count('no-op chosen');
      if (isFirst) this.#commands?.chosen(value);
    });
  }

  #onEvent(machine: Machine, event: NodeEvent): void {
    this.#outcomes.count(event.type);
    if (event.type !== 'debug')
      this.#trace?.(this.#scheduler.now, machine.name, machine.name, JSON.stringify(event));
    // Where there are snapshots, one is fetched.
    if (event.type === 'behind-trim' && isJudged(this.plan) && this.#commands === undefined) {
      const text = `${machine.name} needs ${event.instanceId}, trimmed up to ${event.trimInstanceId}`;
      this.#failure ??= new Violation('trim', text, event.instanceId);
    }
    if (event.type !== 'bad-input') return;
    const isHeldUp = this.#network.isHeldUp(machine.name, event.remote);
    if (!isExpectedFault(event.reason, isHeldUp, this.plan))
      this.#failure ??= new Violation('codec', `${machine.name} was sent ${event.reason}`);
  }

  #onDeath(machine: Machine, error: PaxosError): void {
    this.#outcomes.count(error.code);
    this.#trace?.(this.#scheduler.now, machine.name, machine.name, `ends: ${error.message}`);
    if (!isExpectedEnd(error, this.plan)) {
      const stack = error.cause instanceof Error ? `\n${error.cause.stack}` : '';
      this.#failure ??= new Violation(
        'invariant',
        `${machine.name} ended: ${error.code} ${error.message}${stack}`,
      );
    }
    this.#faults.revive(machine);
  }

  #report(): Report {
    const times = new Map<string, number>();
    for (const value of this.#checkers.chosen.values()) times.set(value, (times.get(value) ?? 0) + 1);
    let duplicates = 0;
    for (const count of times.values()) if (count > 1) duplicates++;
    if (duplicates > 0) this.#outcomes.count('value chosen twice');
    return {
      seed: this.#seed,
      plan: this.plan,
      hash: this.#hash.value,
      events: this.#scheduler.executed,
      virtualMs: this.#scheduler.now,
      chosen: this.#checkers.chosen.size,
      duplicates,
      faults: this.#faults.counts,
      outcomes: new Map([...this.#outcomes.counts(), ...this.#wiretap.sent.counts('sent ')]),
    };
  }
}
