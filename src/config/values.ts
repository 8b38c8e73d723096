/**
 * Values: the text behind a directive, read as its option's kind; and the same limits for values that a program gives.
 *
 *   readValue(option, text, draft)  → what is wrong, what was ignored, or nothing
 *   checkValue(option, value)       → what is wrong, or nothing
 *   checkTogether(options)          → what is wrong between options that are each right
 *
 * As in the original, text after a number is ignored, `10 MB` is `10mb`, a path is the rest of the line, and nothing
 * may stand behind a word.
 */
import type { Options } from './config.ts';
import {
  BYTE_UNITS,
  type BytesOption,
  expectedValue,
  formatBytes,
  type NumberOption,
  type Option,
  type OptionKey,
} from './options.ts';
import { quote, suggest } from './words.ts';

/** Options while they are being read. */
export type OptionsDraft = { -readonly [K in OptionKey]: Options[K] };

/** How reading a value went: without both fields, well. */
export interface ValueReading {
  readonly problem?: string;
  readonly warning?: string;
}

type Read<T> =
  | { readonly value: T; readonly warning?: string }
  | { readonly value?: undefined; readonly problem: string };

const YES_NO: readonly string[] = ['yes', 'no'];
const NAME = /^[A-Za-z0-9._-]+$/;
const CONTROL = /\p{Cc}/u;

/** What may follow a number without a warning: its own unit, however it is abbreviated. */
const OWN_UNIT = {
  seconds: /^s(ecs?|econds?)?\b/i,
  milliseconds: /^(ms|msecs?|millis|milliseconds?)\b/i,
  microseconds: /^(us|µs|usecs?|micros|microseconds?)\b/i,
  instances: /^instances?\b/i,
};

/** Reads `text`, what stands behind the directive, into `draft`; leaves it as it was if there is a problem. */
export function readValue(option: Option, text: string, draft: OptionsDraft): ValueReading {
  if (text === '') {
    return { problem: `${option.directive} has no value; use ${expectedValue(option)}` };
  }
  switch (option.kind) {
    case 'yes-no': {
      const read = readWord(option, YES_NO, text);
      if (read.value === undefined) return read;
      draft[option.key] = read.value === 'yes';
      return {};
    }
    case 'word':
      return readWordOption(option, text, draft);
    case 'number':
    case 'bytes': {
      const read = option.kind === 'number' ? readNumber(option, text) : readBytes(option, text);
      if (read.value === undefined) return read;
      draft[option.key] = read.value;
      return read.warning === undefined ? {} : { warning: read.warning };
    }
    case 'path':
    case 'name': {
      const problem = checkValue(option, text);
      if (problem !== undefined) return { problem };
      draft[option.key] = text;
      return {};
    }
  }
}

/** What is wrong with a value that a program gives for an option; undefined if nothing is. */
export function checkValue(option: Option, value: unknown): string | undefined {
  const wrong = `${option.directive} must be ${expectedValue(option)}`;
  switch (option.kind) {
    case 'yes-no':
      return typeof value === 'boolean' ? undefined : `${wrong} (true or false), not ${describe(value)}`;
    case 'word': {
      const words: readonly string[] = option.words;
      if (typeof value !== 'string') return `${wrong}, not ${describe(value)}`;
      return words.includes(value) ? undefined : `${wrong}, not ${quote(value)}; ${suggest(value, words)}`;
    }
    case 'number':
    case 'bytes': {
      const whole = typeof value === 'number' && Number.isInteger(value);
      return whole ? outOfRange(option, value) : `${wrong}, a whole number, not ${describe(value)}`;
    }
    case 'path': {
      if (typeof value !== 'string' || value === '') return `${wrong}, not ${describe(value)}`;
      const plain = !CONTROL.test(value) && value.trim() === value;
      return plain ? undefined : `${wrong} without control characters or outer spaces, not ${quote(value)}`;
    }
    case 'name': {
      const fits = typeof value === 'string' && value.length <= option.max && NAME.test(value);
      return fits ? undefined : `${wrong}, not ${describe(value)}`;
    }
  }
}

/** What is wrong between options, with the option that is to be changed. */
export function checkTogether(options: Options): readonly { key: OptionKey; message: string }[] {
  const { heartbeatIntervalMs, leaderTimeoutMs } = options;
  if (heartbeatIntervalMs * 2 < leaderTimeoutMs) return [];
  return [
    {
      key: 'heartbeatIntervalMs',
      message:
        `heartbeat-interval (${heartbeatIntervalMs}) must be less than half of leader-timeout (${leaderTimeoutMs}), ` +
        `so that one late heartbeat deposes no leader; use heartbeat-interval ${Math.floor(leaderTimeoutMs / 5)}`,
    },
  ];
}

