/**
 * Sequences: what learners deliver, held against what was submitted and against one another. Knows nothing of disks,
 * messages or time: the same judge serves the simulator and real processes.
 *
 *   agreement   an instance has one value, for every learner, for ever
 *   validity    only what was submitted is delivered
 *   order       a learner delivers every instance once, in order, without gaps
 */
import { sameBytes } from '../paxos/acceptor.ts';
import { type PartsOf, rawParts } from './parts.ts';
import { text } from './text.ts';
import { Violation } from './violation.ts';

export class Sequences {
  readonly #isAgreementAsked: boolean;
  readonly #partsOf: PartsOf;
  readonly #submitted = new Set<string>();
  /** by instance: the value that was delivered first */
  readonly #chosen = new Map<number, string>();
  /** the same, as bytes, where agreement is asked for */
  readonly #agreed = new Map<number, Uint8Array>();
  #highestChosen = 0;
  #deliveries = 0;

  /**
   * @param isAgreementAsked false: only order and validity are asked for
   * @param partsOf what of a value somebody has to have submitted
   */
  constructor(isAgreementAsked = true, partsOf: PartsOf = rawParts) {
    this.#isAgreementAsked = isAgreementAsked;
    this.#partsOf = partsOf;
  }

  /** By instance, the value that was chosen. */
  get chosen(): ReadonlyMap<number, string> {
    return this.#chosen;
  }

  /** The highest instance that was delivered anywhere. */
  get highestChosen(): number {
    return this.#highestChosen;
  }

  get deliveries(): number {
    return this.#deliveries;
  }

  submitted(part: string): void {
    this.#submitted.add(part);
  }

  /**
   * A learner, at `expected`, delivered an instance.
   * @returns true if nobody had delivered it before, and agreement is asked for
   * @throws Violation
   */
  delivered(learner: string, expected: number, instanceId: number, bytes: Uint8Array): boolean {
    this.#deliveries++;
    if (instanceId !== expected) {
      throw new Violation(
        'order',
        `${learner} delivered ${instanceId} where ${expected} was next`,
        instanceId,
      );
    }
    const agreed = this.#agreed.get(instanceId);
    if (agreed !== undefined && sameBytes(agreed, bytes)) return false;
    const value = text(bytes);
    this.#highestChosen = Math.max(this.#highestChosen, instanceId);
    const foreign = this.#partsOf(bytes).find((part) => !this.#submitted.has(part));
    if (foreign !== undefined) {
      throw new Violation(
        'validity',
        `${learner} delivered "${foreign}", which nobody submitted`,
        instanceId,
      );
    }
    const known = this.#chosen.get(instanceId);
    if (!this.#isAgreementAsked) {
      this.#chosen.set(instanceId, value);
      return false;
    }
    if (known !== undefined && known !== value) {
      throw new Violation('agreement', `${learner} delivered "${value}", others "${known}"`, instanceId);
    }
    if (known !== undefined) return false;
    this.#chosen.set(instanceId, value);
    this.#agreed.set(instanceId, bytes.slice());
    return true;
  }
}
