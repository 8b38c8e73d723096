/**
 * Cells: what is measured, by name, and what was promised of it. The table of what must hold by default, the full matrix
 * with --all. A LoadCell is a cluster under load, compared with another system; a FigureCell is one number or a few.
 */
import { connectionsCell, memoryCell } from './endurance.ts';
import { catchUpRate, failoverGap, recoveryTime } from './figures.ts';
import type { Scene } from './scene.ts';

export type SystemName = 'ours' | 'ours, own client' | 'original' | 'original, our client' | 'etcd';
export type Storage = 'memory' | 'lmdb-synced' | 'lmdb-unsynced';

/** What must hold of a figure. */
export interface Promised {
  /** what must hold, and what is aimed at: no less than this, or no more where less is better */
  readonly limit?: number | undefined;
  readonly aim?: number | undefined;
}

/** A cluster, and how it is put under load. */
export interface Load {
  /** raw: a client's value is an instance. commands: of a state machine, through a client that awaits their results */
  readonly values: 'raw' | 'commands';
  readonly storage: Storage;
  readonly outstanding: number;
  readonly valueBytes: number;
  /** replicas, or acceptors beside as many proposers */
  readonly nodes: 3 | 5;
  readonly topology: 'replicas' | 'roles';
}

export interface LoadCell extends Load, Promised {
  readonly kind: 'load';
  readonly name: string;
  /** for so long nothing is measured, s */
  readonly warmUpSeconds: number;
  /** measured in turn; the first is the one that promises are made of */
  readonly entrants: readonly Entrant[];
  /** whose best figure in this cell the first is compared with */
  readonly against: 'original' | 'etcd' | undefined;
}

/** One system, and how much is under way in it; the original is compared at its best. */
export interface Entrant {
  readonly system: SystemName;
  readonly outstanding: number;
}

export interface FigureCell {
  readonly kind: 'figure';
  readonly name: string;
  readonly what: string;
  readonly figures: readonly Figure[];
  /** each figure, in their order */
  readonly measure: (scene: Scene) => Promise<readonly number[]>;
  /** never measured oftener, whatever was asked for */
  readonly maxRounds: number;
  /** given up after this */
  readonly limitMs: number;
}

export interface Figure extends Promised {
  readonly name: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
}

export type Cell = LoadCell | FigureCell;

const MINUTE_MS = 60_000;
/** A client of the original ends on values above this. */
const MAX_ORIGINAL_BYTES = 8000;
/**
 * By then a just-in-time compiler has seen what is hot; snapshots of state machines were made, and what is behind them was
 * trimmed; and one second is like any other.
 */
const WARM_UP_SECONDS = 10;
/** Many raw values make everything hot sooner, and are never trimmed: the longer it goes on, the more memory is new. */
const MANY_RAW_WARM_UP_SECONDS = 2;
const MANY = 100;
/** More at a time than this is a test of the machine's memory. */
const MAX_UNDER_WAY_BYTES = 10_000_000;

type Choice = Partial<Omit<LoadCell, 'kind' | 'name' | 'values' | 'entrants' | 'warmUpSeconds'>>;
const COMMON = {
  kind: 'load',
  storage: 'memory',
  outstanding: 100,
  valueBytes: 64,
  nodes: 3,
  topology: 'replicas',
} as const;

/** The two that are compared with each other, whatever else is in a cell. */
export const WITH_OUR_CLIENT = ['ours, own client', 'original, our client'] as const;

/** Raw values: ours and the original under one client, the original's; and both under ours, which tells percentiles. */
function raw(name: string, choice: Choice): LoadCell {
  const { outstanding = COMMON.outstanding } = choice;
  const warmUpSeconds = outstanding >= MANY ? MANY_RAW_WARM_UP_SECONDS : WARM_UP_SECONDS;
  const cell = { ...COMMON, against: 'original', ...choice, name, values: 'raw', warmUpSeconds } as const;
  const systems: readonly SystemName[] =
    cell.against === undefined ? ['ours, own client'] : ['ours', 'original', ...WITH_OUR_CLIENT];
  return { ...cell, entrants: systems.map((system) => ({ system, outstanding: cell.outstanding })) };
}

/** Commands through a client; beside them raw values of the original, which has nothing like commands, or puts of etcd. */
function commands(name: string, choice: Choice, others: readonly Entrant[] = []): LoadCell {
  const warmUpSeconds = WARM_UP_SECONDS;
  const cell = { ...COMMON, against: undefined, ...choice, name, values: 'commands', warmUpSeconds } as const;
  return { ...cell, entrants: [{ system: 'ours', outstanding: cell.outstanding }, ...others] };
}

/** The original is at its best with one of these. */
const ORIGINALS: readonly Entrant[] = [10, 100, 1000].map((outstanding) => ({
  system: 'original',
  outstanding,
}));

const COMMANDS: readonly Cell[] = [
  commands('commands-1', { outstanding: 1 }),
  commands('commands-10', { outstanding: 10 }),
  commands('commands-100', {}),
  commands('commands-1000', { outstanding: 1000, against: 'original', limit: 12, aim: 25 }, ORIGINALS),
  commands('commands-10000', { outstanding: 10_000 }),
  commands('commands-100-1000B', { valueBytes: 1000, against: 'original', limit: 8, aim: 15 }, [
    { system: 'original', outstanding: 100 },
  ]),
  commands(
    'commands-synced-256',
    { storage: 'lmdb-synced', outstanding: 256, valueBytes: 128, against: 'etcd', limit: 15, aim: 40 },
    [{ system: 'etcd', outstanding: 256 }],
  ),
];

