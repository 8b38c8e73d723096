/**
 * Table: a run's results against what was promised, for a terminal.
 */
import {
  counted,
  entrantName,
  type FigureResult,
  FOREIGN_PROCESSORS,
  foreignProcessors,
  type LoadResult,
  promisedRatio,
  type Run,
  rateOf,
  short,
  type Verdict,
  verdictOf,
} from './report.ts';

const LOAD_HEAD = ['cell', 'values/s', 'beside it', 'values/s', 'ratio', 'our client', 'at least', 'aim', ''];
const FIGURE_HEAD = ['cell', 'figure', 'unit', 'is', 'bound', 'aim', ''];
const MARKS: Readonly<Record<Verdict, string>> = {
  aim: 'ok, aim reached',
  holds: 'ok',
  MISSED: 'MISSED',
  '': '',
};
/** Columns of words; the others are of numbers. */
const WORDS: readonly string[] = ['cell', 'beside it', 'figure', 'unit', ''];

/** Both tables, what could not be measured, and what makes the run worthless. */
export function tableLines(run: Run): readonly string[] {
  const out: string[] = [];
  if (run.loads.length > 0) out.push('', ...aligned(LOAD_HEAD, run.loads.map(loadRow)));
  if (run.figures.length > 0) out.push('', ...aligned(FIGURE_HEAD, run.figures.map(figureRow)));
  const foreign = foreignProcessors(run.loads.flatMap(({ entrants }) => entrants));
  if (foreign > FOREIGN_PROCESSORS) {
    out.push(
      '',
      `The machine had other work, up to ${foreign.toFixed(1)} processors of it: keep none of these figures.`,
    );
  }
  if (run.failures.length > 0) out.push('');
  for (const { cell, reason } of run.failures) out.push(`not measured: ${cell}: ${reason}`);
  return out;
}

/** How many promises were missed. */
export function missedCount({ loads, figures }: Run): number {
  const verdicts = [
    ...loads.map((result) => loadVerdict(result)),
    ...figures.map((result) => verdictOf(result.median, result, result.better)),
  ];
  return verdicts.filter((verdict) => verdict === 'MISSED').length;
}

function loadVerdict(result: LoadResult): Verdict {
  const ratio = promisedRatio(result);
  return ratio === undefined ? '' : verdictOf(ratio, result, 'more');
}

function loadRow(result: LoadResult): readonly string[] {
  const [first] = result.entrants;
  const rivals = result.entrants.filter(
    ({ system, rounds }) => system === result.against && rounds.length > 0,
  );
  const [best] = rivals.sort((a, b) => rateOf(b) - rateOf(a));
  const rival = best === undefined ? ['', ''] : [entrantName(best, result), counted(rateOf(best))];
  const ours = first === undefined ? '' : counted(rateOf(first));
  return [
    result.name,
    ours,
    ...rival,
    times(result.ratio),
    times(result.ourClientRatio),
    bound(result.limit),
    bound(result.aim),
    MARKS[loadVerdict(result)],
  ];
}

function figureRow(result: FigureResult): readonly string[] {
  const { cell, name, unit, median, limit, aim, better } = result;
  const mark = MARKS[verdictOf(median, result, better)];
  return [cell, name, unit, short(median), bound(limit), bound(aim), mark];
}

function times(ratio: number | undefined): string {
  return ratio === undefined ? '' : `${short(ratio)} ×`;
}

function bound(number: number | undefined): string {
  return number?.toLocaleString('en') ?? '';
}

function aligned(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]?.length ?? 0)));
  const isOfWords = head.map((title) => WORDS.includes(title));
  return [head, ...rows].map((row) =>
    row
      .map((text, i) => (isOfWords[i] === true ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
