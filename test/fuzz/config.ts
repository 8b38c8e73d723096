/**
 * The config parser as a target: any text, as a paxos.conf.
 *
 * Must hold: it is taken, or refused by a ConfigError that says where and what, one line each. What is taken has nodes
 * whose ids are positions and options in their ranges, can be described, and is the same when it is written down and
 * read again.
 */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import {
  ConfigError,
  configDescription,
  configText,
  describeConfig,
  OPTIONS,
  type ParsedConfig,
  parseConfig,
} from '../../src/config/index.ts';
import { MAX_ACCEPTORS, MAX_PROPOSERS } from '../../src/paxos/ballot.ts';
import { type FuzzTarget, mustHold } from './target.ts';

const MAX_BYTES = 2048;
const FILE = 'f';
const MANY = 3;
const NODE_LINES = [
  'replica 0 127.0.0.1 8800',
  'acceptor 0 ::1 1',
  'proposer 0 host 65535',
  'r 1 a 2',
  'a 1 b 3',
  'p 2 c 4',
];
const WORDS = [
  'yes',
  'no',
  'lmdb',
  'memory',
  'quiet',
  'debug',
  '10mb',
  '4kb',
  '-1',
  '0',
  '#',
  '\n',
  '\t',
  '"',
];

const encoder = new TextEncoder();

export const config: FuzzTarget = {
  name: 'config',
  maxBytes: MAX_BYTES,
  batch: 200,
  beginnings: () => {
    const shipped = readFileSync('paxos.conf', 'utf8').split('\n');
    const sections = shipped
      .map((_, at) => shipped.slice(at, at + 8).join('\n'))
      .filter((_, at) => at % 8 === 0);
    return [...NODE_LINES, ...optionLines(), ...sections].map((text) => encoder.encode(text));
  },
  words: [
    ...NODE_LINES.map((line) => `\n${line}\n`),
    ...optionLines(),
    ...optionLines('99999999999\n'),
    ...WORDS,
  ].map((text) => encoder.encode(text)),
  run: (input) => {
    const parsed = parse(new TextDecoder().decode(input));
    if (!('config' in parsed)) return parsed;
    mustBeSound(parsed);
    mustSurviveTheWay(parsed);
    return [few(parsed.warnings.length, 'warnings')];
  },
};

function optionLines(value = ''): string[] {
  return OPTIONS.map(({ directive }) => `\n${directive} ${value}`);
}

/** What was read; or what was wrong with it, roughly. */
function parse(text: string): ParsedConfig | readonly string[] {
  try {
    return parseConfig(text, FILE);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const lines = error.message.split('\n');
    for (const line of lines)
      mustHold(
        /^f(:\d+)?: \S|^and \d+ more$/.test(line),
        () => `a line of the error is ${JSON.stringify(line)}`,
      );
    return [few(lines.length, 'problems')];
  }
}

/** Which lines there are the coverage tells: how many is enough. */
function few(count: number, what: string): string {
  return `${Math.min(count, MANY)} ${what}`;
}

function mustBeSound(parsed: ParsedConfig): void {
  const { acceptors, proposers, ...options } = parsed.config;
  mustHold(acceptors.length >= 1 && acceptors.length <= MAX_ACCEPTORS, () => `${acceptors.length} acceptors`);
  mustHold(proposers.length <= MAX_PROPOSERS, () => `${proposers.length} proposers`);
  for (const nodes of [acceptors, proposers]) {
    mustHold(
      nodes.every(({ id }, at) => id === at),
      () => 'an id is not its position',
    );
    for (const { host, port } of nodes)
      mustHold(host !== '' && port >= 1 && port <= 65_535, () => `an address is ${host} ${port}`);
  }
  for (const option of OPTIONS) {
    const value = options[option.key];
    if (typeof value !== 'number' || !('min' in option)) continue;
    const isInRange = Number.isSafeInteger(value) && value >= option.min && value <= option.max;
    mustHold(isInRange, () => `${option.directive} is ${value}`);
  }
  mustHold(options.heartbeatIntervalMs * 2 < options.leaderTimeoutMs, () => 'heartbeats are too rare');
  for (const line of describeConfig(parsed))
    mustHold(!line.includes('\n'), () => 'a line of the description is two');
  JSON.stringify(configDescription(parsed));
}

/** Written down, and read again, it is the same. */
function mustSurviveTheWay({ config: read }: ParsedConfig): void {
  const again = parse(configText(read));
  const same = 'config' in again && isDeepStrictEqual(again.config, { ...read, file: FILE });
  mustHold(same, () => `what it writes is read otherwise${'config' in again ? '' : `: ${again.join('; ')}`}`);
}
