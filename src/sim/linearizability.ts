/**
 * Linearizability: whether the operations of a history can have happened one after another, each at one moment between
 * its call and its return, so that a model explains every result.
 *
 *   history → by key → search → 'linearizable' | 'not linearizable', and why | 'unknown', the bound was reached
 *
 * An operation that never returned may have happened at any time after its call, or never. Keys are judged apart, since
 * a history is linearizable if that of each key is.
 * Algorithm: Wing and Gong, "Testing and verifying concurrent objects" (1993), with Lowe's memoisation of what was tried
 * ("Testing for linearizability", 2017): a set of operations that leads to the same state is gone on from once.
 */

/** An operation as its client saw it. Times are of one clock, in whatever unit. */
export interface Operation<Input, Output> {
  readonly client: string;
  readonly input: Input;
  readonly invokedAt: number;
  /** what came back, and when; undefined: nothing did */
  readonly result: { readonly output: Output; readonly at: number } | undefined;
}

/** What the operations should do when they come one at a time. */
export interface Model<State, Input, Output> {
  readonly initial: State;
  /** which part of the state an operation concerns; operations with other keys do not matter to it */
  keyOf(input: Input): string;
  /**
   * @param output what was answered; undefined if that is not known, and anything may have been
   * @returns the state afterwards; 'illegal' if this cannot be the answer in this state
   */
  step(state: State, input: Input, output: Output | undefined): State | 'illegal';
  /** Equal for equal states, different for others; also what people are shown. */
  show(state: State): string;
  /** An operation for people, such as `read → 5`. */
  showOperation(input: Input, output: Output | undefined): string;
}

export interface LinearizabilityBounds {
  /** the most steps of the model, over all keys; 5 million unless told */
  readonly maxSteps?: number;
  /** asked now and then; true ends the search */
  readonly isTimeUp?: () => boolean;
}

/** Why a history is not linearizable: the shortest beginning of it that is not. */
export interface Evidence<Input, Output> {
  readonly key: string;
  /** the operation whose return cannot be explained */
  readonly culprit: Operation<Input, Output>;
  /** the longest order that can be given to operations before that; one of them */
  readonly explained: readonly Operation<Input, Output>[];
  /** those that had returned, and find no place after these */
  readonly unplaced: readonly Operation<Input, Output>[];
  /** what the state can be where all but the culprit are in order */
  readonly possibleStates: readonly string[];
  /** all of it in one line */
  readonly summary: string;
}

export type LinearizabilityVerdict<Input, Output> =
  | { readonly verdict: 'linearizable' }
  | { readonly verdict: 'not linearizable'; readonly evidence: Evidence<Input, Output> }
  | { readonly verdict: 'unknown'; readonly key: string; readonly reason: string };

const MAX_STEPS = 5_000_000;
const ASK_EVERY = 1024;
const MAX_SHOWN_STATES = 5;

/** Judges a history. Returns the first key at fault; 'unknown' only if no key was found to be at fault. */
export function checkLinearizability<State, Input, Output>(
  history: readonly Operation<Input, Output>[],
  model: Model<State, Input, Output>,
  bounds: LinearizabilityBounds = {},
): LinearizabilityVerdict<Input, Output> {
  const budget = new Budget(bounds);
  let unknown: LinearizabilityVerdict<Input, Output> | undefined;
  for (const [key, operations] of byKey(history, model)) {
    const search = new Search(operations, model, budget);
    const outcome = search.run();
    if (outcome === 'unknown') unknown ??= { verdict: 'unknown', key, reason: budget.reason };
    if (outcome === 'no')
      return { verdict: 'not linearizable', evidence: evidenceOf(key, operations, model) };
  }
  return unknown ?? { verdict: 'linearizable' };
}

function byKey<State, Input, Output>(
  history: readonly Operation<Input, Output>[],
  model: Model<State, Input, Output>,
): Map<string, Operation<Input, Output>[]> {
  const keys = new Map<string, Operation<Input, Output>[]>();
  for (const operation of history) {
    const key = model.keyOf(operation.input);
    const operations = keys.get(key) ?? [];
    operations.push(operation);
    keys.set(key, operations);
  }
  return keys;
}

class Budget {
  readonly #maxSteps: number;
  readonly #isTimeUp: () => boolean;
  #steps = 0;
  #reason = '';

  constructor({ maxSteps = MAX_STEPS, isTimeUp = () => false }: LinearizabilityBounds) {
    this.#maxSteps = maxSteps;
    this.#isTimeUp = isTimeUp;
  }

  get reason(): string {
    return this.#reason;
  }

