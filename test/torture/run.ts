/**
 * Run: one run from its first process to its last, and what became of it.
 *
 *   everything is started → a value is chosen → faults, as long as the plan says → no faults: everything is answered,
 *   and everybody has delivered the same → processes end → what they stored is looked at
 */
import type { Storage } from '../../src/paxos/storage.ts';
import { Violation } from '../../src/sim/violation.ts';
import { Cluster } from './cluster.ts';
import { Faults } from './faults.ts';
import { Judge } from './judge.ts';
import type { Member } from './member.ts';
import type { Kind, Plan } from './plan.ts';
import { type Pause, Traffic } from './traffic.ts';
import { Watch } from './watch.ts';

/** The first value is chosen by then. */
const BEGIN_MS = 30_000;
/** Once the faults are over everything is delivered so soon; who reads a long history anew may go on while he comes on. */
const SETTLE_MS = 30_000;
const MAX_SETTLE_MS = 600_000;
/** After so long the cluster may be waiting for a value: it gets one, and then one a second. */
const NUDGE_AFTER_MS = 8_000;
const NUDGE_EVERY_MS = 1_000;
const MAX_SHOWN = 5;

/** Where a run is. */
export interface Progress {
  readonly phase: 'starting' | 'faults' | 'settling' | 'ending';
  readonly elapsedMs: number;
  readonly values: number;
  readonly up: number;
  readonly members: number;
  readonly longestPause: Pause;
  readonly faults: ReadonlyMap<Kind, number>;
}

export interface Report {
  readonly seed: number;
  readonly values: number;
  readonly instances: number;
  /** ACCEPTs that were seen between processes */
  readonly proposals: number;
  readonly valuesPerSecond: number;
  readonly longestPause: Pause;
  readonly settledMs: number;
  /** values that were submitted to a cluster that waited for one */
  readonly nudges: number;
  readonly faults: ReadonlyMap<Kind, number>;
  /** why no disks were made slow or broken; undefined if they could be */
  readonly noDisks: string | undefined;
  readonly violation: string | undefined;
}

export interface RunOptions {
  readonly plan: Plan;
  readonly directory: string;
  readonly program: readonly string[];
  readonly stop: AbortSignal;
  /** told of each fault, one line */
  readonly tell?: (line: string) => void;
  /** told often where it is */
  readonly show?: (progress: Progress) => void;
}

