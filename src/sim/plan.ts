/**
 * Plan: what one seed decides before a run begins: the cluster, the work, and which faults there will be.
 */
import type { Storage } from '../paxos/storage.ts';
import { randomInt } from '../transport/random.ts';
import type { Random } from '../transport/transport.ts';

/** What is drawn for every run. */
const DRAWN_KINDS = [
  'crash',
  'pause',
  'partition',
  'one-way',
  'cut',
  'delay',
  'loss',
  'duplication',
  'reordering',
  'slow-disk',
  'failed-sync',
  'full-disk',
  'flipped-bit',
  'drift',
  'clog',
  'slow-consumer',
  'client-crash',
  'power-cut',
  'lost-storage',
] as const;

/** `isolated-leader` is for runs of commands, whose reads are what a leader must not answer that others took for gone. */
export const FAULT_KINDS = [...DRAWN_KINDS, 'isolated-leader'] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Plan {
  readonly acceptors: number;
  /** true: acceptor i and proposer i are one process; then proposers equals acceptors */
  readonly replicas: boolean;
  readonly proposers: number;
  /** so many of the acceptors, or replicas, the first ones, are as the original's are */
  readonly originals: number;
  /** so many of the proposers, the first ones; where acceptors and proposers are apart */
  readonly originalProposers: number;
  /** learners and clients as the original's are, beside those below */
  readonly originalLearners: number;
  readonly originalClients: number;
  readonly learners: number;
  readonly clients: number;
  /** in all; each client submits its share */
  readonly values: number;
  readonly outstanding: number;
  /** memory: its acceptors do not restart; they would have forgotten what they promised */
  readonly storage: Storage['durability'];
  readonly faults: readonly FaultKind[];
  /** how long faults go on, ms of virtual time */
  readonly faultsMs: number;
  /** between two faults, on average, ms */
  readonly betweenFaultsMs: number;
  readonly trims: boolean;
  readonly preexecWindow: number;
  readonly inFlight: number;
  readonly learnerWindow: number;
  /** how much may wait for a peer that does not read */
  readonly backlogBytes: number;
  /** undefined: values are raw */
  readonly commands: CommandPlan | undefined;
}

/** A run whose replicas have a state machine. */
export interface CommandPlan {
  /** how many registers there are */
  readonly keys: number;
  /** true: replicas have commands of their own, beside those of clients */
  readonly replicasAsk: boolean;
  readonly snapshotLogBytes: number;
  readonly snapshotIntervalS: number;
  /** so many bytes are in every snapshot beside what matters: it takes many pieces */
  readonly ballastBytes: number;
  readonly sessionTimeoutMs: number;
  /** 0: none */
  readonly readLeaseMs: number;
  /** how far a process may be off with what time it is in the world, ms */
  readonly wallOffsetMs: number;
}

/**
 * Whether agreement is judged. Without syncs a power cut takes promises back, and agreement with them: of such a run it
 * is asked only that nodes do not break, and invent nothing.
 */
export function isJudged({ storage, faults }: Plan): boolean {
  return storage !== 'unsynced' || !faults.includes('power-cut');
}

function drawStorage(random: Random): Storage['durability'] {
  const drawn = random.next();
  if (drawn < 0.06) return 'memory';
  return drawn < 0.14 ? 'unsynced' : 'synced';
}

/** More original proposers than that outvote each other for ever, and nobody else gets a word in. */
const MAX_ORIGINAL_PROPOSERS = 2;

/** In most runs all nodes are ours. */
function drawOriginals(random: Random, replicas: boolean, acceptors: number, proposers: number) {
  const some = (likelihood: number, most: number) =>
    random.next() < likelihood ? randomInt(random, 1, most) : 0;
  const isMixed = random.next() < 0.3;
  // One proposer is ours, but where there is one alone: replicas that are all originals run nothing again that one of
  // them missed, so that who counts honestly may never learn it (docs/protocol.md).
  const mostReplicas = Math.min(Math.max(1, acceptors - 1), MAX_ORIGINAL_PROPOSERS);
  return {
    originals: isMixed ? some(0.6, replicas ? mostReplicas : acceptors) : 0,
    originalProposers: isMixed && !replicas ? some(0.5, Math.min(proposers, MAX_ORIGINAL_PROPOSERS)) : 0,
    originalLearners: isMixed ? some(0.3, 1) : 0,
    originalClients: isMixed ? some(0.5, 1) : 0,
  };
}

/** Whether some node of a run behaves as the original's do. */
export function isMixed(plan: Plan): boolean {
  return plan.originals + plan.originalProposers + plan.originalLearners + plan.originalClients > 0;
}

