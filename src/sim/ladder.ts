/**
 * Ladder: what was said in a run, as text: a column for each node, a line for each message, in the order of time.
 *
 *        ms  p0  a0  a1
 *    12.031  o──────>    accept i=1 b=10 value=c0-0
 *    12.534      o──>    …
 *    12.900          *   delivers 1 "c0-0"
 *
 * A message is shown when it is written, not when it arrives: one that is lost later is shown all the same.
 */
import { describeMessage } from '../transport/describe.ts';
import type { Message } from '../transport/message-log.ts';
import type { Tracer } from './simulation.ts';

const COLUMN = 4;
const TIME_COLUMNS = 10;
const MAX_TEXT = 120;

export interface LadderFilter {
  /** virtual time, ms; undefined: all of it */
  readonly between: readonly [from: number, to: number] | undefined;
  /** only what concerns this instance; undefined: all */
  readonly instanceId: number | undefined;
  /** no more lines than that: the last ones */
  readonly lines: number;
}

interface Rung {
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  readonly text: string;
}

/** Collects what a filter lets through, and draws it. */
export class Ladder {
  readonly #filter: LadderFilter;
  #rungs: Rung[] = [];
  #passedOver = 0;

  constructor(filter: LadderFilter) {
    this.#filter = filter;
  }

  /** For a simulation's options. */
  readonly trace: Tracer = (atMs, from, to, what) => {
    const { between, instanceId, lines } = this.#filter;
    if (between !== undefined && (atMs < between[0] || atMs > between[1])) return;
    if (instanceId !== undefined && !concerns(what, instanceId)) return;
    this.#rungs.push({ atMs, from, to, text: typeof what === 'string' ? what : describeMessage(what) });
    // Cut seldom: once for every so many lines, not for each.
    if (this.#rungs.length < 2 * lines) return;
    this.#passedOver += this.#rungs.length - lines;
    this.#rungs = this.#rungs.slice(-lines);
  };

  /** @param names every node of the run, in the order of the columns; those that say nothing are left out */
  draw(names: readonly string[]): string[] {
    const { lines } = this.#filter;
    const rungs = this.#rungs.slice(-lines);
    const passedOver = this.#passedOver + this.#rungs.length - rungs.length;
    const spoken = new Set(rungs.flatMap(({ from, to }) => [from, to]));
    const columns = names.filter((name) => spoken.has(name));
    if (rungs.length === 0) return ['nothing was said that is asked for'];
    const header = columns.map((name) => name.padEnd(COLUMN)).join('');
    return [
      ...(passedOver === 0 ? [] : [`(${passedOver} earlier lines are not shown)`]),
      `${'ms'.padStart(TIME_COLUMNS)}  ${header}`.trimEnd(),
      ...rungs.map((rung) => drawRung(rung, columns)),
    ];
  }
}

function drawRung({ atMs, from, to, text }: Rung, columns: readonly string[]): string {
  const start = columns.indexOf(from) * COLUMN;
  const end = columns.indexOf(to) * COLUMN;
  const cells = new Array<string>(columns.length * COLUMN).fill(' ');
  if (start === end) cells[start] = '*';
  else {
    for (let at = Math.min(start, end); at <= Math.max(start, end); at++) cells[at] = '─';
    cells[start] = 'o';
    cells[end] = start < end ? '>' : '<';
  }
  const shown = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
  return `${atMs.toFixed(3).padStart(TIME_COLUMNS)}  ${cells.join('')}${shown}`;
}

/** Whether a message, or what a node told, is about an instance. */
function concerns(what: Message | string, instanceId: number): boolean {
  if (typeof what === 'string') return new RegExp(`\\b(delivers |"instanceId":)${instanceId}\\b`).test(what);
  switch (what.type) {
    case 'prepare':
    case 'promise':
    case 'accept':
    case 'accepted':
    case 'preempted':
    case 'promisedValue':
    case 'repair':
      return what.instanceId === instanceId;
    case 'repeat':
    case 'prepareFrom':
    case 'promiseFrom':
      return what.from <= instanceId && instanceId <= what.to;
    case 'trim':
      return what.instanceId >= instanceId;
    case 'acceptorState':
      return what.trimInstanceId >= instanceId;
    case 'snapshotAt':
      return what.instanceId >= instanceId;
    default:
      return false;
  }
}
