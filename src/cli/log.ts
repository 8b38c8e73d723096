/**
 * Log: what happens to a node, as the lines that the original writes: `24 Nov 10:03:07. Listening on port 8800`.
 *
 * The same failure to connect is told at growing intervals, not at every attempt: whoever waits for a peer wants to
 * see the other lines.
 */
import pc from 'picocolors';
import type { Verbosity } from '../config/index.ts';
import { describeEvent, type LogLevel, type NodeEvent, type Observer } from '../evpaxos/index.ts';
import type { Io } from './io.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const LEVELS: readonly Verbosity[] = ['quiet', 'error', 'info', 'debug'];

/** A peer that cannot be reached is told again after this, then after twice as long, and so on. */
const FIRST_REPEAT_MS = 2_000;
const LAST_REPEAT_MS = 30_000;

/** What was told of a peer that cannot be reached. */
interface Attempts {
  reason: string | undefined;
  isTold: boolean;
  tellAt: number;
  pauseMs: number;
}

export class Log implements Observer {
  readonly #write: (text: string) => void;
  readonly #io: Io;
  readonly #colours: ReturnType<typeof pc.createColors>;
  readonly #verbosity: number;
  readonly #attempts = new Map<string, Attempts>();

  /** @param write where lines go; standard output unless told, as the original's */
  constructor(io: Io, verbosity: Verbosity, write = (text: string) => io.out(text)) {
    this.#io = io;
    this.#write = write;
    this.#verbosity = LEVELS.indexOf(verbosity);
    this.#colours = pc.createColors(io.colours);
  }

  report(event: NodeEvent): void {
    // What ends the command is its last line, on standard error.
    if (event.type === 'failed' || event.type === 'behind-trim' || this.#isTold(event)) return;
    const { level, text } = describeEvent(event);
    this.line(level, text);
  }

  line(level: LogLevel, text: string): void {
    if (LEVELS.indexOf(level) > this.#verbosity) return;
    const { dim, yellow } = this.#colours;
    const stamp = dim(logStamp(new Date(this.#io.clock.wallMicros() / 1000)));
    this.#write(`${stamp}${level === 'error' ? yellow(text) : text}\n`);
  }

  /** True if the event only says again that a peer cannot be reached. */
  #isTold(event: NodeEvent): boolean {
    if (event.type === 'connected') this.#attempts.delete(event.remote);
    if (event.type === 'connecting') return this.#isAttemptTold(event.remote);
    if (event.type !== 'disconnected') return false;
    const attempts = this.#attempts.get(event.remote);
    if (attempts === undefined) return false;
    const isNews = attempts.reason !== event.reason;
    attempts.reason = event.reason;
    return attempts.isTold && !isNews;
  }

  #isAttemptTold(remote: string): boolean {
    const now = this.#io.clock.now();
    const attempts = this.#attempts.get(remote);
    if (attempts === undefined) {
      const tellAt = now + FIRST_REPEAT_MS;
      this.#attempts.set(remote, { reason: undefined, isTold: false, tellAt, pauseMs: FIRST_REPEAT_MS });
      return false;
    }
    attempts.isTold = now < attempts.tellAt;
    if (attempts.isTold) return true;
    attempts.pauseMs = Math.min(attempts.pauseMs * 2, LAST_REPEAT_MS);
    attempts.tellAt = now + attempts.pauseMs;
    return false;
  }
}

/** The time as the original writes it, in local time: strftime's `%d %b %H:%M:%S. `. */
export function logStamp(at: Date): string {
  const two = (number: number): string => String(number).padStart(2, '0');
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
  return `${two(at.getDate())} ${MONTHS[at.getMonth()] ?? ''} ${time}. `;
}
