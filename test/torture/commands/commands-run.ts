/**
 * CommandsRun: one run of a replicated state machine as real processes, from the first to the last, and what became of
 * it.
 *
 *   everything is started → a command is answered → faults, as long as the plan says → no faults: everything is
 *   answered, and everybody is level → states are compared, the history is judged → processes end → what they stored is
 *   looked at
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Storage } from '../../../src/paxos/storage.ts';
import { Ballots } from '../../../src/sim/ballots.ts';
import { StoreMachine } from '../../../src/sim/commands/store-machine.ts';
import { Violation } from '../../../src/sim/violation.ts';
import { ChunkReader, chunksOf } from '../../../src/statemachine/snapshot-reader.ts';
import { Cluster } from '../cluster.ts';
import { Echoes } from '../echoes.ts';
import { Faults } from '../faults.ts';
import type { Member } from '../member.ts';
import { type CommandsPlan, clientsOf, type Kind, type Plan } from '../plan.ts';
import type { Progress } from '../run.ts';
import type { Pause } from '../traffic.ts';
import { Watch } from '../watch.ts';
import { CommandsTraffic } from './commands-traffic.ts';
import { ReplicaPort } from './replica-port.ts';
import { States } from './states.ts';

/** The first command is answered by then. */
const BEGIN_MS = 30_000;
/** Once the faults are over somebody gets on within this, until all is answered and everybody level. */
const SETTLE_MS = 30_000;
const MAX_SETTLE_MS = 300_000;
/** A replica that was asked for its state tells it by then. */
const STATE_MS = 10_000;
/** Replicas that write something of their own meanwhile are asked again. */
const STATE_TRIES = 20;
const MAX_SHOWN = 5;

export interface CommandsReport {
  readonly seed: number;
  /** operations that had an answer: commands, and reads */
  readonly answers: number;
  readonly operationsPerSecond: number;
  /** commands: handed in, and of these answered */
  readonly commands: number;
  readonly answered: number;
  /** what the counter is in the end, and how many additions were answered, and not */
  readonly sum: number;
  readonly additions: number;
  readonly openAdditions: number;
  /** what came up: reads, failures, sessions that expired, snapshots made and fetched */
  readonly outcomes: Readonly<Record<string, number>>;
  /** messages of clients that replicas were told again */
  readonly doubled: number;
  /** how often a state was held against another, on the way and in the end */
  readonly statesCompared: number;
  /** why a part of the history could not be judged */
  readonly notJudged: readonly string[];
  readonly longestPause: Pause;
  readonly settledMs: number;
  readonly faults: ReadonlyMap<Kind, number>;
  readonly noDisks: string | undefined;
  readonly violation: string | undefined;
}

export interface CommandsRunOptions {
  readonly plan: Plan;
  readonly commands: CommandsPlan;
  readonly directory: string;
  /** the words that run a replica with the store, up to its arguments */
  readonly program: readonly string[];
  readonly stop: AbortSignal;
  readonly tell?: (line: string) => void;
  readonly show?: (progress: Progress) => void;
}

export class CommandsRun {
  readonly #options: CommandsRunOptions;
  readonly #watch: Watch;
  readonly #ballots = new Ballots();
  readonly #states = new States();
  readonly #echoes = new Echoes();
  readonly #ports = new Map<string, ReplicaPort>();
  readonly #startedAt = performance.now();
  #cluster: Cluster | undefined;
  #traffic: CommandsTraffic | undefined;
  #faults: Faults | undefined;
  #phase: Progress['phase'] = 'starting';
  #pause: Pause = { fromMs: 0, ms: 0 };
  #flowMs = 0;
  #flowAnswers = 0;
  #settledMs = 0;
  #final: StoreMachine | undefined;
  #notJudged: readonly string[] = [];

  constructor(options: CommandsRunOptions) {
    this.#options = options;
    this.#watch = new Watch(options.stop, () => this.#show());
  }

