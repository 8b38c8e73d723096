/**
 * Plot: throughput against latency as an SVG, both on logarithmic scales; a line for each system and storage, a point for
 * each number outstanding. Small values and three replicas only. The colour tells the system, the dashes the storage.
 *
 * Latency is the mean, which every client tells. The picture has no ground of its own and follows the reader's colours.
 */
import type { Entrant } from './cells.ts';
import { counted, type EntrantResult, type LoadResult, type Run } from './report.ts';
import { median } from './statistics.ts';

const WIDTH = 860;
const HEIGHT = 460;
const LEFT = 76;
const RIGHT = 250;
const TOP = 34;
const BOTTOM = 56;
const LARGEST_BYTES = 128;
const FONT_PIXELS = 12;
const CHARACTER_PIXELS = 6.8;
const POINT_PIXELS = 3.5;
const LEGEND_STEP = 22;
const SAMPLE_PIXELS = 30;
const LINE_STEP_PIXELS = 6;

/** In the light, and in the dark. */
const COLOURS = {
  'ours-commands': ['#0b63b0', '#4aa8ff'],
  'ours-raw': ['#4f9fdd', '#9bd0ff'],
  original: ['#c0392b', '#ff7b6b'],
  etcd: ['#7a5c9e', '#c3a4e8'],
} as const;

const coloursOf = (shade: 0 | 1): string =>
  Object.entries(COLOURS)
    .map(
      ([name, { [shade]: colour }]) =>
        `.line.${name} { stroke: ${colour} } .point.${name} { fill: ${colour} }`,
    )
    .join('\n');

const STYLE = `
text { fill: #333; font: ${FONT_PIXELS}px sans-serif }
.grid { stroke: #ddd } .frame { stroke: #999 }
.line { stroke-width: 2; fill: none }
.lmdb-synced { stroke-dasharray: 7 4 } .lmdb-unsynced { stroke-dasharray: 2 3 }
${coloursOf(0)}
@media (prefers-color-scheme: dark) {
text { fill: #ccc } .grid { stroke: #3a3a3a } .frame { stroke: #777 }
${coloursOf(1)}
}`;

interface Point {
  readonly outstanding: number;
  readonly rate: number;
  readonly micros: number;
}

