/**
 * Plan: what one seed decides before a run begins: the cluster, the work, and every fault with its time and its victim.
 * Real processes do not repeat exactly what they did; what is done to them is the same each time.
 */
import { pick, shuffled } from '../../src/sim/plan.ts';
import { randomInt, SeededRandom } from '../../src/transport/random.ts';
import type { Random } from '../../src/transport/transport.ts';

export const KINDS = [
  'kill',
  'stop',
  'partition',
  'one-way',
  'isolate',
  'cut',
  'delay',
  'clog',
  'throttle',
  'slow-disk',
  'failed-sync',
] as const;

export type Kind = (typeof KINDS)[number];

/** The learner in this process that no fault reaches: it sees when values flow. */
export const WATCHER = 'w';

export interface Fault {
  /** since the first value was chosen, ms */
  readonly atMs: number;
  readonly kind: Kind;
  /** who is struck */
  readonly victim: string;
  /** whoever leads then is struck instead, if somebody does */
  readonly strikesLeader: boolean;
  /** the other ends: of a cut or clogged connection one, of a partition those on the victim's side */
  readonly others: readonly string[];
  /** how long it lasts; for a kill, how long the process stays away */
  readonly forMs: number;
  /** ms of delay, or bytes a second */
  readonly amount: number;
}

export interface Plan {
  readonly seed: number;
  readonly seconds: number;
  readonly acceptors: number;
  /** true: acceptor i and proposer i are one process; then proposers equals acceptors */
  readonly replicas: boolean;
  readonly proposers: number;
  /** processes that only learn */
  readonly learners: number;
  /** in this process; they learn, too */
  readonly clients: number;
  /** each client's, at a time */
  readonly outstanding: number;
  /** all clients' together, at most */
  readonly valuesPerSecond: number;
  readonly preexecWindow: number;
  readonly backlogBytes: number;
  readonly schedule: readonly Fault[];
}

/** So many values a run has at most: all of them are kept, and read again by everybody who is started again. */
const MAX_VALUES = 250_000;
const FIRST_FAULT_MS = 200;
const MIN_KINDS = 5;
const SHORTEST_MS = 100;
const LONGEST_MS = 5000;

export interface PlanOptions {
  readonly seed: number;
  readonly seconds: number;
  /** as the seed decides unless told */
  readonly acceptors?: number | undefined;
}

/** Draws a plan. */
export function drawPlan({ seed, seconds, acceptors: asked }: PlanOptions): Plan {
  const random = new SeededRandom(seed);
  const drawn = pick(random, [3, 3, 5]);
  const acceptors = asked ?? drawn;
  const replicas = random.next() < 0.6;
  const proposers = replicas ? acceptors : randomInt(random, 2, 3);
  const pace = pick(random, [300, 1000, 3000]);
  const cluster = {
    seed,
    seconds,
    acceptors,
    replicas,
    proposers,
    learners: randomInt(random, 1, 2),
    clients: randomInt(random, 1, 3),
    outstanding: pick(random, [5, 20, 50, 200]),
    valuesPerSecond: Math.max(1, Math.min(pace, Math.floor(MAX_VALUES / seconds))),
    preexecWindow: pick(random, [1, 4, 16, 128]),
    backlogBytes: pick(random, [16 * 1024, 64 * 1024, 16 * 1024 * 1024]),
  };
  return { ...cluster, schedule: drawSchedule(random, cluster) };
}

type Cluster = Pick<Plan, 'acceptors' | 'replicas' | 'proposers' | 'learners' | 'clients'>;

/** Names of processes that take connections in: r0 is acceptor 0 and proposer 0. */
export function listenersOf({
  acceptors,
  replicas,
  proposers,
}: Omit<Cluster, 'learners' | 'clients'>): string[] {
  return replicas ? named('r', acceptors) : [...named('a', acceptors), ...named('p', proposers)];
}

/** Names of the processes that hold an acceptor, by its id. */
export function acceptorsOf({ acceptors, replicas }: Pick<Cluster, 'acceptors' | 'replicas'>): string[] {
  return named(replicas ? 'r' : 'a', acceptors);
}

export function learnersOf({ learners }: Pick<Cluster, 'learners'>): string[] {
  return named('l', learners);
}

export function clientsOf({ clients }: Pick<Cluster, 'clients'>): string[] {
  return named('c', clients);
}

function named(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${letter}${i}`);
}

function drawSchedule(random: Random, cluster: Cluster & { readonly seconds: number }): Fault[] {
  const betweenMs = pick(random, [400, 800, 1500]);
  const kinds = shuffled(random, KINDS).slice(0, randomInt(random, MIN_KINDS, KINDS.length));
  const faults: Fault[] = [];
  let deck: Kind[] = [];
  for (let atMs = FIRST_FAULT_MS; atMs < 1000 * cluster.seconds; ) {
    // Each kind comes up as often as the others, so that a short run has several.
    if (deck.length === 0) deck = shuffled(random, kinds);
    const kind = deck.pop() ?? 'kill';
    faults.push(drawFault(random, cluster, kind, Math.round(atMs)));
    atMs += 2 * betweenMs * random.next();
  }
  return faults;
}

function drawFault(random: Random, cluster: Cluster, kind: Kind, atMs: number): Fault {
  const listeners = listenersOf(cluster);
  const processes = [...listeners, ...learnersOf(cluster)];
  const all = [...processes, ...clientsOf(cluster)];
  const hasDisk = kind === 'slow-disk' || kind === 'failed-sync';
  const victim = one(random, hasDisk ? acceptorsOf(cluster) : kind === 'isolate' ? listeners : processes);
  const forMs = Math.round(SHORTEST_MS * (LONGEST_MS / SHORTEST_MS) ** random.next());
  const isBack = kind === 'kill' && random.next() < 0.4;
  return {
    atMs,
    kind,
    victim,
    strikesLeader: kind === 'isolate' || (random.next() < 0.5 && (cluster.replicas || !hasDisk)),
    others: drawOthers(random, kind, all),
    forMs: isBack ? 0 : forMs,
    amount: drawAmount(random, kind),
  };
}

function drawOthers(random: Random, kind: Kind, all: readonly string[]): string[] {
  if (kind === 'partition' || kind === 'one-way') return all.filter(() => random.next() < 0.35);
  return kind === 'cut' || kind === 'clog' ? [one(random, all)] : [];
}

function drawAmount(random: Random, kind: Kind): number {
  switch (kind) {
    case 'delay':
      return pick(random, [1, 5, 20, 60, 150]);
    case 'clog':
      return randomInt(random, 50, 1000);
    case 'throttle':
      return pick(random, [2_000, 20_000, 200_000]);
    case 'slow-disk':
      return pick(random, [5, 20, 100, 400]);
    default:
      return 0;
  }
}

function one(random: Random, names: readonly string[]): string {
  return names[randomInt(random, 0, names.length - 1)] ?? '';
}
