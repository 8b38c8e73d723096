/**
 * Parse: the text of a paxos.conf → a Config, or everything that is wrong with it.
 *
 *   text → lines → directives → values (values.ts) and nodes (nodes.ts) → checked together → Config
 *
 * It knows no option by name: the table in options.ts does. Every file that the original runs is taken, unless it
 * says something that cannot be meant (an id or an address twice, a port that does not exist); so are tabs,
 * indentation, lines of spaces, Windows' line ends and a byte order mark, on which the original fails.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { PaxosError } from '../paxos/error.ts';
import type { Config } from './config.ts';
import { joinNodes, type NodeKind, type NodeLine, readNode } from './nodes.ts';
import { DEFAULT_OPTIONS, isOurs, OPTIONS, type Option, type OptionKey } from './options.ts';
import { ConfigError, type Place, type Problem, placeName, problemLine } from './problem.ts';
import { checkTogether, doubtsBetween, type OptionsDraft, readValue } from './values.ts';
import { quote, suggest } from './words.ts';

/** A config that can be used, and what a person should know of it. */
export interface ParsedConfig {
  readonly config: Config;
  /** what is doubtful, one line each: `paxos.conf:7: what it is` */
  readonly warnings: readonly string[];
  /** where each option was set; those at their defaults are missing */
  readonly origins: Origins;
}

export type Origins = { readonly [K in OptionKey]?: Place };

/** A paxos.conf above this is something else: 1 MB. */
const MAX_FILE_BYTES = 1024 * 1024;

const NODE_KINDS: ReadonlyMap<string, NodeKind> = new Map([
  ['replica', 'replica'],
  ['r', 'replica'],
  ['acceptor', 'acceptor'],
  ['a', 'acceptor'],
  ['proposer', 'proposer'],
  ['p', 'proposer'],
]);

const DIRECTIVES: readonly string[] = ['replica', 'acceptor', 'proposer', ...OPTIONS.map((o) => o.directive)];
const OUR_DIRECTIVES: readonly string[] = OPTIONS.filter(isOurs).map((option) => option.directive);

/** What has been read so far, right and wrong. */
interface Reading {
  readonly options: OptionsDraft;
  readonly origins: { [K in OptionKey]?: Place };
  readonly nodes: NodeLine[];
  /** the places with a directive, in the order of reading */
  readonly order: Map<string, number>;
  readonly problems: Problem[];
  readonly warnings: Problem[];
}

/**
 * Reads the text of a paxos.conf.
 *
 * @param text the whole file
 * @param file its name in messages and in Config.file; without it messages say `line 7`
 * @throws ConfigError (a PaxosError CONFIG_INVALID) with every problem of the text, one line each
 */
export function parseConfig(text: string, file?: string): ParsedConfig {
  const reading = startReading();
  readLines(reading, text, file, DIRECTIVES);
  return finish(reading, file);
}

/**
 * Reads a paxos.conf, and after it `<path>.ours` if that exists: the second file may hold only the directives that the
 * original does not know, so that original nodes can share the first.
 *
 * @throws PaxosError CONFIG_UNREADABLE if one of them cannot be read
 * @throws ConfigError (a PaxosError CONFIG_INVALID) with every problem of both, one line each
 */
export function readConfig(path: string): ParsedConfig {
  const reading = startReading();
  const text = readText(path);
  if (text === undefined) {
    throw unreadable(path, 'there is no such file; give the path of a paxos.conf');
  }
  readLines(reading, text, path, DIRECTIVES);
  const ours = `${path}.ours`;
  const oursText = readText(ours);
  if (oursText !== undefined) readLines(reading, oursText, ours, OUR_DIRECTIVES);
  return finish(reading, path);
}

function startReading(): Reading {
  return {
    options: { ...DEFAULT_OPTIONS },
    origins: {},
    nodes: [],
    order: new Map(),
    problems: [],
    warnings: [],
  };
}

function readLines(
  reading: Reading,
  text: string,
  file: string | undefined,
  allowed: readonly string[],
): void {
  const lines = text.split('\n');
  for (const [index, raw] of lines.entries()) {
    const line = raw.trim();
    if (line !== '' && !line.startsWith('#')) readLine(reading, line, { file, line: index + 1 }, allowed);
  }
}

