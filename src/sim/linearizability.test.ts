import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../transport/random.ts';
import { checkLinearizability, type Model, type Operation } from './linearizability.ts';
import { counterModel, type StoreInput, type StoreOutput, storeModel } from './linearizability-models.ts';

type StoreOperation = Operation<StoreInput, StoreOutput>;

/** An operation on key x: `write(0, 10, 'a')`; without a second time it never returned. */
function operation(
  input: StoreInput,
  from: number,
  to: number,
  output: StoreOutput,
  client = 'c',
): StoreOperation {
  const result = to === Number.POSITIVE_INFINITY ? undefined : { output, at: to };
  return { client, input, invokedAt: from, result };
}
const NEVER = Number.POSITIVE_INFINITY;
const write = (from: number, to: number, value: string, key = 'x') =>
  operation({ type: 'write', key, value }, from, to, null);
const read = (from: number, to: number, value: string | null, key = 'x') =>
  operation({ type: 'read', key }, from, to, value);
const swap = (from: number, to: number, expected: string | null, value: string, isDone: boolean) =>
  operation({ type: 'swap', key: 'x', expected, value }, from, to, isDone);

/** 0 to count - 1 */
const below = (random: SeededRandom, count: number) => Math.floor(random.next() * count);

const verdict = (...history: StoreOperation[]) => checkLinearizability(history, storeModel).verdict;

describe('a history is linearizable', () => {
  const good: Record<string, StoreOperation[]> = {
    'if it is empty': [],
    'if nothing overlaps and every read finds the last write': [write(0, 1, 'a'), read(2, 3, 'a')],
    'if a read beside a write finds the old value': [write(0, 10, 'a'), read(2, 3, null)],
    'if a read beside a write finds the new value': [write(0, 10, 'a'), read(2, 3, 'a')],
    'if two writes overlap and readers agree on their order': [
      write(0, 10, 'a'),
      write(0, 10, 'b'),
      read(11, 12, 'a'),
      read(13, 14, 'a'),
    ],
    'if what never returned is read later': [write(0, NEVER, 'a'), read(5, 6, null), read(100, 101, 'a')],
    'if what never returned never happened': [write(0, NEVER, 'a'), read(5, 6, null), read(100, 101, null)],
    'if one of two swaps succeeds': [swap(0, 9, null, 'a', true), swap(0, 9, null, 'b', false)],
    'if an operation is called at the moment at which another returns': [write(0, 5, 'a'), read(5, 9, null)],
    'key by key': [write(0, 1, 'a'), read(2, 3, null, 'y'), read(2, 3, 'a')],
  };
  for (const [name, history] of Object.entries(good))
    it(name, () => expect(verdict(...history)).toBe('linearizable'));
});

describe('a history is not linearizable', () => {
  const bad: Record<string, StoreOperation[]> = {
    'if a read misses a write that had returned': [write(0, 1, 'a'), read(2, 3, null)],
    'if a read finds what nobody wrote': [write(0, 1, 'a'), read(2, 3, 'z')],
    'if a new value is read, and then the old one': [write(0, 10, 'a'), read(1, 2, 'a'), read(3, 4, null)],
    'if readers disagree on the order of two writes': [
      write(0, 10, 'a'),
      write(0, 10, 'b'),
      read(11, 12, 'a'),
      read(13, 14, 'b'),
    ],
    'if two swaps of the same value succeed': [swap(0, 9, null, 'a', true), swap(0, 9, null, 'b', true)],
    'if what never returned happens twice': [
      write(0, NEVER, 'a'),
      read(1, 2, 'a'),
      write(3, 4, 'b'),
      read(5, 6, 'b'),
      read(7, 8, 'a'),
    ],
    'if a value is read before its write is called': [read(0, 1, 'a'), write(2, 3, 'a')],
  };
  for (const [name, history] of Object.entries(bad))
    it(name, () => expect(verdict(...history)).toBe('not linearizable'));
});

