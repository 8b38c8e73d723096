/**
 * Traffic: the clients of a run, in this process, each with its own way through the proxies. They submit values that
 * are told apart, so many at a time and so many a second; and a watcher that only learns, on a network without faults.
 *
 *   start → values flow → stop: no more are submitted → everything is answered → close
 */
import { type Config, makeConfig, type Options } from '../../src/config/index.ts';
import { Client, LearnerNode, type NodeHandle } from '../../src/evpaxos/index.ts';
import { PaxosError } from '../../src/paxos/error.ts';
import { SeededRandom } from '../../src/transport/random.ts';
import type { Judge } from './judge.ts';
import { clientsOf, type Plan, WATCHER } from './plan.ts';

const TICK_MS = 10;
const SECOND_MS = 1000;
/** Most values are short; one in so many is long enough to come in several pieces. */
const LONG_EVERY = 200;
const LONG_BYTES = 20_000;
const PADDING_BYTES = 300;

/** A time without values, since it was watched for. */
export interface Pause {
  readonly fromMs: number;
  readonly ms: number;
}

interface Submitter {
  readonly name: string;
  readonly client: Client;
  outstanding: number;
  next: number;
}

export interface TrafficOptions {
  readonly plan: Plan;
  readonly judge: Judge;
  /** the nodes' addresses as a process of this name has to use them */
  readonly config: (name: string) => Config;
  /** a node of ours in this process ended by itself */
  readonly failed: (reason: string) => void;
}

export class Traffic {
  readonly #options: TrafficOptions;
  readonly #random: SeededRandom;
  readonly #nodes: NodeHandle[] = [];
  readonly #submitters: Submitter[] = [];
  /** by learner: the highest instance that it delivered */
  readonly delivered = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #allowance = 0;
  #deliveredAt = performance.now();
  #watchedFrom = performance.now();
  #longestPause: Pause = { fromMs: 0, ms: 0 };
  #isClosed = false;
  submitted = 0;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.plan.seed);
  }

  /** The names of the clients. */
  get clients(): readonly string[] {
    return clientsOf(this.#options.plan);
  }

  async start(): Promise<void> {
    const { plan } = this.#options;
    this.#keep(WATCHER, await LearnerNode.start({ ...this.#learning(WATCHER), catchUp: true }));
    for (const [i, name] of this.clients.entries()) {
      const proposerId = i % plan.proposers;
      const client = await Client.start({ ...this.#learning(name), catchUp: true, proposerId });
      this.#keep(name, client);
      this.#submitters.push({ name, client, outstanding: 0, next: 0 });
    }
    this.#timer = setInterval(() => this.#fill(), TICK_MS);
  }

  /** Submits no more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  /** Submits one more: an instance for which nobody proposed anything stays open until a value comes. */
  nudge(): void {
    const [first] = this.#submitters;
    if (first !== undefined) this.#submit(first);
  }

  /** Looks for the longest time without values from now on. */
  watchForPause(): void {
    this.#watchedFrom = performance.now();
    this.#deliveredAt = this.#watchedFrom;
    this.#longestPause = { fromMs: 0, ms: 0 };
  }

  /** The longest time in which the watcher learned nothing; the one that still lasts counts. */
  get longestPause(): Pause {
    const ms = performance.now() - this.#deliveredAt;
    if (ms <= this.#longestPause.ms) return this.#longestPause;
    return { fromMs: this.#deliveredAt - this.#watchedFrom, ms };
  }

  async close(): Promise<void> {
    this.stop();
    this.#isClosed = true;
    await Promise.all(this.#nodes.map((node) => node.close()));
  }

  #learning(name: string) {
    this.delivered.set(name, 0);
    const deliver = ({ instanceId, value }: { readonly instanceId: number; readonly value: Uint8Array }) => {
      this.delivered.set(name, instanceId);
      if (name === WATCHER) this.#saw();
      this.#options.judge.delivered(name, instanceId, value);
    };
    return { config: this.#options.config(name), deliver };
  }

  #saw(): void {
    this.#longestPause = this.longestPause;
    this.#deliveredAt = performance.now();
  }

  #keep(name: string, node: NodeHandle): void {
    this.#nodes.push(node);
    node.closed.catch((error: unknown) => {
      if (!this.#isClosed) this.#options.failed(`${name} ended by itself: ${String(error)}`);
    });
  }

  /** As many values as its clients may have outstanding, and as the pace allows. */
  #fill(): void {
    const { outstanding, valuesPerSecond } = this.#options.plan;
    const perTick = (valuesPerSecond * TICK_MS) / SECOND_MS;
    // What could not be submitted for a while is not made up for at once.
    this.#allowance = Math.min(this.#allowance + perTick, Math.max(1, 10 * perTick));
    const ready = this.#submitters.filter((one) => one.outstanding < outstanding);
    while (this.#allowance >= 1 && ready.length > 0) {
      const at = Math.floor(this.#random.next() * ready.length);
      const submitter = ready[at];
      if (submitter === undefined) return;
      if (!this.#submit(submitter) || submitter.outstanding >= outstanding) ready.splice(at, 1);
      this.#allowance--;
    }
  }

  #submit(submitter: Submitter): boolean {
    const { judge } = this.#options;
    const isLong = this.#random.next() < 1 / LONG_EVERY;
    const padding = '.'.repeat(Math.floor((isLong ? LONG_BYTES : PADDING_BYTES) * this.#random.next() ** 3));
    const value = `${submitter.name}-${submitter.next}${padding}`;
    try {
      submitter.client.offer(Buffer.from(value, 'latin1'), () => {
        submitter.outstanding--;
        judge.answered(value);
      });
    } catch (error) {
      if (error instanceof PaxosError && error.code === 'QUEUE_FULL') return false;
      throw error;
    }
    judge.submitted(value);
    submitter.next++;
    submitter.outstanding++;
    this.submitted++;
    return true;
  }
}

/** The cluster's config with these addresses. */
export function configOf(
  plan: Plan,
  addressOf: (name: string) => { host: string; port: number },
  lmdbEnvPath: string,
): Config {
  const list = (letter: string, count: number) =>
    Array.from({ length: count }, (_, id) => addressOf(`${letter}${id}`));
  const nodes = plan.replicas
    ? { replicas: list('r', plan.acceptors) }
    : { acceptors: list('a', plan.acceptors), proposers: list('p', plan.proposers) };
  const { commands } = plan;
  const ofCommands: Partial<Options> =
    commands === undefined
      ? {}
      : {
          valueFormat: 'commands',
          snapshotLogBytes: commands.snapshotLogBytes,
          snapshotIntervalS: commands.snapshotIntervalS,
          readLeaseMs: commands.readLeaseMs,
        };
  return makeConfig(nodes, {
    ...ofCommands,
    storageBackend: 'lmdb',
    lmdbSync: true,
    lmdbEnvPath,
    proposerPreexecWindow: plan.preexecWindow,
    maxPeerBacklogBytes: plan.backlogBytes,
  });
}