  /** True once there is nothing left. */
  isSpent(): boolean {
    if (this.#reason !== '') return true;
    if (++this.#steps > this.#maxSteps) this.#reason = `more than ${this.#maxSteps} steps`;
    else if (this.#steps % ASK_EVERY === 0 && this.#isTimeUp()) this.#reason = 'the time is up';
    return this.#reason !== '';
  }
}

/** The call or the return of an operation, in a list in the order of time, from which placed operations are taken out. */
interface Entry {
  readonly index: number;
  readonly isCall: boolean;
  previous: Entry | undefined;
  next: Entry | undefined;
  /** of a call: its return, if it has one */
  matching: Entry | undefined;
}

/** One key's search. Operations that returned stand first among its indexes, in the order of their calls. */
class Search<State, Input, Output> {
  readonly operations: readonly Operation<Input, Output>[];
  readonly #model: Model<State, Input, Output>;
  readonly #budget: Budget;
  readonly #head: Entry;
  readonly #returned: number;
  readonly #isPlaced: Uint8Array;
  readonly #tried = new Set<string>();
  readonly #placed: { readonly call: Entry; readonly before: State }[] = [];
  #state: State;
  /** every operation that returned below this index is placed; none at or above `#high` is */
  #low = 0;
  #high = 0;
  #placedReturned = 0;
  #best: readonly number[] = [];
  #bestReturned = -1;
  /** how people are shown the states in which all but one of those that returned are placed */
  readonly #statesBeforeLast = new Set<string>();

  constructor(
    operations: readonly Operation<Input, Output>[],
    model: Model<State, Input, Output>,
    budget: Budget,
  ) {
    const byCall = [...operations].sort((a, b) => a.invokedAt - b.invokedAt);
    const returned = byCall.filter(({ result }) => result !== undefined);
    this.operations = [...returned, ...byCall.filter(({ result }) => result === undefined)];
    this.#returned = returned.length;
    this.#model = model;
    this.#budget = budget;
    this.#state = model.initial;
    this.#isPlaced = new Uint8Array(this.operations.length);
    this.#head = listOf(this.operations);
  }

  get best(): readonly Operation<Input, Output>[] {
    return this.#best.flatMap((index) => this.operations[index] ?? []);
  }

  get statesBeforeLast(): ReadonlySet<string> {
    return this.#statesBeforeLast;
  }

  run(): 'yes' | 'no' | 'unknown' {
    let entry = this.#head.next;
    this.#note();
    while (this.#placedReturned < this.#returned) {
      if (this.#budget.isSpent()) return 'unknown';
      if (entry?.isCall === true) {
        entry = this.#place(entry) ? this.#head.next : entry.next;
        continue;
      }
      // Here an operation returned that is not placed yet: of what was placed, the last must have been a mistake.
      const last = this.#takeBack();
      if (last === undefined) return 'no';
      entry = last.next;
    }
    return 'yes';
  }

  /** Lets an operation be the next to happen, if the model allows it and it leads to something new. */
  #place(call: Entry): boolean {
    const { input, result } = this.#operation(call.index);
    const state = this.#model.step(this.#state, input, result?.output);
    if (state === 'illegal') return false;
    this.#mark(call.index, 1);
    const key = this.#key(state);
    if (this.#tried.has(key)) {
      this.#mark(call.index, 0);
      return false;
    }
    this.#tried.add(key);
    this.#placed.push({ call, before: this.#state });
    this.#state = state;
    unlink(call);
    this.#note();
    return true;
  }

  #takeBack(): Entry | undefined {
    const last = this.#placed.pop();
    if (last === undefined) return undefined;
    this.#state = last.before;
    this.#mark(last.call.index, 0);
    relink(last.call);
    return last.call;
  }

  #mark(index: number, placed: 0 | 1): void {
    this.#isPlaced[index] = placed;
    if (index >= this.#returned) return;
    this.#placedReturned += placed === 1 ? 1 : -1;
    if (placed === 0) this.#low = Math.min(this.#low, index);
    while (this.#low < this.#returned && this.#isPlaced[this.#low] === 1) this.#low++;
    if (placed === 1) this.#high = Math.max(this.#high, index + 1);
    while (this.#high > 0 && this.#isPlaced[this.#high - 1] === 0) this.#high--;
  }

  /** What is placed, as text, and the state: all below `low`, and which of the others. */
  #key(state: State): string {
    let placed = `${this.#low}`;
    for (let i = this.#low; i < this.#high; i++) if (this.#isPlaced[i] === 1) placed += ` ${i}`;
    for (let i = this.#returned; i < this.operations.length; i++)
      if (this.#isPlaced[i] === 1) placed += ` ${i}`;
    return `${placed} ${this.#model.show(state)}`;
  }

  /** Remembers the longest order so far, and what the states are where one is missing. */
  #note(): void {
    if (this.#placedReturned === this.#returned - 1 && this.#statesBeforeLast.size < MAX_SHOWN_STATES)
      this.#statesBeforeLast.add(this.#model.show(this.#state));
    if (this.#placedReturned <= this.#bestReturned) return;
    this.#bestReturned = this.#placedReturned;
    if (this.#returned <= MAX_REMEMBERED) this.#best = this.#placed.map(({ call }) => call.index);
  }

  #operation(index: number): Operation<Input, Output> {
    const operation = this.operations[index];
    if (operation === undefined) throw new RangeError('an entry is of an operation');
    return operation;
  }
}

/** Evidence is looked for in beginnings of a history; of longer ones no order is kept. */
const MAX_REMEMBERED = 20_000;

function listOf(operations: readonly Operation<unknown, unknown>[]): Entry {
  const timed: { readonly at: number; readonly entry: Entry }[] = [];
  for (const [index, { invokedAt, result }] of operations.entries()) {
    const call: Entry = { index, isCall: true, previous: undefined, next: undefined, matching: undefined };
    timed.push({ at: invokedAt, entry: call });
    if (result === undefined) continue;
    const end: Entry = { index, isCall: false, previous: undefined, next: undefined, matching: undefined };
    call.matching = end;
    timed.push({ at: result.at, entry: end });
  }
  // What is called at the moment at which another returns may have come before it.
  timed.sort((a, b) => a.at - b.at || Number(b.entry.isCall) - Number(a.entry.isCall));
  const head: Entry = { index: -1, isCall: false, previous: undefined, next: undefined, matching: undefined };
  let last = head;
  for (const { entry } of timed) {
    last.next = entry;
    entry.previous = last;
    last = entry;
  }
  return head;
}

/** Takes a call and its return out of the list; relink() puts them back, the last taken first. */
function unlink(call: Entry): void {
  takeOut(call);
  if (call.matching !== undefined) takeOut(call.matching);
}

function relink(call: Entry): void {
  if (call.matching !== undefined) putBack(call.matching);
  putBack(call);
}

function takeOut(entry: Entry): void {
  if (entry.previous !== undefined) entry.previous.next = entry.next;
  if (entry.next !== undefined) entry.next.previous = entry.previous;
}

function putBack(entry: Entry): void {
  if (entry.previous !== undefined) entry.previous.next = entry;
  if (entry.next !== undefined) entry.next.previous = entry;
}

/** Finds the first return that cannot be explained, by halving: a beginning of a linearizable history is one, too. */
function evidenceOf<State, Input, Output>(
  key: string,
  operations: readonly Operation<Input, Output>[],
  model: Model<State, Input, Output>,
): Evidence<Input, Output> {
  const returns = operations.flatMap(({ result }) => result?.at ?? []).sort((a, b) => a - b);
  const searchUpTo = (count: number) => {
    const search = new Search(beginning(operations, returns[count - 1] ?? 0), model, new Budget({}));
    return { search, outcome: search.run() };
  };
  let good = 0;
  let bad = returns.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (searchUpTo(middle).outcome === 'no') bad = middle;
    else good = middle;
  }
  const { search } = searchUpTo(bad);
  const explained = search.best;
  const unplaced = search.operations.filter(
    (operation) => operation.result !== undefined && !explained.includes(operation),
  );
  const at = returns[bad - 1];
  const culprit = search.operations.find(({ result }) => result?.at === at) ?? unplaced[0];
  if (culprit === undefined) throw new RangeError('a history that is not linearizable has an operation');
  const possibleStates = [...search.statesBeforeLast];
  const summary = summaryOf(key, culprit, explained.length, possibleStates, model);
  return { key, culprit, explained, unplaced, possibleStates, summary };
}

/** What was known at a time: what returned later had not returned; what was called later had not been called. */
function beginning<Input, Output>(
  operations: readonly Operation<Input, Output>[],
  until: number,
): Operation<Input, Output>[] {
  return operations
    .filter(({ invokedAt }) => invokedAt <= until)
    .map((operation) =>
      operation.result !== undefined && operation.result.at > until
        ? { ...operation, result: undefined }
        : operation,
    );
}

function summaryOf<State, Input, Output>(
  key: string,
  { client, input, invokedAt, result }: Operation<Input, Output>,
  explained: number,
  possibleStates: readonly string[],
  model: Model<State, Input, Output>,
): string {
  const operation = model.showOperation(input, result?.output);
  const states =
    possibleStates.length === 0 ? '' : `; the state can only have been ${possibleStates.join(' or ')}`;
  const of = key === '' ? '' : `key "${key}": `;
  return `${of}${client}: ${operation}, from ${invokedAt} to ${result?.at}, fits nowhere after ${explained} operations${states}`;
}
