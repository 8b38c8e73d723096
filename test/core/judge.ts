/**
 * Judge: watches a test's cluster and throws at the first thing that must never happen.
 */
import { Quorum } from '../../src/paxos/quorum.ts';
import type { ClusterEvent } from './event.ts';
import { shownValue } from './message.ts';

/** As it is shown; it may be chosen anywhere. */
const NO_OP = shownValue(new Uint8Array(0));

export class Judge {
  readonly #acceptors: number;
  /** by instance and ballot: the value, and who accepted it */
  readonly #ballots = new Map<string, { readonly value: string; readonly votes: Quorum }>();
  /** by instance: what is chosen there */
  readonly chosen = new Map<number, string>();
  readonly #chosenAt = new Map<string, number>();
  readonly #delivered = new Map<string, number>();

  constructor(acceptors: number) {
    this.#acceptors = acceptors;
  }

  /** To be told of everything that happens. */
  observe(event: ClusterEvent): void {
    if (event.type === 'accepted' && event.body.type === 'accept') {
      const { instanceId, ballot, value } = event.body;
      this.#accepted(Number(event.node.slice(1)), instanceId, ballot, shownValue(value));
    } else if (event.type === 'delivered') {
      this.#mustBeChosen(event.node, event.instanceId, shownValue(event.value));
      const last = this.#delivered.get(event.node) ?? 0;
      if (event.instanceId !== last + 1) throw new Error(`${event.node} delivers out of order`);
      this.#delivered.set(event.node, event.instanceId);
    } else if (event.type === 'chosen') {
      this.#mustBeChosen(event.node, event.instanceId, shownValue(event.value));
    }
  }

  /** To be told of a new learner, which delivers from the beginning. */
  restarted(node: string): void {
    this.#delivered.delete(node);
  }

  #accepted(acceptorId: number, instanceId: number, ballot: number, value: string): void {
    const key = `instance ${instanceId}, ballot ${ballot}`;
    const known = this.#ballots.get(key) ?? { value, votes: new Quorum(this.#acceptors) };
    this.#ballots.set(key, known);
    if (known.value !== value) throw new Error(`${key} carries ${known.value} and ${value}`);
    known.votes.add(acceptorId);
    if (known.votes.reached()) this.#choose(instanceId, value);
  }

  #choose(instanceId: number, value: string): void {
    const known = this.chosen.get(instanceId) ?? value;
    if (known !== value) throw new Error(`instance ${instanceId} has ${known} and ${value}`);
    this.chosen.set(instanceId, value);
    if (value === NO_OP) return;
    const at = this.#chosenAt.get(value) ?? instanceId;
    if (at !== instanceId) throw new Error(`${value} is chosen at ${at} and at ${instanceId}`);
    this.#chosenAt.set(value, instanceId);
  }

  #mustBeChosen(node: string, instanceId: number, value: string): void {
    const chosen = this.chosen.get(instanceId);
    if (chosen !== value)
      throw new Error(`${node} takes ${value} for chosen at ${instanceId}; it is ${chosen}`);
  }
}
