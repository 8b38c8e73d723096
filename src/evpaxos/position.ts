/**
 * Position: where a proposer that starts on a running cluster begins, without running old instances again.
 *
 * Acceptors of ours say how far they are. Originals do not: the end of their history is found by probing, in a search
 * that gallops up and then halves. A wrong answer costs time or leaves a hole, never agreement, since any instance may
 * be prepared at any time.
 */

/** Finds the highest instance that has a value, on acceptors that can only be asked about one instance at a time. */
export class EndSearch {
  #known: number;
  #free = Number.POSITIVE_INFINITY;
  #step = 1;

  /** @param known an instance at or below the end; 0: none is known */
  constructor(known: number) {
    this.#known = known;
  }

  /** The instance to ask about; meaningless once the end is found. */
  get probe(): number {
    if (this.#free === Number.POSITIVE_INFINITY) return this.#known + this.#step;
    return Math.floor((this.#known + this.#free) / 2);
  }

  /** The highest instance with a value, once found. */
  get end(): number | undefined {
    return this.#free - this.#known <= 1 ? this.#known : undefined;
  }

  /** A quorum answered for `probe`: whether any of them has a value there. */
  answer(hasValue: boolean): void {
    if (!hasValue) {
      this.#free = this.probe;
      return;
    }
    this.#known = this.probe;
    if (this.#free === Number.POSITIVE_INFINITY) this.#step *= 2;
  }

  /** Instances up to `instanceId` turned out to be history. */
  raiseTo(instanceId: number): void {
    if (instanceId <= this.#known) return;
    this.#known = instanceId;
    if (this.#free <= instanceId) this.#free = Number.POSITIVE_INFINITY;
    this.#step = 1;
  }
}

/** What is known about how far the cluster is. */
export interface Progress {
  /** delivered in this process */
  readonly delivered: number;
  /** the most that an acceptor of ours knows to be chosen */
  readonly chosen: number;
  /** the highest accepted instance of each acceptor that answered, of a quorum or more */
  readonly highestAccepted: readonly number[];
  /** the highest trim point that is believed */
  readonly trimmed: number;
  /** the most instances that a proposer holds open at once */
  readonly inFlight: number;
}

/**
 * The first instance that may be undecided. Whoever accepted an instance shows that all more than `inFlight` below it
 * were settled; the lowest answer of the quorum is taken, so that one acceptor that was fed nonsense moves nobody.
 */
export function firstUndecided(progress: Progress): number {
  const { delivered, chosen, highestAccepted, trimmed, inFlight } = progress;
  const reached = highestAccepted.length === 0 ? 0 : Math.min(...highestAccepted);
  return 1 + Math.max(delivered, chosen, trimmed, reached - inFlight, 0);
}
