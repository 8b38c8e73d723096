/**
 * Report: the results as they are kept in JSON, and as lines of text while a run goes on.
 */
import {
  type Cell,
  type Entrant,
  type FigureCell,
  type LoadCell,
  type Promised,
  type SystemName,
  WITH_OUR_CLIENT,
} from './cells.ts';
import type { Measured } from './load.ts';
import type { Machine } from './proc.ts';
import { median, sum } from './statistics.ts';

/** What was measured of one system in a cell. */
export interface EntrantResult extends Entrant {
  readonly rounds: readonly Measured[];
}

export interface LoadResult extends Omit<LoadCell, 'entrants'> {
  readonly entrants: readonly EntrantResult[];
  /** of medians, the first to the best of those it is compared with; undefined: there is nothing to compare with */
  readonly ratio: number | undefined;
  /** the same, with our client for both */
  readonly ourClientRatio?: number | undefined;
}

export interface FigureResult extends Promised {
  readonly cell: string;
  readonly name: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  readonly rounds: readonly number[];
  readonly median: number;
}

/** One run, as it is written to a file. */
export interface Run {
  readonly at: string;
  readonly machine: Machine;
  readonly rounds: number;
  readonly seconds: number;
  readonly loads: readonly LoadResult[];
  readonly figures: readonly FigureResult[];
  /** cells that could not be measured, and why */
  readonly failures: readonly { readonly cell: string; readonly reason: string }[];
}

export type Verdict = 'aim' | 'holds' | 'MISSED' | '';

export function rateOf({ rounds }: EntrantResult): number {
  return median(rounds.map((one) => one.valuesPerSecond));
}

export function loadResult(cell: LoadCell, entrants: readonly EntrantResult[]): LoadResult {
  const measured = entrants.filter(({ rounds }) => rounds.length > 0);
  const of = (name: SystemName | undefined) => measured.filter(({ system }) => system === name);
  const [ours, theirs] = WITH_OUR_CLIENT;
  return {
    ...cell,
    entrants,
    ratio: ratioOf(of(entrants[0]?.system)[0], of(cell.against)),
    ourClientRatio: ratioOf(of(ours)[0], of(theirs)),
  };
}

function ratioOf(ours: EntrantResult | undefined, rivals: readonly EntrantResult[]): number | undefined {
  if (ours === undefined || rivals.length === 0) return undefined;
  return rateOf(ours) / Math.max(...rivals.map(rateOf));
}

/** Promises are made of one client for both, the original's or ours: of the better of the two ratios. */
export function promisedRatio({ ratio, ourClientRatio }: LoadResult): number | undefined {
  if (ratio === undefined) return undefined;
  return Math.max(ratio, ourClientRatio ?? ratio);
}

/** @param rounds the cell's figures, round by round */
export function figureResults(cell: FigureCell, rounds: readonly (readonly number[])[]): FigureResult[] {
  return cell.figures.map((figure, i) => {
    const own = rounds.map((round) => round[i] ?? Number.NaN);
    return { ...figure, cell: cell.name, rounds: own, median: median(own) };
  });
}

/** What became of a promise. What is no number has missed it. */
export function verdictOf(figure: number, { limit, aim }: Promised, better: 'more' | 'less'): Verdict {
  const reaches = (bound: number) => (better === 'more' ? figure >= bound : figure <= bound);
  if (limit === undefined) return '';
  if (!reaches(limit)) return 'MISSED';
  return aim !== undefined && reaches(aim) ? 'aim' : 'holds';
}

/** What a cell is, in a line. */
export function titleOf(cell: Cell): string {
  if (cell.kind === 'figure') return `${cell.name}: ${cell.what}`;
  const { name, nodes, topology, outstanding, valueBytes, storage, values } = cell;
  const servers = topology === 'replicas' ? `${nodes} replicas` : `${nodes} acceptors and ${nodes} proposers`;
  const kind = values === 'raw' ? 'raw values' : 'commands';
  return `${name}: ${kind}, ${servers}, ${counted(outstanding)} outstanding, ${counted(valueBytes)} bytes, ${storage}`;
}

export function entrantName(entrant: Entrant, { outstanding }: { readonly outstanding: number }): string {
  const { system } = entrant;
  return entrant.outstanding === outstanding ? system : `${system}, ${counted(entrant.outstanding)}`;
}

const NAME_COLUMNS = 21;
const RATE_COLUMNS = 11;

/** What was measured of one system: the medians of its rounds. */
export function entrantLine(entrant: EntrantResult, cell: { readonly outstanding: number }): string {
  const { rounds } = entrant;
  const rss = median(rounds.map((one) => Math.max(...serversOf(one).map((process) => process.rssBytes))));
  const parts = [
    `${entrantName(entrant, cell).padEnd(NAME_COLUMNS)}${counted(rateOf(entrant)).padStart(RATE_COLUMNS)}/s`,
    latencyText(rounds),
    cpuText(rounds),
    `RSS ${Math.round(rss / 2 ** 20)} MB`,
  ];
  const foreign = foreignProcessors([entrant]);
  if (foreign > FOREIGN_PROCESSORS) parts.push(`others took ${foreign.toFixed(1)} CPUs`);
  return parts.join('  ');
}

/** Above this the machine had other work to do, and a figure is not worth keeping. */
export const FOREIGN_PROCESSORS = 0.1;

/** What others took of the machine, at the median of the rounds. */
export function foreignProcessors(entrants: readonly EntrantResult[]): number {
  return Math.max(0, ...entrants.map(({ rounds }) => median(rounds.map((one) => one.foreignProcessors))));
}

function serversOf({ processes }: Measured) {
  return processes.filter(({ name }) => name !== 'client');
}

function latencyText(rounds: readonly Measured[]): string {
  const middle = (pick: (one: Measured) => number) => counted(median(rounds.map(pick)));
  const worst = counted(Math.max(...rounds.map((one) => one.maxMicros)));
  if (rounds.some((one) => one.percentiles === undefined))
    return `mean ${middle((one) => one.meanMicros)} max ${worst} us`;
  const at = (key: 'p50' | 'p99' | 'p999') => middle((one) => one.percentiles?.[key] ?? Number.NaN);
  return `p50 ${at('p50')} p99 ${at('p99')} p99.9 ${at('p999')} max ${worst} us`;
}

/** Of each server, in their order, and of the client. */
function cpuText(rounds: readonly Measured[]): string {
  const servers = rounds[0] === undefined ? [] : serversOf(rounds[0]);
  const each = servers.map((_, i) => middleCpu(rounds, (one) => serversOf(one)[i]?.cpuMicrosPerValue));
  const client = middleCpu(
    rounds,
    (one) => one.processes.find(({ name }) => name === 'client')?.cpuMicrosPerValue,
  );
  return `CPU ${each.map(short).join(' + ')} us, client ${short(client)} (${Math.round((100 * client) / (sum(each) + client))} %)`;
}

function middleCpu(rounds: readonly Measured[], pick: (one: Measured) => number | undefined): number {
  return median(rounds.map((one) => pick(one) ?? Number.NaN));
}

export function counted(number: number): string {
  return Math.round(number).toLocaleString('en');
}

/** A number that may be small: three digits, or all of it. */
export function short(number: number): string {
  return Math.abs(number) >= 100 ? counted(number) : number.toPrecision(3);
}
