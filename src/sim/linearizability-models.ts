/**
 * Models for histories: a store of registers, each with a key, and a counter.
 */
import type { Model } from './linearizability.ts';

export type StoreInput =
  | { readonly type: 'read'; readonly key: string }
  | { readonly type: 'write'; readonly key: string; readonly value: string }
  /** writes `value` if `expected` is there */
  | { readonly type: 'swap'; readonly key: string; readonly expected: string | null; readonly value: string };

/** read: the value, or null where nothing was written. write: null. swap: whether it was done. */
export type StoreOutput = string | null | boolean;

/** A store of registers. Nothing was written to begin with. */
export const storeModel: Model<string | null, StoreInput, StoreOutput> = {
  initial: null,
  keyOf: ({ key }) => key,
  step(state, input, output) {
    switch (input.type) {
      case 'read':
        return output === undefined || output === state ? state : 'illegal';
      case 'write':
        return input.value;
      case 'swap': {
        const isDone = state === input.expected;
        if (output !== undefined && output !== isDone) return 'illegal';
        return isDone ? input.value : state;
      }
    }
  },
  show: (state) => (state === null ? 'nothing' : JSON.stringify(state)),
  showOperation(input, output) {
    const came = output === undefined ? '' : ` → ${JSON.stringify(output)}`;
    if (input.type === 'read') return `read${came}`;
    if (input.type === 'write') return `write ${JSON.stringify(input.value)}`;
    return `swap ${JSON.stringify(input.expected)} for ${JSON.stringify(input.value)}${came}`;
  },
};

/** Adds `by`, which can be 0, and answers with the sum. */
export interface CounterInput {
  readonly by: number;
}

export const counterModel: Model<number, CounterInput, number> = {
  initial: 0,
  keyOf: () => '',
  step(state, { by }, output) {
    const sum = state + by;
    return output === undefined || output === sum ? sum : 'illegal';
  },
  show: String,
  showOperation: ({ by }, output) => `add ${by}${output === undefined ? '' : ` → ${output}`}`,
};
