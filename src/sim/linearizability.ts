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
  /** the most steps of the model for a key; 5 million unless told */
  readonly maxSteps?: number;
  /** asked now and then; true ends the search */
  readonly isTimeUp?: () => boolean;
}

/** Why a history is not linearizable: the shortest beginning of it that is not. */
export interface Evidence<Input, Output> {
  readonly key: string;
  /** the operation whose return cannot be explained */
  readonly culprit: Operation<Input, Output>;
  /** an order that can be given to all that returned before that, and to some that had not returned */
  readonly explained: readonly Operation<Input, Output>[];
  /** those that had returned, and find no place after these */
  readonly unplaced: readonly Operation<Input, Output>[];
  /** what the state can be after such orders; five at most */
  readonly possibleStates: readonly string[];
  /** all of it in one line */
  readonly summary: string;
}

export type LinearizabilityVerdict<Input, Output> =
  | { readonly verdict: 'linearizable' }
  | { readonly verdict: 'not linearizable'; readonly evidence: Evidence<Input, Output> }
  /** every other key was judged, or has its own reason; this is the first */
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
  let unknown: LinearizabilityVerdict<Input, Output> | undefined;
  for (const [key, operations] of byKey(history, model)) {
    // Each has its own: one that is hard hides nothing of the others.
    const budget = new Budget(bounds);
    const search = new Search(operations, model, budget);
    const outcome = search.run();
    if (outcome === 'unknown') unknown ??= { verdict: 'unknown', key, reason: budget.reason };
    if (outcome === 'no')
      return { verdict: 'not linearizable', evidence: evidenceOf(key, operations, search.blocked, model) };
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
  /** where it stands in the list when nothing is taken out */
  readonly position: number;
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
  /** true: it keeps what was placed where it came furthest, which costs its length each time */
  readonly #isExplaining: boolean;
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
  /** the last return that it came to with its operation not placed: every earlier one had its place */
  #furthest: Entry | undefined;
  /** what was placed when it came there first, and how people are shown the states it came there in */
  #placedThere: readonly number[] = [];
  readonly #statesThere = new Set<string>();

  constructor(
    operations: readonly Operation<Input, Output>[],
    model: Model<State, Input, Output>,
    budget: Budget,
    isExplaining = false,
  ) {
    this.#isExplaining = isExplaining;
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

  /** The operation whose return it never got past. */
  get blocked(): Operation<Input, Output> | undefined {
    return this.#furthest === undefined ? undefined : this.operations[this.#furthest.index];
  }

  get placedBefore(): readonly Operation<Input, Output>[] {
    return this.#placedThere.flatMap((index) => this.operations[index] ?? []);
  }

  get statesBefore(): ReadonlySet<string> {
    return this.#statesThere;
  }

  run(): 'yes' | 'no' | 'unknown' {
    let entry = this.#head.next;
    while (this.#placedReturned < this.#returned) {
      if (this.#budget.isSpent()) return 'unknown';
      if (entry?.isCall === true) {
        entry = this.#place(entry) ? this.#head.next : entry.next;
        continue;
      }
      // Here an operation returned that is not placed yet: of what was placed, the last must have been a mistake.
      if (entry !== undefined) this.#block(entry);
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

  /** An operation returned, and is not placed. */
  #block(at: Entry): void {
    const furthest = this.#furthest?.position ?? -1;
    if (at.position < furthest) return;
    if (at.position > furthest) this.#statesThere.clear();
    this.#furthest = at;
    if (this.#statesThere.size >= MAX_SHOWN_STATES) return;
    this.#statesThere.add(this.#model.show(this.#state));
    if (this.#isExplaining && at.position > furthest)
      this.#placedThere = this.#placed.map(({ call }) => call.index);
  }

  #operation(index: number): Operation<Input, Output> {
    const operation = this.operations[index];
    if (operation === undefined) throw new RangeError('an entry is of an operation');
    return operation;
  }
}

function listOf(operations: readonly Operation<unknown, unknown>[]): Entry {
  const events = operations.flatMap(({ invokedAt, result }, index) => {
    const call = { index, isCall: true, at: invokedAt };
    return result === undefined ? [call] : [call, { index, isCall: false, at: result.at }];
  });
  // What is called at the moment at which another returns may have come before it.
  events.sort((a, b) => a.at - b.at || Number(b.isCall) - Number(a.isCall));
  const links = { previous: undefined, next: undefined, matching: undefined };
  const head: Entry = { index: -1, isCall: false, position: -1, ...links };
  const calls = new Map<number, Entry>();
  let last = head;
  for (const [position, { index, isCall }] of events.entries()) {
    const entry: Entry = { index, isCall, position, ...links, previous: last };
    last.next = entry;
    last = entry;
    if (isCall) calls.set(index, entry);
    const call = calls.get(index);
    if (!isCall && call !== undefined) call.matching = entry;
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

/**
 * What the search never got past is the first return that cannot be explained: all before it had their places, and what
 * came after it was not looked at. A second search, of what was known at that time, tells what can have been before.
 */
function evidenceOf<State, Input, Output>(
  key: string,
  operations: readonly Operation<Input, Output>[],
  culprit: Operation<Input, Output> | undefined,
  model: Model<State, Input, Output>,
): Evidence<Input, Output> {
  if (culprit?.result === undefined) throw new RangeError('what is blocked has returned');
  const known = beginning(operations, culprit.result.at);
  const search = new Search(known, model, new Budget({}), true);
  search.run();
  const explained = search.placedBefore;
  const placed = new Set(explained);
  const unplaced = search.operations.filter((one) => one.result !== undefined && !placed.has(one));
  const possibleStates = [...search.statesBefore];
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
