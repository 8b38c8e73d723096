/**
 * The context of a command: what a machine may know of the world. One object for all commands, so none is made for
 * each; it is the command's only while that is applied.
 *
 * Chance comes from the seed that the leader put into the instance's CLOCK, the instance and the index: the same on
 * every replica, and another for every command. Where an instance has no CLOCK the seed is 0.
 */
import { SeededRandom } from '../transport/random.ts';
import type { ApplyContext } from './machine.ts';

const UINT32 = 2 ** 32;
const UINT21 = 2 ** 21;

/** @internal The host changes it from command to command. */
export class CommandContext implements ApplyContext {
  instanceId = 0;
  index = 0;
  timeMs = 0;
  session = 0;
  sequence = 0;
  /** of the instance */
  seed = 0;
  /** false between commands: what is asked for then can be no replica's common knowledge */
  isOpen = false;
  /** the command that #random was made for, by its instance and index */
  #randomInstance = 0;
  #randomIndex = 0;
  #random: SeededRandom | undefined;

  random(): number {
    if (!this.isOpen) throw new Error('context.random() was called outside of apply()');
    if (
      this.#random === undefined ||
      this.#randomIndex !== this.index ||
      this.#randomInstance !== this.instanceId
    ) {
      this.#random = new SeededRandom(commandSeed(this.seed, this.instanceId, this.index));
      this.#randomInstance = this.instanceId;
      this.#randomIndex = this.index;
    }
    return this.#random.next();
  }

  /** The same command is applied once more, by another machine: its chance begins anew. */
  rewind(): void {
    this.#random = undefined;
  }
}

/** 53 bits out of all three. */
function commandSeed(seed: number, instanceId: number, index: number): number {
  const instance = mix((instanceId % UINT32) ^ mix(Math.floor(instanceId / UINT32)));
  const low = mix(seed ^ mix(instance ^ mix(index)));
  const high = mix(low ^ mix(instance + index)) % UINT21;
  return high * UINT32 + low;
}

/** The finalizer of MurmurHash3 (Appleby), which is a bijection: every bit of the input changes half of the bits. */
function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85eb_ca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
