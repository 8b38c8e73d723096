/**
 * CommandsTraffic: who asks the state machine for operations, and how fast: clients in this process, each with its own
 * way through the proxies, and the replicas themselves. All are asked of the simulator's own store and written into its
 * history, so many at a time and so many a second.
 *
 *   start → operations flow → stop: no more are asked → everything is answered → close
 */
import type { Config } from '../../../src/config/index.ts';
import { PaxosError } from '../../../src/paxos/error.ts';
import { History } from '../../../src/sim/commands/history.ts';
import { type Asker, EVERYTHING, Operations, type Shares } from '../../../src/sim/commands/operations.ts';
import type {
  StoreAnswer,
  StoreCommand,
  StoreQuery,
  StoreResult,
} from '../../../src/sim/commands/store-machine.ts';
import { Violation } from '../../../src/sim/violation.ts';
import { MachineClient } from '../../../src/statemachine/index.ts';
import { randomInt, SeededRandom } from '../../../src/transport/random.ts';
import type { Member } from '../member.ts';
import { type CommandsPlan, clientsOf, type Plan } from '../plan.ts';
import type { Pause } from '../traffic.ts';
import type { ReplicaPort } from './replica-port.ts';

const TICK_MS = 10;
const SECOND_MS = 1000;
/** Registers are left for new ones after so long: what was never answered makes the history of each dearer to judge. */
const KEYS_FOR_MS = 5000;
/** A history that takes more steps is not judged, and that is told. */
const MAX_STEPS = 50_000_000;
/** How an operation may end of which nothing more is known. */
const MAY_FAIL: ReadonlySet<string> = new Set(['SESSION_EXPIRED', 'ABORTED', 'CLOSED']);
/** Of a counter: additions, and reads of it. */
const COUNTING: Shares = { put: 0, swap: 0, add: 0.9, fail: 0, sum: 0.1, local: 0 };

/** Who asks: a client, which lives as long as the run, or a replica in one of its lives. */
interface Agent extends Asker {
  readonly most: number;
  readonly life: () => number | undefined;
  asked: number;
  /** by number of its operations that are under way, in which life they were asked */
  readonly underWay: Map<number, number>;
}

export interface CommandsTrafficOptions {
  readonly plan: Plan;
  readonly commands: CommandsPlan;
  /** the nodes' addresses as a process of this name has to use them */
  readonly config: (name: string) => Config;
  readonly replicas: readonly { readonly member: Member; readonly port: ReplicaPort }[];
  readonly violated: (violation: Violation) => void;
}

export class CommandsTraffic {
  readonly history = new History(() => performance.now(), MAX_STEPS);
  /** how often what came up */
  readonly outcomes = new Map<string, number>();
  readonly #options: CommandsTrafficOptions;
  readonly #random: SeededRandom;
  readonly #operations: Operations;
  readonly #agents: Agent[] = [];
  readonly #clients: MachineClient<StoreCommand, StoreResult, StoreQuery, StoreAnswer>[] = [];
  #timer: NodeJS.Timeout | undefined;
  #allowance = 0;
  #answers = 0;
  #settledAt = performance.now();
  #watchedFrom = performance.now();
  #longestPause: Pause = { fromMs: 0, ms: 0 };

