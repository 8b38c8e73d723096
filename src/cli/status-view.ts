/**
 * StatusView: the status of a cluster as lines of text. Knows no cluster and no time: a status goes in, lines come out.
 *
 * A table that is wider than the terminal goes on in a second one below, with the nodes' names again: no line is
 * broken, and nothing is left out.
 */
import type pc from 'picocolors';
import type { ClusterStatus, NodeStatus } from '../evpaxos/index.ts';
import { ballotOwner } from '../paxos/ballot.ts';

type Colours = ReturnType<typeof pc.createColors>;

const GAP = '  ';
const UNKNOWN = '–';

interface Column {
  readonly title: string;
  readonly isNumber?: boolean;
  readonly text: (node: NodeStatus) => string;
  readonly colour?: (node: NodeStatus, colours: Colours) => (text: string) => string;
}

const NAME: Column = { title: 'node', text: nameOf };

const COLUMNS: readonly Column[] = [
  { title: 'address', text: ({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}` },
  { title: 'state', text: ({ state }) => state, colour: stateColour },
  { title: 'for', isNumber: true, text: ({ forMs }) => (forMs === null ? UNKNOWN : duration(forMs)) },
  {
    title: 'role',
    text: ({ role }) => role ?? UNKNOWN,
    colour: ({ role }, { bold }) => (role === 'leader' ? bold : String),
  },
  { title: 'accepted', isNumber: true, text: ({ accepted, role }) => atLeast(accepted, role) },
  { title: 'delivered', isNumber: true, text: ({ delivered }) => number(delivered) },
  { title: 'lag', isNumber: true, text: ({ lag }) => number(lag) },
  { title: 'leader', isNumber: true, text: leaderText },
  { title: 'trimmed', isNumber: true, text: ({ trimmed }) => number(trimmed) },
  { title: 'waiting', isNumber: true, text: ({ waiting }) => number(waiting?.values ?? null) },
  { title: 'storage', text: storageText },
  { title: 'peers', text: peersText },
  {
    title: 'version',
    text: ({ software }) => software?.replace(/^libpaxos (\S+) \(TypeScript\)$/, '$1') ?? UNKNOWN,
  },
];

/** @param columns how wide the terminal is */
export function statusLines(status: ClusterStatus, columns: number, colours: Colours): readonly string[] {
  const lines = [...summaryLines(status, columns, colours), ''];
  for (const [i, table] of tablesOf(status.nodes, columns).entries()) {
    if (i > 0) lines.push('');
    lines.push(...tableLines(status.nodes, table, colours));
  }
  const notes = [...troubles(status), ...errors(status)];
  if (notes.length > 0) lines.push('', ...notes.flatMap((note) => wrapped(note, columns)));
  return lines;
}

function summaryLines(
  status: ClusterStatus,
  columns: number,
  { bold, green, red, yellow }: Colours,
): string[] {
  const { acceptors, hasQuorum, leader, chosen, nodes } = status;
  const { count, quorum, up } = acceptors;
  const isWhole = nodes.every(({ state }) => state === 'up');
  const quorumText = `${up} of ${count} acceptors up, ${quorum} needed: ${hasQuorum ? 'a quorum' : 'NO QUORUM'}.`;
  const colour = hasQuorum ? (isWhole ? green : yellow) : red;
  const by = leader === null ? '' : `proposer ${leader.proposerId}, ballot ${leader.ballot}`;
  const leads =
    leader === null
      ? 'Nobody is known to lead.'
      : `${leader.isUp ? 'Leader' : 'Leader, as others hear it'}: ${by}.`;
  const reached = chosen === 0 ? '' : ` Chosen up to ${number(chosen)}.`;
  const lines = wrapped(`${quorumText} ${leads}${reached}`, columns);
  return lines.map((line) => bold(colour(line)));
}

/** Which columns stand in which table: as many as fit beside the names, one at least. */
function tablesOf(nodes: readonly NodeStatus[], columns: number): readonly (readonly Column[])[] {
  const tables: Column[][] = [[]];
  let width = widthOf(NAME, nodes);
  for (const column of COLUMNS) {
    if (nodes.every((node) => column.text(node) === UNKNOWN)) continue;
    const wanted = GAP.length + widthOf(column, nodes);
    if (width + wanted > columns && tables.at(-1)?.length !== 0) {
      tables.push([]);
      width = widthOf(NAME, nodes);
    }
    tables.at(-1)?.push(column);
    width += wanted;
  }
  return tables;
}

function tableLines(nodes: readonly NodeStatus[], table: readonly Column[], colours: Colours): string[] {
  const columns = [NAME, ...table].map((column) => ({ column, width: widthOf(column, nodes) }));
  const aligned = (text: string, { column, width }: { column: Column; width: number }) =>
    column.isNumber === true ? text.padStart(width) : text.padEnd(width);
  const head = columns.map((one) => aligned(one.column.title, one)).join(GAP);
  const rows = nodes.map((node) =>
    columns
      .map((one) => (one.column.colour?.(node, colours) ?? String)(aligned(one.column.text(node), one)))
      .join(GAP)
      .trimEnd(),
  );
  return [colours.dim(head.trimEnd()), ...rows];
}

function widthOf({ title, text }: Column, nodes: readonly NodeStatus[]): number {
  return Math.max(title.length, ...nodes.map((node) => text(node).length));
}

/** What is not as it should be, a sentence each. */
function troubles({ nodes, leader }: ClusterStatus): string[] {
  const found: string[] = [];
  const isUp = (acceptorId: number) =>
    nodes.some(({ kind, id, state }) => kind !== 'proposer' && id === acceptorId && state === 'up');
  for (const node of nodes) {
    const name = nameOf(node);
    if (node.state !== 'up') found.push(`${name} is ${stateWords(node)}.`);
    if (node.claims !== null) found.push(`${name}: who answers there says it is ${node.claims}.`);
    // Of one that is down everybody knows.
    const missing = node.missing.filter(isUp);
    if (missing.length > 0) found.push(`${name} has no connection to acceptor ${missing.join(', ')}.`);
    const heard = node.leaderBallot ?? 0;
    if (leader !== null && node.role !== 'leader' && heard > 0 && ballotOwner(heard) !== leader.proposerId)
      found.push(`${name} hears another leader: proposer ${ballotOwner(heard)}, ballot ${heard}.`);
  }
  const versions = new Set(nodes.flatMap(({ software }) => (software === null ? [] : [software])));
  if (versions.size > 1) found.push(`Versions differ: ${[...versions].join(', ')}.`);
  return found;
}

function stateWords({ state, reason }: NodeStatus): string {
  const words: Partial<Record<NodeStatus['state'], string>> = {
    'no answer': 'there, and does not answer',
    'other cluster': 'of another cluster',
    'not a node': 'no node of a cluster',
  };
  return `${words[state] ?? state}${reason === null ? '' : `: ${reason}`}`;
}

function errors({ nodes }: ClusterStatus): string[] {
  return nodes.flatMap((node) => {
    const { lastError } = node;
    return lastError === null ? [] : [`${nameOf(node)}, ${duration(lastError.agoMs)} ago: ${lastError.text}`];
  });
}

function nameOf({ kind, id }: NodeStatus): string {
  return `${kind} ${id}`;
}

function stateColour({ state }: NodeStatus, { green, red, yellow }: Colours): (text: string) => string {
  if (state === 'up') return green;
  return state === 'down' || state === 'unreachable' ? red : yellow;
}

/** An original tells only what it is asked for. */
function atLeast(instanceId: number | null, role: NodeStatus['role']): string {
  return role === 'original' && instanceId !== null ? `≥${number(instanceId)}` : number(instanceId);
}

function leaderText({ leaderBallot }: NodeStatus): string {
  if (leaderBallot === null) return UNKNOWN;
  return leaderBallot === 0 ? 'none' : `${ballotOwner(leaderBallot)} (ballot ${leaderBallot})`;
}

function storageText({ storage }: NodeStatus): string {
  if (storage === null) return UNKNOWN;
  const { backend, durability, bytes, limitBytes } = storage;
  const limit = limitBytes === 0 ? '' : ` of ${size(limitBytes)}`;
  return `${backend}${backend === 'lmdb' ? ` ${durability}` : ''} ${size(bytes)}${limit}`;
}

function peersText({ peers }: NodeStatus): string {
  if (peers === null) return UNKNOWN;
  const counts = [
    several(peers.replicas, 'replica'),
    several(peers.acceptors, 'acceptor'),
    several(peers.proposers, 'proposer'),
    several(peers.learners, 'learner'),
    several(peers.clients, 'client'),
    several(peers.others, 'other'),
  ];
  return counts.filter((count) => count !== '').join(', ') || 'none';
}

function several(count: number, what: string): string {
  return count === 0 ? '' : `${count} ${what}${count === 1 ? '' : 's'}`;
}

function number(count: number | null): string {
  return count === null ? UNKNOWN : count.toLocaleString('en-US');
}

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Bytes in 1024s, as the config counts them. */
export function size(bytes: number): string {
  let rest = bytes;
  let unit = 0;
  for (; rest >= 1024 && unit < SIZES.length - 1; unit++) rest /= 1024;
  return `${rest < 10 && unit > 0 ? rest.toFixed(1) : Math.round(rest)} ${SIZES[unit] ?? ''}`;
}

/** A time in its two largest units: `3 d 4 h`, `2 m 5 s`, `12 s`. */
export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** A sentence, broken between words where the terminal ends. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}
