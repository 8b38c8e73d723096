/**
 * Closure: all that a node can come to without saying anything new, given a network.
 *
 * Such silent steps need no states of their own. What was sent stays in the network, so that nobody's silent step can be
 * hindered by what others do: it can as well be taken right before the node's next step that says something. The search
 * therefore goes from one step that says something to the next, whoever takes it, and looks here for all that the node
 * can have heard before.
 */
import type { Step } from './node-states.ts';
import { FIRST_DELIVERY, RESTART, type Space } from './space.ts';

/** Called for each step of each state; true ends the walk. */
export type StepVisitor = (step: Step, code: number, silentSteps: number) => boolean;

export class Closure {
  readonly #space: Space;
  readonly #late: boolean;
  /** by node and state: the walk in which it was met last */
  readonly #metIn: Int32Array[];
  #walk = 0;
  #queue = new Int32Array(64);
  #cameFrom = new Int32Array(64);
  #cameBy = new Int32Array(64);
  #silent = new Int32Array(64);
  #count = 0;
  #at = 0;

  /** @param late false: each silent step is a step of the search too, as slow comparisons want it */
  constructor(space: Space, late: boolean) {
    this.#space = space;
    this.#late = late;
    this.#metIn = Array.from({ length: space.nodes }, () => new Int32Array(256));
  }

  /**
   * Walks from a node's state in a row, nearest first. The visitor is given every step that says something new, and
   * every step that claims something or shows a fault.
   * @returns true if the visitor ended it
   */
  walk(row: Int32Array, node: number, visit: StepVisitor): boolean {
    this.#walk++;
    this.#count = 0;
    this.#push(node, row[node] ?? 0, -1, 0, 0);
    for (this.#at = 0; this.#at < this.#count; this.#at++) {
      const state = this.#queue[this.#at] ?? 0;
      for (const code of this.#space.ownEvents(row, node))
        if (this.#try(row, node, state, code, visit)) return true;
      if (this.#tryDeliveries(row, node, state, visit)) return true;
    }
    return false;
  }

  /** During a walk: the codes of the silent steps that lead to where it is. */
  path(): number[] {
    const path: number[] = [];
    for (let at = this.#at; (this.#cameFrom[at] ?? -1) >= 0; at = this.#cameFrom[at] ?? -1)
      path.push(this.#cameBy[at] ?? 0);
    return path.reverse();
  }

  #tryDeliveries(row: Int32Array, node: number, state: number, visit: StepVisitor): boolean {
    const space = this.#space;
    const inbox = space.letters.inbox(node);
    const { deaf } = space.stateOf(node).state(state);
    for (let word = 0; word < space.letters.usedWords; word++) {
      let bits = space.network(row, word) & (inbox[word] ?? 0) & ~(deaf[word] ?? 0);
      for (; bits !== 0; bits &= bits - 1) {
        const bit = bits & -bits;
        const letter = word * 32 + 31 - Math.clz32(bit);
        const code = FIRST_DELIVERY + letter;
        if (space.stateOf(node).step(state, code) === null) deaf[word] = (deaf[word] ?? 0) | bit;
        else if (this.#try(row, node, state, code, visit)) return true;
      }
    }
    return false;
  }

  #try(row: Int32Array, node: number, state: number, code: number, visit: StepVisitor): boolean {
    const step = this.#space.stateOf(node).step(state, code);
    if (step === null) return false;
    const silentSteps = this.#silent[this.#at] ?? 0;
    const isSilent = !this.leadsOn(row, step, code);
    if (!isSilent || step.claims.length > 0 || step.faults.length > 0) {
      if (visit(step, code, silentSteps)) return true;
    }
    if (isSilent) this.#push(node, step.next, this.#at, code, silentSteps + 1);
    return false;
  }

  /** True if a step leads to a state of its own: it says something, or a process ends. */
  leadsOn(row: Int32Array, step: Step, code: number): boolean {
    return !this.#late || code === RESTART || this.#space.saysNews(row, step);
  }

  #push(node: number, state: number, from: number, code: number, silentSteps: number): void {
    let met = this.#metIn[node] ?? new Int32Array(256);
    if (state >= met.length) {
      const larger = new Int32Array(Math.max(state + 1, met.length * 2));
      larger.set(met);
      this.#metIn[node] = larger;
      met = larger;
    }
    if (met[state] === this.#walk) return;
    met[state] = this.#walk;
    if (this.#count === this.#queue.length) this.#grow();
    const at = this.#count++;
    this.#queue[at] = state;
    this.#cameFrom[at] = from;
    this.#cameBy[at] = code;
    this.#silent[at] = silentSteps;
  }

  #grow(): void {
    const twice = (array: Int32Array<ArrayBuffer>) => {
      const larger = new Int32Array(array.length * 2);
      larger.set(array);
      return larger;
    };
    this.#queue = twice(this.#queue);
    this.#cameFrom = twice(this.#cameFrom);
    this.#cameBy = twice(this.#cameBy);
    this.#silent = twice(this.#silent);
  }
}
