/**
 * Visited: the states a search has been in, by their 64-bit hashes, and the shortest known way to each. Typed arrays,
 * since millions of objects would not fit: 12 bytes a slot, at most half of them taken, and 10 bytes a state.
 *
 * States are numbered from 0 in the order in which they were found. The hash (0, 0) marks a free slot; a state that has
 * it is stored as (0, 1).
 */
import { invariant } from '../../paxos/invariant.ts';

const FIRST_SLOTS = 1 << 12;
/** 2^27 slots are 1.5 GB; beyond, a search is too large for the memory of most machines anyway. */
const MAX_SLOTS = 1 << 27;

export class Visited {
  #highs = new Int32Array(FIRST_SLOTS);
  #lows = new Int32Array(FIRST_SLOTS);
  #states = new Int32Array(FIRST_SLOTS);
  #parents = new Int32Array(FIRST_SLOTS / 2);
  #actions = new Int32Array(FIRST_SLOTS / 2);
  #steps = new Uint16Array(FIRST_SLOTS / 2);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** How many steps lead to a state, on the shortest way known. */
  stepsTo(state: number): number {
    return this.#steps[state] ?? 0;
  }

  /**
   * Notes a way to a state. Hot.
   * @param parent the state it was reached from, -1 for the first
   * @param action what led here, in the search's own code
   * @param steps how many steps there are from the first state
   * @returns the state's number if it is new, or if this way is shorter; -1 if not
   */
  reach(high: number, low: number, parent: number, action: number, steps: number): number {
    const key = high === 0 && low === 0 ? 1 : low;
    const slot = this.#find(high, key);
    const isNew = this.#highs[slot] === 0 && this.#lows[slot] === 0;
    const state = isNew ? this.#count : (this.#states[slot] ?? 0);
    if (!isNew && (this.#steps[state] ?? 0) <= steps) return -1;
    this.#parents[state] = parent;
    this.#actions[state] = action;
    this.#steps[state] = steps;
    if (!isNew) return state;
    this.#highs[slot] = high;
    this.#lows[slot] = key;
    this.#states[slot] = state;
    this.#count++;
    if (this.#count * 2 >= this.#highs.length) this.#grow();
    return state;
  }

  /** The slot that holds a hash, or the free one where it belongs. */
  #find(high: number, low: number): number {
    const last = this.#highs.length - 1;
    for (let slot = low & last; ; slot = (slot + 1) & last) {
      const foundHigh = this.#highs[slot] ?? 0;
      const foundLow = this.#lows[slot] ?? 0;
      if (foundHigh === high && foundLow === low) return slot;
      if (foundHigh === 0 && foundLow === 0) return slot;
    }
  }

  /** The actions that lead from the first state to this one. */
  pathTo(state: number): number[] {
    const path: number[] = [];
    for (let at = state; (this.#parents[at] ?? -1) >= 0; at = this.#parents[at] ?? -1)
      path.push(this.#actions[at] ?? 0);
    return path.reverse();
  }

  #grow(): void {
    const { length } = this.#highs;
    invariant(length * 2 <= MAX_SLOTS, 'a search has at most 2^26 states');
    const [highs, lows, states] = [this.#highs, this.#lows, this.#states];
    this.#highs = new Int32Array(length * 2);
    this.#lows = new Int32Array(length * 2);
    this.#states = new Int32Array(length * 2);
    for (let i = 0; i < length; i++) {
      const high = highs[i] ?? 0;
      const low = lows[i] ?? 0;
      if (high === 0 && low === 0) continue;
      const slot = this.#find(high, low);
      this.#highs[slot] = high;
      this.#lows[slot] = low;
      this.#states[slot] = states[i] ?? 0;
    }
    this.#parents = enlarged(this.#parents, new Int32Array(length));
    this.#actions = enlarged(this.#actions, new Int32Array(length));
    this.#steps = enlarged(this.#steps, new Uint16Array(length));
  }
}

function enlarged<A extends Int32Array | Uint16Array>(array: A, copy: A): A {
  copy.set(array);
  return copy;
}