const FIGURES: readonly Cell[] = [
  {
    kind: 'figure',
    name: 'catch-up',
    what: 'a late learner, 300,000 instances of 64 bytes',
    figures: [{ name: 'learned', unit: 'instances/s', better: 'more', limit: 150_000, aim: 500_000 }],
    measure: catchUpRate,
    maxRounds: 3,
    limitMs: 2 * MINUTE_MS,
  },
  {
    kind: 'figure',
    name: 'failover',
    what: 'the leader is killed (kill -9) with 10 values under way',
    figures: [{ name: 'longest time without a value', unit: 'ms', better: 'less' }],
    measure: failoverGap,
    maxRounds: 3,
    limitMs: MINUTE_MS,
  },
  {
    kind: 'figure',
    name: 'recovery',
    what: 'start of an acceptor with 1,000,000 records, until it listens',
    figures: [{ name: 'started', unit: 's', better: 'less', limit: 2, aim: 0.5 }],
    measure: recoveryTime,
    maxRounds: 3,
    limitMs: 2 * MINUTE_MS,
  },
];

/** The table of what must hold. */
const TABLE: readonly Cell[] = [
  raw('raw-1', { outstanding: 1, limit: 1.1, aim: 1.3 }),
  raw('raw-10', { outstanding: 10, limit: 1.3, aim: 2 }),
  raw('raw-100', { limit: 3.3, aim: 4 }),
  raw('raw-1000', { outstanding: 1000, limit: 4, aim: 5 }),
  raw('raw-100-1000B', { valueBytes: 1000, limit: 2.2, aim: 2.8 }),
  raw('synced-100', { storage: 'lmdb-synced', limit: 30, aim: 70 }),
  raw('synced-1', { storage: 'lmdb-synced', outstanding: 1, limit: 0.9, aim: 1.2 }),
  raw('unsynced-100', { storage: 'lmdb-unsynced', limit: 1.4, aim: 2.5 }),
  ...COMMANDS,
  ...FIGURES,
];

/** What the table leaves out. */
const REST: readonly Cell[] = [
  ...matrix(),
  raw('five-100', { nodes: 5 }),
  raw('roles-100', { topology: 'roles' }),
  raw('roles-1000', { topology: 'roles', outstanding: 1000 }),
  commands('commands-five-1000', { nodes: 5, outstanding: 1000 }),
  commands('commands-10-100000B', { outstanding: 10, valueBytes: 100_000 }),
  commands('commands-synced-1', { storage: 'lmdb-synced', outstanding: 1 }),
  commands('commands-synced-1000', { storage: 'lmdb-synced', outstanding: 1000 }),
  commands('commands-unsynced-1000', { storage: 'lmdb-unsynced', outstanding: 1000 }),
  memoryCell(),
  connectionsCell(),
];

/** Every number outstanding, with every size, in every storage. */
function matrix(): LoadCell[] {
  const cells: LoadCell[] = [];
  for (const storage of ['memory', 'lmdb-synced', 'lmdb-unsynced'] as const) {
    for (const valueBytes of [64, 1000, 100_000]) {
      for (const outstanding of [1, 10, 100, 1000, 10_000]) {
        if (outstanding * valueBytes > MAX_UNDER_WAY_BYTES) continue;
        const choice: Choice = { storage, outstanding, valueBytes };
        const name = `${storage}-${outstanding}-${valueBytes}B`;
        cells.push(raw(name, valueBytes > MAX_ORIGINAL_BYTES ? { ...choice, against: undefined } : choice));
      }
    }
  }
  return cells.filter((cell) => !TABLE.some((other) => isSameLoad(cell, other)));
}

function isSameLoad(cell: LoadCell, other: Cell): boolean {
  return (
    other.kind === 'load' &&
    other.values === cell.values &&
    other.storage === cell.storage &&
    other.outstanding === cell.outstanding &&
    other.valueBytes === cell.valueBytes
  );
}

/** A minute's worth. */
const QUICK: readonly string[] = ['raw-100', 'commands-1000', 'catch-up'];

export interface Selection {
  readonly all?: boolean;
  readonly quick?: boolean;
  /** names of cells; a * stands for anything */
  readonly names?: readonly string[];
}

/** @throws Error if a name is no cell's */
export function selectCells({ all = false, quick = false, names = [] }: Selection): readonly Cell[] {
  const every = [...TABLE, ...REST];
  if (names.length > 0) {
    const chosen = new Set(names.flatMap((name) => named(name, every)));
    return every.filter((cell) => chosen.has(cell));
  }
  if (quick) return every.filter((cell) => QUICK.includes(cell.name));
  return all ? every : TABLE;
}

function named(name: string, every: readonly Cell[]): readonly Cell[] {
  const parts = name.split('*').map((part) => part.replace(/[^\w-]/g, ''));
  const pattern = new RegExp(`^${parts.join('.*')}$`);
  const found = every.filter((cell) => pattern.test(cell.name));
  if (found.length > 0) return found;
  throw new Error(`no cell is called ${name}; there are: ${every.map((cell) => cell.name).join(', ')}`);
}
