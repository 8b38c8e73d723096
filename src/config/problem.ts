/**
 * Problems: what is wrong in a config, each with its place. They are collected, so that a person mends a file in one
 * go, and thrown together.
 */
import { PaxosError } from '../paxos/error.ts';

/** A line of a file; `file` is undefined for text that came from no file. Lines count from 1. */
export interface Place {
  readonly file: string | undefined;
  readonly line: number;
}

/** One thing that is wrong. */
export interface Problem {
  /** `paxos.conf:7`, or a file, or the name of an argument */
  readonly where: string;
  /** what is wrong and what to do, without the place */
  readonly message: string;
}

/** No more problems than this are printed of one config; all of them are in `problems`. */
const MAX_PRINTED = 100;

/** A config that cannot be used: a PaxosError CONFIG_INVALID whose message has a line for every problem. */
export class ConfigError extends PaxosError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const lines = problems.slice(0, MAX_PRINTED).map(problemLine);
    if (problems.length > MAX_PRINTED) lines.push(`and ${problems.length - MAX_PRINTED} more`);
    super('CONFIG_INVALID', lines.join('\n'));
    this.problems = problems;
  }
}

/** `paxos.conf:7: what is wrong` */
export function problemLine(problem: Problem): string {
  return `${problem.where}: ${problem.message}`;
}

/** `paxos.conf:7`, or `line 7` of a text without a file. */
export function placeName(place: Place): string {
  return place.file === undefined ? `line ${place.line}` : `${place.file}:${place.line}`;
}
