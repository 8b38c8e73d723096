/**
 * What a proposer on the network is made with, and the core that it drives: one value an instance, or batches.
 */
import type { Config } from '../config/config.ts';
import { Proposer } from '../paxos/proposer.ts';
import type { Waiting } from '../paxos/waiting.ts';
import type { Clock, Random } from '../transport/transport.ts';
import { Batches } from './batch.ts';
import type { Observer } from './observer.ts';
import type { Peers } from './peers.ts';
import type { Turn } from './turn.ts';
import { maxValueBytes, type Value } from './values.ts';

export interface ProposerRoleOptions {
  readonly id: number;
  readonly config: Config;
  /** how many instances may be open at once, a power of two; so many are run again after the whole cluster stopped */
  readonly inFlight: number;
  readonly peers: Peers;
  readonly turn: Turn;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer;
  /** the highest instance this node has delivered without a gap */
  readonly delivered: () => number;
  /** the highest instance this node knows to be chosen */
  readonly highestChosen: () => number;
  /** a value of this node's was chosen */
  readonly chosen: (value: Value) => void;
  /** everything up to `instanceId` was found to be settled */
  readonly placed: (instanceId: number) => void;
  /** for how long the disk of this process has not answered, ms */
  readonly diskWaitingMs: () => number;
  /** the proposer cannot go on */
  readonly failed: (error: unknown) => void;
}

/** The core of a proposer that has this config. */
export function coreOf(options: ProposerRoleOptions): Proposer<Value> {
  const { id, config, clock, random, inFlight } = options;
  const window = Math.min(config.proposerPreexecWindow, inFlight);
  const isRaw = config.valueFormat === 'raw';
  const batches = isRaw ? undefined : new Batches(clock, random, maxValueBytes(config));
  const join = batches && ((waiting: Waiting<Value>) => batches.join(waiting));
  return new Proposer<Value>({ id, acceptors: config.acceptors.length, window, inFlight, join });
}
