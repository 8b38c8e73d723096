/**
 * Faults: does to a running cluster what the world does, as often as the plan says, and undoes it all at the end.
 */
import { randomInt } from '../transport/random.ts';
import type { Random } from '../transport/transport.ts';
import type { DiskFaults } from './disk.ts';
import type { Machine } from './machine.ts';
import type { SimNetwork } from './network.ts';
import { type FaultKind, isMixed, MAX_DRIFT, MIN_DRIFT, type Plan, pick, shuffled } from './plan.ts';
import type { Scheduler } from './scheduler.ts';

export interface FaultsOptions {
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly network: SimNetwork;
  /** those that may be killed and paused */
  readonly servers: readonly Machine[];
  readonly clients: readonly Machine[];
  readonly start: (machine: Machine) => void;
  /** a client is gone, and what it had outstanding with it */
  readonly clientCrashed: (client: Machine) => void;
  /** whoever asks on these machines only reads, or does as ever */
  readonly quieten: (machines: ReadonlySet<Machine>, isQuiet: boolean) => void;
  /** something worth counting was reached */
  readonly reached: (what: string) => void;
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
  readonly #all: readonly Machine[];
  #active = false;
  #isLeaderIsolated = false;

  constructor(options: FaultsOptions) {
    this.#options = options;
    this.#all = [...options.servers, ...options.clients];
  }

  begin(): void {
    this.#active = true;
    const { plan, random } = this.#options;
    for (const kind of plan.faults)
      if (kind === 'loss' || kind === 'duplication' || kind === 'reordering') this.#count(kind);
    if (plan.faults.includes('loss')) this.messages.loss = pick(random, [0.02, 0.05, 0.3]);
    if (plan.faults.includes('duplication')) this.messages.duplication = pick(random, [0.02, 0.3]);
    if (plan.faults.includes('reordering')) this.messages.reordering = pick(random, [0.05, 0.3]);
    if (plan.faults.includes('drift')) this.#count('drift');
    this.#next();
  }

