/**
 * View: the demo as lines of text. Knows no cluster and no time: a picture goes in, lines come out.
 */
import type pc from 'picocolors';

export type Colours = ReturnType<typeof pc.createColors>;

/** All that is shown. */
export interface Picture {
  readonly elapsedS: number;
  readonly totalS: number;
  readonly replicas: readonly ReplicaPicture[];
  readonly delivered: number;
  /** instances delivered in each stretch of time, the newest last */
  readonly stretches: readonly number[];
  readonly valuesPerSecond: number;
  readonly latency: { readonly p50: number; readonly p99: number };
  readonly story: readonly Told[];
}

export interface ReplicaPicture {
  readonly id: number;
  readonly port: number;
  readonly pid: number | undefined;
  readonly role: 'leader' | 'follower' | 'down';
  readonly delivered: number;
}

/** A sentence, and when it was said, in seconds. good and bad are colours. */
export interface Told {
  readonly atS: number;
  readonly text: string;
  readonly mood?: 'good' | 'bad' | undefined;
}

const LABEL_COLUMNS = 12;
const BARS = ' ▁▂▃▄▅▆▇█';
const MIN_BARS = 10;
const MAX_BARS = 80;
const CHART_ROWS = 3;
/** Of a long story the end is shown. */
const MAX_STORY = 12;

/** The whole picture, for a terminal so wide. */
export function frame(picture: Picture, columns: number, colours: Colours): readonly string[] {
  const { bold, dim, green, red } = colours;
  const { elapsedS, totalS } = picture;
  const clock = `${Math.floor(elapsedS)} of about ${totalS} s`;
  const lines = [
    `${bold('libpaxos demo')}   three replicas on this machine, lmdb-sync yes   ${dim(clock)}`,
    '',
    dim(row('replica', 'port', 'pid', 'role', 'delivered')),
  ];
  for (const { id, port, pid, role, delivered } of picture.replicas) {
    const text = row(String(id), String(port), pid === undefined ? '–' : String(pid), role, count(delivered));
    lines.push(role === 'down' ? red(text) : role === 'leader' ? green(text) : text);
  }
  lines.push(row('learner', '', '', '', count(picture.delivered)), '');

  lines.push(...figures(picture, columns, colours), '');
  for (const told of picture.story.slice(-MAX_STORY)) lines.push(...storyLines(told, columns, colours));
  return lines;
}

/** Values a second and their course, and latency. */
function figures(picture: Picture, columns: number, { bold, green }: Colours): readonly string[] {
  const width = Math.max(MIN_BARS, Math.min(MAX_BARS, columns - 2 * LABEL_COLUMNS - 2));
  const rate = bold(count(picture.valuesPerSecond).padEnd(LABEL_COLUMNS - 2));
  const rows = chart(picture.stretches.slice(-width), CHART_ROWS).map((bars, row) => {
    const words = row === 0 ? `${label('values/s')}${rate}` : ' '.repeat(2 * LABEL_COLUMNS - 2);
    return `${words}${green(bars)}`;
  });
  const { p50, p99 } = picture.latency;
  return [...rows, `${label('latency')}p50 ${bold(milliseconds(p50))}   p99 ${bold(milliseconds(p99))}`];
}

/** A sentence, broken between words where the terminal ends. */
function storyLines({ atS, text, mood }: Told, columns: number, colours: Colours): readonly string[] {
  const time = `${stamp(atS)}  `;
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = word;
    else if (time.length + line.length + 1 + word.length <= columns)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  const shown = mood === 'good' ? colours.green : mood === 'bad' ? colours.red : String;
  return lines.map((line, row) => `${row === 0 ? colours.dim(time) : ' '.repeat(time.length)}${shown(line)}`);
}

/** The picture as one line, for output that is not a terminal. */
export function plainLine(picture: Picture): string {
  const { elapsedS, valuesPerSecond, latency, replicas } = picture;
  const states = replicas.map(({ id, role, delivered }) =>
    role === 'down' ? `${id} down` : `${id} ${role} ${count(delivered)}`,
  );
  const figures = `${count(valuesPerSecond)} values/s, p50 ${milliseconds(latency.p50)}, p99 ${milliseconds(latency.p99)}`;
  return `${stamp(elapsedS)}  ${figures}; replicas: ${states.join(', ')}`;
}

export function storyLine({ atS, text }: Told): string {
  return `${stamp(atS)}  ${text}`;
}

/** Numbers as bars that grow over so many rows, the highest as high as can be. Nothing at all is a blank. */
export function chart(numbers: readonly number[], rows: number): readonly string[] {
  const steps = BARS.length - 1;
  const highest = Math.max(1, ...numbers);
  const heights = numbers.map((number) => Math.ceil((number / highest) * steps * rows));
  return Array.from({ length: rows }, (_, row) => {
    const below = (rows - 1 - row) * steps;
    return heights.map((height) => BARS[Math.max(0, Math.min(steps, height - below))] ?? '').join('');
  });
}

/** 183204 as 183,204. */
export function count(number: number): string {
  return Math.round(number).toLocaleString('en-US');
}

/** Microseconds as milliseconds, with as many digits as mean something; 0: nothing was measured. */
export function milliseconds(micros: number): string {
  if (micros === 0) return '–';
  const ms = micros / 1000;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

function stamp(seconds: number): string {
  return `${seconds.toFixed(1).padStart(6)} s`;
}

function label(text: string): string {
  return `  ${text.padEnd(LABEL_COLUMNS - 2)}`;
}

function row(id: string, port: string, pid: string, role: string, delivered: string): string {
  return `${label(id)}${port.padEnd(8)}${pid.padEnd(10)}${role.padEnd(10)}${delivered.padStart(12)}`;
}
