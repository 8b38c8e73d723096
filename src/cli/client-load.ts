/**
 * Load: keeps a number of values outstanding, and knows each of them again when it is delivered.
 *
 *   fill → offered, pending → delivered: counted once, however often it was chosen → fill
 *
 * A value is known by its stamp, which no other value of this client has. No more are remembered than are
 * outstanding. It knows no cluster: values go out by `offer`, and come back by `delivered`.
 */
import { PaxosError } from '../paxos/error.ts';
import type { Clock, Random } from '../transport/transport.ts';
import { ownStamp, ValueMaker } from './client-value.ts';

const MICROS_PER_MS = 1000;
/** A value that is said to be chosen and that this client does not hear of takes up its place no longer. */
const UNHEARD_MS = 1000;

export interface LoadOptions {
  readonly clientId: number;
  /** how many values are on their way at a time, from 1 */
  readonly outstanding: number;
  /** how many are submitted altogether */
  readonly count: number;
  readonly textBytes: number;
  readonly clock: Clock;
  readonly random: Random;
  /** hands a value in; throws a PaxosError QUEUE_FULL if it has to wait */
  readonly offer: (value: Uint8Array, chosen: () => void) => void;
  /** one of its own was delivered, or is known to be chosen */
  readonly learned: (valueBytes: number, latencyMicros: number) => void;
}

export class Load {
  readonly #options: LoadOptions;
  readonly #values: ValueMaker;
  /** by stamp: when it was handed in, in milliseconds */
  readonly #pending = new Map<number, number>();
  /** by stamp, of those pending that are said to be chosen: when that was said */
  readonly #chosen = new Map<number, number>();
  #lastStamp = 0;
  #offered = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#values = new ValueMaker(options.clientId, options.textBytes, options.random);
  }

  /** How many are on their way. */
  get pending(): number {
    return this.#pending.size;
  }

  /** True once there is nothing more to submit and nothing on its way. */
  get isDone(): boolean {
    return this.#offered === this.#options.count && this.#pending.size === 0;
  }

  /**
   * Hands in as many values as may be on their way; fewer while the node has no room for more.
   * @throws PaxosError VALUE_TOO_LARGE, CLOSED
   */
  fill(): void {
    const { outstanding, count, clock } = this.#options;
    while (this.#pending.size < outstanding && this.#offered < count) {
      // Stamps are no clock: values of one microsecond get one each, and their true times are kept here.
      const stamp = Math.max(clock.wallMicros(), this.#lastStamp + 1);
      if (!this.#offer(this.#values.make(stamp), stamp)) return;
      this.#lastStamp = stamp;
      this.#offered++;
      this.#pending.set(stamp, clock.now());
    }
  }

  /** Hot. A value was delivered; true if it is one of these, for the first time. */
  delivered(value: Uint8Array): boolean {
    const stamp = ownStamp(value, this.#options.clientId);
    if (stamp === undefined || !this.#pending.has(stamp)) return false;
    this.#finish(stamp, this.#options.clock.now());
    return true;
  }

  /** To be called about once a second: counts what was chosen before this client could hear of it. */
  sweep(): void {
    const now = this.#options.clock.now();
    for (const [stamp, chosenAt] of this.#chosen)
      if (now - chosenAt >= UNHEARD_MS) this.#finish(stamp, chosenAt);
    this.fill();
  }

  #offer(value: Uint8Array, stamp: number): boolean {
    const { offer, clock } = this.#options;
    try {
      offer(value, () => {
        if (this.#pending.has(stamp)) this.#chosen.set(stamp, clock.now());
      });
      return true;
    } catch (error) {
      if (error instanceof PaxosError && error.code === 'QUEUE_FULL') return false;
      throw error;
    }
  }

  #finish(stamp: number, at: number): void {
    const offeredAt = this.#pending.get(stamp) ?? at;
    this.#pending.delete(stamp);
    this.#chosen.delete(stamp);
    this.#options.learned(this.#values.valueBytes, (at - offeredAt) * MICROS_PER_MS);
  }
}
