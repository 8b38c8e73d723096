/**
 * BusyPoll: a leader under load does not sleep between a question and its answer, nor between an answer and the next
 * value.
 *
 *   a value is under way   did the next input come soon, as a rule?             → look again and again | sleep
 *   nothing is             did the next value come soon after that, as a rule?  → look again and again | sleep
 *
 * Who sleeps is woken some 20 to 50 µs late, which is more than an acceptor in memory needs to answer, and whoever wakes
 * it pays for that. Leaders alone: of the hops that a value takes every other one ends there. The two are told apart: where
 * values are far apart their answers may be near, and looking for the next value would be in vain.
 *
 * After the polling of kvm's halts and of Linux's sockets (halt_poll_ns, net.core.busy_poll).
 */
import type { Config } from '../config/config.ts';
import type { Clock } from '../transport/transport.ts';
import type { Turn } from './turn.ts';

const MICROS_PER_MS = 1000;
/** A count goes up with what was near, and down with what was not; it polls while that is above the half of this. */
const MOST = 16;

export interface BusyPollOptions {
  readonly config: Pick<Config, 'busyPollMicros'>;
  readonly turn: Pick<Turn, 'askedAt' | 'isScheduled'>;
  readonly clock: Clock;
}

export class BusyPoll {
  readonly #options: BusyPollOptions;
  readonly #forMs: number;
  /** when there was nothing more to do, and since when nothing is under way */
  #doneAt = Number.NEGATIVE_INFINITY;
  #idleSince = Number.NEGATIVE_INFINITY;
  #wasUnderWay = false;
  /** how near input was where something was under way, and the next value where nothing was: 0 to MOST */
  #nearInput = 0;
  #nearValue = 0;

  constructor(options: BusyPollOptions) {
    this.#options = options;
    this.#forMs = options.config.busyPollMicros / MICROS_PER_MS;
  }

  /**
   * A turn of a leader has written what leaves. Hot.
   * @param isUnderWay true: acceptances are waited for
   */
  turnEnded(isUnderWay: boolean): void {
    const { clock, turn } = this.#options;
    // A turn that a turn asked for is no input: only what comes once there is nothing more to do.
    if (this.#forMs === 0 || clock.busyPoll === undefined || turn.isScheduled) return;
    if (this.#wasUnderWay) this.#nearInput = counted(this.#nearInput, this.#isNear(this.#doneAt));
    else if (isUnderWay) this.#nearValue = counted(this.#nearValue, this.#isNear(this.#idleSince));
    this.#doneAt = clock.now();
    if (this.#wasUnderWay && !isUnderWay) this.#idleSince = this.#doneAt;
    this.#wasUnderWay = isUnderWay;
    const restMs = isUnderWay ? this.#forMs : this.#idleSince + this.#forMs - this.#doneAt;
    if (2 * (isUnderWay ? this.#nearInput : this.#nearValue) > MOST && restMs > 0) clock.busyPoll(restMs);
  }

  #isNear(since: number): boolean {
    return this.#options.turn.askedAt - since <= this.#forMs;
  }
}

function counted(count: number, isNear: boolean): number {
  return isNear ? Math.min(count + 1, MOST) : Math.max(count - 1, 0);
}
