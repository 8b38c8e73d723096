/**
 * Frontier: how far the instances of an acceptor reach, but for those that stand alone, far above all others. Nobody
 * proposes so far ahead; one message of nonsense does. A proposer that went there would leave a hole behind that no
 * learner gets over, and a trim up to there would end the acceptor.
 *
 *   note(i): near the frontier → it moves there | far above → it moves once enough others came there as well
 *
 * It never sinks. What it leaves out is kept, and promised, like all else: this is for reckoning, not for agreement.
 */
import type { Storage } from '../paxos/storage.ts';

/** Proposers open no more than this many instances at a time. */
const NEAR_INSTANCES = 8192;
/** So many instances near each other are more than nonsense: the acceptor was away while the others went on. */
const ENOUGH_INSTANCES = 512;

export class Frontier {
  #reached: number;
  /** the highest instance of the newest group far above, and how often one of it came */
  #far = 0;
  #farCount = 0;

  constructor(storage: Pick<Storage, 'trimInstanceId' | 'highestAccepted' | 'accepted'>) {
    this.#reached = reachedBy(storage);
  }

  /** The highest instance with a value that does not stand alone; 0: none. */
  get reached(): number {
    return this.#reached;
  }

  /** A value was accepted for an instance. Hot. */
  note(instanceId: number): void {
    if (instanceId <= this.#reached) return;
    if (instanceId <= this.#reached + NEAR_INSTANCES) this.#reached = instanceId;
    else this.#noteFar(instanceId);
  }

  #noteFar(instanceId: number): void {
    const isNear = Math.abs(instanceId - this.#far) <= NEAR_INSTANCES;
    this.#farCount = isNear ? this.#farCount + 1 : 1;
    this.#far = isNear ? Math.max(this.#far, instanceId) : instanceId;
    if (this.#farCount >= ENOUGH_INSTANCES) this.#reached = this.#far;
  }
}

/** Looks at what is stored: from the top if that is not alone, else for the end of what goes on from the trim point. */
function reachedBy(storage: Pick<Storage, 'trimInstanceId' | 'highestAccepted' | 'accepted'>): number {
  const { trimInstanceId, highestAccepted } = storage;
  if (highestAccepted - trimInstanceId <= NEAR_INSTANCES) return highestAccepted;
  if (countAbove(storage, highestAccepted - NEAR_INSTANCES) >= ENOUGH_INSTANCES) return highestAccepted;
  let low = trimInstanceId;
  let step = NEAR_INSTANCES;
  while (countAbove(storage, low + step) >= ENOUGH_INSTANCES) {
    low += step;
    step *= 2;
  }
  for (; step >= NEAR_INSTANCES; step /= 2) {
    if (countAbove(storage, low + step) >= ENOUGH_INSTANCES) low += step;
  }
  let reached = trimInstanceId;
  for (const { instanceId } of storage.accepted(low + 1, low + 2 * NEAR_INSTANCES)) reached = instanceId;
  return reached;
}

/** How many instances have a value among those above `instanceId`, but no more than are enough. */
function countAbove(storage: Pick<Storage, 'accepted'>, instanceId: number): number {
  let count = 0;
  for (const _ of storage.accepted(instanceId + 1, instanceId + NEAR_INSTANCES)) {
    if (++count === ENOUGH_INSTANCES) break;
  }
  return count;
}
