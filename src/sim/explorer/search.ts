/**
 * Search: breadth first through every state that a configuration can come to, in the order of how many steps lead there.
 *
 *   advance() … → 'more' | 'done' → report()
 *
 * The learner sends nothing, so its states need not be multiplied with the others': it is looked at apart, for every set
 * of acceptances that comes up (LearnerSearch).
 */
import { Closure } from './closure.ts';
import type { Check, Configuration, Parts } from './configuration.ts';
import { CHECKS, PRODUCTION_PARTS } from './configuration.ts';
import { LearnerSearch } from './learner-search.ts';
import type { Fault } from './node.ts';
import type { Step } from './node-states.ts';
import { Rows, RowsBySteps } from './rows.ts';
import { NODE_UNIT, Space } from './space.ts';
import { traceOf } from './trace.ts';
import { Visited } from './visited.ts';

export interface ExplorerOptions {
  /** what stands in the place of the production objects, in tests */
  readonly parts?: Parts;
  /** false: states that differ only in the names of acceptors are different; true unless told */
  readonly symmetry?: boolean;
  /** false: a step that says nothing leads to a state of its own; true unless told */
  readonly late?: boolean;
  /** false: an answer to what is asked again is a step of its own; true unless told */
  readonly saturated?: boolean;
  /** false: letters that can change nothing any more stay; true unless told */
  readonly pruned?: boolean;
  /** what is looked at; everything unless told */
  readonly checks?: readonly Check[];
  /** true: objects with the same key have to do the same; tries it on each that is met. Slow. */
  readonly distrust?: boolean;
  /** the most states; the search ends there. 60 million unless told */
  readonly maxStates?: number;
  /** how far it is looked for a shorter way to what was found: so many states. A million unless told */
  readonly maxSecondStates?: number;
}

export interface FoundViolation {
  readonly check: Check;
  readonly what: string;
  readonly steps: number;
  /** true: no way has fewer steps; false: the search for the shortest was given up */
  readonly isShortest: boolean;
  readonly trace: readonly string[];
}

export interface ExplorerReport {
  /** distinct states, but for renamings of acceptors */
  readonly states: number;
  /** steps that were taken, those to known states included */
  readonly transitions: number;
  /** the longest of the shortest ways to a state, in steps */
  readonly depth: number;
  /** states that are still to be looked at */
  readonly waiting: number;
  readonly letters: number;
  /** distinct states of single nodes: so often the real objects were copied */
  readonly nodeStates: number;
  /** different sets of acceptances, and the states a learner can be in, over all of them */
  readonly acceptances: number;
  readonly learnerStates: number;
  /** steps that were taken again with another object, with `distrust` */
  readonly compared: number;
  /** false: it ended before everything was seen */
  readonly isComplete: boolean;
  readonly violation: FoundViolation | undefined;
}

const MAX_STATES = 60_000_000;
/** Room for 512 letters: far more than any of the configurations has. */
const WORDS = 16;

interface Found {
  readonly fault: Fault;
  readonly steps: number;
  /** the state it happens in, and the node's step there: which one, of those that a walk visits */
  readonly state: number;
  readonly node: number;
  readonly ordinal: number;
  /** or what the learner takes there */
  readonly learned: readonly number[];
}

export class Search {
  readonly #space: Space;
  readonly #saturated: boolean;
  readonly #late: boolean;
  readonly #visited = new Visited();
  readonly #checks: ReadonlySet<Check>;
  readonly #maxStates: number;
  readonly #learners: LearnerSearch;
  readonly #closure: Closure;
  readonly #row: Int32Array;
  readonly #scratch: Int32Array;
  readonly #waiting: RowsBySteps;
  #rows: Rows;
  #at = 0;
  #steps = 0;
  #transitions = 0;
  #found: Found | undefined;
  #isDone = false;
  #isComplete = false;
  #isProven = false;

  constructor(configuration: Configuration, options: ExplorerOptions = {}) {
    const { parts = PRODUCTION_PARTS, symmetry = true, distrust = false } = options;
    const { saturated = true, pruned = true } = options;
    this.#saturated = saturated;
    this.#space = new Space({ configuration, parts, symmetry, distrust, saturated, pruned, words: WORDS });
    this.#checks = new Set(options.checks ?? CHECKS);
    this.#maxStates = options.maxStates ?? MAX_STATES;
    this.#learners = new LearnerSearch(this.#space, parts);
    this.#late = options.late !== false;
    this.#closure = new Closure(this.#space, this.#late);
    this.#waiting = new RowsBySteps(this.#space.width);
    this.#rows = new Rows(this.#space.width);
    this.#row = new Int32Array(this.#space.width);
    this.#scratch = new Int32Array(this.#space.width);
    this.#space.start(this.#scratch);
    this.#add(-1, 0, 0);
  }