  /** The world is kind from now on: everything is up, whole and connected. */
  end(): void {
    this.#active = false;
    const { network, start } = this.#options;
    Object.assign(this.messages, { loss: 0, duplication: 0, reordering: 0 });
    network.healAll();
    Object.assign(network.weather, { delayMs: 0.5, tail: 0 });
    for (const machine of this.#all) {
      machine.setTaking(true);
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
      const isIsolated = plan.faults.includes('isolated-leader') && random.next() < 0.25;
      this.#strike(isIsolated ? 'isolated-leader' : pick(random, [first, ...others]));
      this.#next();
    });
  }

  #strike(kind: FaultKind): void {
    const { random, network, scheduler, plan } = this.#options;
    const machine = this.#victim();
    if (machine === undefined) return;
    const faults = machine.mayRestart ? machine.options.disk?.faults : undefined;
    switch (kind) {
      case 'crash':
        if (!this.#crash(machine)) return;
        break;
      case 'pause':
        // Over when the calm begins, which is timed.
        machine.process?.pause(Math.min(randomInt(random, 10, 2500), plan.faultsMs - scheduler.now));
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
      case 'clog':
        this.#clog(machine);
        break;
      case 'slow-consumer':
        this.#slowDown();
        break;
      case 'client-crash':
        this.#crashClient();
        break;
      case 'power-cut':
        if (!this.#cutPower()) return;
        break;
      case 'lost-storage':
        if (!this.#loseStorage(machine)) return;
        break;
      case 'isolated-leader':
        if (!this.#isolateLeader()) return;
        break;
      case 'slow-disk':
      case 'failed-sync':
      case 'full-disk':
      case 'flipped-bit':
        if (faults === undefined) return;
        this.#spoilDisk(kind, faults);
        break;
      default:
        // Lost, doubled and swapped messages and drifting clocks are there all the time.
        return;
    }
    this.#count(kind);
  }

  /** Every other time whoever leads: it takes two leaders for two values to meet in one instance. */
  #victim(): Machine | undefined {
    const { random, servers } = this.#options;
    const leader = random.next() < 0.5 ? this.#leader() : undefined;
    return leader ?? servers[randomInt(random, 0, servers.length - 1)];
  }

  #leader(): Machine | undefined {
    return this.#options.servers.find(({ isUp, node }) => isUp && node?.proposer?.isLeading === true);
  }

  #spoilDisk(kind: 'slow-disk' | 'failed-sync' | 'full-disk' | 'flipped-bit', faults: DiskFaults): void {
    const { random, scheduler } = this.#options;
    if (kind === 'slow-disk') faults.syncMs = pick(random, [0.1, 1, 10, 100, 400]);
    else if (kind === 'failed-sync') faults.failNextSync = true;
    else if (kind === 'full-disk') {
      faults.full = true;
      scheduler.after(randomInt(random, 100, 1500), () => {
        faults.full = false;
      });
    } else {
      faults.corruption = 0.05;
      scheduler.after(randomInt(random, 10, 300), () => {
        faults.corruption = 0;
      });
    }
  }

  /** @param mostMs it is started again within this */
  #crash(machine: Machine, mostMs = 2000): boolean {
    const { random, reached } = this.#options;
    const { disk } = machine.options;
    if (!machine.isUp || !machine.mayRestart) return false;
    if (disk?.isWriting === true) reached('crash while a commit is under way');
    if (machine.options.snapshots?.isWriting === true) reached('crash while a snapshot is written');
    machine.crash();
    this.#startAfter(machine, randomInt(random, 5, mostMs));
    return true;
  }

  #startAfter(machine: Machine, delayMs: number): void {
    const { scheduler, start } = this.#options;
    scheduler.after(delayMs, () => {
      if (!machine.isUp) start(machine);
    });
  }

  #crashClient(): void {
    const { random, clients, clientCrashed } = this.#options;
    const client = clients[randomInt(random, 0, clients.length - 1)];
    if (client === undefined || !client.isUp) return;
    client.crash();
    clientCrashed(client);
    this.#startAfter(client, randomInt(random, 5, 1000));
  }

  /** Every server at once; what was not synced is lost, or some of it. */
  #cutPower(): boolean {
    const { plan, servers } = this.#options;
    if (plan.storage === 'memory') return false;
    for (const machine of servers) {
      this.#crash(machine);
      machine.options.disk?.losePower();
    }
    return true;
  }

  /**
   * An acceptor's disk is exchanged for an empty one. Of few enough to leave a quorum, and when the others know it: one
   * that nobody knew cannot be recognised.
   */
  #loseStorage(machine: Machine): boolean {
    const { plan, servers } = this.#options;
    const { disk, id } = machine.options;
    if (disk?.durability !== 'synced' || isMixed(plan) || disk.identity > 1) return false;
    const others = servers.flatMap((other) => other.options.disk ?? []).filter((other) => other !== disk);
    const lost = others.filter((other) => other.identity > 1).length;
    if (lost + 1 >= plan.acceptors / 2) return false;
    if (!others.every((other) => other.identity > 1 || other.known.get(id) === disk.identity)) return false;
    this.#crash(machine);
    if (machine.isUp) return false;
    disk.replace();
    machine.options.snapshots?.replace();
    return true;
  }

  /** Somebody does not take what is delivered to him, for a while. */
  #slowDown(): void {
    const { random, scheduler } = this.#options;
    const machine = this.#all[randomInt(random, 0, this.#all.length - 1)];
    if (machine === undefined) return;
    machine.setTaking(false);
    scheduler.after(randomInt(random, 100, 3000), () => machine.setTaking(true));
  }

  #clog(machine: Machine): void {
    const { random, network, scheduler } = this.#options;
    const other = this.#all[randomInt(random, 0, this.#all.length - 1)];
    if (other === undefined) return;
    network.setClogged(machine.name, other.name, randomInt(random, 50, 1000));
    scheduler.after(randomInt(random, 100, 3000), () => network.setClogged(machine.name, other.name, 0));
  }

  /** A machine ended by itself: somebody starts it again after a while. */
  revive(machine: Machine): void {
    this.#startAfter(machine, randomInt(this.#options.random, 50, 1000));
  }

  #partition(bothWays: boolean): void {
    const { random, scheduler } = this.#options;
    const heal = this.#block(this.#inside(), bothWays);
    scheduler.after(randomInt(random, 20, 2500), heal);
  }

  /** @returns ends it */
  #block(inside: ReadonlySet<Machine>, bothWays: boolean): () => void {
    const { network } = this.#options;
    const blocked: [string, string][] = [];
    for (const one of inside) {
      for (const other of this.#all) {
        if (inside.has(other)) continue;
        blocked.push([one.name, other.name]);
        if (bothWays) blocked.push([other.name, one.name]);
      }
    }
    // Another of these may be under way there: it goes on when this one ends.
    for (const [from, to] of blocked) network.setBlocked(from, to, true, blocked);
    return () => {
      for (const [from, to] of blocked) network.setBlocked(from, to, false, blocked);
    };
  }

  /**
   * The leader is cut off, and some of the clients with it. Those on the other side find their connections with it gone,
   * and take another leader; it takes its own for alive, until word gets through. Before, what it was told may have been
   * late; and all the others may have ended at that moment, and be started again at once. Where clocks drift, its own is
   * the slow one. On its side nobody writes.
   */
  #isolateLeader(): boolean {
    const { random, network, scheduler, clients, plan, quieten } = this.#options;
    const leader = this.#leader();
    const others = this.#options.servers.filter(({ isUp }) => isUp).length - 1;
    if (leader === undefined || others <= plan.acceptors / 2 || this.#isLeaderIsolated) return false;
    const cutOff = randomInt(random, 1, Math.max(1, clients.length - 1));
    const inside = new Set([leader, ...shuffled(random, clients).slice(0, cutOff)]);
    const outside = this.#all.filter((machine) => !inside.has(machine));
    const lateMs = random.next() < 0.4 ? randomInt(random, 20, 80) : 0;
    for (const { name } of outside) network.setClogged(name, leader.name, lateMs);
    quieten(inside, true);
    this.#isLeaderIsolated = true;
    const leaseMs = plan.commands?.readLeaseMs ?? 0;
    // So that the other side is about to take a leader when a lease ends.
    const noticedAfterMs =
      random.next() < 0.4 ? randomInt(random, 0, 20) : leaseMs * (0.45 + 0.6 * random.next());
    const drifts = plan.faults.includes('drift') && random.next() < 0.7;
    if (drifts) for (const { process } of outside) process?.setDrift(MAX_DRIFT);
    if (drifts) leader.process?.setDrift(MIN_DRIFT);
    const lastsMs = noticedAfterMs + randomInt(random, 50, random.next() < 0.5 ? 400 : 1500);
    const doEnd = random.next() < 0.25;
    const whileActive = (delayMs: number, call: () => void) =>
      scheduler.after(delayMs, () => {
        if (this.#active) call();
      });
    whileActive(lateMs > 0 || drifts ? 300 : 20, () => {
      const heal = this.#block(inside, true);
      for (const { name } of outside) network.setClogged(name, leader.name, 0);
      whileActive(noticedAfterMs, () => {
        for (const one of inside) for (const other of outside) network.cut(other.name, one.name);
        if (doEnd) for (const machine of outside) this.#crash(machine, 50);
      });
      scheduler.after(lastsMs, heal);
    });
    scheduler.after(300 + lastsMs, () => {
      quieten(inside, false);
      this.#isLeaderIsolated = false;
    });
    return true;
  }

  /** One side of a partition: anybody, or the leader with one other, who hears its last proposals alone. */
  #inside(): ReadonlySet<Machine> {
    const { random } = this.#options;
    const all = this.#all;
    const leader = random.next() < 0.5 ? this.#leader() : undefined;
    if (leader === undefined) return new Set(all.filter(() => random.next() < 0.4));
    return new Set([leader, all[randomInt(random, 0, all.length - 1)] ?? leader]);
  }

  #cut(machine: Machine): void {
    const { random, network } = this.#options;
    const other = this.#all[randomInt(random, 0, this.#all.length - 1)];
    if (other === undefined) return;
    network.cut(machine.name, other.name);
    network.cut(other.name, machine.name);
  }
}
