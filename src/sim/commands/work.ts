/**
 * CommandWork: operations that clients, and replicas themselves, ask of the state machine; what came of them, and
 * whether that is right.
 *
 * Each of them has some operations under way until it has asked its share. One whose process ends is never answered: it
 * may have happened or not, as nobody can know.
 */
import { PaxosError } from '../../paxos/error.ts';
import type { Random } from '../../transport/transport.ts';
import type { Machine } from '../machine.ts';
import { type Plan, pick } from '../plan.ts';
import type { Scheduler } from '../scheduler.ts';
import { Violation } from '../violation.ts';
import { History } from './history.ts';
import { partOf } from './program.ts';
import type { StoreCommand, StoreResult } from './store-machine.ts';

/** For each value of a raw run so many operations: about half are commands, and several share an instance. */
const OPERATIONS_A_VALUE = 2;
/** All together have no more under way: there are too many orders of many at a time to look at them all. */
const MAX_OUTSTANDING = 12;
/** Whose operations were not answered for so long reads beside them. */
const IMPATIENT_MS = 20;
/** How many operations are given up after a while, of one. */
const GIVEN_UP = 0.02;

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
interface Agent {
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
  /** what it read or wrote last, by key */
  readonly seen: Map<string, string | null>;
}

export class CommandWork {
  readonly history: History;
  readonly #options: CommandWorkOptions;
  readonly #agents: readonly Agent[];
  readonly #outstanding: number;
  /** every value that may be in a register */
  readonly #values = new Set<string>();

  constructor(options: CommandWorkOptions) {
    this.#options = options;
    const { plan, agents, scheduler } = options;
    this.history = new History(() => scheduler.now);
    this.#outstanding = Math.max(1, Math.min(plan.outstanding, Math.floor(MAX_OUTSTANDING / agents.length)));
    const share = Math.ceil((OPERATIONS_A_VALUE * plan.values) / agents.length);
    this.#agents = agents.map((machine) => ({
      machine,
      share,
      asked: 0,
      meanwhile: 0,
      answeredAt: 0,
      isQuiet: false,
      underWay: new Map(),
      seen: new Map(),
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
    this.#follow(agent, number, this.#draw(agent, `${machine.name}-${number}`));
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
    const isOfSum = this.#options.random.next() < 0.3;
    const read = isOfSum ? this.#readSum(agent) : this.#read(agent, this.#drawKey(), 'linearizable');
    this.#follow(agent, -++agent.meanwhile, read);
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
      this.#failed(machine.name, error);
    });
  }

  #drawKey(): string {
    return `k${Math.floor(this.#options.keys * this.#options.random.next())}`;
  }

  #draw(agent: Agent, mark: string): Promise<void> {
    const drawn = this.#options.random.next();
    const key = this.#drawKey();
    if (drawn < 0.2) return this.#put(agent, mark, key);
    if (drawn < 0.4) return this.#swap(agent, mark, key);
    if (drawn < 0.55) return this.#add(agent, mark);
    if (drawn < 0.58) return this.#fail(agent, mark);
    if (drawn < 0.65) return this.#readSum(agent);
    return this.#read(agent, key, drawn < 0.72 ? 'local' : 'linearizable');
  }

  async #put(agent: Agent, mark: string, key: string): Promise<void> {
    this.#values.add(mark);
    const returned = this.history.call(agent.machine.name, { type: 'write', key, value: mark });
    await this.#propose(agent, { type: 'put', mark, key, value: mark });
    agent.seen.set(key, mark);
    returned(null);
  }

  async #swap(agent: Agent, mark: string, key: string): Promise<void> {
    this.#values.add(mark);
    const expected = agent.seen.get(key) ?? null;
    const returned = this.history.call(agent.machine.name, { type: 'swap', key, expected, value: mark });
    const isDone = await this.#propose(agent, { type: 'swap', mark, key, expected, value: mark });
    if (isDone === true) agent.seen.set(key, mark);
    returned(isDone === true);
  }

  async #add(agent: Agent, mark: string): Promise<void> {
    const returned = this.history.callCounter(agent.machine.name, 1);
    returned(Number(await this.#propose(agent, { type: 'add', mark })));
  }

  async #fail(agent: Agent, mark: string): Promise<void> {
    const result = await this.#propose(agent, { type: 'fail', mark }).catch((error: unknown) => error);
    if (!(result instanceof PaxosError) || result.code !== 'COMMAND_FAILED') throw result;
    this.#acknowledge({ type: 'fail', mark });
    this.#options.reached('command failed');
  }

  async #readSum(agent: Agent): Promise<void> {
    const returned = this.history.callCounter(agent.machine.name, 0);
    const sum = await agent.machine.store?.read({ key: undefined }, 'linearizable', this.#giveUp(agent));
    if (typeof sum === 'number') returned(sum);
    else this.#options.reached('read unavailable');
  }

  async #read(agent: Agent, key: string, consistency: 'local' | 'linearizable'): Promise<void> {
    const { name, store } = agent.machine;
    const isJudged = consistency === 'linearizable';
    const returned = isJudged ? this.history.call(name, { type: 'read', key }) : () => undefined;
    const { confirms } = this.#options;
    const before = confirms?.();
    const value = await store?.read({ key }, consistency, this.#giveUp(agent));
    const isLeased = before !== undefined && before === confirms?.();
    if (isJudged && value !== undefined)
      this.#options.reached(isLeased ? 'lease read' : 'read that was confirmed');
    if (value === undefined) {
      this.#options.reached('read unavailable');
      return;
    }
    if (value !== null && !this.#values.has(String(value)))
      throw new Violation('validity', `${name} read "${value}", which nobody wrote`);
    agent.seen.set(key, value === null ? null : String(value));
    returned(value === null ? null : String(value));
    this.#options.reached(isJudged ? 'read answered' : 'local read answered');
  }

  async #propose(agent: Agent, command: StoreCommand): Promise<StoreResult> {
    const { store } = agent.machine;
    if (store === undefined) throw new Violation('invariant', `${agent.machine.name} asks, and is down`);
    this.history.handedIn(command.mark, command.type === 'add');
    this.#options.submitted(partOf(command));
    const result = await store.propose(command, this.#giveUp(agent));
    this.#acknowledge(command);
    return result;
  }

  #acknowledge(command: StoreCommand): void {
    this.history.acknowledged(command.mark);
    this.#options.settled(partOf(command));
  }

  /** Now and then somebody waits no longer. */
  #giveUp({ machine }: Agent): AbortSignal | undefined {
    const { random } = this.#options;
    if (random.next() >= GIVEN_UP) return undefined;
    const controller = new AbortController();
    machine.process?.after(pick(random, [0, 1, 10, 500]), () => controller.abort());
    return controller.signal;
  }

  /** What a client is told when an operation came to nothing that it knows: it stays open in the history. */
  #failed(name: string, error: unknown): void {
    const { reached, complain } = this.#options;
    if (error instanceof Violation) complain(error);
    else if (error instanceof PaxosError && MAY_FAIL.has(error.code)) reached(error.code);
    else complain(new Violation('invariant', `${name} was told ${String(error)}`));
  }
}

const MAY_FAIL: ReadonlySet<string> = new Set(['SESSION_EXPIRED', 'ABORTED', 'CLOSED']);