describe('what is said of a history that is not', () => {
  it('is one line with the operation, its time, and what the state can have been', () => {
    const history = [write(0, 1, 'a'), write(2, 8, 'b'), read(9, 10, 'c'), read(11, 12, 'b')];
    const judged = checkLinearizability(history, storeModel);
    expect(judged.verdict === 'not linearizable' && judged.evidence.summary).toBe(
      'key "x": c: read → "c", from 9 to 10, fits nowhere after 2 operations; the state can only have been "b"',
    );
  });

  it('names the first return that cannot be explained, and what goes before it', () => {
    const history = [write(0, 1, 'a'), read(2, 3, 'a'), read(4, 5, null), write(6, 7, 'b'), read(8, 9, 'a')];
    const judged = checkLinearizability(history, storeModel);
    if (judged.verdict !== 'not linearizable') throw new Error(judged.verdict);
    expect(judged.evidence.culprit).toEqual(history[2]);
    expect(judged.evidence.explained).toEqual(history.slice(0, 2));
    expect(judged.evidence.unplaced).toEqual([history[2]]);
    expect(judged.evidence.possibleStates).toEqual(['"a"']);
  });
});

describe('the bounds', () => {
  /** Writes that all overlap, and a read of what nobody wrote: every order has to be tried. */
  const hard = [...Array.from({ length: 14 }, (_, i) => write(0, 100, `${i}`)), read(50, 100, 'z')];

  it('end a search with "unknown" and the reason', () => {
    expect(checkLinearizability(hard, storeModel, { maxSteps: 1000 })).toEqual({
      verdict: 'unknown',
      key: 'x',
      reason: 'more than 1000 steps',
    });
    expect(checkLinearizability(hard, storeModel, { isTimeUp: () => true })).toMatchObject({
      verdict: 'unknown',
      reason: 'the time is up',
    });
  });

  it('do not hide what is wrong with another key', () => {
    const history = [...hard, write(0, 1, 'a', 'y'), read(2, 3, 'b', 'y')];
    for (const inAnyOrder of [history, [...history].reverse()]) {
      const judged = checkLinearizability(inAnyOrder, storeModel, { maxSteps: 1000 });
      expect(judged).toMatchObject({ verdict: 'not linearizable', evidence: { key: 'y' } });
    }
  });
});

/** A real execution: each operation happens at one moment, and its client sees it somewhat before and after. */
function executed<State, Input, Output>(
  inputs: readonly Input[],
  model: Model<State, Input, Output>,
  answer: (state: State, input: Input) => Output,
  { seed, clients, lost }: { seed: number; clients: number; lost: number },
): Operation<Input, Output>[] {
  const random = new SeededRandom(seed);
  const states = new Map<string, State>();
  const freeAt = new Array<number>(clients).fill(0);
  return inputs.map((input, index) => {
    const at = (index + 1) * 10;
    const client = index % clients;
    const invokedAt = Math.max(freeAt[client] ?? 0, at - below(random, clients * 10));
    const returnedAt = at + below(random, clients * 9);
    freeAt[client] = at + clients * 10 - 10;
    const key = model.keyOf(input);
    const state = states.get(key) ?? model.initial;
    const output = answer(state, input);
    const next = model.step(state, input, output);
    if (next !== 'illegal') states.set(key, next);
    const isLost = below(random, 1000) < lost;
    const result = isLost ? undefined : { output, at: Math.min(returnedAt, freeAt[client] ?? returnedAt) };
    return { client: `c${client}`, input, invokedAt, result };
  });
}

function storeAnswer(state: string | null, input: StoreInput): StoreOutput {
  if (input.type === 'read') return state;
  return input.type === 'write' ? null : state === input.expected;
}

const inputs: fc.Arbitrary<StoreInput> = fc
  .record({
    type: fc.constantFrom('read', 'write', 'swap'),
    key: fc.constantFrom('x', 'y'),
    value: fc.constantFrom('a', 'b', 'c'),
    expected: fc.constantFrom('a', 'b', null),
  })
  .map(({ type, key, value, expected }): StoreInput => {
    if (type === 'read') return { type, key };
    return type === 'write' ? { type, key, value } : { type: 'swap', key, expected, value };
  });
const seeds = fc.record({ seed: fc.nat(), clients: fc.integer({ min: 1, max: 6 }), lost: fc.nat(200) });

