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

/** What happens to what clients of a state machine say: they have to be answered, and heeded once, all the same. */
export const CLIENT_KINDS = ['unanswered', 'doubled'] as const;

export type Kind = (typeof KINDS)[number] | (typeof CLIENT_KINDS)[number];

export const ALL_KINDS: readonly Kind[] = [...KINDS, ...CLIENT_KINDS];

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
  /** undefined: values are raw */
  readonly commands: CommandsPlan | undefined;
}

/** A cluster whose replicas have a state machine. Its clients' values are operations. */
export interface CommandsPlan {
  /** counter: clients do nothing but add to one counter, and read it now and then */
  readonly work: 'store' | 'counter';
  /** how many operations each replica itself has under way; 0: it asks nothing */
  readonly replicasOutstanding: number;
  /** how many registers are in use at a time */
  readonly keys: number;
  /** how many operations are given up after a while, of one */
  readonly givenUp: number;
  readonly snapshotLogBytes: number;
  readonly snapshotIntervalS: number;
  readonly sessionTimeoutMs: number;
  /** 0: none */
  readonly readLeaseMs: number;
}

/** So many values a run has at most: all of them are kept, and read again by everybody who is started again. */
const MAX_VALUES = 250_000;
/** So many operations: each is in the history that is judged, and each command's mark in every snapshot. */
const MAX_OPERATIONS = 150_000;
const COUNTER_CLIENTS = 8;
/** Of those for whom it is enough that somebody waits no longer now and then. */
const GIVEN_UP = 0.01;
/** How many runs of commands have leases, of one. */
const LEASED = 0.5;
/** Some sessions expire while their client is cut off. */
const SHORT_SESSION_MS = 3000;
const LONG_SESSION_MS = 60_000;
/** What the counter has to bear: connections that are cut, late and doubled, and replicas that are killed. */
const COUNTER_KINDS: readonly Kind[] = ['kill', 'cut', 'delay', 'unanswered', 'doubled'];
const MIN_COMMANDS_KINDS = 8;
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
  return { ...cluster, schedule: drawSchedule(random, cluster, KINDS, MIN_KINDS), commands: undefined };
}

export interface CommandsPlanOptions extends PlanOptions {
  readonly work: CommandsPlan['work'];
  /** true: with leases; as the seed decides unless told */
  readonly lease?: boolean | undefined;
}

/** Draws a plan for replicas with a state machine. */
export function drawCommandsPlan(options: CommandsPlanOptions): Plan {
  const { seed, seconds, acceptors, lease, work } = options;
  const random = new SeededRandom(seed);
  const isCounter = work === 'counter';
  const drawn = pick(random, [3, 3, 5]);
  const count = acceptors ?? drawn;
  const pace = isCounter ? pick(random, [500, 1000]) : pick(random, [100, 300, 800]);
  const cluster = {
    seed,
    seconds,
    acceptors: count,
    replicas: true,
    proposers: count,
    learners: 0,
    clients: isCounter ? COUNTER_CLIENTS : randomInt(random, 2, 5),
    outstanding: isCounter ? pick(random, [1, 4, 16]) : pick(random, [1, 3, 8]),
    valuesPerSecond: Math.max(1, Math.min(pace, Math.floor(MAX_OPERATIONS / seconds))),
    preexecWindow: pick(random, [1, 4, 16, 128]),
    backlogBytes: pick(random, [64 * 1024, 16 * 1024 * 1024]),
  };
  const leaseMs = pick(random, [200, 1000]);
  const isLeased = lease ?? (!isCounter && random.next() < LEASED);
  const commands: CommandsPlan = {
    work,
    replicasOutstanding: isCounter ? 0 : randomInt(random, 1, 2),
    keys: randomInt(random, 3, 8),
    givenUp: isCounter ? 0 : GIVEN_UP,
    snapshotLogBytes: pick(random, [16 * 1024, 64 * 1024, 256 * 1024]),
    snapshotIntervalS: pick(random, [1, 5]),
    sessionTimeoutMs: isCounter ? LONG_SESSION_MS : pick(random, [SHORT_SESSION_MS, LONG_SESSION_MS]),
    readLeaseMs: isLeased ? leaseMs : 0,
  };
  const schedule = isCounter
    ? drawSchedule(random, cluster, COUNTER_KINDS, COUNTER_KINDS.length)
    : drawSchedule(random, cluster, ALL_KINDS, MIN_COMMANDS_KINDS);
  return { ...cluster, schedule, commands };
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

function drawSchedule(
  random: Random,
  cluster: Cluster & { readonly seconds: number },
  all: readonly Kind[],
  least: number,
): Fault[] {
  const betweenMs = pick(random, [400, 800, 1500]);
  const kinds = shuffled(random, all).slice(0, randomInt(random, least, all.length));
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
  const isOfClient = kind === 'unanswered' || kind === 'doubled';
  const some = isOfClient ? clientsOf(cluster) : kind === 'isolate' ? listeners : processes;
  const victim = one(random, hasDisk ? acceptorsOf(cluster) : some);
  const forMs = Math.round(SHORTEST_MS * (LONGEST_MS / SHORTEST_MS) ** random.next());
  const isBack = kind === 'kill' && random.next() < 0.4;
  return {
    atMs,
    kind,
    victim,
    strikesLeader:
      kind === 'isolate' || (random.next() < 0.5 && (cluster.replicas || !hasDisk) && !isOfClient),
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
