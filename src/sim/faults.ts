/**
 * Faults: does to a running cluster what the world does, as often as the plan says, and undoes it all at the end.
 */
import { randomInt } from '../transport/random.ts';
import type { Random } from '../transport/transport.ts';
import type { Machine } from './machine.ts';
import type { SimNetwork } from './network.ts';
import { type FaultKind, type Plan, pick } from './plan.ts';
import type { Scheduler } from './scheduler.ts';

export interface FaultsOptions {
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly network: SimNetwork;
  /** those that may be killed and paused; clients are not among them */
  readonly servers: readonly Machine[];
  readonly all: readonly Machine[];
  readonly start: (machine: Machine) => void;
}

/** How often whole messages are lost, doubled and swapped now, 0 to 1. */
export interface MessageFaults {
  loss: number;
  duplication: number;
  reordering: number;
}

export class Faults {
  readonly counts = new Map<FaultKind, number>();
  readonly messages: MessageFaults = { loss: 0, duplication: 0, reordering: 0 };
  readonly #options: FaultsOptions;
  #active = false;

  constructor(options: FaultsOptions) {
    this.#options = options;
  }

  begin(): void {
    this.#active = true;
    const { plan } = this.#options;
    for (const kind of plan.faults)
      if (kind === 'loss' || kind === 'duplication' || kind === 'reordering') this.#count(kind);
    if (plan.faults.includes('loss')) this.messages.loss = 0.02;
    if (plan.faults.includes('duplication')) this.messages.duplication = 0.02;
    if (plan.faults.includes('reordering')) this.messages.reordering = 0.05;
    if (plan.faults.includes('drift')) this.#count('drift');
    this.#next();
  }

  /** The world is kind from now on: everything is up, whole and connected. */
  end(): void {
    this.#active = false;
    const { network, servers, start } = this.#options;
    Object.assign(this.messages, { loss: 0, duplication: 0, reordering: 0 });
    network.healAll();
    Object.assign(network.weather, { delayMs: 0.5, tail: 0 });
    for (const machine of servers) {
      const faults = machine.options.disk?.faults;
      if (faults !== undefined)
        Object.assign(faults, { syncMs: 0.3, failNextSync: false, full: false, corruption: 0 });
      if (!machine.isUp) start(machine);
    }
  }

  #count(kind: FaultKind): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  #next(): void {
    const { scheduler, random, plan } = this.#options;
    scheduler.after(plan.betweenFaultsMs * 2 * random.next(), () => {
      if (!this.#active) return;
      const [first = 'crash', ...others] = plan.faults;
      this.#strike(pick(random, [first, ...others]));
      this.#next();
    });
  }

  #strike(kind: FaultKind): void {
    const { random, network, servers, scheduler } = this.#options;
    const machine = servers[randomInt(random, 0, servers.length - 1)];
    if (machine === undefined) return;
    const faults = machine.options.disk?.faults;
    switch (kind) {
      case 'crash':
        this.#crash(machine);
        break;
      case 'pause':
        machine.process?.pause(randomInt(random, 10, 2500));
        break;
      case 'partition':
        this.#partition(true);
        break;
      case 'one-way':
        this.#partition(false);
        break;
      case 'cut':
        this.#cut(machine);
        break;
      case 'delay':
        network.weather.delayMs = pick(random, [0.1, 0.5, 2, 20, 60]);
        network.weather.tail = pick(random, [0, 0.01, 0.05]);
        break;
      case 'slow-disk':
        if (faults !== undefined) faults.syncMs = pick(random, [0.1, 1, 10, 100, 400]);
        break;
      case 'failed-sync':
        if (faults === undefined) return;
        faults.failNextSync = true;
        break;
      case 'full-disk':
        if (faults === undefined) return;
        faults.full = true;
        scheduler.after(randomInt(random, 100, 1500), () => {
          faults.full = false;
        });
        break;
      case 'flipped-bit':
        if (faults === undefined) return;
        faults.corruption = 0.05;
        scheduler.after(randomInt(random, 10, 300), () => {
          faults.corruption = 0;
        });
        break;
      default:
        // Lost, doubled and swapped messages and drifting clocks are there all the time.
        return;
    }
    this.#count(kind);
  }

  #crash(machine: Machine): void {
    const { random, scheduler, start } = this.#options;
    if (!machine.isUp) return;
    machine.crash();
    scheduler.after(randomInt(random, 5, 2000), () => {
      if (!machine.isUp) start(machine);
    });
  }

  /** A machine ended by itself: somebody starts it again after a while. */
  revive(machine: Machine): void {
    const { random, scheduler, start } = this.#options;
    scheduler.after(randomInt(random, 50, 1000), () => {
      if (!machine.isUp) start(machine);
    });
  }

  #partition(bothWays: boolean): void {
    const { random, all, network, scheduler } = this.#options;
    const inside = new Set(all.filter(() => random.next() < 0.4));
    const blocked: [string, string][] = [];
    for (const one of inside) {
      for (const other of all) {
        if (inside.has(other)) continue;
        blocked.push([one.name, other.name]);
        if (bothWays) blocked.push([other.name, one.name]);
      }
    }
    for (const [from, to] of blocked) network.setBlocked(from, to, true);
    scheduler.after(randomInt(random, 20, 2500), () => {
      for (const [from, to] of blocked) network.setBlocked(from, to, false);
    });
  }

  #cut(machine: Machine): void {
    const { random, all, network } = this.#options;
    const other = all[randomInt(random, 0, all.length - 1)];
    if (other === undefined) return;
    network.cut(machine.name, other.name);
    network.cut(other.name, machine.name);
  }
}