interface Line {
  readonly label: string;
  /** names its colour and its dashes */
  readonly classes: { readonly system: string; readonly storage: string };
  readonly points: readonly Point[];
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The lines of a run, in the order of the legend. */
export function linesOf(run: Run): readonly Line[] {
  const lines = new Map<
    string,
    { line: Omit<Line, 'points'>; rounds: Map<number, EntrantResult['rounds']> }
  >();
  for (const load of run.loads.filter(isDrawn)) {
    for (const entrant of load.entrants) {
      if (entrant.rounds.length === 0 || isSecondClient(entrant, load)) continue;
      const line = lineOf(entrant, load);
      const { rounds } = lines.get(line.label) ?? { rounds: new Map() };
      rounds.set(entrant.outstanding, [...(rounds.get(entrant.outstanding) ?? []), ...entrant.rounds]);
      lines.set(line.label, { line, rounds });
    }
  }
  return [...lines.values()].map(({ line, rounds }) => ({
    ...line,
    points: [...rounds]
      .sort(([a], [b]) => a - b)
      .map(([outstanding, measured]) => ({
        outstanding,
        rate: median(measured.map((one) => one.valuesPerSecond)),
        micros: median(measured.map((one) => one.meanMicros)),
      })),
  }));
}

function isDrawn({ valueBytes, nodes, topology }: LoadResult): boolean {
  return valueBytes <= LARGEST_BYTES && nodes === 3 && topology === 'replicas';
}

/** Under our client, where there is the same under the original's. */
function isSecondClient({ system }: Entrant, { entrants }: LoadResult): boolean {
  if (system === 'original, our client') return true;
  return system === 'ours, own client' && entrants.some((other) => other.system === 'ours');
}

const STORAGE_WORDS = { memory: 'memory', 'lmdb-synced': 'synced', 'lmdb-unsynced': 'unsynced' } as const;

function lineOf({ system }: Entrant, { values, storage }: LoadResult): Omit<Line, 'points'> {
  const isOurs = system === 'ours' || system === 'ours, own client';
  const name = isOurs ? `ours, ${values === 'raw' ? 'raw values' : 'commands'}` : system;
  const kind = isOurs ? `ours-${values}` : system;
  return { label: `${name}, ${STORAGE_WORDS[storage]}`, classes: { system: kind, storage } };
}

/** @returns undefined if the run has nothing that is drawn */
export function plot(run: Run): string | undefined {
  const lines = linesOf(run);
  const points = lines.flatMap((line) => line.points);
  if (points.length === 0) return undefined;
  const x = scale(
    points.map(({ rate }) => rate),
    LEFT,
    WIDTH - RIGHT,
  );
  const y = scale(
    points.map(({ micros }) => micros),
    HEIGHT - BOTTOM,
    TOP,
  );
  const taken = [
    ...points.map((point) => around(x.at(point.rate), y.at(point.micros), POINT_PIXELS + 1)),
    ...lines.flatMap((line) => along(line, x, y)),
  ];
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Throughput against latency">`;
  return [
    head,
    `<style>${STYLE}\n</style>`,
    ...axes(x, y),
    ...lines.map((line) => path(line, x, y)),
    ...lines.flatMap((line) => line.points.map((point) => dot(line, point, x, y))),
    ...points.map((point) => numberBeside(point, x, y, taken)),
    ...lines.flatMap(legendLine),
    '</svg>\n',
  ].join('\n');
}

interface Scale {
  readonly at: (value: number) => number;
  /** values with a line of the grid */
  readonly marks: readonly number[];
}

/** Logarithmic, from the last 1, 2 or 5 times a power of ten below the numbers to the first above them. */
function scale(numbers: readonly number[], from: number, to: number): Scale {
  const steps = Array.from({ length: 36 }, (_, i) => [1, 2, 5].map((digit) => digit * 10 ** (i - 3))).flat();
  const low = steps.findLast((step) => step <= Math.min(...numbers)) ?? 1;
  const high = steps.find((step) => step > Math.max(...numbers)) ?? low * 10;
  const span = Math.log10(high / low);
  return {
    at: (value) => from + ((to - from) * Math.log10(value / low)) / span,
    marks: steps.filter((step) => step >= low && step <= high && Number.isInteger(Math.log10(step))),
  };
}

function axes(x: Scale, y: Scale): readonly string[] {
  const bottom = HEIGHT - BOTTOM;
  const right = WIDTH - RIGHT;
  return [
    ...x.marks.map((mark) => `<path class="grid" d="M${round(x.at(mark))} ${TOP}V${bottom}"/>`),
    ...y.marks.map((mark) => `<path class="grid" d="M${LEFT} ${round(y.at(mark))}H${right}"/>`),
    `<path class="frame" d="M${LEFT} ${TOP}V${bottom}H${right}" fill="none"/>`,
    ...x.marks.map((mark) => text(x.at(mark), bottom + 18, counted(mark), 'middle')),
    ...y.marks.map((mark) => text(LEFT - 8, y.at(mark) + 4, duration(mark), 'end')),
    text((LEFT + right) / 2, HEIGHT - 12, 'values a second', 'middle'),
    text(LEFT, TOP - 14, 'mean latency; at each point how many are under way', 'start'),
  ];
}

function duration(micros: number): string {
  if (micros >= 1_000_000) return `${counted(micros / 1_000_000)} s`;
  return micros >= 1000 ? `${counted(micros / 1000)} ms` : `${counted(micros)} us`;
}

function path({ classes, points }: Line, x: Scale, y: Scale): string {
  const places = points.map(({ rate, micros }) => `${round(x.at(rate))} ${round(y.at(micros))}`);
  return `<path class="line ${classes.system} ${classes.storage}" d="M${places.join('L')}"/>`;
}

function dot({ classes }: Line, { rate, micros }: Point, x: Scale, y: Scale): string {
  return `<circle class="point ${classes.system}" cx="${round(x.at(rate))}" cy="${round(y.at(micros))}" r="${POINT_PIXELS}"/>`;
}

/** Writes how many are under way where nothing else is: above, below, or beside the point. */
function numberBeside({ rate, micros, outstanding }: Point, x: Scale, y: Scale, taken: Box[]): string {
  const words = counted(outstanding);
  const width = words.length * CHARACTER_PIXELS;
  const [atX, atY] = [x.at(rate), y.at(micros)];
  const places = [8, 14, 20].flatMap((away) => [
    { left: atX + away, base: atY - away + 4 },
    { left: atX + away, base: atY + away + 6 },
    { left: atX - away - width, base: atY - away + 4 },
    { left: atX - away - width, base: atY + away + 6 },
    { left: atX - width / 2, base: atY - away - 2 },
    { left: atX - width / 2, base: atY + away + 10 },
  ]);
  const boxes = places.map(({ left, base }) => ({
    left,
    right: left + width,
    top: base - FONT_PIXELS,
    bottom: base + 2,
  }));
  const faults = boxes.map(
    (box) => taken.filter((other) => isOverlapping(box, other)).length + (isInside(box) ? 0 : OUTSIDE),
  );
  const best = faults.indexOf(Math.min(...faults));
  const [place, box] = [places[best], boxes[best]];
  if (place === undefined || box === undefined) return '';
  taken.push(box);
  return text(place.left, place.base, words, 'start');
}

/** As bad as so many overlaps. */
const OUTSIDE = 100;

function isInside({ left, right, top, bottom }: Box): boolean {
  return left > LEFT && right < WIDTH - RIGHT + 40 && top > TOP - 10 && bottom < HEIGHT - BOTTOM;
}

function isOverlapping(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

function around(x: number, y: number, radius: number): Box {
  return { left: x - radius, right: x + radius, top: y - radius, bottom: y + radius };
}

/** What a line covers, piece by piece. */
function along({ points }: Line, x: Scale, y: Scale): readonly Box[] {
  return points.flatMap((point, i) => {
    const next = points[i + 1];
    if (next === undefined) return [];
    const [fromX, fromY] = [x.at(point.rate), y.at(point.micros)];
    const [alongX, alongY] = [x.at(next.rate) - fromX, y.at(next.micros) - fromY];
    const pieces = Math.ceil(Math.hypot(alongX, alongY) / LINE_STEP_PIXELS);
    return Array.from({ length: pieces }, (_, k) =>
      around(fromX + (alongX * k) / pieces, fromY + (alongY * k) / pieces, 1),
    );
  });
}

function legendLine({ label, classes }: Line, i: number): readonly string[] {
  const left = WIDTH - RIGHT + 44;
  const at = TOP + 10 + LEGEND_STEP * i;
  return [
    `<path class="line ${classes.system} ${classes.storage}" d="M${left - SAMPLE_PIXELS} ${at}H${left}"/>`,
    `<circle class="point ${classes.system}" cx="${left - SAMPLE_PIXELS / 2}" cy="${at}" r="${POINT_PIXELS}"/>`,
    text(left + 6, at + 4, label, 'start'),
  ];
}

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${words}</text>`;
}

function round(number: number): string {
  return number.toFixed(1);
}
