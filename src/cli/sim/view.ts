/**
 * What the simulator shows, as text.
 */
import type { Plan, Tally } from '../../sim/index.ts';

const WIDTH = 100;

/** One line: how far, how fast, how much of what is expected was reached, which faults. */
export function progress(tally: Tally, elapsedMs: number): string {
  const seconds = Math.max(0.001, elapsedMs / 1000);
  const speed = `${number(tally.seeds)} seeds, ${(tally.seeds / seconds).toFixed(1)}/s`;
  const time = `${number(tally.virtualMs / Math.max(1, elapsedMs))} × real time`;
  const found = tally.violations.length === 0 ? '' : `${tally.violations.length} FOUND A FAULT · `;
  const faults = [...tally.faults].map(([kind, count]) => `${kind} ${number(count)}`).join(' ');
  const { reached, expected } = tally.covered;
  const counts = `${number(tally.events)} events · ${reached} of ${expected} outcomes`;
  return `${found}${speed} · ${time} · ${counts} · ${faults}`;
}

/** Everything, at the end. */
export function summary(tally: Tally, elapsedMs: number): string[] {
  const seconds = Math.max(0.001, elapsedMs / 1000);
  const hours = tally.virtualMs / 3_600_000;
  const { neverReached } = tally;
  return [
    `${number(tally.seeds)} seeds in ${seconds.toFixed(1)} s: ${(tally.seeds / seconds).toFixed(1)}/s`,
    `${hours.toFixed(2)} hours of simulated time, ${number(tally.virtualMs / Math.max(1, elapsedMs))} × real time`,
    `${number(tally.events)} events, ${number(tally.chosen)} instances chosen`,
    ...table('faults', tally.faults),
    ...table('outcomes', tally.outcomes),
    ...(neverReached.length === 0 ? [] : wrapped('never reached', neverReached)),
    `${tally.violations.length === 0 ? 'no' : number(tally.violations.length)} violations`,
  ];
}

/** A plan, in a few lines. */
export function planLines(seed: number, plan: Plan): string[] {
  const nodes = plan.replicas
    ? `${plan.acceptors} replicas`
    : `${plan.acceptors} acceptors, ${plan.proposers} proposers`;
  const { faults, ...numbers } = plan;
  const settings = Object.entries(numbers).map(([name, value]) => `${name}=${String(value)}`);
  return [
    `seed ${seed}: ${nodes}, ${plan.learners} learners, ${plan.clients} clients, ${plan.values} values`,
    ...wrapped('faults', faults),
    ...wrapped('plan', settings),
  ];
}

function table(title: string, counts: ReadonlyMap<string, number>): string[] {
  return wrapped(
    title,
    [...counts].map(([name, count]) => `${name} ${number(count)}`),
  );
}

/** Words after a title, in lines of bearable length. */
function wrapped(title: string, words: readonly string[]): string[] {
  const lines: string[] = [];
  let line = `${title}:`;
  for (const [index, word] of words.entries()) {
    const next = index === words.length - 1 ? word : `${word},`;
    if (line.length + next.length + 1 > WIDTH) {
      lines.push(line);
      line = '   ';
    }
    line += ` ${next}`;
  }
  return [...lines, line];
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
