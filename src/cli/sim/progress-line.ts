/**
 * ProgressLine: how far the seeds are. In a terminal one line, drawn again in its place; elsewhere a line every few
 * seconds.
 */
import type { Tally } from '../../sim/index.ts';
import type { Io } from '../io.ts';
import { progress } from './view.ts';

const DRAW_EVERY_MS = 200;
const PRINT_EVERY_MS = 5000;
const CLEAR_LINE = '\r\x1b[2K';

export class ProgressLine {
  readonly #io: Io;
  readonly #startedAt: number;
  #shownAt: number;
  #isDrawn = false;

  constructor(io: Io, startedAt: number) {
    this.#io = io;
    this.#startedAt = startedAt;
    this.#shownAt = startedAt;
  }

  /** Shows how far it is, unless it was shown just now. */
  show(tally: Tally): void {
    const now = this.#io.clock.now();
    const columns = this.#io.screen()?.columns;
    if (now - this.#shownAt < (columns === undefined ? PRINT_EVERY_MS : DRAW_EVERY_MS)) return;
    this.#shownAt = now;
    const text = progress(tally, now - this.#startedAt);
    if (columns === undefined) this.#io.out(`${text}\n`);
    else this.#io.out(`${CLEAR_LINE}${text.slice(0, columns - 1)}`);
    this.#isDrawn = columns !== undefined;
  }

  /** A line that stays. */
  tell(text: string): void {
    this.close();
    this.#io.out(`${text}\n`);
  }

  close(): void {
    if (this.#isDrawn) this.#io.out(CLEAR_LINE);
    this.#isDrawn = false;
  }
}