  /** Looks at so many states; 'more' if there are others. */
  advance(states: number): 'more' | 'done' {
    for (let i = 0; i < states && !this.#isDone; i++) {
      if (this.#at < this.#rows.count) this.#expand(this.#at++);
      else this.#takeNext();
    }
    return this.#isDone ? 'done' : 'more';
  }

  report(): ExplorerReport {
    const found = this.#found;
    return {
      states: this.#visited.count,
      transitions: this.#transitions,
      depth: this.#steps,
      waiting: this.#waiting.waiting + this.#rows.count - this.#at,
      letters: this.#space.letters.count,
      nodeStates: this.#space.states.reduce((sum, { count }) => sum + count, 0),
      acceptances: this.#learners.sets,
      learnerStates: this.#learners.states,
      compared: this.#space.states.reduce((sum, { checked }) => sum + checked, 0),
      isComplete: this.#isComplete,
      violation: found && {
        ...found.fault,
        steps: found.steps,
        isShortest: this.#isProven,
        trace: this.#trace(found),
      },
    };
  }

  #trace({ state, node, ordinal, learned }: Found): string[] {
    const path = this.#visited.pathTo(state);
    if (node >= 0) path.push(ordinal * NODE_UNIT + node);
    return traceOf(this.#space, new Closure(this.#space, this.#late), this.#learners, path, learned);
  }

  /** Goes on with the states that the fewest steps lead to. What was found is the shortest if none has fewer. */
  #takeNext(): void {
    this.#waiting.giveBack(this.#rows);
    this.#at = 0;
    const next = this.#waiting.takeFirst();
    if (next === undefined || (this.#found !== undefined && next.steps + 1 >= this.#found.steps)) {
      this.#isDone = true;
      this.#isComplete = this.#found === undefined;
      this.#isProven = !this.#saturated;
      return;
    }
    this.#rows = next.rows;
    this.#steps = next.steps;
  }

  /** Takes every step from one state. Hot. */
  #expand(index: number): void {
    const row = this.#row;
    const state = this.#rows.read(index, row);
    // Since it began to wait a shorter way was found, and it was looked at then.
    if (this.#visited.stepsTo(state) !== this.#steps) return;
    for (let node = 0; node < this.#space.nodes; node++) {
      let ordinal = 0;
      this.#closure.walk(row, node, (step, code, silentSteps) => {
        this.#transitions++;
        this.#take(state, node, ordinal++, code, step, this.#steps + silentSteps + 1);
        return false;
      });
    }
  }

  #take(state: number, node: number, ordinal: number, code: number, step: Step, steps: number): void {
    const faults: Fault[] = [];
    const isNews = this.#closure.leadsOn(this.#row, step, code);
    if (isNews) {
      this.#scratch.set(this.#row);
      this.#space.apply(this.#scratch, node, code, step, faults);
    } else this.#space.judgeStep(this.#row, node, step, faults);
    const fault = faults.find(({ check }) => this.#checks.has(check));
    if (fault !== undefined) this.#violated({ fault, steps, state, node, ordinal, learned: [] });
    else if (isNews) this.#add(state, ordinal * NODE_UNIT + node, steps);
  }

  #add(parent: number, action: number, steps: number): void {
    const row = this.#scratch;
    this.#space.canonicalHash(row);
    const state = this.#visited.reach(this.#space.high, this.#space.low, parent, action, steps);
    if (state < 0) return;
    this.#waiting.push(row, state, steps);
    if (this.#visited.count >= this.#maxStates) this.#isDone = true;
    const learned = this.#learners.look(this.#space.networkOf(row), this.#checks);
    if (learned === undefined) return;
    const { fault, path } = learned;
    const found = { fault, steps: steps + path.length, state, node: -1, ordinal: 0, learned: path };
    this.#violated(found);
  }

  #violated(found: Found): void {
    if (this.#found === undefined || found.steps < this.#found.steps) this.#found = found;
  }
}
