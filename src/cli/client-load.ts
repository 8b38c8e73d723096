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
/** Stamps are told apart by their last 17 minutes. */
const STAMP_KEYS = 2 ** 30;

export interface LoadOptions {
  readonly clientId: number;
  /** how many values are on their way at a time, from 1 */
  readonly outstanding: number;
  /** how many are submitted altogether */
  readonly count: number;
  readonly textBytes: number;
  readonly clock: Clock;
  readonly random: Random;
  /** hands a value in, which is valid during the call; throws a PaxosError QUEUE_FULL if it has to wait */
  readonly offer: (value: Uint8Array, chosen: (() => void) | undefined) => void;
  /** one of its own was delivered, or is known to be chosen, at `now` by the clock */
  readonly learned: (valueBytes: number, latencyMicros: number, now: number) => void;
}

export class Load {
  readonly #options: LoadOptions;
  readonly #values: ValueMaker;
  /** by the last digits of the stamp, which a Map takes without allocating: when it was handed in, in milliseconds */
  readonly #pending = new Map<number, number>();
  /** likewise, of those pending that are said to be chosen: when that was said */
  readonly #chosen = new Map<number, number>();
  /** what the wall clock showed, in microseconds, when the clock was at 0 */
  #wallOffset: number;
  #lastStamp = 0;
  #offered = 0;
  #hears = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#values = new ValueMaker(options.clientId, options.textBytes, options.random);
    this.#wallOffset = wallOffset(options.clock);
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
   * Hot. Hands in as many values as may be on their way; fewer while the node has no room for more.
   * @throws PaxosError VALUE_TOO_LARGE, CLOSED
   */
  fill(): void {
    const { outstanding, count, clock } = this.#options;
    while (this.#pending.size < outstanding && this.#offered < count) {
      const now = clock.now();
      // Stamps are no clock: values of one microsecond get one each, and their true times are kept here.
      const stamp = Math.max(Math.floor(this.#wallOffset + now * MICROS_PER_MS), this.#lastStamp + 1);
      const key = stamp % STAMP_KEYS;
      if (!this.#offer(this.#values.make(stamp), key)) return;
      this.#lastStamp = stamp;
      this.#offered++;
      this.#pending.set(key, now);
    }
  }

  /** Hot. A value was delivered; true if it is one of these, for the first time. */
  delivered(value: Uint8Array): boolean {
    this.#hears = true;
    const stamp = ownStamp(value, this.#options.clientId);
    return stamp !== undefined && this.#finish(stamp % STAMP_KEYS, this.#options.clock.now());
  }

  /** To be called about once a second: follows the wall clock, and counts what was chosen before this client could hear of it. */
  sweep(): void {
    this.#wallOffset = wallOffset(this.#options.clock);
    const now = this.#options.clock.now();
    for (const [key, chosenAt] of this.#chosen) if (now - chosenAt >= UNHEARD_MS) this.#finish(key, chosenAt);
    this.fill();
  }

  #noteChosen(key: number): void {
    if (this.#pending.has(key)) this.#chosen.set(key, this.#options.clock.now());
  }

  #offer(value: Uint8Array, key: number): boolean {
    const { offer } = this.#options;
    try {
      // Deliveries have no gaps: only what was handed in before the first of them can be missed.
      offer(value, this.#hears ? undefined : () => this.#noteChosen(key));
      return true;
    } catch (error) {
      if (error instanceof PaxosError && error.code === 'QUEUE_FULL') return false;
      throw error;
    }
  }

  #finish(key: number, at: number): boolean {
    const offeredAt = this.#pending.get(key);
    if (offeredAt === undefined) return false;
    this.#pending.delete(key);
    if (this.#chosen.size > 0) this.#chosen.delete(key);
    this.#options.learned(this.#values.valueBytes, (at - offeredAt) * MICROS_PER_MS, at);
    return true;
  }
}

function wallOffset(clock: Clock): number {
  return clock.wallMicros() - clock.now() * MICROS_PER_MS;
}
