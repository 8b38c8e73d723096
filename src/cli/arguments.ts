/**
 * Arguments: what the commands have in common on their command lines, and the config that they begin with.
 */
import { Command, InvalidArgumentError } from 'commander';
import { type Config, readConfig } from '../config/index.ts';
import type { Io } from './io.ts';

export const DEFAULT_CONFIG = './paxos.conf';

/** The largest number that an option takes. */
const MAX_NUMBER = 2 ** 31 - 1;

/** A command whose first argument, if it takes any but the config, is the ID of a node. */
export function nodeCommand(name: string, summary: string, kind?: string): Command {
  const sentence = `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
  const command = new Command(name).summary(summary).description(sentence);
  if (kind !== undefined) command.argument('<ID>', `which ${kind} of the config this is: 0, 1, …`, parseId);
  return command.argument('[paxos.conf]', 'the config of the cluster', DEFAULT_CONFIG);
}

/** What a node that learns can be told, and what it can print for a program to read. */
export function addLearningOptions(command: Command): Command {
  return command
    .option(
      '--after <INSTANCE>',
      'learn only what comes after it; what is before, a checkpoint has',
      parseCount,
    )
    .option('--json', 'print how far it is, one JSON object a line; the log goes to standard error')
    .option('--every <MS>', 'how often --json prints a line', parseCount, 1000);
}

/** Reads the config, and says what is doubtful in it. */
export function loadConfig(path: string, io: Io): Config {
  const { config, warnings } = readConfig(path);
  if (config.verbosity !== 'quiet') for (const warning of warnings) io.err(`warning: ${warning}\n`);
  return config;
}

/** An ID as the original counts them. */
export function parseId(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('An ID is a number: 0, 1, 2, …');
}

/** A whole number from 1 on. */
export function parseCount(text: string): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= MAX_NUMBER) return number;
  throw new InvalidArgumentError(`It takes a whole number from 1 to ${MAX_NUMBER}.`);
}

/** An instance id: up to 2^53-1. */
export function parseInstance(text: string): number {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && Number.isSafeInteger(number)) return number;
  throw new InvalidArgumentError('An instance is a number from 1 on.');
}

/** A time in seconds, which may have a fraction. */
export function parseSeconds(text: string): number {
  const seconds = /^\d{1,7}([.]\d{1,6})?$/.test(text) ? Number(text) : 0;
  if (seconds > 0) return seconds;
  throw new InvalidArgumentError('It takes a number of seconds above 0.');
}
