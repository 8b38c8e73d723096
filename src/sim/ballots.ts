/**
 * Ballots: a ballot carries one value an instance, for ever, whoever proposes it and however often it was restarted.
 * Looks at ACCEPTs alone, wherever they were seen.
 */
import { sameBytes } from '../paxos/acceptor.ts';
import { text } from './text.ts';
import { Violation } from './violation.ts';

export class Ballots {
  /** by instance, then ballot: the value of the first ACCEPT seen */
  readonly #proposed = new Map<number, Map<number, Uint8Array>>();

  /**
   * An ACCEPT was seen.
   * @throws Violation if its ballot carried another value before
   */
  proposed(instanceId: number, ballot: number, value: Uint8Array): void {
    let ballots = this.#proposed.get(instanceId);
    if (ballots === undefined) {
      ballots = new Map();
      this.#proposed.set(instanceId, ballots);
    }
    const known = ballots.get(ballot);
    if (known === undefined) ballots.set(ballot, value.slice());
    else if (!sameBytes(known, value)) {
      const values = `"${text(known)}" and to "${text(value)}"`;
      throw new Violation('ballots', `ballot ${ballot} was given to ${values}`, instanceId);
    }
  }
}
