/**
 * FuzzTarget: what is fed with bytes, and says whether it bears them.
 */

export interface FuzzTarget {
  readonly name: string;
  /** the longest input that is worth a try */
  readonly maxBytes: number;
  /** how many inputs are tried before it is looked at what they reached; fewer where one takes longer */
  readonly batch: number;
  /** inputs to begin with, where the corpus is empty */
  readonly beginnings: () => readonly Uint8Array[];
  /** what means something in an input */
  readonly words: readonly Uint8Array[];
  /**
   * Runs one input; whatever it does is done when this ends.
   * @returns what came of it, in a few words each: an input with one that none had before is worth keeping
   * @throws anything, if what must hold did not
   */
  readonly run: (input: Uint8Array) => readonly string[] | Promise<readonly string[]>;
}

/** Something that must hold does not. */
export function mustHold(condition: boolean, what: () => string): void {
  if (!condition) throw new Error(what());
}
