/**
 * Fuzzer: tries inputs on one target, made of those that reached something new.
 *
 *   corpus → mutate → run, a batch at a time → code that never ran, or an outcome that never was? → kept
 *
 * What a batch reached is looked at as a whole; only where it was something new are its inputs run again one by one.
 */
import { randomInt, SeededRandom } from '../../src/transport/random.ts';
import type { Coverage } from './coverage.ts';
import { Mutator } from './mutator.ts';
import type { FuzzTarget } from './target.ts';

/** So often one of the last that were found is gone on from, not any. */
const RECENT_SHARE = 0.4;
const RECENT = 16;
/** More outcomes say nothing: a target tells them too finely. */
const MAX_OUTCOMES = 5000;

/** An input that the target did not bear. */
export class Crash extends Error {
  readonly input: Uint8Array;

  constructor(input: Uint8Array, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.input = input;
  }
}

export interface FuzzerOptions {
  readonly target: FuzzTarget;
  readonly seed: number;
  /** undefined: outcomes alone lead on */
  readonly coverage?: Coverage;
  /** hears of each input before it is run */
  readonly watch?: (input: Uint8Array) => void;
}

export class Fuzzer {
  readonly #options: FuzzerOptions;
  readonly #random: SeededRandom;
  readonly #mutator: Mutator;
  readonly #kept: Uint8Array[] = [];
  readonly #outcomes = new Set<string>();
  #runs = 0;

  constructor(options: FuzzerOptions) {
    const { target, seed } = options;
    this.#options = options;
    this.#random = new SeededRandom(seed);
    this.#mutator = new Mutator(this.#random, target.words, target.maxBytes);
  }

  get runs(): number {
    return this.#runs;
  }

  get outcomes(): number {
    return this.#outcomes.size;
  }

  /** The inputs that reached something new, in the order in which they did. */
  get kept(): readonly Uint8Array[] {
    return this.#kept;
  }

  /** Runs inputs one by one, and keeps those that reach what none before did. @throws Crash */
  async take(inputs: readonly Uint8Array[]): Promise<void> {
    for (const input of inputs) {
      const isNew = await this.#run(input);
      const reached = this.#options.coverage?.look() ?? 0;
      if (isNew || reached > 0) this.#kept.push(input);
    }
  }

  /** Tries one batch. @throws Crash */
  async step(): Promise<void> {
    const { target, coverage } = this.#options;
    const inputs = Array.from({ length: target.batch }, () => this.#next());
    const found = new Set<Uint8Array>();
    for (const input of inputs) if (await this.#run(input)) found.add(input);
    if (coverage?.reachedNew() === true) {
      for (const input of inputs) {
        await this.#run(input);
        if (coverage.look() > 0) found.add(input);
      }
    }
    this.#kept.push(...found);
  }

  #next(): Uint8Array {
    return this.#mutator.mutate(this.#any(), this.#any());
  }

  #any(): Uint8Array {
    const kept = this.#kept;
    const isRecent = this.#random.next() < RECENT_SHARE;
    const from = isRecent ? Math.max(0, kept.length - RECENT) : 0;
    return kept[randomInt(this.#random, from, Math.max(from, kept.length - 1))] ?? new Uint8Array(0);
  }

  /** True if its outcome is new. */
  async #run(input: Uint8Array): Promise<boolean> {
    const { target, watch } = this.#options;
    watch?.(input);
    this.#runs++;
    let came: readonly string[];
    try {
      came = await target.run(input);
    } catch (error) {
      throw new Crash(input, error);
    }
    const known = this.#outcomes.size;
    for (const outcome of came) if (this.#outcomes.size < MAX_OUTCOMES) this.#outcomes.add(outcome);
    return this.#outcomes.size > known;
  }
}
