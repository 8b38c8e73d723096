/**
 * InspectView: what `inspect` and `snapshot` print for people. Views go in, lines come out.
 */
import type pc from 'picocolors';
import { alignColumns } from '../config/layout.ts';
import { ballotOwner } from '../paxos/ballot.ts';
import type { SnapshotContent, StoredSnapshotFile } from '../statemachine/snapshot-directory.ts';
import type { InstanceView, LogView } from './inspect-log.ts';
import { size } from './status-view.ts';
import { summaryOf, valueLines } from './value-view.ts';

type Colours = ReturnType<typeof pc.createColors>;

/** A snapshot, and what it holds, or why it cannot be used. */
export type SnapshotLook = StoredSnapshotFile &
  ({ readonly content: SnapshotContent } | { readonly damage: string });

const INSTANCE_COLUMNS = [
  { title: 'instance', width: 12 },
  { title: 'promised', width: 10 },
  { title: 'accepted', width: 10 },
  { title: 'bytes', width: 7 },
] as const;
const UNKNOWN = '–';

export function logLines(view: LogView, { bold, yellow, red }: Colours): readonly string[] {
  const { acceptor, cluster, inUseBy, records, snapshots, directory } = view;
  const title = `Acceptor ${acceptor}${cluster === '' ? '' : ` of cluster ${cluster}`}, in ${directory}`;
  const use = inUseBy === null ? [] : [yellow(`In use by ${inUseBy}: this is how it was a moment ago.`)];
  const damage = records.damaged === 0 ? [] : ['', red(damageText(view))];
  const [newest] = snapshots;
  return [
    bold(title),
    ...use,
    '',
    ...alignColumns([
      ['  promised', promiseText(view)],
      ['  accepted', acceptedText(view)],
      ['  trimmed', view.trimmed === 0 ? 'nothing' : `instances 1 to ${number(view.trimmed)}`],
      ['  log', recordsText(view)],
      ['  values', valuesText(view)],
      [
        '  snapshots',
        newest === undefined
          ? 'none'
          : `${snapshots.length}, the newest of instance ${number(newest.instanceId)}`,
      ],
      ['  identity', view.identity],
      ['  knows', knownText(view)],
      ['  on disk', `${size(view.bytes)}, format ${view.format}`],
    ]),
    ...damage,
  ];
}

/** The head of the lines that instanceLine gives. */
export function instanceHead({ dim }: Colours): string {
  return dim(`${INSTANCE_COLUMNS.map(({ title, width }) => title.padStart(width)).join('')}  holds`);
}

export function instanceLine(view: InstanceView, { red, dim }: Colours): string {
  if ('damaged' in view)
    return `${columns([number(view.instance)])}${red('  damaged: its checksum is wrong')}`;
  const { instance, promisedBallot, acceptedBallot, valueBytes, value } = view;
  const ballots = [String(promisedBallot), acceptedBallot === 0 ? UNKNOWN : String(acceptedBallot)];
  const head = columns([number(instance), ...ballots, value === null ? UNKNOWN : number(valueBytes)]);
  return `${head}  ${value === null ? dim('nothing accepted') : summaryOf(value)}`;
}

/** All of one instance. */
export function instanceLines(view: InstanceView, { bold, red }: Colours): readonly string[] {
  const title = bold(`Instance ${number(view.instance)}`);
  if ('damaged' in view) return [title, '', red('  damaged: its checksum is wrong')];
  const { promisedBallot, acceptedBallot, valueBytes, value } = view;
  const rows = [['  promised', ballotText(promisedBallot)]];
  if (value === null) return [title, '', ...alignColumns([...rows, ['  accepted', 'nothing']])];
  rows.push(['  accepted', ballotText(acceptedBallot)], ['  value', `${number(valueBytes)} bytes`]);
  return [title, '', ...alignColumns(rows), '', ...valueLines(value).map((line) => `  ${line}`)];
}

export function snapshotLines(looks: readonly SnapshotLook[], colours: Colours): readonly string[] {
  const head = ['instance', 'id', 'size', 'machine', 'sessions', 'log time', 'digest', ''];
  const rows = looks.map((look) => {
    const start = [number(look.instanceId), look.snapshotId.toString(16), size(look.bytes)];
    if ('damage' in look) return [...start, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 'NOT USABLE'];
    const { machineBytes, sessions, timeMs, digest } = look.content;
    const time = timeMs === 0 ? UNKNOWN : new Date(timeMs).toISOString();
    return [...start, size(machineBytes), number(sessions), time, digest.toString(16), 'verified'];
  });
  const [title = '', ...lines] = alignColumns([head, ...rows]);
  const damages = looks.flatMap((look) =>
    'damage' in look ? [colours.red(`${look.file}: ${look.damage}`)] : [],
  );
  return [colours.dim(title), ...lines, ...(damages.length === 0 ? [] : ['', ...damages])];
}

export function number(count: number): string {
  return count.toLocaleString('en-US');
}

function columns(cells: readonly string[]): string {
  return cells.map((cell, i) => cell.padStart(INSTANCE_COLUMNS[i]?.width ?? 0)).join('');
}

function promiseText({ promiseFloor, highestBallot }: LogView): string {
  if (highestBallot === 0) return 'nothing yet';
  const floor =
    promiseFloor === 0 ? 'no ballot for all instances' : `${ballotText(promiseFloor)}, for all instances`;
  return highestBallot === promiseFloor ? floor : `${floor}; at most ${ballotText(highestBallot)}, for some`;
}

function acceptedText({ highestAccepted }: LogView): string {
  return highestAccepted === 0 ? 'nothing yet' : `up to instance ${number(highestAccepted)}`;
}

function recordsText({ records }: LogView): string {
  const { count, first, last } = records;
  if (first === null || last === null) return 'no records';
  const between = `instances ${number(first)} to ${number(last)}`;
  const missing = last - first + 1 - count;
  return `${number(count)} records, ${between}${missing === 0 ? '' : `, ${number(missing)} of which have none`}`;
}

function valuesText({ records }: LogView): string {
  const { accepted, noOps, valueBytes, lowestBallot, highestBallot } = records;
  if (lowestBallot === null || highestBallot === null) return 'none';
  const ballots =
    lowestBallot === highestBallot ? `ballot ${lowestBallot}` : `ballots ${lowestBallot} to ${highestBallot}`;
  const empty = noOps === 0 ? '' : `, ${number(noOps)} of them no-ops`;
  return `${number(accepted)}${empty}, ${size(valueBytes)}, ${ballots}`;
}

function knownText({ knownIdentities }: LogView): string {
  const known = Object.entries(knownIdentities).map(([id, identity]) => `acceptor ${id} as ${identity}`);
  return known.length === 0 ? 'no other storage' : known.join(', ');
}

function damageText({ records }: LogView): string {
  const { damaged, damagedInstances } = records;
  const more = damaged > damagedInstances.length ? ', …' : '';
  const which = `${damagedInstances.map(number).join(', ')}${more}`;
  return `${damaged === 1 ? '1 record is' : `${number(damaged)} records are`} damaged: of instance ${which}`;
}

function ballotText(ballot: number): string {
  return ballot === 0 ? 'nothing' : `ballot ${ballot} (proposer ${ballotOwner(ballot)})`;
}
