/**
 * Watchdog: an input on which a target never ends holds the whole thread. Another thread sees that, saves the input,
 * says so and ends the process.
 *
 * The input and how often one began lie in shared memory; the other thread looks whether the second still moves.
 */
import { Worker } from 'node:worker_threads';

const INPUT_MAX_BYTES = 65_536;
const HEAD_INTS = 2;

/** Plain JavaScript, since the thread reads no TypeScript. */
const THREAD = `
const { mkdirSync, writeFileSync, writeSync } = require('node:fs');
const { dirname } = require('node:path');
const { shared, headInts, limitMs, path, said } = require('node:worker_threads').workerData;
const head = new Int32Array(shared, 0, headInts);
let seen = -1;
setInterval(() => {
  const begun = Atomics.load(head, 0);
  if (begun !== seen || begun === 0) { seen = begun; return; }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, new Uint8Array(shared, 4 * headInts, Atomics.load(head, 1)).slice());
  writeSync(2, said);
  process.kill(process.pid, 'SIGKILL');
}, limitMs);
`;

export interface WatchdogOptions {
  /** an input that takes longer hangs, ms */
  readonly limitMs: number;
  /** where it is saved */
  readonly path: string;
  /** what is said then */
  readonly said: string;
}

export class Watchdog {
  readonly #head: Int32Array;
  readonly #input: Uint8Array;
  readonly #worker: Worker;

  constructor({ limitMs, path, said }: WatchdogOptions) {
    const shared = new SharedArrayBuffer(4 * HEAD_INTS + INPUT_MAX_BYTES);
    this.#head = new Int32Array(shared, 0, HEAD_INTS);
    this.#input = new Uint8Array(shared, 4 * HEAD_INTS);
    this.#worker = new Worker(THREAD, {
      eval: true,
      workerData: { shared, headInts: HEAD_INTS, limitMs, path, said },
      execArgv: [],
    });
    this.#worker.unref();
  }

  /** An input begins. */
  begin(input: Uint8Array): void {
    const kept = input.subarray(0, INPUT_MAX_BYTES);
    this.#input.set(kept);
    Atomics.store(this.#head, 1, kept.length);
    Atomics.add(this.#head, 0, 1);
  }

  close(): Promise<number> {
    return this.#worker.terminate();
  }
}
