/**
 * EndProbe: finds how far an acceptor of the original's is, which says that to nobody. It answers REPEAT for an instance
 * that it has a value for, and is silent for others: so many are asked for at a time, ever further away, then ever
 * closer, and what is not answered in time is taken to be missing. What is found is at least reached.
 *
 *   questions → answered(i) … → next() → questions, or none: the end is found
 */
import { MAX_WIRE_INSTANCE } from '../paxos/ballot.ts';

/** Each answer brings a value with it: not too many at a time. */
const MAX_QUESTIONS = 32;
/** From 2^32 instances to one it takes 8 rounds: so many, if the cluster goes on meanwhile. */
const MAX_ROUNDS = 12;

export class EndProbe {
  #known: number;
  /** the lowest instance that was asked for in vain above the known ones */
  #free = Number.POSITIVE_INFINITY;
  #asked: number[] = [];
  #rounds = 0;

  /** @param known it is at least as far as this; 0: nothing is known */
  constructor(known: number) {
    this.#known = known;
  }

  /** The highest instance known to be there; 0: none. */
  get known(): number {
    return this.#known;
  }

  answered(instanceId: number): void {
    if (instanceId > this.#known) this.#known = instanceId;
  }

  /** True once nothing that was asked for can still be answered. */
  get isAnswered(): boolean {
    return this.#asked.length > 0 && this.#known >= (this.#asked.at(-1) ?? 0);
  }

  /** What to ask for next, in order; nothing when the end is found. */
  next(): readonly number[] {
    const missing = this.#asked.find((instanceId) => instanceId > this.#known);
    if (missing !== undefined) this.#free = Math.min(this.#free, missing);
    if (this.#free <= this.#known) this.#free = Number.POSITIVE_INFINITY;
    this.#asked = this.#rounds++ < MAX_ROUNDS ? this.#questions() : [];
    return this.#asked;
  }

  #questions(): number[] {
    const known = this.#known;
    const room = Math.min(this.#free, MAX_WIRE_INSTANCE + 1) - known - 1;
    if (room <= 0) return [];
    if (this.#free === Number.POSITIVE_INFINITY) {
      const steps = Array.from({ length: MAX_QUESTIONS - 1 }, (_, power) => known + 2 ** power);
      return [...steps.filter((instanceId) => instanceId < MAX_WIRE_INSTANCE), MAX_WIRE_INSTANCE];
    }
    const count = Math.min(MAX_QUESTIONS, room);
    return Array.from({ length: count }, (_, i) => known + Math.ceil(((i + 1) * room) / count));
  }
}
