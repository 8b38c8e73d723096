/**
 * Random: chance that can be repeated. One seed gives one sequence, on every machine, so a run of the simulator is
 * named by its seed. Not for secrets.
 *
 * The generator is sfc32 ("small fast counting") of Chris Doty-Humphrey's PractRand, seeded as there: 128 bits of
 * state, no cycle shorter than 2^32 numbers. It passes PractRand's own tests, and is a few additions and shifts.
 */
import { randomInt as cryptoRandomInt } from 'node:crypto';
import { invariant } from '../paxos/invariant.ts';
import type { Random } from './transport.ts';

const RANGE_32 = 2 ** 32;
const SEED_LIMIT = 2 ** 48 - 1; // what node:crypto draws from
const MIXING_ROUNDS = 12; // until the seed has reached all of the state, as PractRand has it

/** sfc32: numbers of 32 random bits, the same for the same seed. */
export class SeededRandom implements Random {
  #a = 0;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed any integer from 0 to 2^53-1 */
  constructor(seed: number) {
    invariant(Number.isSafeInteger(seed) && seed >= 0, `a seed is an integer from 0 to 2^53-1, not ${seed}`);
    this.#b = seed | 0;
    this.#c = Math.floor(seed / RANGE_32) | 0;
    for (let round = 0; round < MIXING_ROUNDS; round++) this.next();
  }

  next(): number {
    const drawn = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + drawn) | 0;
    return (drawn >>> 0) / RANGE_32;
  }
}

/** A seed that nobody can guess, from the operating system; print it, and what follows can be repeated. */
export function freshSeed(): number {
  return cryptoRandomInt(SEED_LIMIT);
}

/** A generator of its own, with a fresh seed. */
export function systemRandom(): Random {
  return new SeededRandom(freshSeed());
}

/** An integer from `from` to `to`, both inclusive; at most 2^32 different ones. */
export function randomInt(random: Random, from: number, to: number): number {
  const count = to - from + 1;
  invariant(count >= 1 && count <= RANGE_32, `a range holds 1 to 2^32 integers, not ${from} to ${to}`);
  return from + Math.floor(random.next() * count);
}
