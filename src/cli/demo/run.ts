/**
 * DemoRun: the demo from its start to its end.
 *
 *   three replicas, one leads → values flow → (the leader is killed → another leads → it is started again, catches up)
 *   as often as told → values stop → what everybody delivered is compared
 *
 * Whatever way it ends, no process and no file is left.
 */
import type { Timer } from '../../transport/transport.ts';
import { CommandFailed, type Io, stopped } from '../io.ts';
import { DemoCluster, type Member } from './cluster.ts';
import { type DemoScreen, screenOf } from './screen.ts';
import { STRETCH_MS, Traffic } from './traffic.ts';
import { judge } from './verdict.ts';
import { count, type Picture, type ReplicaPicture, type Told } from './view.ts';

const LOOK_MS = 20;
const SECOND_MS = 1000;
/** How long a step may take before the demo gives up, with the reason. */
const STEP_LIMIT_MS = 20_000;
/** Values flow again when they have done so for this long. */
const FLOWING_MS = 300;
/** When the leader is killed and when it comes back, as parts of the time that values flow. */
const KILL_AT = 0.35;
const RETURN_AT = 0.6;
/** What starting and comparing take, beside the time that values flow. */
const AROUND_S = 2;

export interface DemoOptions {
  /** how long values flow for each kill */
  readonly seconds: number;
  readonly outstanding: number;
  /** how often whoever leads is killed */
  readonly kills: number;
  /** how many instances are chosen before the first kill */
  readonly history: number;
}

export class DemoRun {
  readonly #io: Io;
  readonly #options: DemoOptions;
  readonly #traffic: Traffic;
  readonly #screen: DemoScreen;
  readonly #story: Told[] = [];
  readonly #over = new AbortController();
  readonly #startedAt: number;
  /** for how long no value flowed after each kill, ms */
  readonly #pauses: number[] = [];
  #cluster: DemoCluster | undefined;
  #ticks: Timer | undefined;
  #latency = { p50: 0, p99: 0 };
  #latencyAt = 0;

  constructor(io: Io, options: DemoOptions) {
    this.#io = io;
    this.#options = options;
    this.#traffic = new Traffic(io.clock);
    this.#screen = screenOf(io);
    this.#startedAt = io.clock.now();
  }

  /** @throws CommandFailed with what went wrong, or was not the same */
  async run(): Promise<void> {
    try {
      const cluster = await DemoCluster.make(this.#io.program);
      this.#cluster = cluster;
      this.#tick(cluster);
      await Promise.race([this.#play(cluster), cluster.failed, this.#interrupted()]);
      this.#draw(cluster);
    } catch (error) {
      // Ctrl-C reaches the replicas too: that they end then is not the reason.
      throw this.#io.stop.aborted ? interruption() : error;
    } finally {
      this.#over.abort();
      this.#ticks?.cancel();
      this.#screen.close();
      await this.#traffic.close();
      await this.#cluster?.close();
    }
  }

  async #play(cluster: DemoCluster): Promise<void> {
    const { seconds, outstanding, kills, history } = this.#options;
    const first = await this.#begin(cluster, outstanding);
    this.#tell(`Values flow, ${outstanding} at a time; replica ${first} leads.`);
    await this.#reach(history);
    for (let round = 0; round < kills; round++) {
      const flowing = this.#now();
      await this.#waitUntil(flowing + seconds * KILL_AT * SECOND_MS);
      const victim = await this.#killLeader(cluster);
      await this.#waitUntil(flowing + seconds * RETURN_AT * SECOND_MS);
      await this.#bringBack(cluster, victim);
      await this.#waitUntil(flowing + seconds * SECOND_MS);
    }
    await this.#settle(cluster);
    this.#conclude(cluster);
  }

  /** Waits until so many instances are chosen. */
  async #reach(history: number): Promise<void> {
    if (history === 0) return;
    const delivered = () => this.#traffic.delivered;
    await this.#until(() => delivered() >= history, 'no value was chosen', delivered);
    this.#tell(`${count(delivered())} instances are chosen.`);
  }

  /** Starts everything, and waits until the first value is chosen. */
  async #begin(cluster: DemoCluster, outstanding: number): Promise<number> {
    for (const { id } of cluster.members) cluster.start(id);
    const pids = cluster.members.map(({ pid }) => pid ?? '–').join(', ');
    this.#tell(`Started replicas 0, 1 and 2: processes ${pids}.`);
    await this.#traffic.connect(cluster.config);
    await this.#until(() => leaderOf(cluster) !== undefined, 'no replica came to lead');
    this.#traffic.start(outstanding);
    await this.#until(() => this.#traffic.delivered > 0, 'no value was chosen');
    return leaderOf(cluster)?.id ?? 0;
  }

