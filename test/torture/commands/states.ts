/**
 * States: whether replicas that were told the same commands are in the same state: by what each tells on its way, where
 * others have come, too; and by the bytes in the end.
 *
 *   marked(name, instance, digest), told(name, …) → Violation?
 */
import { Violation } from '../../../src/sim/violation.ts';

export class States {
  /** by instance: who told of the state there first, and what */
  readonly #marks = new Map<number, { readonly name: string; readonly digest: string }>();
  #compared = 0;

  /** How often one state was held against another. */
  get compared(): number {
    return this.#compared;
  }

  /** @throws Violation */
  marked(name: string, instanceId: number, digest: string): void {
    const first = this.#marks.get(instanceId);
    if (first === undefined) {
      this.#marks.set(instanceId, { name, digest });
      return;
    }
    this.#compared++;
    if (first.digest === digest) return;
    throw new Violation('states', `${name} is in another state than ${first.name} was there`, instanceId);
  }

  /** In the end, all at the same instance. @throws Violation */
  ended(told: readonly { readonly name: string; readonly digest: string }[]): void {
    const [first] = told;
    for (const { name, digest } of told) {
      if (digest !== first?.digest)
        throw new Violation('states', `${name} is in another state than ${first?.name} in the end`);
      this.#compared++;
    }
  }
}
