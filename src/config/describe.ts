/**
 * Describe: what a config means, for a person (lines of text) and for a program (plain data). Pure; prints nothing.
 *
 * Everything here is said of the config alone: no address is resolved, no directory opened, no node asked.
 */
import { quorumSize } from '../paxos/quorum.ts';
import type { Config, Options } from './config.ts';
import { alignColumns, wrap } from './layout.ts';
import { clusterFingerprint } from './make.ts';
import { type NodeKind, sameAddress } from './nodes.ts';
import { DEFAULT_OPTIONS, expectedValue, formatValue, isOurs, OPTIONS, type Option } from './options.ts';
import type { ParsedConfig } from './parse.ts';
import type { Place } from './problem.ts';

/** How much an acceptor keeps: see the storage port. */
export type Durability = 'memory' | 'unsynced' | 'synced';

/** What a config means, as plain data that JSON can hold. */
export interface ConfigDescription {
  readonly file: string | null;
  readonly nodes: readonly DescribedNode[];
  readonly acceptors: number;
  readonly proposers: number;
  readonly quorum: number;
  /** how many acceptors may be away while values are still chosen */
  readonly failuresSurvived: number;
  readonly durability: { readonly level: Durability; readonly sentence: string };
  /** the hash by which nodes recognise the cluster, 32 bits */
  readonly fingerprint: number;
  readonly options: readonly DescribedOption[];
  readonly warnings: readonly string[];
}

