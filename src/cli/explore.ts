/**
 * `explore`: goes through every state that a small cluster of core objects can come to.
 */
import { Command, InvalidArgumentError } from 'commander';
import {
  CONFIGURATIONS,
  type Configuration,
  Explorer,
  type ExplorerOptions,
  type ExplorerReport,
  type NamedConfiguration,
} from '../sim/index.ts';
import { parseCount } from './arguments.ts';
import { CommandFailed, type Io } from './io.ts';

const HELP = `
Acceptors, proposers and learners are the real core objects. Breadth first, each state is looked at once:
whatever message arrives, never arrives, comes late or twice, whoever's time runs out, whoever ends and
starts again. Checked in each: one value an instance, only submitted values, no ballot with two values,
no promise that sinks, nothing taken for chosen that is not.

  npm run explore                          the configuration "medium"
  npm run explore -- large                 over a million states
  npm run explore -- all                   one after the other
  npm run explore -- small --acceptors 5   "small", with five acceptors

Configurations, with the number of their states:
${CONFIGURATIONS.map(({ name, states, about }) => `  ${name.padEnd(9)} ${String(states).padStart(9)}  ${about}`).join('\n')}

What differs only in the names of acceptors is one state. The exit code is 1 if a state breaks what must
hold, and the shortest way to it is printed, step by step; or if there are not as many states as above.`;

const DEFAULT = 'medium';
const ALL = 'all';
const TURN_STATES = 500;
const TELL_EVERY_MS = 2000;

interface ExploreFlags extends Partial<Configuration> {
  readonly symmetry: boolean;
  readonly maxStates?: number;
  readonly json?: boolean;
}

export function exploreCommand(io: Io): Command {
  const names = CONFIGURATIONS.map(({ name }) => name).join(', ');
  return new Command('explore')
    .summary('every state that a small cluster can come to')
    .description('go through every state that a small cluster of core objects can come to, and check each')
    .argument('[configuration]', `where to begin from: ${names}, ${ALL}`, parseName, DEFAULT)
    .option('--acceptors <N>', 'how many acceptors', upTo(5))
    .option('--proposers <N>', 'how many proposers', upTo(3))
    .option('--instances <N>', 'how many instances', upTo(2))
    .option('--ballots <N>', 'how many ballots there are, the lowest ones', upTo(9))
    .option('--ranged <N>', 'so many acceptors are asked for ranges, as ours are', fromZero(5))
    .option('--proposer-restarts <N>', 'how often proposers end, and others start', fromZero(2))
    .option('--acceptor-restarts <N>', 'how often acceptors end, and lose what is not synced', fromZero(2))
    .option('--replicas', 'proposers are told what is delivered')
    .option('--brief', 'leaders tell learners what they counted, as ours do among ours')
    .option('--step-downs', 'proposers may give their ballots up')
    .option('--no-symmetry', 'take states apart that differ only in the names of acceptors')
    .option('--max-states <N>', 'end after so many states', parseCount)
    .option('--json', 'print one JSON object at the end, nothing else')
    .addHelpText('after', HELP)
    .action(async (name: string, flags: ExploreFlags) => {
      await explore(io, name, flags);
    });
}

/** @throws CommandFailed if a state breaks what must hold, or if not every state was seen */
async function explore(io: Io, name: string, { symmetry, maxStates, json, ...changes }: ExploreFlags) {
  const options = { symmetry, ...(maxStates !== undefined && { maxStates }) };
  for (const named of CONFIGURATIONS.filter((one) => one.name === name || name === ALL)) {
    const configuration = { ...named.configuration, ...changes };
    if (json !== true) io.out(`${named.name}: ${describeConfiguration(configuration)}\n`);
    const report = await exploreOne(io, configuration, { options, json: json === true });
    if (io.stop.aborted) return;
    if (report.violation !== undefined)
      throw new CommandFailed(`${report.violation.check}: ${report.violation.what}`);
    if (!report.isComplete) throw new CommandFailed('it ended before every state was seen: --max-states');
    if (symmetry && Object.keys(changes).length === 0) mustBeAsRecorded(named, report);
  }
}

