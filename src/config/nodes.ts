/**
 * Nodes: the lines `replica`, `acceptor` and `proposer`, and what they make together.
 *
 *   readNode(kind, where, text) → NodeLine | problem
 *   joinNodes(lines)            → acceptors, proposers, replicas; problems; warnings
 *
 * A node's id is its position among the lines of its role, in file order, a replica line counting in both roles; the
 * ID that is written is only compared with it, because the original reads IDs and goes by position. Every line takes a
 * position, also one with a mistake in it, so that one mistake is reported once. Host names are kept as they stand.
 */
import { MAX_ACCEPTORS, MAX_PROPOSERS } from '../paxos/ballot.ts';
import type { Address } from '../transport/transport.ts';
import type { NodeAddress } from './config.ts';
import type { Problem } from './problem.ts';
import { splitNumber } from './values.ts';
import { quote } from './words.ts';

export type NodeKind = 'replica' | 'acceptor' | 'proposer';
type Role = 'acceptor' | 'proposer';

/** One line, or one entry of a program's lists; without what could not be read. */
export interface NodeLine {
  readonly kind: NodeKind;
  /** where it stands, for messages */
  readonly where: string;
  /** the ID that is written; undefined if there is none to compare with the position */
  readonly writtenId: number | undefined;
  /** undefined if it could not be read */
  readonly address: Address | undefined;
}