  async #killLeader(cluster: DemoCluster): Promise<number> {
    await this.#until(() => leaderOf(cluster) !== undefined, 'no replica leads');
    const victim = leaderOf(cluster)?.id ?? 0;
    this.#traffic.watchForPause();
    const killedAt = this.#now();
    await cluster.kill(victim);
    this.#tell(`Killed replica ${victim}, which led, with SIGKILL.`, 'bad');
    await this.#until(() => {
      const { from, ms } = this.#traffic.longestPause;
      const flowsAgain = this.#now() - (from + ms) >= FLOWING_MS && this.#now() - killedAt >= SECOND_MS;
      return flowsAgain && leaderOf(cluster) !== undefined;
    }, 'no value was chosen after the leader was killed');
    const { ms } = this.#traffic.longestPause;
    this.#pauses.push(ms);
    this.#tell(
      `No value flowed for ${Math.round(ms)} ms; since then replica ${leaderOf(cluster)?.id} leads.`,
    );
    return victim;
  }

  async #bringBack(cluster: DemoCluster, id: number): Promise<void> {
    const missed = this.#traffic.delivered;
    const startedAt = this.#now();
    cluster.start(id);
    const member = cluster.members[id];
    this.#tell(`Started replica ${id} again, process ${member?.pid}, on what it has on disk.`);
    const delivered = () => member?.delivered ?? 0;
    await this.#until(() => delivered() >= missed, `replica ${id} did not go on to catch up`, delivered);
    const seconds = ((this.#now() - startedAt) / SECOND_MS).toFixed(1);
    this.#tell(`Replica ${id} has caught up: ${count(missed)} instances, ${seconds} s after its start.`);
  }

  /** Lets no more values in, and waits until everybody has delivered all of them. */
  async #settle(cluster: DemoCluster): Promise<void> {
    this.#traffic.stop();
    await this.#until(
      () => this.#traffic.isDrained,
      () => `${this.#traffic.submitted - this.#traffic.learned} values were not chosen`,
    );
    await this.#until(
      () => {
        const isQuiet = this.#now() - this.#traffic.deliveredAt >= FLOWING_MS;
        return isQuiet && cluster.members.every(({ delivered }) => delivered === this.#traffic.delivered);
      },
      () => `the replicas are at instances ${cluster.members.map(({ delivered }) => delivered).join(', ')}`,
    );
  }

  #conclude(cluster: DemoCluster): void {
    const { values, instances, twice, digest } = judge(cluster.members, this.#traffic);
    if (this.#pauses.length > 1) {
      const pauses = this.#pauses.toSorted((left, right) => left - right).map(Math.round);
      const median = pauses[Math.floor(pauses.length / 2)];
      const kills = `${pauses.length} leaders were killed`;
      this.#tell(`${kills}; values flowed again after ${median} ms (median), ${pauses.at(-1)} ms at most.`);
    }
    const again = twice === 0 ? 'none twice' : `${count(twice)} of them twice`;
    const same = `the same ${count(instances)} instances in the same order`;
    this.#tell(
      `Nothing was lost: all ${count(values)} values that were submitted were chosen, ${again}.`,
      'good',
    );
    this.#tell(`All replicas and the learner delivered ${same} (SHA-256 ${digest.slice(0, 8)}…).`, 'good');
  }

  #tell(text: string, mood?: Told['mood']): void {
    const told = { atS: (this.#now() - this.#startedAt) / SECOND_MS, text, mood };
    this.#story.push(told);
    this.#screen.tell(told);
  }

  /** Draws, again and again. */
  #tick(cluster: DemoCluster): void {
    this.#draw(cluster);
    this.#ticks = this.#io.clock.after(STRETCH_MS, () => this.#tick(cluster));
  }

  #draw(cluster: DemoCluster): void {
    const now = this.#now();
    if (now - this.#latencyAt >= SECOND_MS) {
      this.#latencyAt = now;
      this.#latency = this.#traffic.takeLatency().percentiles ?? this.#latency;
      this.#traffic.sweep();
    }
    this.#screen.draw(this.#picture(cluster, now));
  }

  #picture(cluster: DemoCluster, now: number): Picture {
    const { stretches, delivered } = this.#traffic;
    const lastSecond = stretches.slice(-Math.round(SECOND_MS / STRETCH_MS));
    return {
      elapsedS: (now - this.#startedAt) / SECOND_MS,
      totalS: this.#options.seconds * this.#options.kills + AROUND_S,
      replicas: cluster.members.map(pictureOf),
      delivered,
      stretches,
      valuesPerSecond: lastSecond.reduce((sum, values) => sum + values, 0),
      latency: this.#latency,
      story: this.#story,
    };
  }

  #now(): number {
    return this.#io.clock.now();
  }

  async #waitUntil(at: number): Promise<void> {
    while (this.#now() < at) await this.#pause();
  }

  /** Looks again and again until it is so. What makes progress may take as long as it takes. */
  async #until(
    isSo: () => boolean,
    orElse: string | (() => string),
    progress: () => number = () => 0,
  ): Promise<void> {
    let last = progress();
    let end = this.#now() + STEP_LIMIT_MS;
    while (!isSo()) {
      if (progress() !== last) {
        last = progress();
        end = this.#now() + STEP_LIMIT_MS;
      }
      if (this.#now() >= end) {
        const reason = typeof orElse === 'string' ? orElse : orElse();
        throw new CommandFailed(`${reason} within ${STEP_LIMIT_MS / SECOND_MS} s`);
      }
      await this.#pause();
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#over.signal.aborted) reject(interruption());
      this.#io.clock.after(LOOK_MS, resolve);
    });
  }

  async #interrupted(): Promise<never> {
    await stopped(this.#io.stop);
    throw interruption();
  }
}

function interruption(): CommandFailed {
  return new CommandFailed('stopped before the end: nothing was compared');
}

function leaderOf(cluster: DemoCluster): Member | undefined {
  return cluster.members.find(({ leading }) => leading);
}

function pictureOf({ id, port, pid, leading, delivered }: Member): ReplicaPicture {
  const role = pid === undefined ? 'down' : leading ? 'leader' : 'follower';
  return { id, port, pid, role, delivered };
}