export class Run {
  readonly #options: RunOptions;
  readonly #judge: Judge;
  readonly #watch: Watch;
  readonly #startedAt = performance.now();
  #cluster: Cluster | undefined;
  #traffic: Traffic | undefined;
  #faults: Faults | undefined;
  #phase: Progress['phase'] = 'starting';
  #pause: Pause = { fromMs: 0, ms: 0 };
  #flowMs = 0;
  #settledMs = 0;
  #nudges = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#watch = new Watch(options.stop, () => this.#show());
    this.#judge = new Judge((violation) => this.#watch.violated(violation));
  }

  /** @throws Interrupted when it was told to stop */
  async run(): Promise<Report> {
    const killNow = () => this.#cluster?.killNow();
    process.on('exit', killNow);
    try {
      await this.#begin();
      await this.#strike();
      await this.#settle();
      await this.#look();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#watch.violated(error);
    } finally {
      await this.#close();
      process.off('exit', killNow);
    }
    return this.#report();
  }

  async #begin(): Promise<void> {
    const { plan, directory, program, tell } = this.#options;
    const failed = (reason: string) => this.#watch.violated(new Violation('process', reason));
    const cluster = await Cluster.make({
      plan,
      directory,
      program,
      proposed: (instanceId, ballot, value) => this.#judge.proposed(instanceId, ballot, value),
      claimed: (name, life, claim) => this.#judge.claimed(name, life, claim),
      failed,
      stoppedByDisk: (member: Member) => this.#faults?.stoppedByDisk(member),
    });
    this.#cluster = cluster;
    cluster.start();
    const traffic = new Traffic({ plan, judge: this.#judge, config: (name) => cluster.config(name), failed });
    this.#traffic = traffic;
    this.#faults = new Faults({
      members: cluster.members,
      names: [...cluster.members.keys(), ...traffic.clients],
      proxies: cluster.proxies,
      tell: tell ?? (() => undefined),
    });
    await traffic.start();
    const isSo = await this.#watch.until(BEGIN_MS, () => this.#judge.instances > 0);
    if (!isSo)
      throw new Violation('liveness', `no value was chosen within ${BEGIN_MS / 1000} s of the start`);
  }

  async #strike(): Promise<void> {
    const { plan } = this.#options;
    this.#phase = 'faults';
    this.#traffic?.watchForPause();
    this.#faults?.begin(plan.schedule);
    const beganAt = performance.now();
    await this.#watch.until(1000 * plan.seconds, () => false);
    this.#pause = this.#traffic?.longestPause ?? this.#pause;
    this.#flowMs = performance.now() - beganAt;
  }

  async #settle(): Promise<void> {
    this.#phase = 'settling';
    const beganAt = performance.now();
    await this.#faults?.end();
    this.#traffic?.stop();
    let nudgeAt = NUDGE_AFTER_MS;
    const history = this.#judge.instances;
    let slowest = 0;
    let deadline = beganAt + SETTLE_MS;
    let isSettled = false;
    await this.#watch.until(MAX_SETTLE_MS, () => {
      const now = performance.now();
      if (now - beganAt >= nudgeAt) {
        nudgeAt += NUDGE_EVERY_MS;
        this.#nudges++;
        this.#traffic?.nudge();
      }
      const read = Math.min(history, ...this.#positions());
      if (read > slowest) deadline = now + SETTLE_MS;
      slowest = Math.max(slowest, read);
      isSettled = this.#judge.outstanding === 0 && this.#laggards().length === 0;
      return isSettled || now >= deadline;
    });
    this.#settledMs = performance.now() - beganAt;
    if (!isSettled) throw new Violation('liveness', this.#whatIsMissing());
  }

  /** How far everybody is that learns. */
  #positions(): number[] {
    const learning = [...(this.#cluster?.members.values() ?? [])].filter(({ name }) => /^[rl]/.test(name));
    const there = learning.map(({ claim }) => claim?.delivered ?? 0);
    return [...(this.#traffic?.delivered.values() ?? []), ...there];
  }

  /** Who has not delivered everything yet. */
  #laggards(): string[] {
    const { instances } = this.#judge;
    const digest = this.#judge.digestAt(instances);
    const here = [...(this.#traffic?.delivered ?? [])].filter(([, at]) => at < instances);
    const members = [...(this.#cluster?.members.values() ?? [])];
    const there = members.filter(
      ({ name, claim }) => /^[rl]/.test(name) && (claim?.delivered !== instances || claim.digest !== digest),
    );
    return [
      ...members.filter(({ hasSpoken }) => !hasSpoken).map(({ name }) => `${name} is not up`),
      ...here.map(([name, at]) => `${name} is at ${at}`),
      ...there.map(({ name, claim }) => `${name} is at ${claim?.delivered ?? 0}`),
    ];
  }

  #whatIsMissing(): string {
    const { outstanding, instances } = this.#judge;
    const missing = [
      ...(outstanding === 0 ? [] : [`${outstanding} values were not answered`]),
      ...this.#laggards(),
    ];
    const after = `${(this.#settledMs / 1000).toFixed(0)} s after the faults, ${SETTLE_MS / 1000} s without getting on, with ${instances} instances delivered`;
    return `${after}: ${missing.join(', ')}`;
  }

  /** Ends all processes, and looks at what they stored. */
  async #look(): Promise<void> {
    this.#phase = 'ending';
    await this.#traffic?.close();
    const faults = (await this.#cluster?.terminate()) ?? [];
    if (faults.length > 0) throw new Violation('process', faults.join('\n'));
    this.#judge.conclude();
    const storages: Storage[] = (await this.#cluster?.storages()) ?? [];
    try {
      this.#judge.checkStored(storages);
      const broken = this.#cluster?.brokenWords(storages) ?? [];
      if (broken.length === 0) return;
      const more = broken.length > MAX_SHOWN ? `\n    and ${broken.length - MAX_SHOWN} more` : '';
      const what = broken.slice(0, MAX_SHOWN).join('\n    ');
      throw new Violation('durability', `what acceptors told is not in their storage:\n    ${what}${more}`);
    } finally {
      for (const storage of storages) await storage.close();
    }
  }

  #show(): void {
    const members = [...(this.#cluster?.members.values() ?? [])];
    this.#options.show?.({
      phase: this.#phase,
      elapsedMs: performance.now() - this.#startedAt,
      values: this.#judge.instances,
      up: members.filter(({ isUp, isStopped }) => isUp && !isStopped).length,
      members: members.length,
      longestPause: (this.#phase === 'faults' ? this.#traffic?.longestPause : undefined) ?? this.#pause,
      faults: this.#faults?.counts ?? new Map(),
    });
  }

  async #close(): Promise<void> {
    await this.#faults?.end(false);
    await this.#traffic?.close();
    await this.#cluster?.close();
  }

  #report(): Report {
    const { plan } = this.#options;
    const { instances, values, proposals } = this.#judge;
    const seconds = (this.#flowMs || performance.now() - this.#startedAt) / 1000;
    return {
      seed: plan.seed,
      values,
      instances,
      proposals,
      valuesPerSecond: Math.round(instances / seconds),
      longestPause: { fromMs: Math.round(this.#pause.fromMs), ms: Math.round(this.#pause.ms) },
      settledMs: Math.round(this.#settledMs),
      nudges: this.#nudges,
      faults: this.#faults?.counts ?? new Map(),
      noDisks: this.#faults?.noDisks,
      violation: this.#watch.violation?.message,
    };
  }
}
