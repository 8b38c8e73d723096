/**
 * Choices: what is chosen in a run, by the disks alone: a value that a majority of them accepted at one ballot, whoever
 * has heard of it. Reckons for itself what a majority is, since the code under test may have that wrong.
 *
 * Invariant: an instance has one chosen value; a second one is told at the write that chooses it, before any learner
 * can deliver it.
 */
import { sameBytes } from '../paxos/acceptor.ts';
import { type PartsOf, rawParts } from './parts.ts';

/** Who accepted a value at a ballot, as a bit mask of disks. */
interface Acceptance {
  readonly ballot: number;
  readonly value: Uint8Array;
  holders: number;
}

export class Choices {
  readonly #majority: number;
  readonly #partsOf: PartsOf;
  readonly #acceptances = new Map<number, Acceptance[]>();
  /** by instance, the value that was chosen first */
  readonly #chosen = new Map<number, Uint8Array>();
  /** every part of a value that was chosen somewhere */
  readonly #parts = new Set<string>();

  constructor(disks: number, partsOf: PartsOf = rawParts) {
    this.#majority = Math.floor(disks / 2) + 1;
    this.#partsOf = partsOf;
  }

  /** A disk holds that its acceptor accepted this. The value that was chosen there before, if it was another. */
  accepted(disk: number, instanceId: number, ballot: number, value: Uint8Array): Uint8Array | undefined {
    const acceptance = this.#acceptance(instanceId, ballot, value);
    acceptance.holders |= 1 << disk;
    if (bits(acceptance.holders) < this.#majority) return undefined;
    const known = this.#chosen.get(instanceId);
    if (known !== undefined) return sameBytes(known, value) ? undefined : known;
    this.#chosen.set(instanceId, acceptance.value);
    for (const part of this.#partsOf(value)) this.#parts.add(part);
    return undefined;
  }

  #acceptance(instanceId: number, ballot: number, value: Uint8Array): Acceptance {
    const all = this.#acceptances.get(instanceId) ?? [];
    const known = all.find((one) => one.ballot === ballot && sameBytes(one.value, value));
    if (known !== undefined) return known;
    const made = { ballot, value: value.slice(), holders: 0 };
    this.#acceptances.set(instanceId, [...all, made]);
    return made;
  }

  /** True if this value was chosen in this instance. */
  isChosen(instanceId: number, value: Uint8Array): boolean {
    const chosen = this.#chosen.get(instanceId);
    return chosen !== undefined && sameBytes(chosen, value);
  }

  /** True if some value was chosen in this instance. */
  isSettled(instanceId: number): boolean {
    return this.#chosen.has(instanceId);
  }

  /** True if a majority of disks accepted this instance at this ballot. */
  isChosenAt(instanceId: number, ballot: number): boolean {
    const all = this.#acceptances.get(instanceId) ?? [];
    return all.some((one) => one.ballot === ballot && bits(one.holders) >= this.#majority);
  }

  /** True if this part of a value was chosen in any instance. */
  has(part: string): boolean {
    return this.#parts.has(part);
  }
}

function bits(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}
