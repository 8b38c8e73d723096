/**
 * CounterMachine: the replicated state machine of the counter example. Every value counts one; a value
 * `TRIM replica instance` counts nothing, and says that this replica has a checkpoint up to that instance.
 *
 *   apply(instance, value) → count | what may be trimmed
 *
 * It sees no network and no file. Equal sequences give equal counts on every replica, an original's included.
 *
 * Invariant: nothing above this replica's own checkpoint, or above what any replica said of its own, may be trimmed.
 */
import type { CounterState } from './counter-state.ts';

/** Instances between two checkpoints. */
export const CHECKPOINT_INSTANCES = 100;
/** No longer text is looked at: the original's has at most 64 bytes. */
const MAX_TRIM_BYTES = 64;
/** As sscanf reads `TRIM %d %d`. */
const TRIM = /^TRIM\s*([+-]?\d+)(?:\s+([+-]?\d+)|([+-]\d+))/;

export class CounterMachine {
  #count: number;
  #instanceId: number;
  /** by replica: the instance of its latest checkpoint that was said */
  readonly #checkpoints: number[];
  #own: number;
  #trimmed = 0;

  /**
   * @param replicas how many there are
   * @param state the checkpoint to go on from, which is on disk
   */
  constructor(replicas: number, state: CounterState) {
    this.#count = state.count;
    this.#instanceId = state.instanceId;
    this.#own = state.instanceId;
    this.#checkpoints = new Array<number>(replicas).fill(0);
  }

  get state(): CounterState {
    return { count: this.#count, instanceId: this.#instanceId };
  }

  /** Applies the next chosen value. */
  apply(instanceId: number, value: Uint8Array): void {
    this.#instanceId = instanceId;
    const trim = readTrim(value);
    if (trim === undefined) this.#count++;
    else this.#note(trim.replica, trim.instanceId);
  }

  /** This replica's checkpoint up to here is on disk. */
  checkpointed(instanceId: number): void {
    this.#own = Math.max(this.#own, instanceId);
  }

  /** The instance up to which everybody has a checkpoint, if it has risen since this was last asked. */
  takeTrim(): number | undefined {
    const trim = Math.min(this.#own, ...this.#checkpoints);
    if (trim <= this.#trimmed) return undefined;
    this.#trimmed = trim;
    return trim;
  }

  /** What no replica can have said is not believed: a checkpoint of the future, or of nobody. */
  #note(replica: number, instanceId: number): void {
    const known = this.#checkpoints[replica];
    if (known === undefined || instanceId <= known || instanceId > this.#instanceId) return;
    this.#checkpoints[replica] = instanceId;
  }
}

/** The value that says that a replica has a checkpoint, with the NUL that the original ends it with. */
export function trimValue(replica: number, instanceId: number): Uint8Array {
  return new TextEncoder().encode(`TRIM ${replica} ${instanceId}\0`);
}

function readTrim(value: Uint8Array): CheckpointSaid | undefined {
  const [text = ''] = new TextDecoder('latin1').decode(value.subarray(0, MAX_TRIM_BYTES)).split('\0', 1);
  const match = TRIM.exec(text);
  return match === null ? undefined : { replica: Number(match[1]), instanceId: Number(match[2] ?? match[3]) };
}

interface CheckpointSaid {
  readonly replica: number;
  readonly instanceId: number;
}
