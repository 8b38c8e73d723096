/**
 * What a node is started with: its world, and what its roles need to be told.
 */
import type { Config } from '../config/config.ts';
import type { Chosen } from '../paxos/learner.ts';
import type { Storage } from '../paxos/storage.ts';
import type { Clock, Random, Transport } from '../transport/transport.ts';
import type { Node } from './node.ts';
import type { Observer } from './observer.ts';
import type { MachineHandler, PeerListener } from './roles.ts';

/** The world a node runs in; the real one unless told. */
export interface World {
  readonly transport?: Transport;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly observer?: Observer;
}

export interface NodeOptions extends World {
  readonly config: Config;
  /** bit set of Role */
  readonly roles: number;
  /** acceptor and proposer id; 0 where the roles need none */
  readonly id: number;
  /** for an acceptor */
  readonly storage?: Storage;
  /** listen here instead of where the config says; undefined: the config's port. Learners do not listen. */
  readonly port?: number;
  /** for a learner: takes each instance, in order */
  readonly deliver?: (chosen: Chosen) => void;
  readonly wantsMore?: () => boolean;
  /** for a learner: from instance 1, or from the first heard of; as `learner-catch-up` says unless told */
  readonly catchUp?: boolean;
  /** for a client: the proposer that values are given to while it can be reached */
  readonly proposerId?: number;
  /** a state machine that hears what its clients and the other replicas say; made when the node has all its roles */
  readonly machine?: (node: Node) => MachineHandler & PeerListener;
  /** instances that are needed were trimmed; unless given, the node ends with BEHIND_TRIM */
  readonly behindTrim?: (instanceId: number, trimInstanceId: number) => void;
  /** sizes of rings, powers of two; smaller ones for simulations */
  readonly rings?: Rings;
}

export interface Rings {
  /** how many instances a proposer holds open at once */
  readonly inFlight: number;
  /** how many instances above the next one a learner keeps */
  readonly learner: number;
}