describe('any history', () => {
  it('of a real execution is accepted', () => {
    fc.assert(
      fc.property(fc.array(inputs, { maxLength: 60 }), seeds, (all, how) => {
        expect(verdict(...executed(all, storeModel, storeAnswer, how))).toBe('linearizable');
      }),
    );
  });

  it('of a counter is accepted, and not with one sum changed to what it never was', () => {
    const additions = fc.array(fc.record({ by: fc.integer({ min: 0, max: 3 }) }), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(additions, seeds, fc.nat(), (all, how, pick) => {
        const history = executed(all, counterModel, (sum, { by }) => sum + by, { ...how, lost: 0 });
        expect(checkLinearizability(history, counterModel).verdict).toBe('linearizable');
        const changed = history.map((one, index) =>
          index === pick % history.length && one.result !== undefined
            ? { ...one, result: { ...one.result, output: -1 } }
            : one,
        );
        expect(checkLinearizability(changed, counterModel).verdict).toBe('not linearizable');
      }),
    );
  });

  it('is rejected once a read returns what was never written', () => {
    fc.assert(
      fc.property(fc.array(inputs, { maxLength: 60 }), seeds, fc.nat(), (all, how, pick) => {
        const history = executed(all, storeModel, storeAnswer, { ...how, lost: 0 });
        const reads = history.flatMap(({ input }, index) => (input.type === 'read' ? index : []));
        fc.pre(reads.length > 0);
        const wrong = reads[pick % reads.length];
        const changed = history.map((one, index) =>
          index === wrong ? { ...one, result: { output: 'never written', at: one.result?.at ?? 0 } } : one,
        );
        const judged = checkLinearizability(changed, storeModel);
        expect(judged.verdict).toBe('not linearizable');
      }),
    );
  });

  it('is judged as trying every order judges it', () => {
    const times = fc.tuple(fc.nat(12), fc.nat(12), fc.boolean());
    const answers = fc.constantFrom('a', 'b', null);
    const operations = fc
      .tuple(inputs, times, answers, fc.boolean())
      .map(([input, [a, b, isLost], value, isDone]) => {
        const output = input.type === 'read' ? value : input.type === 'swap' ? isDone : null;
        const sameKey = { ...input, key: 'x' };
        return operation(sameKey, Math.min(a, b), isLost ? NEVER : Math.max(a, b), output);
      });
    const seen = { yes: 0, no: 0 };
    fc.assert(
      fc.property(fc.array(operations, { maxLength: 6 }), (history) => {
        const expected = isExplained(history, null);
        seen[expected ? 'yes' : 'no']++;
        expect(verdict(...history)).toBe(expected ? 'linearizable' : 'not linearizable');
      }),
      { numRuns: 2000 },
    );
    expect(Math.min(seen.yes, seen.no)).toBeGreaterThan(100);
  });
});

/** Tries every order of every choice of operations that may not have happened. */
function isExplained(left: readonly StoreOperation[], state: string | null): boolean {
  if (left.every(({ result }) => result === undefined)) return true;
  return left.some((one) => {
    const rest = left.filter((other) => other !== one);
    const mayBeFirst = rest.every(({ result }) => result === undefined || result.at >= one.invokedAt);
    if (!mayBeFirst) return false;
    const next = storeModel.step(state, one.input, one.result?.output);
    return next !== 'illegal' && isExplained(rest, next);
  });
}

describe('10,000 operations of 8 clients', () => {
  const random = new SeededRandom(7);
  const all = Array.from({ length: 10_000 }, (_, index): StoreInput => {
    const key = `k${below(random, 5)}`;
    if (below(random, 2) === 0) return { type: 'read', key };
    return { type: 'write', key, value: `${index % 50}` };
  });
  const history = executed(all, storeModel, storeAnswer, { seed: 3, clients: 8, lost: 2 });

  it('are judged within 200,000 steps, if they are linearizable', () => {
    expect(checkLinearizability(history, storeModel, { maxSteps: 200_000 }).verdict).toBe('linearizable');
  });

  it('and if they are not', () => {
    const wrong = history.findIndex(({ input, result }, at) => at > 9000 && input.type === 'read' && result);
    const changed = history.map((one, at) =>
      at === wrong ? { ...one, result: { output: 'never', at: one.result?.at ?? 0 } } : one,
    );
    const judged = checkLinearizability(changed, storeModel, { maxSteps: 500_000 });
    expect(judged.verdict === 'not linearizable' && judged.evidence.culprit).toEqual(changed[wrong]);
  });
});
