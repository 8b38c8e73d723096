/**
 * Nodes: a node of the explored system is core objects of one process, and what the networked node around them would do.
 *
 *   copy() → apply(event) → a node in another state, letters sent, what it claims to be chosen, faults
 *
 * A node is never changed once it is known to the search: a copy is. What a node does depends on its state and the
 * event alone, so that each step of each state is taken once, however often the search comes by.
 */
import type { StateWriter } from '../../paxos/state.ts';
import type { Check } from './configuration.ts';
import type { Letter } from './letter.ts';

export type Event =
  | { readonly type: 'deliver'; readonly letter: Letter }
  /** takes a higher ballot, as when time runs out */
  | { readonly type: 'raise' }
  | { readonly type: 'step-down' }
  /** the process ends, and another begins */
  | { readonly type: 'restart' }
  /** what was written is on disk, and the answers leave */
  | { readonly type: 'sync' }
  /** is asked for all that it accepted */
  | { readonly type: 'repeat' }
  /** the connection to an acceptor is lost */
  | { readonly type: 'lost'; readonly acceptorId: number };

/** A node takes a value for chosen. */
export interface Claim {
  readonly instanceId: number;
  readonly value: string;
}

export interface Fault {
  readonly check: Check;
  readonly what: string;
}

/** What a step brought about beside the node's new state. */
export class Outcome {
  readonly letters: Letter[] = [];
  readonly claims: Claim[] = [];
  readonly faults: Fault[] = [];
}

export interface ExploredNode {
  copy(): ExploredNode;
  apply(event: Event, outcome: Outcome): void;
  /** True if a letter to this node alone cannot change it any more: not now, and not after whatever comes. */
  isDead(letter: Letter): boolean;
  /** Writes all that the node's future depends on, and nothing that names itself. */
  writeState(to: StateWriter): void;
}

const decoder = new TextDecoder();

export function textOf(value: Uint8Array): string {
  return decoder.decode(value);
}
