/**
 * RandomFaults: what the world does to a test's cluster, as often as the test says, by the cluster's seed. A majority of
 * the replicas is always up, and whole.
 */
import type { SimNetwork } from '../sim/network.ts';
import type { Scheduled, Scheduler } from '../sim/scheduler.ts';
import { randomInt } from '../transport/random.ts';
import type { Random } from '../transport/transport.ts';

/** Which faults there are, and how often. What is not given there is not. */
export interface ClusterFaults {
  /** how long a message is on its way, ms; 0.5 unless told */
  readonly delayMs?: number;
  /** how much of what is sent is much later than that, 0 to 1 */
  readonly tail?: number;
  /** how many of those messages that nodes send again by themselves are lost, doubled and swapped, 0 to 1; doubled are commands, too */
  readonly loss?: number;
  readonly duplication?: number;
  readonly reordering?: number;
  /** so often a connection is cut, on average, ms */
  readonly cutsEveryMs?: number;
  /** so often a replica crashes, on average, ms; it is started again within two seconds */
  readonly crashesEveryMs?: number;
  /** so often some replicas are cut off for up to two seconds, on average, ms */
  readonly partitionsEveryMs?: number;
}

export interface RandomFaultsOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly network: SimNetwork;
  readonly replicas: number;
  /** all processes of the cluster, by name; of replicas the first ones */
  readonly names: () => readonly string[];
  readonly isUp: (replica: number) => boolean;
  readonly crash: (replica: number) => void;
  readonly restart: (replica: number) => void;
  /** keeps these replicas apart from the others, or no longer */
  readonly cutOff: (replicas: ReadonlySet<number>) => void;
}

const USUAL_DELAY_MS = 0.5;
const MAX_OUTAGE_MS = 2000;

export class RandomFaults {
  /** how often messages are lost, doubled and swapped now */
  messages = { loss: 0, duplication: 0, reordering: 0 };
  readonly #options: RandomFaultsOptions;
  /** what will happen */
  readonly #planned = new Set<Scheduled>();
  /** replicas that are down by chance */
  readonly #crashed = new Set<number>();
  /** how many are cut off by chance */
  #cutOff = 0;

  constructor(options: RandomFaultsOptions) {
    this.#options = options;
  }

  /** From now on these faults, and no others. */
  begin(faults: ClusterFaults): void {
    this.end();
    const { weather } = this.#options.network;
    const { delayMs = USUAL_DELAY_MS, tail = 0, loss = 0, duplication = 0, reordering = 0 } = faults;
    Object.assign(weather, { delayMs, tail });
    this.messages = { loss, duplication, reordering };
    this.#nowAndThen(faults.cutsEveryMs, () => this.#cut());
    this.#nowAndThen(faults.crashesEveryMs, () => this.#crash());
    this.#nowAndThen(faults.partitionsEveryMs, () => this.#partition());
  }

  /** No more of them; who is down by chance comes up. */
  end(): void {
    const { network, restart, cutOff, isUp } = this.#options;
    Object.assign(network.weather, { delayMs: USUAL_DELAY_MS, tail: 0 });
    this.messages = { loss: 0, duplication: 0, reordering: 0 };
    for (const planned of this.#planned) planned.cancel();
    this.#planned.clear();
    this.#cutOff = 0;
    cutOff(new Set());
    for (const replica of this.#crashed) if (!isUp(replica)) restart(replica);
    this.#crashed.clear();
  }

  /** How many replicas are down or cut off. */
  get #missing(): number {
    const { replicas, isUp } = this.#options;
    return this.#cutOff + Array.from({ length: replicas }, (_, id) => id).filter((id) => !isUp(id)).length;
  }

  #after(delayMs: number, call: () => void): void {
    const planned = this.#options.scheduler.after(delayMs, () => {
      this.#planned.delete(planned);
      call();
    });
    this.#planned.add(planned);
  }

  #nowAndThen(meanMs: number | undefined, happens: () => void): void {
    if (meanMs === undefined) return;
    this.#after(2 * meanMs * this.#options.random.next(), () => {
      happens();
      this.#nowAndThen(meanMs, happens);
    });
  }

  #cut(): void {
    const { random, network, names } = this.#options;
    const all = names();
    const one = all[randomInt(random, 0, all.length - 1)] ?? '';
    const other = all[randomInt(random, 0, all.length - 1)] ?? '';
    network.cut(one, other);
    network.cut(other, one);
  }

  #crash(): void {
    const { random, replicas, isUp, crash, restart } = this.#options;
    const replica = randomInt(random, 0, replicas - 1);
    if (!isUp(replica) || this.#missing + 1 >= replicas / 2) return;
    crash(replica);
    this.#crashed.add(replica);
    this.#after(randomInt(random, 10, MAX_OUTAGE_MS), () => {
      if (this.#crashed.delete(replica) && !isUp(replica)) restart(replica);
    });
  }

  #partition(): void {
    const { random, replicas, cutOff } = this.#options;
    const inside = new Set<number>();
    const missing = this.#missing;
    while (missing + inside.size + 1 < replicas / 2 && (inside.size === 0 || random.next() < 0.5))
      inside.add(randomInt(random, 0, replicas - 1));
    if (inside.size === 0 || this.#cutOff > 0) return;
    this.#cutOff = inside.size;
    cutOff(inside);
    this.#after(randomInt(random, 10, MAX_OUTAGE_MS), () => {
      this.#cutOff = 0;
      cutOff(new Set());
    });
  }
}
