/**
 * Settling: whether a run has come to its end: everything that was asked for is answered, and all learners have
 * delivered the same; and what is missing if not. Looks, and changes nothing.
 */
import type { Checkers } from './checkers.ts';
import { learns } from './checkpoints.ts';
import type { CommandRun } from './commands/command-run.ts';
import type { Machine } from './machine.ts';
import { Violation } from './violation.ts';
import type { Workload } from './workload.ts';

export interface SettlingOptions {
  readonly machines: readonly Machine[];
  readonly checkers: Checkers;
  readonly workload: Workload;
  /** undefined: values are raw */
  readonly commands: CommandRun | undefined;
}

export class Settling {
  readonly #options: SettlingOptions;

  constructor(options: SettlingOptions) {
    this.#options = options;
  }

  get isSettled(): boolean {
    const { commands, workload, checkers } = this.#options;
    if (commands !== undefined) return commands.isAnswered && this.areLearnersLevel;
    if (!workload.isAnswered || !this.areLearnersLevel) return false;
    return workload.missing(checkers.chosen.values()).length === 0;
  }

  /** True if nothing is missing but values that an original proposer was given. */
  get isSettledButForOriginals(): boolean {
    const { workload, checkers } = this.#options;
    return this.areLearnersLevel && workload.isAnsweredByOurs(checkers.chosen.values());
  }

  /** Whether every learner of ours has delivered all that any has. */
  get areLearnersLevel(): boolean {
    const highest = this.#options.checkers.highestChosen;
    const learners = this.#options.machines.filter(learns);
    return learners.every((machine) => machine.isUp && machine.deliveredTo === highest);
  }

  /** @param ms so long after the faults */
  whatIsMissing(ms: number): Violation {
    const { workload, checkers, machines, commands } = this.#options;
    const missing = workload.missing(checkers.chosen.values());
    const at = machines.map((m) => `${m.name}${m.isUp ? '' : ' (down)'} ${m.deliveredTo}`);
    const [first] = missing;
    const lost =
      first === undefined ? '' : `; ${missing.length} values missing, "${first.slice(0, 12)}" first`;
    const waiting = commands === undefined ? '' : `; ${commands.waiting}`;
    const when = `${ms / 1000} s after the faults ended`;
    const text = `not all was delivered ${when}: ${at.join(', ')}${lost}${waiting}`;
    const learners = machines.filter(learns);
    return new Violation('liveness', text, 1 + Math.min(...learners.map((machine) => machine.deliveredTo)));
  }
}
