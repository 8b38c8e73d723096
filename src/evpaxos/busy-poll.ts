/**
 * BusyPoll: a leader under load does not sleep between a question and its answer, nor between an answer and the next
 * value.
 *
 *   a turn of a leader → did input come soon after most turns like it? → look again and again → input | sleep after a while
 *
 * Who sleeps is woken some 20 to 50 µs late, which is more than an acceptor in memory needs to answer, and whoever wakes
 * it pays for that. Leaders alone: of the hops that a value takes every other one ends there. Turns are alike that
 * leave something under way, or leave nothing: where values are far apart their answers may be near, and looking for the
 * next value would be in vain.
 *
 * After the polling of kvm's halts and of Linux's sockets (halt_poll_ns, net.core.busy_poll).
 */
import type { Config } from '../config/config.ts';
import type { Clock } from '../transport/transport.ts';
import type { Turn } from './turn.ts';

const MICROS_PER_MS = 1000;
/** A count goes up with each near input, and down with each that was not; it polls while that is above the half of this. */
const MOST = 16;

export interface BusyPollOptions {
  readonly config: Pick<Config, 'busyPollMicros'>;
  readonly turn: Pick<Turn, 'now'>;
  readonly clock: Clock;
}

export class BusyPoll {
  readonly #options: BusyPollOptions;
  readonly #forMs: number;
  /** when the last turn began, and when it had done its work */
  #beganAt = 0;
  #doneAt = Number.NEGATIVE_INFINITY;
  #wasUnderWay = false;
  /** how near input was after turns that left nothing under way, and something: 0 to MOST */
  #nearIdle = 0;
  #nearUnderWay = 0;

  constructor(options: BusyPollOptions) {
    this.#options = options;
    this.#forMs = options.config.busyPollMicros / MICROS_PER_MS;
  }

  /**
   * A turn of a leader has done its work. Hot.
   * @param isUnderWay true: acceptances are waited for
   */
  turnDone(isUnderWay: boolean): void {
    const { clock, turn } = this.#options;
    if (this.#forMs === 0 || clock.busyPoll === undefined) return;
    const beganAt = turn.now;
    // The steps of a turn may run more than once.
    if (beganAt !== this.#beganAt) {
      const isNear = beganAt - this.#doneAt <= this.#forMs;
      if (this.#wasUnderWay) this.#nearUnderWay = counted(this.#nearUnderWay, isNear);
      else this.#nearIdle = counted(this.#nearIdle, isNear);
      this.#beganAt = beganAt;
    }
    this.#doneAt = clock.now();
    this.#wasUnderWay = isUnderWay;
    if (2 * (isUnderWay ? this.#nearUnderWay : this.#nearIdle) > MOST) clock.busyPoll(this.#forMs);
  }
}

function counted(count: number, isNear: boolean): number {
  return isNear ? Math.min(count + 1, MOST) : Math.max(count - 1, 0);
}
