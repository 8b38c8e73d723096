/**
 * CommandWork: when clients, and replicas themselves, ask something of the state machine, and who waits for what.
 *
 * Each of them has some operations under way until it has asked its share. One whose process ends is never answered: it
 * may have happened or not, as nobody can know.
 */
import { PaxosError } from '../../paxos/error.ts';
import type { Random } from '../../transport/transport.ts';
import type { Machine } from '../machine.ts';
import type { Plan } from '../plan.ts';
import type { Scheduler } from '../scheduler.ts';
import { Violation } from '../violation.ts';
import { History } from './history.ts';
import { type Asker, EVERYTHING, Operations } from './operations.ts';

/** For each value of a raw run so many operations: about half are commands, and several share an instance. */
const OPERATIONS_A_VALUE = 2;
/** All together have no more under way: there are too many orders of many at a time to look at them all. */
const MAX_OUTSTANDING = 12;
/** Whose operations were not answered for so long reads beside them. */
const IMPATIENT_MS = 20;
/** How many operations are given up after a while, of one. */
const GIVEN_UP = 0.02;
/** Sessions that live for longer than all faults do not expire. */
const MAX_EXPIRING_MS = 10_000;
/** A process that ends tells those that wait just before. */
const ENDS_WITHIN_MS = 1;

export interface CommandWorkOptions {
  readonly plan: Plan;
  readonly keys: number;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** who asks */
  readonly agents: readonly Machine[];
  /** told of each command before it is handed in, as it will stand in the log */
  readonly submitted: (part: string) => void;
  /** told of each command that has a result */
  readonly settled: (part: string) => void;
  readonly reached: (what: string) => void;
  /** how many messages were sent to confirm a leader; undefined: there are no leases */
  readonly confirms: (() => number) | undefined;
  readonly complain: (violation: Violation) => void;
}

/** What one of the agents is at. */
interface Agent extends Omit<Asker, 'port'> {
  readonly machine: Machine;
  readonly share: number;
  asked: number;
  /** how many reads it asked beside those */
  meanwhile: number;
  /** when something was answered last */
  answeredAt: number;
  /** true: it only reads now */
  isQuiet: boolean;
  /** by number of its operations that are under way, in which life of its process they were asked */
  readonly underWay: Map<number, number>;
}

export class CommandWork {
  readonly history: History;
  readonly #options: CommandWorkOptions;
  readonly #operations: Operations;
  readonly #agents: readonly Agent[];
  readonly #outstanding: number;

