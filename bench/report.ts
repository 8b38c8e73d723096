/**
 * Report: the results as text, and as they are kept in JSON.
 */
import type { Cell, FigureCell, LoadCell, SystemName } from './cells.ts';
import { type Measured, median, sum } from './load.ts';
import type { Machine } from './proc.ts';

export interface LoadResult {
  readonly cell: string;
  readonly rounds: Readonly<Partial<Record<SystemName, readonly Measured[]>>>;
  /** of medians; undefined: there is nothing to compare with */
  readonly ratio: number | undefined;
  readonly atLeast: number | undefined;
}

export interface FigureResult {
  readonly cell: string;
  readonly unit: string;
  readonly figures: readonly number[];
  readonly median: number;
  readonly limit: number | undefined;
}

/** One run, as it is written to a file. */
export interface Run {
  readonly at: string;
  readonly machine: Machine;
  readonly seconds: number;
  readonly loads: readonly LoadResult[];
  readonly figures: readonly FigureResult[];
}

export function loadResult(cell: LoadCell, rounds: Partial<Record<SystemName, Measured[]>>): LoadResult {
  const [first] = cell.systems;
  const rate = (system: SystemName | undefined) =>
    median((system === undefined ? undefined : rounds[system])?.map((one) => one.valuesPerSecond) ?? []);
  const ratio = first === cell.against ? Number.NaN : rate(first) / rate(cell.against);
  return {
    cell: cell.name,
    rounds,
    ratio: Number.isNaN(ratio) ? undefined : ratio,
    atLeast: cell.atLeast,
  };
}

export function figureResult(cell: FigureCell, figures: readonly number[]): FigureResult {
  const { name, unit, limit } = cell;
  return { cell: name, unit, figures, median: median(figures), limit };
}

/** What a cell is, in a line. */
export function titleOf(cell: Cell): string {
  if (cell.kind === 'figure') return `${cell.name}: ${cell.what}`;
  const { name, nodes, topology, outstanding, valueBytes, storage } = cell;
  const servers = topology === 'replicas' ? `${nodes} replicas` : `${nodes} acceptors and ${nodes} proposers`;
  return `${name}: ${servers}, ${outstanding} outstanding, ${valueBytes} bytes, ${storage}`;
}

/** What was measured of one system: the medians of its rounds. */
export function systemLine(system: SystemName, measured: readonly Measured[]): string {
  const of = (pick: (one: Measured) => number) => Math.round(median(measured.map(pick))).toLocaleString('en');
  const servers = (one: Measured) => one.processes.filter(({ name }) => name !== 'client');
  const cpu = median(measured.map((one) => sum(servers(one).map((process) => process.cpuMicrosPerValue))));
  const client = median(
    measured.map(
      (one) => one.processes.find(({ name }) => name === 'client')?.cpuMicrosPerValue ?? Number.NaN,
    ),
  );
  const rss = median(measured.map((one) => Math.max(...servers(one).map((process) => process.rssBytes))));
  const rate = of((one) => one.valuesPerSecond).padStart(9);
  return [
    `${system.padEnd(16)} ${rate} values/s`,
    latencyText(measured),
    `CPU ${cpu.toFixed(1)} us a value, client ${client.toFixed(1)}`,
    `RSS ${Math.round(rss / 2 ** 20)} MB`,
    `others ${median(measured.map((one) => one.foreignProcessors)).toFixed(2)} CPUs`,
  ].join('   ');
}

function latencyText(measured: readonly Measured[]): string {
  const of = (pick: (one: Measured) => number) => Math.round(median(measured.map(pick))).toLocaleString('en');
  const worst = Math.round(Math.max(...measured.map((one) => one.maxMicros))).toLocaleString('en');
  if (measured.some((one) => one.percentiles === undefined)) {
    return `mean ${of((one) => one.meanMicros)} max ${worst} us`;
  }
  const at = (key: 'p50' | 'p99' | 'p999') => of((one) => one.percentiles?.[key] ?? Number.NaN);
  return `p50 ${at('p50')} p99 ${at('p99')} p99.9 ${at('p999')} max ${worst} us`;
}

export function ratioLine(cell: LoadCell, { ratio }: LoadResult): string {
  if (ratio === undefined) return '';
  const { atLeast, aim } = cell;
  const verdict =
    atLeast === undefined
      ? ''
      : `, at least ${atLeast} is promised${aim === undefined ? '' : `, ${aim} aimed at`}`;
  return `ratio to ${cell.against}: ${ratio.toFixed(2)}${verdict}${atLeast !== undefined && ratio < atLeast ? ': MISSED' : ''}`;
}

export function figureLine(cell: FigureCell, { median: middle, limit }: FigureResult): string {
  const rounded = Math.round(middle).toLocaleString('en');
  if (limit === undefined) return `${rounded} ${cell.unit}`;
  const isMissed = cell.better === 'more' ? middle < limit : middle > limit;
  const bound = cell.better === 'more' ? 'at least' : 'at most';
  return `${rounded} ${cell.unit}, ${bound} ${limit.toLocaleString('en')} is promised${isMissed ? ': MISSED' : ''}`;
}
