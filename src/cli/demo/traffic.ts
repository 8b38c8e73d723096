/**
 * Traffic: a client that keeps values on their way, and a learner that hears what is chosen and remembers what there is
 * to compare. Both are nodes like any other, on connections of their own; they share nothing but the process.
 *
 *   start → values flow, figures are taken → stop, drained → what was submitted and what was learned stand side by side
 */
import type { Config } from '../../config/index.ts';
import { Client, LearnerNode } from '../../evpaxos/index.ts';
import { PaxosError } from '../../paxos/error.ts';
import { systemRandom } from '../../transport/random.ts';
import type { Clock } from '../../transport/transport.ts';
import { Load } from '../client-load.ts';
import { ownStamp } from '../client-value.ts';
import { type LatencyFigures, Tally } from '../latency.ts';
import { Digest, MARK_INSTANCES } from '../progress.ts';

const TEXT_BYTES = 64;
const MAX_CLIENT_ID = 2 ** 31 - 1;
/** Values are counted in stretches of this. */
export const STRETCH_MS = 250;

/** A pause between two deliveries. */
export interface Pause {
  readonly from: number;
  readonly ms: number;
}

export class Traffic {
  readonly #clock: Clock;
  readonly #clientId: number;
  readonly #tally = new Tally(true);
  readonly #stretches: number[] = [];
  readonly #stamps = new Set<number>();
  readonly #digest = new Digest();
  readonly #digests = new Map<number, string>();
  #client: Client | undefined;
  #learner: LearnerNode | undefined;
  #load: Load | undefined;
  #isStopped = false;
  #submitted = 0;
  #learned = 0;
  #strangers = 0;
  #delivered = 0;
  #startedAt = 0;
  #deliveredAt: number;
  #pause: Pause;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#clientId = Math.floor(systemRandom().next() * MAX_CLIENT_ID);
    this.#deliveredAt = clock.now();
    this.#pause = { from: this.#deliveredAt, ms: 0 };
  }

  /** Connects both; values do not flow yet. */
  async connect(config: Config): Promise<void> {
    this.#learner = await LearnerNode.start({
      config,
      deliver: ({ instanceId, value }) => this.#heard(instanceId, value),
    });
    this.#client = await Client.start({
      config,
      deliver: ({ value }) => {
        if (this.#load?.delivered(value) === true) this.#load.fill();
      },
    });
  }

  /** Lets values flow, so many at a time. */
  start(outstanding: number): void {
    this.#startedAt = this.#clock.now();
    this.#load = new Load({
      clientId: this.#clientId,
      outstanding,
      count: Number.POSITIVE_INFINITY,
      textBytes: TEXT_BYTES,
      clock: this.#clock,
      random: systemRandom(),
      offer: (value, chosen) => this.#offer(value, chosen),
      learned: (bytes, micros) => {
        this.#learned++;
        this.#tally.add(bytes, micros);
      },
    });
    this.#load.fill();
  }

  /** Submits no more; those under way go on. */
  stop(): void {
    this.#isStopped = true;
  }

  async close(): Promise<void> {
    await Promise.all([this.#client?.close(), this.#learner?.close()]);
  }

  /** To be called about once a second: values flow again that had no room. */
  sweep(): void {
    this.#load?.sweep();
  }

  /** True when all that was submitted was learned by the client. */
  get isDrained(): boolean {
    return this.#load?.pending === 0;
  }

  /** How many values the client submitted. */
  get submitted(): number {
    return this.#submitted;
  }

  /** How many of them it learned to be chosen. */
  get learned(): number {
    return this.#learned;
  }

  /** How many different values of the client the learner heard of, and how many values of nobody. */
  get heard(): { readonly different: number; readonly strangers: number } {
    return { different: this.#stamps.size, strangers: this.#strangers };
  }

  /** The highest instance that the learner delivered. */
  get delivered(): number {
    return this.#delivered;
  }

  /** The learner's digest at an instance, where it took one. */
  get digests(): ReadonlyMap<number, string> {
    return this.#digests;
  }

  /** The learner's digest of everything. */
  get digest(): string {
    return this.#digest.text;
  }

  /** How many instances the learner delivered in each stretch since values flow. */
  get stretches(): readonly number[] {
    const last = Math.floor((this.#clock.now() - this.#startedAt) / STRETCH_MS);
    return this.#load === undefined ? [] : Array.from({ length: last }, (_, i) => this.#stretches[i] ?? 0);
  }

  /** The latency of the values learned since it was asked for last. */
  takeLatency(): LatencyFigures {
    const { latency } = this.#tally;
    this.#tally.reset();
    return latency;
  }

  /** Looks for the longest pause from now on. */
  watchForPause(): void {
    this.#pause = { from: this.#clock.now(), ms: 0 };
  }

  /** The longest pause between two deliveries since then; the one that still lasts counts. */
  get longestPause(): Pause {
    const now = this.#clock.now();
    const ms = now - this.#deliveredAt;
    return ms > this.#pause.ms ? { from: this.#deliveredAt, ms } : this.#pause;
  }

  /** When the learner delivered last. */
  get deliveredAt(): number {
    return this.#deliveredAt;
  }

  #offer(value: Uint8Array, chosen: (() => void) | undefined): void {
    if (this.#isStopped) throw new PaxosError('QUEUE_FULL', 'the demo submits no more');
    this.#client?.offer(value, chosen);
    this.#submitted++;
  }

  /** Hot. The learner delivered an instance. */
  #heard(instanceId: number, value: Uint8Array): void {
    const now = this.#clock.now();
    const ms = now - this.#deliveredAt;
    if (ms > this.#pause.ms) this.#pause = { from: this.#deliveredAt, ms };
    this.#deliveredAt = now;
    this.#delivered = instanceId;
    const stretch = Math.floor((now - this.#startedAt) / STRETCH_MS);
    this.#stretches[stretch] = (this.#stretches[stretch] ?? 0) + 1;
    this.#digest.add(instanceId, value);
    if (instanceId % MARK_INSTANCES === 0) this.#digests.set(instanceId, this.#digest.text);
    const stamp = ownStamp(value, this.#clientId);
    if (stamp === undefined) this.#strangers++;
    else this.#stamps.add(stamp);
  }
}