/** Reads one directive. `allowed` are those that may stand in this file. */
function readLine(reading: Reading, line: string, place: Place, allowed: readonly string[]): void {
  const where = placeName(place);
  reading.order.set(where, reading.order.size);
  const [word = ''] = line.split(/\s/, 1);
  const text = line.slice(word.length).trim();
  const keyword = word.toLowerCase();

  const kind = NODE_KINDS.get(keyword);
  const option = OPTIONS.find(({ directive }) => directive === keyword);
  const directive = kind ?? option?.directive;
  if (directive === undefined) {
    const [name = ''] = word.split(/[=:]/, 1);
    const message = `unknown directive ${quote(word)}; ${suggest(name, allowed)}`;
    reading.problems.push({ where, message });
  } else if (!allowed.includes(directive)) {
    const common = basename(place.file ?? '').replace(/\.ours$/, '');
    const message = `directive "${directive}" is one that the original knows, and belongs into ${quote(common)}`;
    reading.problems.push({ where, message });
  } else if (kind !== undefined) {
    const { node, problem, warning } = readNode(kind, where, text);
    reading.nodes.push(node);
    report(reading, where, problem, warning);
  } else if (option !== undefined) {
    readOption(reading, option, text, place);
  }
}

function readOption(reading: Reading, option: Option, text: string, place: Place): void {
  const where = placeName(place);
  const { problem, warning } = readValue(option, text, reading.options);
  report(reading, where, problem, warning);
  const earlier = reading.origins[option.key];
  if (earlier !== undefined) {
    report(
      reading,
      where,
      undefined,
      `${option.directive} is given again; this one counts, not ${placeName(earlier)}`,
    );
  }
  reading.origins[option.key] = place;
}

function report(
  reading: Reading,
  where: string,
  problem: string | undefined,
  warning: string | undefined,
): void {
  if (problem !== undefined) reading.problems.push({ where, message: problem });
  if (warning !== undefined) reading.warnings.push({ where, message: warning });
}

/** Checks what was read as a whole. */
function finish(reading: Reading, file: string | undefined): ParsedConfig {
  const { options, origins, nodes } = reading;
  const whole = file ?? 'config';
  const placeOf = (key: OptionKey): string => {
    const place = origins[key];
    return place === undefined ? whole : placeName(place);
  };
  const joined = joinNodes(nodes);
  const problems = [...reading.problems, ...joined.problems];
  const warnings = [...reading.warnings, ...joined.warnings];

  if (!nodes.some(({ kind }) => kind !== 'proposer')) {
    problems.push({ where: whole, message: 'no acceptors; add lines like "replica 0 127.0.0.1 8800"' });
  } else if (!nodes.some(({ kind }) => kind !== 'acceptor')) {
    warnings.push({
      where: whole,
      message: 'no proposers, so no value can be proposed; add "proposer" lines',
    });
  }
  for (const { key, message } of checkTogether(options)) problems.push({ where: placeOf(key), message });
  for (const { key, message } of doubtsBetween(options)) warnings.push({ where: placeOf(key), message });
  const inOrder = (a: Problem, b: Problem): number => position(a, reading) - position(b, reading);
  if (problems.length > 0) throw new ConfigError(problems.sort(inOrder));

  const { acceptors, proposers, replicas } = joined;
  return {
    config: { ...options, file, acceptors, proposers, replicas },
    warnings: warnings.sort(inOrder).map(problemLine),
    origins,
  };
}

/** Where a problem stands among the lines; what belongs to no line comes last. */
function position(problem: Problem, reading: Reading): number {
  return reading.order.get(problem.where) ?? reading.order.size;
}

/** The text of a file, or undefined if there is none of this name. */
function readText(path: string): string | undefined {
  try {
    const descriptor = openSync(path, 'r');
    try {
      return readAtMost(descriptor, path);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (error instanceof PaxosError) throw error;
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw unreadable(
      path,
      ADVICE.get(code) ?? `reading failed (${code}); check the path and the disk`,
      error,
    );
  }
}

function readAtMost(descriptor: number, path: string): string {
  const bytes = new Uint8Array(MAX_FILE_BYTES + 1);
  let filled = 0;
  while (filled < bytes.length) {
    const count = readSync(descriptor, bytes, filled, bytes.length - filled, null);
    if (count === 0) return new TextDecoder().decode(bytes.subarray(0, filled));
    filled += count;
  }
  throw unreadable(path, 'it is larger than 1 MB, so hardly a paxos.conf; give the path of one');
}

const ADVICE: ReadonlyMap<string, string> = new Map([
  ['EISDIR', 'it is a directory; give the path of a paxos.conf'],
  ['EACCES', 'permission is denied; make it readable for this user'],
  ['EPERM', 'permission is denied; make it readable for this user'],
]);

function unreadable(path: string, why: string, cause?: unknown): PaxosError {
  return new PaxosError('CONFIG_UNREADABLE', `cannot read ${path}: ${why}`, { cause });
}

function systemCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return String(error);
}