/** What is allowed but hardly meant, with the option that shows it. */
export function doubtsBetween(options: Options): readonly { key: OptionKey; message: string }[] {
  const doubts: { key: OptionKey; message: string }[] = [];
  if (options.lmdbSync && options.storageBackend === 'memory') {
    doubts.push({
      key: 'lmdbSync',
      message: 'lmdb-sync yes does nothing with storage-backend memory; add "storage-backend lmdb"',
    });
  }
  if (options.maxWaitingBytes < options.maxMessageBytes) {
    doubts.push({
      key: 'maxWaitingBytes',
      message:
        `max-waiting (${formatBytes(options.maxWaitingBytes)}) is below max-message ` +
        `(${formatBytes(options.maxMessageBytes)}): values above it are always refused; make them equal`,
    });
  }
  if (options.readLeaseMs > 0 && options.valueFormat === 'raw') {
    doubts.push({
      key: 'readLeaseMs',
      message: 'read-lease does nothing with value-format raw; add "value-format commands"',
    });
  }
  return doubts;
}

function readWordOption(
  option: Extract<Option, { kind: 'word' }>,
  text: string,
  draft: OptionsDraft,
): ValueReading {
  if (option.key === 'verbosity') {
    const read = readWord(option, option.words, text);
    if (read.value === undefined) return read;
    draft.verbosity = read.value;
  } else if (option.key === 'valueFormat') {
    const read = readWord(option, option.words, text);
    if (read.value === undefined) return read;
    draft.valueFormat = read.value;
  } else {
    const read = readWord(option, option.words, text);
    if (read.value === undefined) return read;
    draft.storageBackend = read.value;
  }
  return {};
}

function readWord<W extends string>(option: Option, words: readonly W[], text: string): Read<W> {
  const lower = text.toLowerCase();
  const value = words.find((word) => word === lower);
  if (value !== undefined) return { value };

  const [first = ''] = text.split(/\s/, 1);
  if (words.some((word) => word === first.toLowerCase())) {
    const rest = text.slice(first.length).trim();
    return {
      problem:
        `${option.directive} ${first} is followed by ${quote(rest)}, which the original refuses; ` +
        'put comments on a line of their own',
    };
  }
  return {
    problem: `${option.directive} must be ${expectedValue(option)}, not ${quote(text)}; ${suggest(first, words)}`,
  };
}

function readNumber(option: NumberOption, text: string): Read<number> {
  const { number, rest } = splitNumber(text);
  if (number === undefined) {
    return { problem: `${option.directive} must be ${expectedValue(option)}, not ${quote(text)}` };
  }
  const problem = outOfRange(option, number);
  if (problem !== undefined) return { problem };
  if (rest === '' || rest.startsWith('#') || OWN_UNIT[option.unit].test(rest)) return { value: number };
  return {
    value: number,
    warning: `${quote(rest)} after ${number} is ignored: ${option.directive} is in whole ${option.unit}`,
  };
}

function readBytes(option: BytesOption, text: string): Read<number> {
  const { number, rest } = splitNumber(text);
  if (number === undefined) {
    return { problem: `${option.directive} must be ${expectedValue(option)}, not ${quote(text)}` };
  }
  const [word = ''] = rest.split(/[\s#]/, 1);
  const units = BYTE_UNITS.map(({ unit }) => unit);
  const size = word === '' ? 1 : BYTE_UNITS.find(({ unit }) => unit === word.toLowerCase())?.size;
  if (size === undefined) {
    return {
      problem:
        `${option.directive} has the unit ${quote(word)} after ${number}, where only kb, mb or gb may stand; ` +
        suggest(word, units),
    };
  }
  const problem = outOfRange(option, number * size);
  return problem === undefined ? { value: number * size } : { problem };
}

/** The whole number that `text` begins with, and the text after it; no number if it begins otherwise. */
export function splitNumber(text: string): { readonly number: number | undefined; readonly rest: string } {
  const [digits = ''] = /^[+-]?\d+/.exec(text) ?? [];
  if (digits === '') return { number: undefined, rest: text };
  return { number: Number(digits) + 0, rest: text.slice(digits.length).trim() };
}

function outOfRange(option: NumberOption | BytesOption, value: number): string | undefined {
  if (value >= option.min && value <= option.max) return undefined;
  const shown = option.kind === 'bytes' && value >= 0 ? formatBytes(value) : String(value);
  return `${option.directive} ${shown} is out of range; use ${expectedValue(option)}`;
}

function describe(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  return typeof value === 'object' || typeof value === 'function'
    ? `a value of type ${typeof value}`
    : String(value);
}