  constructor(options: CommandWorkOptions) {
    this.#options = options;
    const { plan, keys, agents, scheduler, random } = options;
    this.history = new History(() => scheduler.now);
    this.#operations = new Operations({
      ...options,
      history: this.history,
      shares: EVERYTHING,
      drawKey: () => `k${Math.floor(keys * random.next())}`,
      givenUp: GIVEN_UP,
    });
    this.#outstanding = Math.max(1, Math.min(plan.outstanding, Math.floor(MAX_OUTSTANDING / agents.length)));
    const share = Math.ceil((OPERATIONS_A_VALUE * plan.values) / agents.length);
    this.#agents = agents.map((machine) => ({
      machine,
      name: machine.name,
      share,
      asked: 0,
      meanwhile: 0,
      answeredAt: 0,
      isQuiet: false,
      underWay: new Map(),
      seen: new Map(),
      after: (ms, call) => machine.process?.after(ms, call),
    }));
  }

  begin(): void {
    for (const agent of this.#agents) this.#work(agent);
  }

  /** True when everybody is up, has asked his share, and waits for nothing. */
  get isAnswered(): boolean {
    const isDone = (agent: Agent) => agent.asked >= agent.share && this.#underWay(agent) === 0;
    return this.#agents.every((agent) => agent.machine.isUp && isDone(agent));
  }

  /** Who waits for how much, for people. */
  get waiting(): string {
    return this.#agents
      .map((agent) => `${agent.machine.name} asked ${agent.asked}, waits for ${this.#underWay(agent)}`)
      .join('; ');
  }

  /** What a process asked that is no more, nobody waits for. */
  #underWay({ machine, underWay }: Agent): number {
    for (const [number, life] of underWay) if (life !== machine.starts) underWay.delete(number);
    return underWay.size;
  }

  /** Asks now and then, so that there is something under way as long as there are faults. */
  #work(agent: Agent): void {
    const { plan, scheduler, random } = this.#options;
    const ask = () => {
      const due = Math.ceil((agent.share * scheduler.now) / (0.9 * plan.faultsMs)) + this.#outstanding;
      const isDue = () => !agent.isQuiet && agent.asked < Math.min(agent.share, due);
      while (isDue() && this.#underWay(agent) < this.#outstanding) if (!this.#ask(agent)) break;
      if (agent.isQuiet || this.#isImpatient(agent)) this.#readMeanwhile(agent);
      if (agent.asked < agent.share) scheduler.after(plan.faultsMs * 0.005 * random.next(), ask);
    };
    scheduler.after(250, ask);
  }

  #ask(agent: Agent): boolean {
    const { machine } = agent;
    if (!machine.isUp || machine.store === undefined) return false;
    const number = agent.asked++;
    const asked = this.#operations.ask({ ...agent, port: machine.store }, `${machine.name}-${number}`);
    this.#follow(agent, number, asked);
    return true;
  }

  /** Agents on these machines only read, or do as ever: what a leader was given and cannot get chosen holds up reads. */
  quieten(machines: ReadonlySet<Machine>, isQuiet: boolean): void {
    for (const agent of this.#agents) if (machines.has(agent.machine)) agent.isQuiet = isQuiet;
  }

  /** Whose commands have no answers goes on reading: they may wait for a leader that another has taken the place of. */
  #isImpatient(agent: Agent): boolean {
    const waitedMs = this.#options.scheduler.now - agent.answeredAt;
    return waitedMs >= IMPATIENT_MS && this.#underWay(agent) === this.#outstanding;
  }

  #readMeanwhile(agent: Agent): void {
    const { machine } = agent;
    if (!machine.isUp || machine.store === undefined || this.#underWay(agent) > this.#outstanding) return;
    this.#follow(agent, -++agent.meanwhile, this.#operations.read({ ...agent, port: machine.store }));
  }

  /** @param number tells it from all else that the agent has under way */
  #follow(agent: Agent, number: number, asked: Promise<void>): void {
    const { machine } = agent;
    const life = machine.starts;
    agent.underWay.set(number, life);
    const isOver = () => {
      if (agent.underWay.get(number) !== life) return;
      agent.underWay.delete(number);
      // What is only read says nothing of commands.
      if (number >= 0) agent.answeredAt = this.#options.scheduler.now;
    };
    asked.then(isOver, (error: unknown) => {
      isOver();
      this.#failed(machine, life, error);
    });
  }

  /** What a client is told when an operation came to nothing that it knows: it stays open in the history. */
  #failed(machine: Machine, life: number, error: unknown): void {
    const { reached, complain, scheduler } = this.#options;
    const accuse = () => complain(new Violation('invariant', `${machine.name} was told ${String(error)}`));
    if (error instanceof Violation) complain(error);
    else if (!(error instanceof PaxosError) || !this.#mayFail(error)) accuse();
    else {
      reached(error.code);
      if (error.code !== 'CLOSED') return;
      // Only by the end of its process.
      scheduler.after(ENDS_WITHIN_MS, () => {
        if (machine.isUp && machine.starts === life) accuse();
      });
    }
  }

  #mayFail({ code }: PaxosError): boolean {
    if (code !== 'SESSION_EXPIRED') return code === 'ABORTED' || code === 'CLOSED';
    return (this.#options.plan.commands?.sessionTimeoutMs ?? 0) < MAX_EXPIRING_MS;
  }
}
