/**
 * Workload: the values that clients submit, and which of them have to be delivered in the end.
 *
 * A client keeps some values outstanding until it has submitted its share. One that crashes forgets them: they may be
 * chosen or not, as nobody can know; what it was told is chosen has to be delivered.
 */
import type { Random } from '../transport/transport.ts';
import type { Machine } from './machine.ts';
import type { Plan } from './plan.ts';
import type { Scheduler } from './scheduler.ts';

/** How often one more value is submitted to a cluster that waits for one. */
const NUDGE_EVERY_MS = 1000;

export interface WorkloadOptions {
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly clients: readonly Machine[];
  readonly servers: readonly Machine[];
  /** told of each value before it is handed in */
  readonly submitted: (value: string) => void;
  /** told of each value that its client is told to be chosen */
  readonly settled: (value: string) => void;
}

export class Workload {
  readonly #options: WorkloadOptions;
  readonly #outstanding = new Map<Machine, Set<string>>();
  readonly #mustBeDelivered = new Set<string>();
  readonly #next = new Map<Machine, number>();
  /** what an original proposer was given */
  readonly #withOriginals = new Set<string>();
  #submitted = 0;
  #nudges = 0;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    for (const client of options.clients) {
      this.#outstanding.set(client, new Set());
      this.#next.set(client, 0);
    }
  }

  begin(): void {
    const { plan, clients } = this.#options;
    for (const client of clients) this.#work(client, Math.ceil(plan.values / plan.clients));
  }

  /** A client crashed: what was outstanding is nobody's any more. */
  forget(client: Machine): void {
    const outstanding = this.#outstanding.get(client);
    for (const value of outstanding ?? []) this.#mustBeDelivered.delete(value);
    outstanding?.clear();
  }

  /** True when every client is up, has submitted its share and was told that all of it is chosen. */
  get isAnswered(): boolean {
    for (const [client, outstanding] of this.#outstanding)
      if (!client.isUp || outstanding.size > 0) return false;
    return this.#submitted >= this.#options.plan.values;
  }

  /** An original proposer was given a value: it may keep it for ever, and tells nobody. */
  givenToOriginal(value: string): void {
    this.#withOriginals.add(value);
  }

  /** True when every client is up, and nothing is missing but what an original proposer was given. */
  isAnsweredByOurs(chosen: Iterable<string>): boolean {
    for (const [client, outstanding] of this.#outstanding) {
      if (!client.isUp) return false;
      for (const value of outstanding) if (!this.#withOriginals.has(value)) return false;
    }
    return this.missing(chosen).every((value) => this.#withOriginals.has(value));
  }

  /** What has to be delivered and is not among what was chosen. */
  missing(chosen: Iterable<string>): string[] {
    const delivered = new Set(chosen);
    return [...this.#mustBeDelivered].filter((value) => !delivered.has(value));
  }

  /**
   * Submits one more value now and then from now on. Among originals there are no no-ops: an instance that nobody proposed
   * anything for stays open until a value comes, and holds back what was chosen above it. An original proposer that was passed by prepares
   * nothing until it hears something, and keeps the values that it was given: it gets one more, too.
   */
  nudge(): void {
    const { clients, servers, submitted } = this.#options;
    const [client] = clients;
    if (client !== undefined) this.#submit(client);
    for (const server of servers) {
      const value = `${server.name}-${this.#nudges++}`;
      submitted(value);
      const bytes = Buffer.from(value, 'latin1');
      server.proposeAtOriginal(bytes);
      // The client may have given its own to an original, which keeps it.
      const { values } = server.node ?? {};
      if (server.node?.proposer !== undefined && values?.isFull === false) values.submit(bytes);
    }
    this.#options.scheduler.after(NUDGE_EVERY_MS, () => this.nudge());
  }

  #work(client: Machine, share: number): void {
    const { plan, scheduler, random } = this.#options;
    const isDone = () => (this.#next.get(client) ?? 0) >= share;
    const submit = () => {
      const outstanding = this.#outstanding.get(client);
      while (!isDone() && outstanding !== undefined && outstanding.size < plan.outstanding)
        if (!this.#submit(client)) break;
      if (!isDone()) scheduler.after(plan.faultsMs * 0.01 * random.next(), submit);
    };
    scheduler.after(250, submit);
  }

  #submit(client: Machine): boolean {
    const router = client.isUp ? client.node?.values : undefined;
    const outstanding = this.#outstanding.get(client);
    if (router === undefined || outstanding === undefined) return false;
    const number = this.#next.get(client) ?? 0;
    this.#next.set(client, number + 1);
    this.#submitted++;
    const padding = '.'.repeat(Math.floor(200 * this.#options.random.next() ** 4));
    const value = `${client.name}-${number}${padding}`;
    outstanding.add(value);
    this.#mustBeDelivered.add(value);
    this.#options.submitted(value);
    router.submit(Buffer.from(value, 'latin1'), () => {
      outstanding.delete(value);
      this.#options.settled(value);
    });
    return true;
  }
}
