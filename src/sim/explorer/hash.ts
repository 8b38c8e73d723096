/**
 * Hashes of 64 bits, as two signed integers of 32: texts are hashed once, and a state's hash is the sum of its parts',
 * so that a step changes only what it touches, and the order of what is in a set does not matter.
 */

export interface Hash {
  readonly high: number;
  readonly low: number;
}

/** Hashes a text. Two texts have the same hash by chance once in 2^64; states are compared by nothing else. */
export function hashText(text: string): Hash {
  let high = 0x3c6ef372;
  let low = 0x1f83d9ab;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 0x2c1b3c6d);
    high = (high << 11) | (high >>> 21);
    low = Math.imul(low + code, 0x297a2d39);
    low ^= low >>> 15;
  }
  return { high: finish(high ^ (low >>> 7)), low: finish(low + Math.imul(high, 0x5bd1e995)) };
}

/** The hashes of several texts, high and low of each in turn, as they stand in a state's row. */
export function hashesOf(texts: readonly string[]): Int32Array {
  return Int32Array.from(texts.map(hashText).flatMap(({ high, low }) => [high, low]));
}

/** Every bit of the input reaches every bit of the output. */
function finish(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return mixed ^ (mixed >>> 16);
}
