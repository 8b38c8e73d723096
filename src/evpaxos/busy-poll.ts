/**
 * BusyPoll: a leader under load does not sleep between a question and its answer, nor between an answer and the next
 * value.
 *
 *   a turn of a leader → was the input near? → most of the last were → look again and again → input | sleep after a while
 *
 * Who sleeps is woken some 20 to 50 µs late, which is more than an acceptor in memory needs to answer, and whoever wakes
 * it pays for that. Leaders alone: of the hops that a value takes every other one ends there. Where input is not
 * near, since a disk is waited for or little is proposed, it sleeps at once, and nothing is paid.
 *
 * After the polling of kvm's halts and of Linux's sockets (halt_poll_ns, net.core.busy_poll).
 */
import type { Config } from '../config/config.ts';
import type { Clock } from '../transport/transport.ts';
import type { Turn } from './turn.ts';

const MICROS_PER_MS = 1000;
/** So many turns are remembered; it polls where input was near in more than half of them. */
const REMEMBERED = 16;

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
  /** how many more turns had near input than had not, 0 to REMEMBERED */
  #near = 0;

  constructor(options: BusyPollOptions) {
    this.#options = options;
    this.#forMs = options.config.busyPollMicros / MICROS_PER_MS;
  }

  /** A turn of a leader has done its work. Hot. */
  turnDone(): void {
    const { clock, turn } = this.#options;
    if (this.#forMs === 0 || clock.busyPoll === undefined) return;
    const beganAt = turn.now;
    // The steps of a turn may run more than once.
    if (beganAt !== this.#beganAt) {
      const isNear = beganAt - this.#doneAt <= this.#forMs;
      this.#near = isNear ? Math.min(this.#near + 1, REMEMBERED) : Math.max(this.#near - 1, 0);
      this.#beganAt = beganAt;
    }
    this.#doneAt = clock.now();
    if (2 * this.#near > REMEMBERED) clock.busyPoll(this.#forMs);
  }
}
