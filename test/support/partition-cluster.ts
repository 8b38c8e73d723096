/**
 * PartitionCluster: real replicas on the simulator's network, between any two of which the network can be cut. Nothing
 * is lost by chance; delays are small; time is virtual.
 *
 *   const cluster = new PartitionCluster(5); await cluster.start(); cluster.cutAllBut([[0, 1]]); await cluster.pass(2000);
 */
import { makeConfig, type Options } from '../../src/config/index.ts';
import type { Node } from '../../src/evpaxos/node.ts';
import type { NodeEvent } from '../../src/evpaxos/observer.ts';
import { SimDisk } from '../../src/sim/disk.ts';
import { Machine } from '../../src/sim/machine.ts';
import { SimNetwork } from '../../src/sim/network.ts';
import { Scheduler } from '../../src/sim/scheduler.ts';
import { Role } from '../../src/transport/messages.ts';
import { SeededRandom } from '../../src/transport/random.ts';

const FIRST_PORT = 1000;

export class PartitionCluster {
  readonly leaderTimeoutMs: number;
  /** what was delivered, by replica */
  readonly delivered: string[][] = [];
  readonly events: { readonly replica: number; readonly event: NodeEvent }[] = [];
  readonly #scheduler = new Scheduler();
  readonly #network: SimNetwork;
  readonly #machines: readonly Machine[];
  readonly #disks: readonly SimDisk[];

  constructor(replicas: number, seed = 1, options: Partial<Options> = {}) {
    const random = new SeededRandom(seed);
    const network = new SimNetwork(this.#scheduler, random);
    Object.assign(network.weather, { delayMs: 0.5, tail: 0, split: 0 });
    this.#network = network;
    const ids = Array.from({ length: replicas }, (_, id) => id);
    const nodes = { replicas: ids.map((id) => ({ host: '10.0.0.1', port: FIRST_PORT + id })) };
    const config = makeConfig(nodes, options);
    this.leaderTimeoutMs = config.leaderTimeoutMs;
    this.#disks = ids.map(() => new SimDisk(random, () => undefined, 'synced'));
    this.#machines = ids.map((id) => {
      this.delivered.push([]);
      return new Machine({
        name: `replica ${id}`,
        roles: Role.acceptor | Role.proposer | Role.learner,
        id,
        config,
        rings: { inFlight: 256, learner: 512 },
        scheduler: this.#scheduler,
        network,
        random,
        disk: this.#disks[id],
        proposerId: 0,
        isOriginal: false,
        work: { outstanding: 0, values: 0, submitted: () => undefined },
        complain: (violation) => {
          throw violation;
        },
        delivered: (_machine, _expected, _instanceId, value) =>
          void this.delivered[id]?.push(new TextDecoder().decode(value)),
        event: (_machine, event) => void this.events.push({ replica: id, event }),
        died: (_machine, error) => {
          throw error;
        },
      });
    });
  }

  /** Starts every replica, and lets one of them lead. */
  async start(): Promise<void> {
    for (const machine of this.#machines) machine.start(1, 0);
    await this.pass(2000);
  }

  /** Virtual time, ms. */
  get now(): number {
    return this.#scheduler.now;
  }

  /** Who leads, at the highest ballot; undefined: nobody. */
  get leader(): number | undefined {
    const leading = this.#machines.filter(({ node }) => node?.proposer?.isLeading === true);
    const ballot = (machine: Machine) => machine.node?.proposer?.core.ballot ?? 0;
    return leading.toSorted((left, right) => ballot(right) - ballot(left))[0]?.options.id;
  }

  /** Whether a replica takes every acceptor that it is connected to for one of ours. */
  knowsItsOwn(replica: number): boolean {
    return this.#machine(replica).node?.peers.acceptors.every((peer) => peer.isOurs) === true;
  }

  /** Submits a value at a replica. */
  submit(replica: number, value: string, chosen?: () => void): void {
    this.#machine(replica).node?.values?.submit(new TextEncoder().encode(value), chosen);
  }

  /** What runs in a replica's process now. */
  node(replica: number): Node | undefined {
    return this.#machine(replica).node;
  }

  /** Lets the network drop whatever goes between two replicas, both ways, but between these pairs. */
  cutAllBut(kept: readonly (readonly [number, number])[]): void {
    for (const one of this.#machines)
      for (const other of this.#machines) {
        const isKept = kept.some((pair) => pair.includes(one.options.id) && pair.includes(other.options.id));
        if (one !== other) this.#network.setBlocked(one.name, other.name, !isKept);
      }
  }

  /** Lets a replica's process stand still. */
  pause(replica: number, ms: number): void {
    this.#machine(replica).process?.pause(ms);
  }

  /** How long every sync of a replica's disk takes from now on, ms. */
  slowDisk(replica: number, ms: number): void {
    Object.assign(this.#disks[replica]?.faults ?? {}, { syncMs: ms });
  }

  /** Kills a replica, and gives it an empty disk in place of its own. */
  loseStorage(replica: number): void {
    this.kill(replica);
    this.#disks[replica]?.replace();
  }

  kill(replica: number): void {
    this.#machine(replica).crash();
  }

  restart(replica: number): void {
    this.delivered[replica] = [];
    this.#machine(replica).start(1, 0);
  }

  /** Lets virtual time pass. */
  pass(ms: number): Promise<boolean> {
    return this.until(() => false, ms);
  }

  /** Lets virtual time pass until it is so. @returns false if it was not within `ms` */
  async until(isSo: () => boolean, ms: number): Promise<boolean> {
    const end = this.#scheduler.now + ms;
    do {
      // Lets promises that were settled by the last event run before the next one.
      for (let i = 0; i < 5; i++) await null;
      if (isSo()) return true;
    } while (this.#scheduler.step(end));
    return isSo();
  }

  #machine(replica: number): Machine {
    const machine = this.#machines[replica];
    if (machine === undefined) throw new RangeError(`there is no replica ${replica}`);
    return machine;
  }
}
