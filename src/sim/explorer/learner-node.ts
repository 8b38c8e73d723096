/**
 * LearnerNode: a learner's process, and what it delivered.
 */
import type { Learner } from '../../paxos/learner.ts';
import type { StateWriter } from '../../paxos/state.ts';
import type { Configuration, Parts } from './configuration.ts';
import { inFlight } from './limits.ts';
import { type Event, type ExploredNode, type Outcome, textOf } from './node.ts';

export class LearnerNode implements ExploredNode {
  readonly #core: Learner;

  private constructor(core: Learner) {
    this.#core = core;
  }

  static start(configuration: Configuration, parts: Parts): LearnerNode {
    return new LearnerNode(
      parts.learner({ acceptors: configuration.acceptors, window: inFlight(configuration) }),
    );
  }

  copy(): LearnerNode {
    return new LearnerNode(this.#core.copy());
  }

  isDead(): boolean {
    return false;
  }

  writeState(to: StateWriter): void {
    this.#core.writeState(to);
  }

  apply(event: Event, outcome: Outcome): void {
    if (event.type !== 'deliver') return;
    const { body } = event.letter;
    if (body.type === 'chosen') this.#core.receiveChosen(body.ballot, body.from, body.to);
    else if (body.type === 'accepted')
      this.#core.receiveAccepted(body.acceptorId, body.instanceId, body.valueBallot, body.value);
    let expected = this.#core.nextInstanceId;
    for (let next = this.#core.deliverNext(); next !== undefined; next = this.#core.deliverNext()) {
      const { instanceId, value } = next;
      outcome.claims.push({ instanceId, value: textOf(value) });
      if (instanceId !== expected++)
        outcome.faults.push({ check: 'learning', what: `the learner delivers ${instanceId} out of order` });
    }
  }
}
