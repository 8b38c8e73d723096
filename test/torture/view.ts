/**
 * What a run shows, as text.
 */
import { type Kind, learnersOf, listenersOf, type Plan } from './plan.ts';
import type { Progress, Report } from './run.ts';

const LABEL_COLUMNS = 26;

/** A plan in two lines. */
export function planLines(plan: Plan): string[] {
  const { seed, acceptors, replicas, proposers, learners, clients, outstanding, valuesPerSecond } = plan;
  const nodes = replicas ? `${acceptors} replicas` : `${acceptors} acceptors, ${proposers} proposers`;
  const processes = listenersOf(plan).length + learnersOf(plan).length;
  const work = `${several(clients, 'client')} with ${outstanding} values each, at most ${number(valuesPerSecond)} values/s`;
  return [
    `Seed ${seed}: ${nodes}, ${several(learners, 'learner')}: ${processes} processes, lmdb-sync yes.`,
    `${work}; ${several(plan.schedule.length, 'fault')} in ${plan.seconds} s.`,
  ];
}

/** Where a run is, in one line. */
export function progressLine(progress: Progress, seconds: number): string {
  const { phase, elapsedMs, values, up, members, longestPause } = progress;
  const counts = [...progress.faults.values()].filter((count) => count > 0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const faults = total === 0 ? [] : [`${several(total, 'fault')} of ${several(counts.length, 'kind')}`];
  const at = `${(elapsedMs / 1000).toFixed(0)} s of about ${seconds + 5}, ${phase}`;
  const pause = `longest pause ${(longestPause.ms / 1000).toFixed(1)} s`;
  return [at, `${number(values)} values`, `${up} of ${members} up`, pause, ...faults].join(' · ');
}

/** What became of a run. */
export function table(report: Report): string[] {
  const { values, instances, valuesPerSecond, longestPause, settledMs, nudges, noDisks, violation } = report;
  const nudged = nudges === 0 ? '' : `, and ${several(nudges, 'more value')}`;
  // What was with a leader that was lost may be chosen again.
  const again = instances === values ? '' : ` in ${number(instances)} instances`;
  return [
    row('values', `${number(values)}${again}`),
    row('values/s', number(valuesPerSecond)),
    row(
      'longest time without',
      `${(longestPause.ms / 1000).toFixed(1)} s, from ${(longestPause.fromMs / 1000).toFixed(1)} s on`,
    ),
    row('faults', struck(report.faults).join(', ') || 'none'),
    ...(noDisks === undefined ? [] : [row('', `no slow or failing disks: ${noDisks}`)]),
    ...(settledMs === 0 ? [] : [row('all level again after', `${(settledMs / 1000).toFixed(1)} s${nudged}`)]),
    row('verdict', violation === undefined ? 'clean' : `VIOLATION of ${shortened(violation)}`),
  ];
}

/** Values may be long, and what is behind their names is dots. */
function shortened(text: string): string {
  return text.replaceAll(/[.]{4,}/g, '…');
}

function struck(faults: ReadonlyMap<Kind, number>): string[] {
  return [...faults].filter(([, count]) => count > 0).map(([kind, count]) => `${kind} ${count}`);
}

function row(label: string, text: string): string {
  return `  ${label.padEnd(LABEL_COLUMNS)}${text}`;
}

function several(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
