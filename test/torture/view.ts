/**
 * What a run shows, as text.
 */
import type { CommandsReport } from './commands/commands-run.ts';
import { type CommandsPlan, type Kind, learnersOf, listenersOf, type Plan } from './plan.ts';
import type { Progress, Report } from './run.ts';
import type { Pause } from './traffic.ts';

const LABEL_COLUMNS = 26;

/** A plan in two lines. */
export function planLines(plan: Plan): string[] {
  if (plan.commands !== undefined) return commandsPlanLines(plan, plan.commands);
  const { seed, acceptors, replicas, proposers, learners, clients, outstanding, valuesPerSecond } = plan;
  const nodes = replicas ? `${acceptors} replicas` : `${acceptors} acceptors, ${proposers} proposers`;
  const processes = listenersOf(plan).length + learnersOf(plan).length;
  const work = `${several(clients, 'client')} with ${outstanding} values each, at most ${number(valuesPerSecond)} values/s`;
  return [
    `Seed ${seed}: ${nodes}, ${several(learners, 'learner')}: ${processes} processes, lmdb-sync yes.`,
    `${work}; ${several(plan.schedule.length, 'fault')} in ${plan.seconds} s.`,
  ];
}

function commandsPlanLines(plan: Plan, commands: CommandsPlan): string[] {
  const { seed, acceptors, clients, outstanding, valuesPerSecond } = plan;
  const { work, replicasOutstanding, readLeaseMs, snapshotLogBytes } = commands;
  const lease = readLeaseMs === 0 ? 'no lease' : `a lease of ${readLeaseMs} ms`;
  const own = replicasOutstanding === 0 ? '' : `, each replica ${replicasOutstanding}`;
  const state = work === 'counter' ? 'a counter' : 'a store of registers and a counter';
  const snapshots = `a snapshot every ${snapshotLogBytes / 1024} kB or so`;
  return [
    `Seed ${seed}: ${acceptors} replicas with ${state}, lmdb-sync yes, ${lease}, ${snapshots}.`,
    `${several(clients, 'client')} with ${outstanding} operations each${own}, at most ${number(valuesPerSecond)} operations/s; ${several(plan.schedule.length, 'fault')} in ${plan.seconds} s.`,
  ];
}

/** Where a run is, in one line. */
export function progressLine(progress: Progress, seconds: number, what = 'values'): string {
  const { phase, elapsedMs, values, up, members, longestPause } = progress;
  const counts = [...progress.faults.values()].filter((count) => count > 0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const faults = total === 0 ? [] : [`${several(total, 'fault')} of ${several(counts.length, 'kind')}`];
  const at = `${(elapsedMs / 1000).toFixed(0)} s of about ${seconds + 5}, ${phase}`;
  const pause = `longest pause ${(longestPause.ms / 1000).toFixed(1)} s`;
  return [at, `${number(values)} ${what}`, `${up} of ${members} up`, pause, ...faults].join(' · ');
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
    row('longest time without', pauseText(longestPause)),
    row('faults', struck(report.faults).join(', ') || 'none'),
    ...(noDisks === undefined ? [] : [row('', `no slow or failing disks: ${noDisks}`)]),
    ...(settledMs === 0 ? [] : [row('all level again after', `${(settledMs / 1000).toFixed(1)} s${nudged}`)]),
    row('verdict', violation === undefined ? 'clean' : `VIOLATION of ${shortened(violation)}`),
  ];
}

/** What became of a run of commands. */
export function commandsTable(report: CommandsReport): string[] {
  const { answers, operationsPerSecond, commands, answered, sum, additions, openAdditions } = report;
  const { outcomes, doubled, statesCompared, notJudged, longestPause, settledMs, noDisks, violation } =
    report;
  const happened = Object.entries(outcomes).map(([what, count]) => `${what} ${number(count)}`);
  return [
    row('operations answered', `${number(answers)}, of which ${number(answered)} commands`),
    row('operations/s', number(operationsPerSecond)),
    row('commands without answer', number(commands - answered)),
    row(
      'counter',
      `${number(sum)}, with ${number(additions)} additions answered and ${number(openAdditions)} not`,
    ),
    row('what came up', happened.sort().join(', ')),
    row('told twice', several(doubled, 'message')),
    row('states compared', number(statesCompared)),
    ...notJudged.map((reason) => row('history not judged', reason)),
    row('longest time without', pauseText(longestPause)),
    row('faults', struck(report.faults).join(', ') || 'none'),
    ...(noDisks === undefined ? [] : [row('', `no slow or failing disks: ${noDisks}`)]),
    ...(settledMs === 0 ? [] : [row('all level again after', `${(settledMs / 1000).toFixed(1)} s`)]),
    row('verdict', violation === undefined ? 'clean' : `VIOLATION of ${shortened(violation)}`),
  ];
}

function pauseText({ ms, fromMs }: Pause): string {
  return `${(ms / 1000).toFixed(1)} s, from ${(fromMs / 1000).toFixed(1)} s on`;
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