async function exploreOne(
  io: Io,
  configuration: Configuration,
  { options, json }: { readonly options: ExplorerOptions; readonly json: boolean },
): Promise<ExplorerReport> {
  const explorer = new Explorer(configuration, options);
  const startedAt = io.clock.now();
  let toldAt = startedAt;
  while (explorer.advance(TURN_STATES) === 'more' && !io.stop.aborted) {
    const now = io.clock.now();
    if (!json && now - toldAt >= TELL_EVERY_MS) {
      toldAt = now;
      io.out(`${progress(explorer.report(), now - startedAt)}\n`);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  const report = explorer.report();
  const elapsedMs = io.clock.now() - startedAt;
  if (json) io.out(`${JSON.stringify({ configuration, elapsedMs, ...report })}\n`);
  else io.out(`${summary(report, elapsedMs).join('\n')}\n`);
  return report;
}

function mustBeAsRecorded({ name, states, depth }: NamedConfiguration, report: ExplorerReport): void {
  if (report.states === states && report.depth === depth) return;
  throw new CommandFailed(
    `"${name}" has ${report.states} states, the deepest ${report.depth} steps away; ${states} and ${depth} ` +
      'are written down: the core behaves otherwise than it did. If that is meant, write the new ones down ' +
      'in src/sim/explorer/configurations.ts',
  );
}

function describeConfiguration({ acceptors, proposers, instances, ballots, ...rest }: Configuration): string {
  const { ranged, proposerRestarts, acceptorRestarts, replicas, brief, stepDowns } = rest;
  return [
    `${count(acceptors, 'acceptor')}${ranged > 0 ? ` (${ranged} asked for ranges)` : ''}`,
    count(proposers, replicas ? 'replica' : 'proposer'),
    count(instances, 'instance'),
    count(ballots, 'ballot'),
    ...(proposerRestarts > 0 ? [`${count(proposerRestarts, 'restart')} of proposers`] : []),
    ...(acceptorRestarts > 0 ? [`${count(acceptorRestarts, 'restart')} of acceptors`] : []),
    ...(brief ? ['leaders tell what they counted'] : []),
    ...(stepDowns ? ['ballots given up'] : []),
    'messages lost, late, twice, in any order',
  ].join(' · ');
}

function progress({ states, waiting, depth }: ExplorerReport, elapsedMs: number): string {
  return `${number(states)} states, ${number(waiting)} to be looked at · ${depth} steps deep · ${speed(states, elapsedMs)}`;
}

function summary(report: ExplorerReport, elapsedMs: number): string[] {
  const { states, transitions, depth, letters, nodeStates, acceptances, learnerStates, violation } = report;
  return [
    `${number(states)} distinct states in ${(elapsedMs / 1000).toFixed(1)} s: ${speed(states, elapsedMs)}`,
    `${number(transitions)} ways between them, the deepest ${depth} steps away`,
    `${number(nodeStates)} states of single nodes, ${number(letters)} messages`,
    `${number(acceptances)} sets of acceptances, and ${number(learnerStates)} states of a learner that has any of them`,
    ...(violation === undefined ? [ending(report)] : violationLines(violation)),
  ];
}

function ending({ isComplete }: ExplorerReport): string {
  return isComplete ? 'no violation' : 'no violation so far';
}

function violationLines({ steps, isShortest, trace }: NonNullable<ExplorerReport['violation']>): string[] {
  const length = isShortest
    ? `${steps} steps lead to a violation; no fewer do:`
    : `${steps} steps lead to a violation, beside answers to what was asked again; perhaps fewer would do:`;
  return ['', length, ...trace, ''];
}

function count(value: number, what: string): string {
  return `${value} ${what}${value === 1 ? '' : 's'}`;
}

function speed(states: number, elapsedMs: number): string {
  return `${number(Math.round((states * 1000) / Math.max(1, elapsedMs)))} states/s`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}

function parseName(text: string): string {
  if (text === ALL || CONFIGURATIONS.some(({ name }) => name === text)) return text;
  throw new InvalidArgumentError(`There are ${CONFIGURATIONS.map(({ name }) => name).join(', ')}, ${ALL}.`);
}

function upTo(most: number): (text: string) => number {
  return (text) => {
    const value = parseCount(text);
    if (value <= most) return value;
    throw new InvalidArgumentError(`It takes a number from 1 to ${most}.`);
  };
}

function fromZero(most: number): (text: string) => number {
  return (text) => (text === '0' ? 0 : upTo(most)(text));
}
