/**
 * History: what clients asked of a store of registers and a counter, what came back, and when; and whether all of it
 * can be explained by operations that happen one at a time, each exactly once.
 *
 *   call(client, …) → returned(output) | (nothing: it may have happened, or not)      judge(marks, sum)
 *
 * Times are virtual ms, each a little later than the one before: what came back in one event before something else was
 * asked in it, came before.
 */
import { checkLinearizability, type Operation } from '../linearizability.ts';
import {
  type CounterInput,
  counterModel,
  type StoreInput,
  type StoreOutput,
  storeModel,
} from '../linearizability-models.ts';
import { Violation } from '../violation.ts';

/** Less than anything takes. */
const MOMENT_MS = 1e-6;
/** A history that takes more steps is not judged; it is counted. */
const MAX_STEPS = 300_000;

interface Recorded<Input, Output> {
  readonly client: string;
  readonly input: Input;
  readonly invokedAt: number;
  result: { readonly output: Output; readonly at: number } | undefined;
}

/** Takes what came back. */
export type Returned<Output> = (output: Output) => void;

/** What a replica has in the end. */
export interface FinalState {
  readonly marks: ReadonlyMap<string, number>;
  readonly sum: number;
}

export class History {
  readonly #now: () => number;
  readonly #store: Recorded<StoreInput, StoreOutput>[] = [];
  readonly #counter: Recorded<CounterInput, number>[] = [];
  readonly #handedIn = new Set<string>();
  readonly #acknowledged = new Set<string>();
  readonly #adds = new Set<string>();
  #last = 0;

  /** @param now virtual ms */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** How many commands were handed in. */
  get commands(): number {
    return this.#handedIn.size;
  }

  get operations(): readonly Operation<StoreInput, StoreOutput>[] {
    return this.#store;
  }

  /** A command is handed in; nobody has handed in one of this mark before. */
  handedIn(mark: string, isAdd: boolean): void {
    this.#handedIn.add(mark);
    if (isAdd) this.#adds.add(mark);
  }

  /** The result of a command has come. */
  acknowledged(mark: string): void {
    this.#acknowledged.add(mark);
  }

  /** An operation on a register begins. */
  call(client: string, input: StoreInput): Returned<StoreOutput> {
    return this.#record(this.#store, client, input);
  }

  /** The counter is added to, or read. */
  callCounter(client: string, by: number): Returned<number> {
    return this.#record(this.#counter, client, { by });
  }

  #record<Input, Output>(list: Recorded<Input, Output>[], client: string, input: Input): Returned<Output> {
    const recorded: Recorded<Input, Output> = { client, input, invokedAt: this.#time(), result: undefined };
    list.push(recorded);
    return (output) => {
      recorded.result = { output, at: this.#time() };
    };
  }

  #time(): number {
    this.#last = Math.max(this.#now(), this.#last + MOMENT_MS);
    return this.#last;
  }

  /**
   * Judges all of it.
   * @returns what could not be judged, since there were too many orders to try
   * @throws Violation
   */
  judge(final: FinalState): readonly string[] {
    this.#judgeMarks(final);
    const store = checkLinearizability(this.#store, storeModel, { maxSteps: MAX_STEPS });
    const counter = checkLinearizability(this.#counter, counterModel, { maxSteps: MAX_STEPS });
    const unknown: string[] = [];
    for (const verdict of [store, counter]) {
      if (verdict.verdict === 'not linearizable')
        throw new Violation('linearizability', verdict.evidence.summary);
      if (verdict.verdict === 'unknown') unknown.push(verdict.reason);
    }
    return unknown;
  }

  /** What was acknowledged was applied once; what was not, once at most; what nobody handed in, never. */
  #judgeMarks({ marks, sum }: FinalState): void {
    for (const [mark, times] of marks) {
      if (!this.#handedIn.has(mark)) throw new Violation('exactly-once', `nobody handed in ${mark}`);
      if (times > 1) throw new Violation('exactly-once', `${mark} was applied ${times} times`);
    }
    for (const mark of this.#acknowledged)
      if (!marks.has(mark)) throw new Violation('exactly-once', `${mark} was answered, and is not there`);
    const added = [...this.#adds].filter((mark) => marks.has(mark)).length;
    if (sum !== added) throw new Violation('exactly-once', `${added} were added, and the sum is ${sum}`);
  }
}
