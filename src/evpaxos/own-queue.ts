/** OwnQueue: where values wait in a node without a proposer, until somebody can be given them. */
import { WaitingValues } from '../paxos/waiting.ts';
import type { Value, ValueQueue } from './values.ts';

export class OwnQueue implements ValueQueue {
  readonly #waiting = new WaitingValues<Value>();

  get waitingCount(): number {
    return this.#waiting.count;
  }

  get waitingBytes(): number {
    return this.#waiting.bytes;
  }

  propose(value: Value): void {
    this.#waiting.push(value);
  }

  takeWaiting(): Value | undefined {
    return this.#waiting.shift();
  }
}