export interface DescribedNode {
  readonly kind: NodeKind;
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

export interface DescribedOption {
  readonly directive: string;
  /** in the unit that the key of Options names: seconds, milliseconds, bytes */
  readonly value: string | number | boolean;
  /** as paxos.conf writes it */
  readonly text: string;
  /** where it was set; null: the default */
  readonly origin: { readonly file: string | null; readonly line: number } | null;
  /** true if the original does not know it */
  readonly ours: boolean;
  readonly sentence: string;
}

/** What the config means, as data. */
export function configDescription(parsed: ParsedConfig): ConfigDescription {
  const { config, origins, warnings } = parsed;
  const acceptors = config.acceptors.length;
  const quorum = quorumSize(acceptors);
  return {
    file: config.file ?? null,
    nodes: describedNodes(config),
    acceptors,
    proposers: config.proposers.length,
    quorum,
    failuresSurvived: acceptors - quorum,
    durability: { level: durabilityOf(config), sentence: durabilitySentence(config) },
    fingerprint: clusterFingerprint(config),
    options: OPTIONS.map((option) => {
      const place = origins[option.key];
      return {
        directive: option.directive,
        value: config[option.key],
        text: formatValue(option, config),
        origin: place === undefined ? null : { file: place.file ?? null, line: place.line },
        ours: isOurs(option),
        sentence: option.sentence,
      };
    }),
    warnings,
  };
}

/** What the config means, in lines for a person, none of them longer than about 100 characters. */
export function describeConfig(parsed: ParsedConfig): readonly string[] {
  const { config, origins, warnings } = parsed;
  const lines = [...warningLines(warnings), ...nodeLines(config), ''];
  lines.push(...wrap(quorumSentence(config)), ...wrap(durabilitySentence(config)));
  lines.push('', `Options (cluster fingerprint ${clusterFingerprint(config).toString(16).padStart(8, '0')})`);
  const rows = OPTIONS.map((option) => [
    option.directive,
    formatValue(option, config) + shownUnit(option),
    originName(origins[option.key], config.file),
  ]);
  const table = alignColumns(rows);
  for (const [index, option] of OPTIONS.entries()) {
    lines.push('', `  ${table[index] ?? ''}`, ...wrap(option.sentence, '    '));
  }
  return lines;
}

/** Every option with what it takes, its default and its sentence: for `--help`. */
export function optionLines(): readonly string[] {
  return OPTIONS.flatMap((option) => {
    const value = `${expectedValue(option)} (default ${formatValue(option, DEFAULT_OPTIONS)})`;
    return [`  ${option.directive}  ${value}`, ...wrap(option.sentence, '      ')];
  });
}

/** How much an acceptor with these options keeps. */
export function durabilityOf(options: Options): Durability {
  if (options.storageBackend === 'memory') return 'memory';
  return options.lmdbSync ? 'synced' : 'unsynced';
}

/** What is kept through a restart and what is not, in plain words; an acceptor says it once when it starts. */
export function durabilitySentence(options: Options): string {
  const but = butNotKept(options);
  switch (durabilityOf(options)) {
    case 'memory':
      return (
        'Storage is memory: an acceptor that restarts has forgotten its promises and what it accepted, so a value ' +
        'that was chosen can be lost or replaced. Where values matter use storage-backend lmdb with lmdb-sync yes.'
      );
    case 'unsynced':
      return (
        'Storage is lmdb without sync: what was answered survives the end of the process (a crash, kill -9), but ' +
        `not a power cut or a crash of the machine; lmdb-sync yes survives both.${but}`
      );
    case 'synced':
      return (
        'Storage is lmdb with sync: nothing is answered before it is on disk, so what was answered survives the ' +
        `end of the process and a power cut.${but}`
      );
  }
}

function butNotKept(options: Options): string {
  if (options.acceptorTrashFiles) {
    return ' But acceptor-trash-files yes deletes it all at every start: for tests only.';
  }
  if (!/^\/tmp(\/|$)/.test(options.lmdbEnvPath)) return '';
  return ' But lmdb-env-path is below /tmp, which many machines empty when they start: choose another.';
}

function quorumSentence(config: Config): string {
  const acceptors = config.acceptors.length;
  const quorum = quorumSize(acceptors);
  const survived = acceptors - quorum;
  const away =
    survived === 0
      ? `if ${acceptors === 1 ? 'it' : 'one'} is away, nothing is chosen until it is back`
      : `values are still chosen while ${survived} of them ${survived === 1 ? 'is' : 'are'} away`;
  const even = acceptors % 2 === 0 ? ` An even number survives no more than ${acceptors - 1} would.` : '';
  const [first] = config.acceptors;
  const together = acceptors > 1 && config.acceptors.every(({ host }) => host === first?.host);
  const place = together ? ' All are on one host, which takes them all with it when it fails.' : '';
  return `A quorum is ${quorum} of ${acceptors} ${acceptors === 1 ? 'acceptor' : 'acceptors'}: ${away}.${even}${place}`;
}

/** Replicas first where acceptor and proposer of one id are one address, then what is left. */
function describedNodes(config: Config): readonly DescribedNode[] {
  const { acceptors, proposers } = config;
  const isReplica = (id: number): boolean => {
    const [acceptor, proposer] = [acceptors[id], proposers[id]];
    return acceptor !== undefined && proposer !== undefined && sameAddress(acceptor, proposer);
  };
  return [
    ...acceptors.map((node) => described(isReplica(node.id) ? 'replica' : 'acceptor', node)),
    ...proposers.filter(({ id }) => !isReplica(id)).map((node) => described('proposer', node)),
  ];
}

function described(kind: NodeKind, node: { id: number; host: string; port: number }): DescribedNode {
  return { kind, id: node.id, host: node.host, port: node.port };
}

function nodeLines(config: Config): readonly string[] {
  const nodes = describedNodes(config);
  const rows = nodes.map(({ kind, id, host, port }) => [kind, String(id), host, String(port)]);
  return ['Nodes', ...alignColumns([['role', 'id', 'address', 'port'], ...rows]).map((row) => `  ${row}`)];
}

function warningLines(warnings: readonly string[]): readonly string[] {
  return warnings.length === 0 ? [] : [...warnings.map((warning) => `warning: ${warning}`), ''];
}

const SHORT_UNITS = { seconds: ' s', milliseconds: ' ms', microseconds: ' µs', instances: '' } as const;

function shownUnit(option: Option): string {
  return option.kind === 'number' ? SHORT_UNITS[option.unit] : '';
}

function originName(place: Place | undefined, file: string | undefined): string {
  if (place === undefined) return 'default';
  return place.file === file || place.file === undefined
    ? `line ${place.line}`
    : `${place.file}:${place.line}`;
}
