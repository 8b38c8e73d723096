/**
 * Make: a Config for programs and tests, without a file and with the same validation; and the number by which nodes
 * see that their configs describe one cluster.
 */
import type { Address } from '../transport/transport.ts';
import type { Config, Options } from './config.ts';
import { checkHost, checkPort, joinNodes, type NodeKind, type NodeLine } from './nodes.ts';
import { DEFAULT_OPTIONS, formatValue, OPTIONS } from './options.ts';
import { ConfigError, type Problem } from './problem.ts';
import { checkTogether, checkValue } from './values.ts';
import { quote, suggest } from './words.ts';

/** The nodes of a cluster; ids are positions. Replicas come first among the acceptors and the proposers. */
export interface ConfigNodes {
  readonly replicas?: readonly Address[];
  readonly acceptors?: readonly Address[];
  readonly proposers?: readonly Address[];
}

/**
 * Builds a Config.
 *
 * @param nodes host and port of every node
 * @param overrides options that are not to be at their defaults
 * @throws ConfigError (a PaxosError CONFIG_INVALID) with every problem, one line each: `replicas[2]: port 0 is …`
 */
export function makeConfig(nodes: ConfigNodes, overrides: Partial<Options> = {}): Config {
  const { problems, lines } = checkNodes(nodes);
  const { acceptors, proposers, replicas, problems: between } = joinNodes(lines);
  problems.push(...between);
  if (acceptors.length === 0 && problems.length === 0) {
    problems.push({ where: 'nodes', message: 'no acceptors; give replicas or acceptors' });
  }

  const keys: readonly string[] = OPTIONS.map(({ key }) => key);
  for (const key of Object.keys(overrides)) {
    if (keys.includes(key)) continue;
    problems.push({ where: 'options', message: `unknown option ${quote(key)}; ${suggest(key, keys)}` });
  }
  const options = { ...DEFAULT_OPTIONS, ...overrides };
  for (const option of OPTIONS) {
    const message = checkValue(option, options[option.key]);
    if (message !== undefined) problems.push({ where: `options.${option.key}`, message });
  }
  for (const { key, message } of checkTogether(options)) problems.push({ where: `options.${key}`, message });
  if (problems.length > 0) throw new ConfigError(problems);
  return { ...options, file: undefined, acceptors, proposers, replicas };
}

/**
 * The text of a paxos.conf that reads back as this config: its nodes, and the options that are not at their defaults.
 */
export function configText(config: Config): string {
  const lines: string[] = [];
  const count = Math.max(config.acceptors.length, config.proposers.length);
  for (let id = 0; id < count; id++) {
    const acceptor = config.acceptors[id];
    const proposer = config.proposers[id];
    if (config.replicas && acceptor?.host === proposer?.host && acceptor?.port === proposer?.port) {
      lines.push(nodeLine('replica', acceptor));
    } else {
      lines.push(nodeLine('acceptor', acceptor), nodeLine('proposer', proposer));
    }
  }
  for (const option of OPTIONS) {
    if (config[option.key] !== option.default)
      lines.push(`${option.directive} ${formatValue(option, config)}`);
  }
  return lines
    .filter((line) => line !== '')
    .map((line) => `${line}\n`)
    .join('');
}

/**
 * 32 bits that are equal where acceptor count, value format and cluster name are: nodes tell each other theirs and
 * refuse to work across a difference. Addresses are left out, since two nodes may reach a third by different ones.
 * FNV-1a (Fowler, Noll, Vo), over the UTF-8 of the three on a line each.
 */
export function clusterFingerprint(config: Config): number {
  const bytes = new TextEncoder().encode(
    `${config.acceptors.length}\n${config.valueFormat}\n${config.clusterName}\n`,
  );
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function checkNodes(nodes: ConfigNodes): { problems: Problem[]; lines: NodeLine[] } {
  const problems: Problem[] = [];
  const lines: NodeLine[] = [];
  const add = (kind: NodeKind, list: string, addresses: readonly Address[] = []): void => {
    for (const [index, address] of addresses.entries()) {
      const where = `${list}[${index}]`;
      const message = checkHost(address.host) ?? checkPort(address.port);
      if (message !== undefined) problems.push({ where, message });
      lines.push({ kind, where, writtenId: undefined, address });
    }
  };
  add('replica', 'replicas', nodes.replicas);
  add('acceptor', 'acceptors', nodes.acceptors);
  add('proposer', 'proposers', nodes.proposers);
  return { problems, lines };
}

function nodeLine(kind: NodeKind, node: (Address & { readonly id: number }) | undefined): string {
  return node === undefined ? '' : `${kind} ${node.id} ${node.host} ${node.port}`;
}