/** What all node lines make together. */
export interface JoinedNodes {
  readonly acceptors: readonly NodeAddress[];
  readonly proposers: readonly NodeAddress[];
  readonly replicas: boolean;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** A line with the positions that it takes. */
interface Placed {
  readonly line: NodeLine;
  readonly acceptor: number | undefined;
  readonly proposer: number | undefined;
}

const MAX_PORT = 65_535;
const MAX_HOST = 253;
const EXAMPLE = '127.0.0.1 8800';
const HOST_NAME = /^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
const IPV6_GROUP = /^[0-9A-Fa-f]{1,4}$/;
const IPV6_ZONE = /%[A-Za-z0-9_.-]+$/;
const DIGITS_AND_DOTS = /^[\d.]+$/;

/** Reads what stands behind `replica`, `acceptor` or `proposer`: ID ADDRESS PORT, and text that is ignored. */
export function readNode(
  kind: NodeKind,
  where: string,
  text: string,
): { readonly node: NodeLine; readonly problem?: string; readonly warning?: string } {
  const [id = '', host = '', portText = ''] = text.split(/\s+/);
  const writtenId = /^[+-]?\d+$/.test(id) ? Number(id) : undefined;
  const wrong = (problem: string) => ({ node: { kind, where, writtenId, address: undefined }, problem });

  if (portText === '' || portText.startsWith('#')) return wrong(incomplete(kind, id, host));
  if (writtenId === undefined) return wrong(`ID ${quote(id)} is not a number; write "${kind} 0 ${EXAMPLE}"`);
  const hostProblem = checkHost(host);
  if (hostProblem !== undefined) return wrong(hostProblem);
  const { number: port, rest } = splitNumber(portText);
  if (port === undefined) return wrong(`port ${quote(portText)} is not a number; use 1 to ${MAX_PORT}`);
  const portProblem = checkPort(port);
  if (portProblem !== undefined) return wrong(portProblem);

  const node = { kind, where, writtenId, address: { host, port } };
  if (rest === '' || rest.startsWith('#')) return { node };
  return { node, warning: `${quote(rest)} after port ${port} is ignored; put a space before comments` };
}

/** What is wrong with a port number; undefined if nothing is. */
export function checkPort(port: number): string | undefined {
  if (Number.isInteger(port) && port >= 1 && port <= MAX_PORT) return undefined;
  return `port ${port} is out of range; use 1 to ${MAX_PORT}`;
}

/** What is wrong with the look of a host name or address; undefined if nothing is. Nothing is resolved. */
export function checkHost(host: string): string | undefined {
  const wrong = `${quote(host)} is neither an address nor a host name; write it like 127.0.0.1 or node1.example.org`;
  if (host.length > MAX_HOST) return wrong;
  if (DIGITS_AND_DOTS.test(host)) {
    if (IPV4.test(host)) return undefined;
    return `${quote(host)} is not an address; write four numbers from 0 to 255, like 127.0.0.1`;
  }
  return HOST_NAME.test(host) || isIpv6(host) ? undefined : wrong;
}

/** Eight groups of hex digits, or fewer and one `::`; the last two may be an IPv4 address; a zone may follow. */
function isIpv6(host: string): boolean {
  const halves = host.replace(IPV6_ZONE, '').split('::');
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const whole = last !== undefined && IPV4.test(last) ? [...groups.slice(0, -1), '0', '0'] : groups;
  const fits = halves.length === 1 ? whole.length === 8 : halves.length === 2 && whole.length < 8;
  return fits && whole.every((group) => IPV6_GROUP.test(group));
}

/** Whether two nodes listen at one place, as far as this can be said without resolving names. */
export function sameAddress(a: Address, b: Address): boolean {
  return addressKey(a) === addressKey(b);
}

/** Gives every line its position and finds what is wrong, or doubtful, between them. */
export function joinNodes(lines: readonly NodeLine[]): JoinedNodes {
  const placed = placeLines(lines);
  return {
    acceptors: nodesOf('acceptor', placed),
    proposers: nodesOf('proposer', placed),
    replicas: placed.some(({ line, acceptor, proposer }) => line.kind === 'replica' && acceptor === proposer),
    problems: [...tooMany(placed), ...duplicates(placed)],
    warnings: [...positionDoubts(placed), ...sharedPorts(placed)],
  };
}

function incomplete(kind: NodeKind, id: string, host: string): string {
  const [name, port] = host.split(':');
  const joined = name !== undefined && name !== '' && port !== undefined && /^\d+$/.test(port);
  if (joined)
    return `${kind} ${id} ${quote(host)} has no port; put a space before it: "${kind} ${id} ${name} ${port}"`;
  return `${kind} needs an ID, an address and a port; write it like "${kind} 0 ${EXAMPLE}"`;
}

function placeLines(lines: readonly NodeLine[]): readonly Placed[] {
  let acceptors = 0;
  let proposers = 0;
  return lines.map((line) => ({
    line,
    acceptor: line.kind === 'proposer' ? undefined : acceptors++,
    proposer: line.kind === 'acceptor' ? undefined : proposers++,
  }));
}

function nodesOf(role: Role, placed: readonly Placed[]): readonly NodeAddress[] {
  return placed.flatMap((entry) => {
    const id = entry[role];
    const { address } = entry.line;
    return id === undefined || address === undefined ? [] : [{ id, host: address.host, port: address.port }];
  });
}

function tooMany(placed: readonly Placed[]): readonly Problem[] {
  const problems: Problem[] = [];
  for (const { line, acceptor, proposer } of placed) {
    const full =
      acceptor !== undefined && acceptor >= MAX_ACCEPTORS
        ? `${MAX_ACCEPTORS} acceptors`
        : proposer !== undefined && proposer >= MAX_PROPOSERS
          ? `${MAX_PROPOSERS} proposers`
          : undefined;
    if (full !== undefined) {
      problems.push({
        where: line.where,
        message: `a cluster has at most ${full}; remove this ${line.kind}`,
      });
    }
  }
  return problems;
}

/** IDs and addresses that two lines of one role have; each line is reported once for each. */
function duplicates(placed: readonly Placed[]): readonly Problem[] {
  const problems: Problem[] = [];
  const firstWith = new Map<string, NodeLine>();
  for (const { line, acceptor, proposer } of placed) {
    const roles: Role[] = [];
    if (acceptor !== undefined) roles.push('acceptor');
    if (proposer !== undefined) roles.push('proposer');
    const earlier = (what: string): NodeLine | undefined => {
      const found = roles
        .map((role) => firstWith.get(`${role} ${what}`))
        .find((first) => first !== undefined);
      for (const role of roles) if (!firstWith.has(`${role} ${what}`)) firstWith.set(`${role} ${what}`, line);
      return found;
    };
    if (line.writtenId !== undefined) {
      const first = earlier(`id ${line.writtenId}`);
      if (first !== undefined) {
        const message = `${line.kind} ID ${line.writtenId} is taken by ${first.where}; give it another`;
        problems.push({ where: line.where, message });
      }
    }
    if (line.address !== undefined) {
      const first = earlier(`address ${addressKey(line.address)}`);
      if (first !== undefined) {
        const { host, port } = line.address;
        const message = `${line.kind} address ${host} ${port} is taken by ${first.where}; give it another address or port`;
        problems.push({ where: line.where, message });
      }
    }
  }
  return problems;
}

function positionDoubts(placed: readonly Placed[]): readonly Problem[] {
  const warnings: Problem[] = [];
  for (const { line, acceptor, proposer } of placed) {
    const { kind, where, writtenId } = line;
    if (acceptor !== undefined && proposer !== undefined && acceptor !== proposer) {
      const message =
        `this replica is acceptor ${acceptor} and proposer ${proposer}, because ids go by position; ` +
        'put the replica lines before the others';
      warnings.push({ where, message });
      continue;
    }
    const position = acceptor ?? proposer ?? 0;
    if (writtenId !== undefined && writtenId !== position) {
      const message =
        `${kind} ID ${writtenId} stands in position ${position} and goes by that, as in the original; ` +
        `write "${kind} ${position}"`;
      warnings.push({ where, message });
    }
  }
  return warnings;
}

/** An acceptor line and a proposer line at one address are one replica if their positions agree, else they collide. */
function sharedPorts(placed: readonly Placed[]): readonly Problem[] {
  const warnings: Problem[] = [];
  const acceptorAt = new Map<string, number>();
  for (const { line, acceptor } of placed) {
    if (acceptor !== undefined && line.address !== undefined)
      acceptorAt.set(addressKey(line.address), acceptor);
  }
  for (const { line, proposer } of placed) {
    if (line.kind !== 'proposer' || line.address === undefined) continue;
    const acceptor = acceptorAt.get(addressKey(line.address));
    if (acceptor !== undefined && acceptor !== proposer) {
      const message = `proposer ${proposer} has the port of acceptor ${acceptor}: only one of them can listen there`;
      warnings.push({ where: line.where, message });
    }
  }
  return warnings;
}

function addressKey(address: Address): string {
  return `${address.host.toLowerCase()} ${address.port}`;
}
