/**
 * NodeStates: every state a node was ever in, once, by number, and every step taken from it, once. The real objects
 * take each step on a copy; from then on the search goes by numbers.
 *
 * What makes this sound: writeState() writes all that an object's future depends on. `distrust` has every step taken
 * again on each object that is met in a known state, and compares.
 */
import { InvariantError, invariant } from '../../paxos/invariant.ts';
import { StateWriter } from '../../paxos/state.ts';
import { hashesOf } from './hash.ts';
import { letterKey } from './letter.ts';
import type { Letters } from './letters.ts';
import { type Claim, type Event, type ExploredNode, type Fault, Outcome } from './node.ts';

/** What a step leads to. */
export interface Step {
  /** the node's state after it, by number */
  readonly next: number;
  readonly letters: Int32Array;
  readonly claims: readonly Claim[];
  readonly faults: readonly Fault[];
}

/** What makes a search small does not hold for the objects searched: they are not as the core should be. */
export class ReductionError extends Error {
  override readonly name = 'ReductionError';
}

interface NodeState {
  readonly node: ExploredNode;
  /** with `distrust`: other objects that were met in this state */
  readonly twins: ExploredNode[];
  /** by renaming */
  readonly hashes: Int32Array;
  /** by event code; null: it changes nothing */
  readonly steps: (Step | null | undefined)[];
  /** letters that change nothing in this state */
  readonly deaf: Int32Array;
  /** letters of which it is known whether they are dead here, and those that are */
  readonly judged: Int32Array;
  readonly dead: Int32Array;
  /** letters that change this state */
  readonly echoless: Int32Array;
}

/** With `distrust`, so many other objects are kept for each state. */
const MAX_TWINS = 3;

export interface NodeStatesOptions {
  /** stands before the state in every key: which node it is, under each renaming */
  readonly names: readonly string[];
  /** by renaming: which acceptor is written at each position */
  readonly orders: readonly (readonly number[])[];
  readonly letters: Letters;
  readonly words: number;
  readonly eventOf: (code: number) => Event;
  readonly distrust: boolean;
}

export class NodeStates {
  readonly #options: NodeStatesOptions;
  readonly #numbers = new Map<string, number>();
  readonly #states: NodeState[] = [];
  #checked = 0;

  constructor(options: NodeStatesOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#states.length;
  }

  /** How many steps were taken twice, and compared. */
  get checked(): number {
    return this.#checked;
  }

  state(number: number): NodeState {
    const state = this.#states[number];
    invariant(state !== undefined, 'a node state has a number before it is asked for');
    return state;
  }

  /** The number of a node's state. The node must not change any more. */
  number(node: ExploredNode): number {
    const { orders, names, words, distrust } = this.#options;
    const keyUnder = (renaming: number) => `${names[renaming]} ${keyOf(node, orders[renaming] ?? [])}`;
    const key = keyUnder(0);
    const known = this.#numbers.get(key);
    if (known !== undefined) {
      if (distrust) this.#compare(known, node);
      return known;
    }
    const number = this.#states.length;
    const hashes = hashesOf(orders.map((_, renaming) => keyUnder(renaming)));
    this.#numbers.set(key, number);
    const set = () => new Int32Array(words);
    const sets = { deaf: set(), echoless: set(), judged: set(), dead: set() };
    this.#states.push({ node, twins: [], hashes, steps: [], ...sets });
    return number;
  }

  /** The step that an event leads to; null if it changes nothing. Hot. */
  step(number: number, code: number): Step | null {
    const { steps } = this.state(number);
    const known = steps[code];
    if (known !== undefined) return known;
    const step = this.#take(number, code);
    steps[code] = step;
    return step;
  }

  /** True if a letter can change nothing any more. That it stays so is looked at with every step known. */
  isDead(number: number, letter: number): boolean {
    const state = this.state(number);
    const [word, bit] = [letter >> 5, 1 << (letter & 31)];
    if (((state.judged[word] ?? 0) & bit) !== 0) return ((state.dead[word] ?? 0) & bit) !== 0;
    state.judged[word] = (state.judged[word] ?? 0) | bit;
    if (!state.node.isDead(this.#options.letters.facts(letter).letter)) return false;
    state.dead[word] = (state.dead[word] ?? 0) | bit;
    for (const [code, step] of state.steps.entries()) if (step) this.#mustStayDead(step, code, letter);
    return true;
  }

  #mustStayDead({ next }: Step, code: number, letter: number): void {
    if (this.#options.eventOf(code).type === 'restart') return;
    if (!this.isDead(next, letter)) throw new ReductionError('a letter that can change nothing stays one');
  }

  #take(number: number, code: number): Step | null {
    const state = this.state(number);
    const event = this.#options.eventOf(code);
    const ran = run(state.node, event);
    for (const twin of state.twins) this.#mustBeAlike(ran, run(twin, event));
    const next = this.number(ran.node);
    const { letters, claims, faults } = ran.outcome;
    const isNothing = letters.length + claims.length + faults.length === 0;
    if (next === number && isNothing) return null;
    const numbers = letters.map((letter) => this.#options.letters.number(letter));
    const step = { next, letters: Int32Array.from(numbers), claims, faults };
    for (let letter = 0; letter < this.#options.letters.count; letter++)
      if (((state.dead[letter >> 5] ?? 0) & (1 << (letter & 31))) !== 0)
        this.#mustStayDead(step, code, letter);
    return step;
  }

  /** Another object in a known state has to do all that the first did there; and what the first does later. */
  #compare(number: number, node: ExploredNode): void {
    const { steps, node: first, twins } = this.state(number);
    if (node === first || twins.length >= MAX_TWINS) return;
    twins.push(node);
    for (const [code, step] of steps.entries()) {
      if (step === undefined) continue;
      const event = this.#options.eventOf(code);
      this.#mustBeAlike(run(first, event), run(node, event));
    }
  }

  #mustBeAlike(one: Ran, other: Ran): void {
    this.#checked++;
    const [left, right] = [shown(one), shown(other)];
    invariant(left === right, `objects with the same key behave alike: ${left}; ${right}`);
  }
}

interface Ran {
  readonly node: ExploredNode;
  readonly outcome: Outcome;
}

/** Applies an event to a copy. A broken invariant of the code is a fault, and ends the process. */
export function run(node: ExploredNode, event: Event): Ran {
  const copy = node.copy();
  const outcome = new Outcome();
  try {
    copy.apply(event, outcome);
  } catch (error) {
    if (!(error instanceof InvariantError)) throw error;
    outcome.faults.push({ check: 'invariant', what: error.message });
  }
  return { node: copy, outcome };
}

function keyOf(node: ExploredNode, order: readonly number[]): string {
  const writer = new StateWriter(order);
  node.writeState(writer);
  return writer.key;
}

function shown({ node, outcome }: Ran): string {
  const all = new StateWriter(Array.from({ length: 10 }, (_, acceptor) => acceptor));
  node.writeState(all);
  const letters = outcome.letters.map((letter) => letterKey(letter));
  return JSON.stringify([all.key, letters, outcome.claims, outcome.faults]);
}
