/**
 * StoreMachine: the state machine of a simulated cluster: registers by key, a counter, and a mark for every command that
 * was applied, so that one that is applied twice shows. It asks the context for time and chance, and keeps what it was
 * told, so that replicas which are told different things differ.
 *
 * Invariant: its state depends on the commands and their contexts alone.
 */
import type { ApplyContext, SnapshotReader, StateMachine } from '../../statemachine/index.ts';

/** `mark` names the command; no other has it. */
export type StoreCommand =
  | { readonly type: 'put'; readonly mark: string; readonly key: string; readonly value: string }
  | {
      readonly type: 'swap';
      readonly mark: string;
      readonly key: string;
      readonly expected: string | null;
      readonly value: string;
    }
  | { readonly type: 'add'; readonly mark: string }
  /** is applied, and throws */
  | { readonly type: 'fail'; readonly mark: string };

/** put: null. swap: whether it was done. add: the sum. */
export type StoreResult = null | boolean | number;

/** A key: what is there, or null. Nothing: the sum. */
export type StoreQuery = { readonly key: string } | { readonly key: undefined };
export type StoreAnswer = string | null | number;

interface StoreState {
  readonly registers: [key: string, value: string][];
  readonly sum: number;
  readonly marks: [mark: string, times: number][];
  readonly chance: number;
  readonly timeMs: number;
}

/** A snapshot is handed on in pieces of so many characters: while it is written, commands go on. */
const CHUNK_CHARACTERS = 2048;

const encoder = new TextEncoder();

export class StoreMachine implements StateMachine<StoreCommand, StoreResult, StoreQuery, StoreAnswer> {
  /** how often each command was applied */
  readonly marks = new Map<string, number>();
  readonly #registers = new Map<string, string>();
  readonly #ballast: string;
  #sum = 0;
  #chance = 0;
  #timeMs = 0;

  /** @param ballastBytes so much more is in every snapshot */
  constructor(ballastBytes = 0) {
    this.#ballast = '-'.repeat(ballastBytes);
  }

  get sum(): number {
    return this.#sum;
  }

  get registers(): ReadonlyMap<string, string> {
    return this.#registers;
  }

  apply(command: StoreCommand, context: ApplyContext): StoreResult {
    this.marks.set(command.mark, (this.marks.get(command.mark) ?? 0) + 1);
    this.#chance = (this.#chance + context.random()) / 2;
    if (context.timeMs < this.#timeMs) throw new Error('time went backwards');
    this.#timeMs = context.timeMs;
    switch (command.type) {
      case 'put':
        this.#registers.set(command.key, command.value);
        return null;
      case 'swap': {
        const isDone = (this.#registers.get(command.key) ?? null) === command.expected;
        if (isDone) this.#registers.set(command.key, command.value);
        return isDone;
      }
      case 'add':
        this.#sum++;
        return this.#sum;
      case 'fail':
        throw new Error(`as told by ${command.mark}`);
    }
  }

  read({ key }: StoreQuery): StoreAnswer {
    return key === undefined ? this.#sum : (this.#registers.get(key) ?? null);
  }

  *snapshot(): Generator<Uint8Array> {
    const state: StoreState = {
      registers: [...this.#registers],
      sum: this.#sum,
      marks: [...this.marks],
      chance: this.#chance,
      timeMs: this.#timeMs,
    };
    const text = `${JSON.stringify(state)}\n${this.#ballast}`;
    for (let at = 0; at < text.length; at += CHUNK_CHARACTERS)
      yield encoder.encode(text.slice(at, at + CHUNK_CHARACTERS));
  }

  async restore(reader: SnapshotReader): Promise<void> {
    const [json = ''] = (await reader.text()).split('\n');
    const state: StoreState = JSON.parse(json);
    this.#registers.clear();
    for (const [key, value] of state.registers) this.#registers.set(key, value);
    this.marks.clear();
    for (const [mark, times] of state.marks) this.marks.set(mark, times);
    this.#sum = state.sum;
    this.#chance = state.chance;
    this.#timeMs = state.timeMs;
  }
}
