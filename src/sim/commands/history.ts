/**
 * History: what clients asked of a store of registers and a counter, what came back, and when; and whether all of it
 * can be explained by operations that happen one at a time, each exactly once.
 *
 *   call(client, …) → returned(output) | (nothing: it may have happened, or not)      judge(marks, sum)
 *
 * Times are ms of one clock, each a little later than the one before: what came back in one event before something else
 * was asked in it, came before.
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
  /** of a command: its mark */
  readonly mark: string | undefined;
  readonly invokedAt: number;
  result: { readonly output: Output; readonly at: number } | undefined;
}

/** Takes what came back. */
export type Returned<Output> = (output: Output) => void;

/** What a replica has in the end. */
export interface FinalState {
  readonly marks: ReadonlyMap<string, number>;
  readonly registers: ReadonlyMap<string, string>;
  readonly sum: number;
}

/** Who reads everything when all is over. */
const THE_END = 'the end';

export class History {
  readonly #now: () => number;
  readonly #maxSteps: number;
  readonly #store: Recorded<StoreInput, StoreOutput>[] = [];
  readonly #counter: Recorded<CounterInput, number>[] = [];
  readonly #handedIn = new Set<string>();
  readonly #acknowledged = new Set<string>();
  readonly #adds = new Set<string>();
  #last = 0;

  /**
   * @param now ms of the clock that all operations share
   * @param maxSteps a history that takes more is not judged
   */
  constructor(now: () => number, maxSteps = MAX_STEPS) {
    this.#now = now;
    this.#maxSteps = maxSteps;
  }

  /** How many commands were handed in. */
  get commands(): number {
    return this.#handedIn.size;
  }

  /** How many of them have a result. */
  get answered(): number {
    return this.#acknowledged.size;
  }

  /** How many additions have a result. */
  get additions(): number {
    return [...this.#adds].filter((mark) => this.#acknowledged.has(mark)).length;
  }

  /** And how many have none: each may be in the sum, or not. */
  get openAdditions(): number {
    return this.#adds.size - this.additions;
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
    return this.#record(this.#store, client, input, input.type === 'read' ? undefined : input.value);
  }

  /** One is added to the counter, by a command of this mark. */
  callAdd(client: string, mark: string): Returned<number> {
    return this.#record(this.#counter, client, { by: 1 }, mark);
  }

  /** The counter is read. */
  callSum(client: string): Returned<number> {
    return this.#record(this.#counter, client, { by: 0 }, undefined);
  }

  #record<Input, Output>(
    list: Recorded<Input, Output>[],
    client: string,
    input: Input,
    mark: string | undefined,
  ): Returned<Output> {
    const invokedAt = this.#time();
    const recorded: Recorded<Input, Output> = { client, input, mark, invokedAt, result: undefined };
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
    const bounds = { maxSteps: this.#maxSteps };
    // Without a read behind it nobody would see which write was the last.
    const keys = new Set(this.#store.map(({ input }) => input.key));
    const reads = [...keys].map((key) =>
      this.#readAtEnd<StoreInput, StoreOutput>({ type: 'read', key }, final.registers.get(key) ?? null),
    );
    const sum = this.#readAtEnd<CounterInput, number>({ by: 0 }, final.sum);
    const store = checkLinearizability([...happened(this.#store, final), ...reads], storeModel, bounds);
    const counter = checkLinearizability([...happened(this.#counter, final), sum], counterModel, bounds);
    const unknown: string[] = [];
    for (const verdict of [store, counter]) {
      if (verdict.verdict === 'not linearizable')
        throw new Violation('linearizability', verdict.evidence.summary);
      if (verdict.verdict === 'unknown') unknown.push(verdict.reason);
    }
    return unknown;
  }

  #readAtEnd<Input, Output>(input: Input, output: Output): Operation<Input, Output> {
    return { client: THE_END, input, invokedAt: this.#time(), result: { output, at: this.#time() } };
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

/**
 * Without what has no answer and left no mark. A command that was never applied has no place in any order, and a read
 * that told nobody anything has one everywhere; each would be tried at every step.
 */
function happened<Input, Output>(
  list: readonly Recorded<Input, Output>[],
  { marks }: FinalState,
): readonly Operation<Input, Output>[] {
  return list.filter(({ result, mark }) => result !== undefined || (mark !== undefined && marks.has(mark)));
}