  /** @throws Interrupted when it was told to stop */
  async run(): Promise<CommandsReport> {
    const killNow = () => this.#cluster?.killNow();
    process.on('exit', killNow);
    try {
      await this.#begin();
      await this.#strike();
      await this.#settle();
      await this.#judge();
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
    const { plan, commands, directory, program, tell } = this.#options;
    const failed = (reason: string) => this.#watch.violated(new Violation('process', reason));
    const cluster = await Cluster.make({
      plan,
      directory,
      program,
      echoes: this.#echoes,
      proposed: (...accept) => this.#guard(() => this.#ballots.proposed(...accept)),
      claimed: () => undefined,
      said: (name, line) => this.#heard(name, line),
      failed,
      stoppedByDisk: (member: Member) => this.#faults?.stoppedByDisk(member),
    });
    this.#cluster = cluster;
    const replicas = [...cluster.members.values()].map((member) => ({
      member,
      port: new ReplicaPort(member),
    }));
    for (const { member, port } of replicas) this.#ports.set(member.name, port);
    cluster.start();
    const violated = (violation: Violation) => this.#watch.violated(violation);
    const config = (name: string) => cluster.config(name);
    const traffic = new CommandsTraffic({ plan, commands, config, replicas, violated });
    this.#traffic = traffic;
    this.#faults = new Faults({
      members: cluster.members,
      names: [...cluster.members.keys(), ...clientsOf(plan)],
      proxies: cluster.proxies,
      echoes: this.#echoes,
      tell: tell ?? (() => undefined),
    });
    await traffic.start();
    const isSo = await this.#watch.until(BEGIN_MS, () => traffic.history.answered > 0);
    if (!isSo)
      throw new Violation('liveness', `no command was answered within ${BEGIN_MS / 1000} s of the start`);
  }

  async #strike(): Promise<void> {
    const { plan } = this.#options;
    const traffic = this.#traffic;
    this.#phase = 'faults';
    traffic?.watchForPause();
    this.#faults?.begin(plan.schedule);
    const [beganAt, before] = [performance.now(), traffic?.answers ?? 0];
    await this.#watch.until(1000 * plan.seconds, () => false);
    this.#pause = traffic?.longestPause ?? this.#pause;
    this.#flowMs = performance.now() - beganAt;
    this.#flowAnswers = (traffic?.answers ?? 0) - before;
  }

  async #settle(): Promise<void> {
    this.#phase = 'settling';
    const beganAt = performance.now();
    await this.#faults?.end();
    this.#traffic?.stop();
    let deadline = beganAt + SETTLE_MS;
    let progress = -1;
    let isSettled = false;
    await this.#watch.until(MAX_SETTLE_MS, () => {
      const now = performance.now();
      const there = (this.#traffic?.answers ?? 0) + Math.min(...this.#positions);
      if (there > progress) deadline = now + SETTLE_MS;
      progress = Math.max(progress, there);
      isSettled = this.#missing === '';
      return isSettled || now >= deadline;
    });
    this.#settledMs = performance.now() - beganAt;
    const after = `${(this.#settledMs / 1000).toFixed(0)} s after the faults`;
    if (!isSettled) throw new Violation('liveness', `${after}: ${this.#missing}`);
  }

  get #members(): readonly Member[] {
    return [...(this.#cluster?.members.values() ?? [])];
  }

  /** How far everybody has applied. */
  get #positions(): readonly number[] {
    return this.#members.map(({ claim }) => claim?.delivered ?? 0);
  }

  /** What keeps it from being settled; '': nothing does. */
  get #missing(): string {
    const down = this.#members.filter(({ hasSpoken }) => !hasSpoken).map(({ name }) => `${name} is not up`);
    const isLevel = new Set(this.#positions).size <= 1;
    const where = this.#members.map(({ name }, i) => `${name} is at ${this.#positions[i]}`);
    const waiting = this.#traffic?.waiting ?? '';
    return [...down, ...(isLevel ? [] : where), ...(waiting === '' ? [] : [waiting])].join(', ');
  }

  /** All states are the same, byte for byte, and the history can be explained by what is in them. */
  async #judge(): Promise<void> {
    this.#phase = 'ending';
    const { directory } = this.#options;
    const told = await this.#toldStates();
    this.#states.ended(told);
    const final = new StoreMachine();
    const bytes = readFileSync(statePath(directory, told[0]?.name ?? ''));
    await final.restore(new ChunkReader(chunksOf(bytes)));
    this.#final = final;
    this.#notJudged = this.#traffic?.history.judge(final) ?? [];
  }

  /** What replicas tell of their states at one and the same instance. */
  async #toldStates() {
    const { directory } = this.#options;
    for (let i = 0; i < STATE_TRIES; i++) {
      const asking = [...this.#ports].map(async ([name, port]) => ({
        name,
        ...(await port.state(statePath(directory, name))),
      }));
      const { value: told } = await this.#inTime(Promise.all(asking));
      if (told === undefined) throw new Violation('liveness', 'not all replicas told their states');
      if (new Set(told.map(({ applied }) => applied)).size === 1) return told;
    }
    throw new Violation(
      'liveness',
      'replicas were never at one instance, although nobody asked for anything',
    );
  }

  async #inTime<T>(work: Promise<T>): Promise<{ readonly value: T | undefined }> {
    let value: T | undefined;
    let isDone = false;
    work.then(
      (came) => {
        value = came;
        isDone = true;
      },
      (error: unknown) => this.#watch.violated(new Violation('process', String(error))),
    );
    await this.#watch.until(STATE_MS, () => isDone);
    return { value };
  }

  /** Ends all processes, and looks at what they stored. */
  async #look(): Promise<void> {
    await this.#traffic?.close();
    const faults = (await this.#cluster?.terminate()) ?? [];
    if (faults.length > 0) throw new Violation('process', faults.join('\n'));
    const storages: Storage[] = (await this.#cluster?.storages()) ?? [];
    try {
      const broken = this.#cluster?.brokenWords(storages) ?? [];
      if (broken.length === 0) return;
      const what = broken.slice(0, MAX_SHOWN).join('\n    ');
      throw new Violation('durability', `what acceptors told is not in their storage:\n    ${what}`);
    } finally {
      for (const storage of storages) await storage.close();
    }
  }

  /** A replica said something that is no progress. */
  #heard(name: string, line: unknown): void {
    if (typeof line !== 'object' || line === null || !('type' in line)) return;
    if (line.type === 'answer') this.#ports.get(name)?.answered(line);
    if (line.type === 'mark' && 'instance' in line && 'digest' in line) {
      const { instance, digest } = line;
      this.#guard(() => this.#states.marked(name, Number(instance), String(digest)));
    }
    if (line.type === 'event' && 'event' in line) this.#happened(name, line.event);
  }

  #happened(name: string, event: unknown): void {
    if (typeof event !== 'object' || event === null || !('type' in event)) return;
    const type = String(event.type);
    const outcomes = this.#traffic?.outcomes;
    outcomes?.set(type, (outcomes.get(type) ?? 0) + 1);
    if (FAULTY.has(type))
      this.#watch.violated(new Violation('states', `${name} tells: ${JSON.stringify(event)}`));
  }

  #guard(look: () => void): void {
    try {
      look();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#watch.violated(error);
    }
  }

  #show(): void {
    const members = this.#members;
    this.#options.show?.({
      phase: this.#phase,
      elapsedMs: performance.now() - this.#startedAt,
      values: this.#traffic?.answers ?? 0,
      up: members.filter(({ isUp, isStopped }) => isUp && !isStopped).length,
      members: members.length,
      longestPause: (this.#phase === 'faults' ? this.#traffic?.longestPause : undefined) ?? this.#pause,
      faults: this.#faults?.counts ?? new Map(),
    });
  }

  async #close(): Promise<void> {
    await this.#faults?.end(false);
    await this.#traffic?.close();
    this.#echoes.close();
    await this.#cluster?.close();
  }

  #report(): CommandsReport {
    const { plan } = this.#options;
    const traffic = this.#traffic;
    const { commands = 0, answered = 0, additions = 0, openAdditions = 0 } = traffic?.history ?? {};
    return {
      seed: plan.seed,
      answers: traffic?.answers ?? 0,
      operationsPerSecond: Math.round((1000 * this.#flowAnswers) / (this.#flowMs || 1)),
      commands,
      answered,
      sum: this.#final?.sum ?? 0,
      additions,
      openAdditions,
      outcomes: Object.fromEntries(traffic?.outcomes ?? []),
      doubled: this.#echoes.messages,
      statesCompared: this.#states.compared,
      notJudged: this.#notJudged,
      longestPause: { fromMs: Math.round(this.#pause.fromMs), ms: Math.round(this.#pause.ms) },
      settledMs: Math.round(this.#settledMs),
      faults: this.#faults?.counts ?? new Map(),
      noDisks: this.#faults?.noDisks,
      violation: this.#watch.violation?.message,
    };
  }
}

/** What a replica may never tell. */
const FAULTY: ReadonlySet<string> = new Set(['diverged', 'not-deterministic', 'passed-over']);

function statePath(directory: string, name: string): string {
  return join(directory, `${name}.state`);
}