/** In five. */
const COMMAND_RUNS = 2;

/**
 * Four of ten runs without originals are of commands. Nothing is drawn for that, so that the seeds of raw runs stay what
 * they were.
 */
function isOfCommands(plan: Plan): boolean {
  return !isMixed(plan) && plan.faultsMs % 5 < COMMAND_RUNS;
}

/** Every acceptor is a replica there, since a machine's snapshots are what the log is trimmed by. */
function withCommands(random: Random, plan: Plan): Plan {
  const readLeaseMs = pick(random, LEASES_MS);
  return {
    ...plan,
    faults: withFaults(random, plan, readLeaseMs),
    replicas: true,
    proposers: plan.acceptors,
    learners: 0,
    storage: plan.storage === 'unsynced' ? 'synced' : plan.storage,
    trims: true,
    commands: {
      keys: randomInt(random, 2, 6),
      // So that there is somebody on either side of whatever parts them.
      replicasAsk: random.next() < 0.5 || plan.clients === 1,
      snapshotLogBytes: pick(random, [1024, 2048, 8192, 1024 * 1024]),
      snapshotIntervalS: pick(random, [1, 2, 300]),
      ballastBytes: pick(random, [0, 0, 0, 300_000]),
      sessionTimeoutMs: pick(random, [1000, 1500, 60_000, 60_000]),
      readLeaseMs,
      wallOffsetMs: pick(random, [0, 0, 5000, 3_600_000]),
    },
  };
}

/** Those shorter than the leader timeout can end before their holder notices that nobody hears it. */
const LEASES_MS = [0, 200, 400, 400, 1000] as const;

/**
 * Leaders are isolated in most of these runs; in half of them little else happens, since it takes a cluster that works
 * for another to be taken at once. Where there are leases clocks drift more often than elsewhere.
 */
function withFaults(random: Random, { faults, acceptors }: Plan, readLeaseMs: number): readonly FaultKind[] {
  const isIsolated = random.next() < 0.8 && acceptors > 2;
  const drifts = random.next() < 0.5 && readLeaseMs > 0;
  const isQuiet = random.next() < 0.5 && isIsolated;
  const kinds = new Set<FaultKind>(isQuiet ? faults.slice(0, 2) : faults);
  if (isIsolated) kinds.add('isolated-leader');
  if (drifts) kinds.add('drift');
  return [...kinds];
}

/** How slow and how fast clocks run that drift. */
export const MIN_DRIFT = 0.9;
export const MAX_DRIFT = 1.1;

/** How fast the clock of a process runs. */
export function drawDrift({ faults }: Plan, random: Random): number {
  return faults.includes('drift') ? MIN_DRIFT + 0.2 * random.next() : 1;
}

/** Draws a plan. */
export function drawPlan(random: Random): Plan {
  const plan = drawRawPlan(random);
  return isOfCommands(plan) ? withCommands(random, plan) : plan;
}

function drawRawPlan(random: Random): Plan {
  const replicas = random.next() < 0.6;
  const acceptors = pick(random, [1, 2, 3, 3, 3, 3, 4, 5, 5, 7]);
  const faults = shuffled<FaultKind>(random, DRAWN_KINDS).slice(0, randomInt(random, 3, 8));
  const proposers = replicas ? acceptors : randomInt(random, 1, 3);
  return {
    acceptors,
    replicas,
    proposers,
    ...drawOriginals(random, replicas, acceptors, proposers),
    learners: randomInt(random, 1, 2),
    clients: randomInt(random, 1, 3),
    values: randomInt(random, 200, 320),
    outstanding: pick(random, [1, 3, 10, 40]),
    storage: drawStorage(random),
    faults,
    faultsMs: randomInt(random, 2_000, 8_000),
    betweenFaultsMs: pick(random, [100, 300, 800]),
    trims: random.next() < 0.5,
    preexecWindow: pick(random, [1, 4, 16, 128]),
    inFlight: pick(random, [16, 128, 256]),
    learnerWindow: pick(random, [32, 128, 512]),
    backlogBytes: pick(random, [16 * 1024, 64 * 1024]),
    commands: undefined,
  };
}

export function pick<T>(random: Random, choices: readonly [T, ...T[]]): T {
  return choices[Math.floor(random.next() * choices.length)] ?? choices[0];
}

export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const keyed = items.map((item) => ({ item, key: random.next() }));
  return keyed.sort((left, right) => left.key - right.key).map(({ item }) => item);
}
