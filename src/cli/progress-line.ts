/**
 * ProgressLine: how far something is that takes long. In a terminal one line, drawn again in its place; elsewhere a line
 * every few seconds.
 */
import type { Io } from './io.ts';

const DRAW_EVERY_MS = 200;
const PRINT_EVERY_MS = 5000;
const CLEAR_LINE = '\r\x1b[2K';

export class ProgressLine {
  readonly #io: Io;
  #shownAt: number;
  #isDrawn = false;

  constructor(io: Io) {
    this.#io = io;
    this.#shownAt = io.clock.now();
  }

  /** Shows how far it is, unless that was shown just now. */
  show(text: () => string): void {
    const now = this.#io.clock.now();
    const columns = this.#io.screen()?.columns;
    if (now - this.#shownAt < (columns === undefined ? PRINT_EVERY_MS : DRAW_EVERY_MS)) return;
    this.#shownAt = now;
    if (columns === undefined) this.#io.out(`${text()}\n`);
    else this.#io.out(`${CLEAR_LINE}${text().slice(0, columns - 1)}`);
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
