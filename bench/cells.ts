/**
 * Cells: what is measured, by name, and what was promised of it. The table of what must hold by default, the full matrix
 * with --all. A LoadCell is a cluster under load, compared with another system; a FigureCell is one number.
 *
 * A new kind of load (commands, say) is a value of `Load` and a program in `systems.ts` that prints a line a second.
 */
import { catchUpRate, failoverGap, recoveryTime } from './figures.ts';
import type { Scene } from './scene.ts';

export type SystemName = 'ours' | 'ours, own client' | 'original' | 'etcd';
export type Storage = 'memory' | 'lmdb-synced' | 'lmdb-unsynced';

export interface LoadCell {
  readonly kind: 'load';
  readonly name: string;
  readonly storage: Storage;
  readonly outstanding: number;
  readonly valueBytes: number;
  /** replicas, or acceptors beside as many proposers */
  readonly nodes: 3 | 5;
  readonly topology: 'replicas' | 'roles';
  /** measured in turn; each ratio is that of the first to the one that is named here */
  readonly systems: readonly SystemName[];
  readonly against: SystemName;
  /** the ratio that must hold, and the one that is aimed at */
  readonly atLeast?: number;
  readonly aim?: number;
}

export interface FigureCell {
  readonly kind: 'figure';
  readonly name: string;
  readonly what: string;
  readonly unit: string;
  readonly measure: (scene: Scene) => Promise<number>;
  /** the figure that must hold, and whether more or less is better */
  readonly limit?: number;
  readonly better: 'more' | 'less';
}

export type Cell = LoadCell | FigureCell;

type Choice = Partial<Omit<LoadCell, 'kind' | 'name'>>;

/** Raw values: the same client, the original's, for ours and the original; and ours with percentiles. */
function raw(name: string, choice: Choice): LoadCell {
  return {
    kind: 'load',
    name,
    storage: 'memory',
    outstanding: 100,
    valueBytes: 64,
    nodes: 3,
    topology: 'replicas',
    systems: ['ours', 'original', 'ours, own client'],
    against: 'original',
    ...choice,
  };
}

/** The table of what must hold. */
const TABLE: readonly Cell[] = [
  raw('raw-1', { outstanding: 1, atLeast: 1.1, aim: 1.3 }),
  raw('raw-10', { outstanding: 10, atLeast: 1.3, aim: 2 }),
  raw('raw-100', { atLeast: 3.3, aim: 4 }),
  raw('raw-1000', { outstanding: 1000, atLeast: 4, aim: 5 }),
  raw('raw-100-1000B', { valueBytes: 1000, atLeast: 2.2, aim: 2.8 }),
  raw('synced-100', { storage: 'lmdb-synced', atLeast: 30, aim: 70 }),
  raw('synced-1', { storage: 'lmdb-synced', outstanding: 1, atLeast: 0.9, aim: 1.2 }),
  raw('unsynced-100', { storage: 'lmdb-unsynced', atLeast: 1.4, aim: 2.5 }),
  {
    kind: 'figure',
    name: 'catch-up',
    what: 'a late learner, 300,000 instances of 64 bytes',
    unit: 'instances/s',
    measure: catchUpRate,
    limit: 150_000,
    better: 'more',
  },
  {
    kind: 'figure',
    name: 'failover',
    what: 'the leader killed at 10 outstanding: the longest time without a value',
    unit: 'ms',
    measure: failoverGap,
    better: 'less',
  },
  {
    kind: 'figure',
    name: 'recovery',
    what: 'start of an acceptor with 1,000,000 records, until it listens',
    unit: 'ms',
    measure: recoveryTime,
    limit: 2000,
    better: 'less',
  },
];

/** What the table leaves out: every number outstanding, with every size that a client can send, in every storage. */
const MATRIX: readonly Cell[] = [
  ...matrix(),
  raw('five-100', { nodes: 5 }),
  raw('roles-100', { topology: 'roles' }),
  raw('etcd-256', {
    storage: 'lmdb-synced',
    outstanding: 256,
    valueBytes: 128,
    systems: ['ours, own client', 'etcd'],
    against: 'etcd',
  }),
];

function matrix(): LoadCell[] {
  const cells: LoadCell[] = [];
  for (const storage of ['memory', 'lmdb-synced', 'lmdb-unsynced'] as const) {
    for (const valueBytes of [64, 1000, 100_000]) {
      for (const outstanding of [1, 10, 100, 1000, 10_000]) {
        if (outstanding * valueBytes > 100_000_000) continue; // more than the originals hold
        // The original's client ends on large values.
        const originals: Choice = { storage, outstanding, valueBytes };
        const alone: Choice = { ...originals, systems: ['ours, own client'], against: 'ours, own client' };
        const name = `${storage}-${outstanding}-${valueBytes}B`;
        cells.push(raw(name, valueBytes > 8000 ? alone : originals));
      }
    }
  }
  return cells;
}

/** A minute's worth. */
const QUICK: readonly string[] = ['raw-1', 'raw-100', 'recovery'];

export type Selection = { readonly all: boolean; readonly quick: boolean; readonly names: readonly string[] };

/** @throws Error if a name is no cell's */
export function selectCells({ all, quick, names }: Selection): readonly Cell[] {
  const every = [...TABLE, ...MATRIX];
  if (names.length > 0)
    return names.map((name) => every.find((cell) => cell.name === name) ?? unknown(name, every));
  if (quick) return every.filter((cell) => QUICK.includes(cell.name));
  return all ? every : TABLE;
}

function unknown(name: string, every: readonly Cell[]): never {
  throw new Error(`no cell is called ${name}; there are: ${every.map((cell) => cell.name).join(', ')}`);
}