  constructor(options: CommandsTrafficOptions) {
    this.#options = options;
    const { plan, commands } = options;
    this.#random = new SeededRandom(plan.seed);
    this.#operations = new Operations({
      history: this.history,
      random: this.#random,
      shares: commands.work === 'counter' ? COUNTING : EVERYTHING,
      drawKey: () => {
        const era = Math.floor(performance.now() / KEYS_FOR_MS);
        return `k${era}-${randomInt(this.#random, 1, commands.keys)}`;
      },
      givenUp: commands.givenUp,
      submitted: () => undefined,
      settled: () => this.#settled(),
      reached: (what) => this.outcomes.set(what, (this.outcomes.get(what) ?? 0) + 1),
      confirms: undefined,
    });
  }

  /** How many operations had an answer. */
  get answers(): number {
    return this.#answers;
  }

  /** How many operations are under way of whom is still there. */
  get outstanding(): number {
    return this.#agents.reduce((sum, agent) => sum + underWayOf(agent), 0);
  }

  /** Who waits for how much, for people. */
  get waiting(): string {
    return this.#agents
      .filter((agent) => underWayOf(agent) > 0)
      .map((agent) => `${agent.name} waits for ${underWayOf(agent)} answers`)
      .join(', ');
  }

  async start(): Promise<void> {
    const { plan, commands, config, replicas } = this.#options;
    for (const name of clientsOf(plan)) {
      const { sessionTimeoutMs } = commands;
      const client = await MachineClient.connect<StoreCommand, StoreResult, StoreQuery, StoreAnswer>({
        config: config(name),
        sessionTimeoutMs,
      });
      this.#clients.push(client);
      const port = {
        propose: (command: StoreCommand, signal?: AbortSignal) =>
          client.propose(command, signal === undefined ? {} : { signal }),
        read: (query: StoreQuery, consistency: 'linearizable' | 'local', signal?: AbortSignal) =>
          client.read(query, signal === undefined ? { consistency } : { consistency, signal }),
      };
      this.#agents.push(agentOf(name, port, plan.outstanding, () => 1));
    }
    for (const { member, port } of replicas) {
      const life = () => (member.isUp ? member.life : undefined);
      if (commands.replicasOutstanding > 0)
        this.#agents.push(agentOf(member.name, port, commands.replicasOutstanding, life));
    }
    this.#timer = setInterval(() => this.#fill(), TICK_MS);
  }

  /** Asks for no more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  /** Looks for the longest time without an answer to a command from now on. */
  watchForPause(): void {
    this.#watchedFrom = performance.now();
    this.#settledAt = this.#watchedFrom;
    this.#longestPause = { fromMs: 0, ms: 0 };
  }

  /** The longest time in which no command had its result; the one that still lasts counts. */
  get longestPause(): Pause {
    const ms = performance.now() - this.#settledAt;
    if (ms <= this.#longestPause.ms) return this.#longestPause;
    return { fromMs: this.#settledAt - this.#watchedFrom, ms };
  }

  async close(): Promise<void> {
    this.stop();
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  #settled(): void {
    this.#longestPause = this.longestPause;
    this.#settledAt = performance.now();
  }

  /** As many operations as may be under way, and as the pace allows. */
  #fill(): void {
    const perTick = (this.#options.plan.valuesPerSecond * TICK_MS) / SECOND_MS;
    // What could not be asked for a while is not made up for at once.
    this.#allowance = Math.min(this.#allowance + perTick, Math.max(1, 10 * perTick));
    const ready = this.#agents.filter(mayAsk);
    while (this.#allowance >= 1 && ready.length > 0) {
      const at = Math.floor(this.#random.next() * ready.length);
      const agent = ready[at];
      if (agent === undefined) return;
      this.#ask(agent);
      if (!mayAsk(agent)) ready.splice(at, 1);
      this.#allowance--;
    }
  }

  #ask(agent: Agent): void {
    const number = agent.asked++;
    agent.underWay.set(number, agent.life() ?? 0);
    const isOver = () => {
      agent.underWay.delete(number);
    };
    this.#operations.ask(agent, `${agent.name}-${number}`).then(
      () => {
        isOver();
        this.#answers++;
      },
      (error: unknown) => {
        isOver();
        this.#failed(agent.name, error);
      },
    );
  }

  /** What somebody is told when an operation came to nothing that it knows: it stays open in the history. */
  #failed(name: string, error: unknown): void {
    const { violated } = this.#options;
    if (error instanceof Violation) violated(error);
    else if (error instanceof PaxosError && MAY_FAIL.has(error.code))
      this.outcomes.set(error.code, (this.outcomes.get(error.code) ?? 0) + 1);
    else violated(new Violation('invariant', `${name} was told ${String(error)}`));
  }
}

function agentOf(name: string, port: Asker['port'], most: number, life: () => number | undefined): Agent {
  const after = (ms: number, call: () => void) => setTimeout(call, ms);
  return { name, port, most, life, asked: 0, underWay: new Map(), seen: new Map(), after };
}

function mayAsk(agent: Agent): boolean {
  return agent.life() !== undefined && underWayOf(agent) < agent.most;
}

/** What a process was asked that is no more, nobody waits for. */
function underWayOf({ life, underWay }: Agent): number {
  const now = life();
  for (const [number, asked] of underWay) if (asked !== now) underWay.delete(number);
  return underWay.size;
}
