/**
 * Coverage: which bytes of our sources ran, as V8 counts blocks, and whether any of them never ran before.
 *
 * It is the process's: nobody else may ask V8 for coverage meanwhile, as the test runner does. Asking takes
 * milliseconds, so many inputs go before each question.
 */
import { type Profiler, Session } from 'node:inspector';

export class Coverage {
  readonly #session = new Session();
  readonly #isOurs: (url: string) => boolean;
  /** by script: 1 for each byte of its source that ran */
  readonly #seen = new Map<string, Uint8Array>();
  #bytes = 0;

  /** @param isOurs which scripts are looked at, by their addresses */
  constructor(isOurs: (url: string) => boolean) {
    this.#isOurs = isOurs;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** How many bytes of the sources ran so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Looks at what ran since the last look; how many bytes of the sources did for the first time. */
  look(): number {
    const before = this.#bytes;
    for (const script of this.#take()) this.#add(script);
    return this.#bytes - before;
  }

  /** True if something ran since the last look that never did before. It is left as new as it was. */
  reachedNew(): boolean {
    return this.#take().some(({ url, functions }) => {
      const seen = this.#seen.get(url);
      return ranIn(functions).some((ran, at) => ran === 1 && seen?.[at] !== 1);
    });
  }

  close(): void {
    this.#session.disconnect();
  }

  /** The session is in this thread, so that its answer is here when post returns. */
  #take(): readonly Profiler.ScriptCoverage[] {
    let result: readonly Profiler.ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error !== null) throw error;
      result = taken.result;
    });
    return result.filter(({ url }) => this.#isOurs(url));
  }

  #add({ url, functions }: Profiler.ScriptCoverage): void {
    const ran = ranIn(functions);
    const seen = this.#roomFor(url, ran.length);
    for (let at = 0; at < ran.length; at++) {
      if (ran[at] !== 1 || seen[at] === 1) continue;
      seen[at] = 1;
      this.#bytes++;
    }
  }

  #roomFor(url: string, bytes: number): Uint8Array {
    const known = this.#seen.get(url);
    if (known !== undefined && known.length >= bytes) return known;
    const room = new Uint8Array(bytes);
    if (known !== undefined) room.set(known);
    this.#seen.set(url, room);
    return room;
  }
}

/** 1 for each byte of a script that ran. Ranges lie in each other, outer ones first, and each inner one says it better. */
function ranIn(functions: readonly Profiler.FunctionCoverage[]): Uint8Array {
  const ranges = functions.flatMap((one) => one.ranges);
  const ran = new Uint8Array(Math.max(0, ...ranges.map(({ endOffset }) => endOffset)));
  for (const { startOffset, endOffset, count } of ranges) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  return ran;
}
