/**
 * Plot: throughput against latency as an SVG, both on logarithmic scales; a line for each system and storage, a point for
 * each number of values outstanding.
 *
 *   node --import tsx bench/plot.ts bench/results/RUN.json docs/performance/throughput.svg
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { type SystemName, selectCells } from './cells.ts';
import { median } from './load.ts';
import type { Run } from './report.ts';

const WIDTH = 760;
const HEIGHT = 460;
const LEFT = 70;
const BOTTOM = 50;
const TOP = 20;
const RIGHT = 200;
const COLORS = ['#1b6ca8', '#c0392b', '#27803b', '#8e44ad', '#b9770e', '#566573'];

interface Point {
  readonly outstanding: number;
  readonly rate: number;
  readonly micros: number;
}

/** The lines of a run: by system, storage and size; those of one point are left out. */
function linesOf(run: Run): Map<string, Point[]> {
  const cells = selectCells({ all: true, quick: false, names: [] });
  const lines = new Map<string, Point[]>();
  for (const { cell: name, rounds } of run.loads) {
    const cell = cells.find((one) => one.name === name);
    if (cell?.kind !== 'load') continue;
    for (const [system, measured] of Object.entries(rounds) as [
      SystemName,
      Run['loads'][0]['rounds']['ours'],
    ][]) {
      if (measured === undefined || measured.length === 0) continue;
      const label = `${system}, ${cell.storage}, ${cell.valueBytes} B`;
      const point = {
        outstanding: cell.outstanding,
        rate: median(measured.map((one) => one.valuesPerSecond)),
        micros: median(measured.map((one) => one.percentiles?.p50 ?? one.meanMicros)),
      };
      lines.set(label, [...(lines.get(label) ?? []), point]);
    }
  }
  for (const [label, points] of lines) {
    points.sort((a, b) => a.outstanding - b.outstanding);
    if (points.length < 2) lines.delete(label);
  }
  return lines;
}

/** Powers of ten around the numbers. */
function decades(numbers: readonly number[]): { readonly from: number; readonly to: number } {
  return {
    from: Math.floor(Math.log10(Math.min(...numbers))),
    to: Math.ceil(Math.log10(Math.max(...numbers))),
  };
}

function plot(run: Run): string {
  const lines = linesOf(run);
  const points = [...lines.values()].flat();
  const xs = decades(points.map((point) => point.rate));
  const ys = decades(points.map((point) => point.micros));
  const scale = (value: number, { from, to }: typeof xs) =>
    (Math.log10(value) - from) / Math.max(1, to - from);
  const x = (rate: number) => LEFT + (WIDTH - LEFT - RIGHT) * scale(rate, xs);
  const y = (micros: number) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * scale(micros, ys);
  const text = (at: readonly [number, number], words: string, anchor = 'middle') =>
    `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" text-anchor="${anchor}">${words}</text>`;
  const stroke = (from: readonly [number, number], to: readonly [number, number], color: string) =>
    `<path d="M${from.map((n) => n.toFixed(1)).join(' ')}L${to.map((n) => n.toFixed(1)).join(' ')}" stroke="${color}"/>`;
  const out: string[] = [];
  for (let decade = xs.from; decade <= xs.to; decade++) {
    const at = x(10 ** decade);
    out.push(
      stroke([at, TOP], [at, HEIGHT - BOTTOM], '#ddd'),
      text([at, HEIGHT - BOTTOM + 18], (10 ** decade).toLocaleString('en')),
    );
  }
  for (let decade = ys.from; decade <= ys.to; decade++) {
    const at = y(10 ** decade);
    out.push(
      stroke([LEFT, at], [WIDTH - RIGHT, at], '#ddd'),
      text([LEFT - 8, at + 4], (10 ** decade).toLocaleString('en'), 'end'),
    );
  }
  out.push(
    text([(LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10], 'values a second'),
    text([LEFT, TOP - 6], 'latency, us (p50, or the mean)', 'start'),
  );
  for (const [i, [label, line]] of [...lines].entries()) {
    const color = COLORS[i % COLORS.length] ?? '#000';
    const path = line.map(({ rate, micros }) => `${x(rate).toFixed(1)} ${y(micros).toFixed(1)}`).join('L');
    out.push(`<path d="M${path}" stroke="${color}" stroke-width="2"/>`);
    for (const { rate, micros, outstanding } of line) {
      out.push(`<circle cx="${x(rate).toFixed(1)}" cy="${y(micros).toFixed(1)}" r="3" fill="${color}"/>`);
      out.push(text([x(rate) + 6, y(micros) - 6], String(outstanding), 'start'));
    }
    out.push(`<circle cx="${WIDTH - RIGHT + 16}" cy="${TOP + 16 + 20 * i}" r="4" fill="${color}"/>`);
    out.push(text([WIDTH - RIGHT + 26, TOP + 20 + 20 * i], label, 'start'));
  }
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" fill="none" font-family="sans-serif" font-size="11">`;
  const background = `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`;
  return `${head}\n${background}\n<style>text{fill:#333}</style>\n${out.join('\n')}\n</svg>\n`;
}

const [from = '', to = ''] = process.argv.slice(2);
const run: Run = JSON.parse(readFileSync(from, 'utf8'));
writeFileSync(to, plot(run));
