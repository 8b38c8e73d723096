/**
 * Plan: what one seed decides before a run begins: the cluster, the work, and which faults there will be.
 */
import type { Storage } from '../paxos/storage.ts';
import { randomInt } from '../transport/random.ts';
import type { Random } from '../transport/transport.ts';

export const FAULT_KINDS = [
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
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Plan {
  readonly acceptors: number;
  /** true: acceptor i and proposer i are one process; then proposers equals acceptors */
  readonly replicas: boolean;
  readonly proposers: number;
  /** so many of the acceptors, the first ones, are as the original's are */
  readonly originals: number;
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

/** Draws a plan. */
export function drawPlan(random: Random): Plan {
  const replicas = random.next() < 0.6;
  const acceptors = pick(random, [1, 2, 3, 3, 3, 3, 4, 5, 5, 7]);
  const faults = shuffled(random, FAULT_KINDS).slice(0, randomInt(random, 3, 8));
  return {
    acceptors,
    replicas,
    proposers: replicas ? acceptors : randomInt(random, 1, 3),
    originals: replicas || random.next() < 0.6 ? 0 : randomInt(random, 1, acceptors),
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
    inFlight: pick(random, [128, 256]),
    learnerWindow: pick(random, [128, 512]),
  };
}

export function pick<T>(random: Random, choices: readonly [T, ...T[]]): T {
  return choices[Math.floor(random.next() * choices.length)] ?? choices[0];
}

export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const keyed = items.map((item) => ({ item, key: random.next() }));
  return keyed.sort((left, right) => left.key - right.key).map(({ item }) => item);
}
