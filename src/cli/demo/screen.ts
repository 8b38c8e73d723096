/**
 * Screen: where the demo shows itself. In a terminal one picture, drawn again in its place; elsewhere lines, one after
 * another.
 */
import pc from 'picocolors';
import type { Io } from '../io.ts';
import { type Colours, frame, type Picture, plainLine, storyLine, type Told } from './view.ts';

/** A terminal with fewer rows cannot hold the picture: it gets lines. */
const MIN_ROWS = 20;
const MIN_COLUMNS = 60;

export interface DemoScreen {
  /** Shows the picture as it is now; to be called several times a second. */
  draw(picture: Picture): void;
  /** A sentence was said. */
  tell(told: Told): void;
  /** Leaves the terminal as it was. */
  close(): void;
}

export function screenOf(io: Io): DemoScreen {
  const screen = io.screen();
  const isLarge = screen !== undefined && screen.rows >= MIN_ROWS && screen.columns >= MIN_COLUMNS;
  return isLarge ? new DrawnScreen(io) : new PlainScreen(io);
}

/** Goes up to where the last picture began, and writes each line anew; what is below is cleared. */
class DrawnScreen implements DemoScreen {
  readonly #io: Io;
  readonly #colours: Colours;
  #drawnLines = 0;

  constructor(io: Io) {
    this.#io = io;
    this.#colours = pc.createColors(io.colours);
    io.out('\x1b[?25l');
  }

  draw(picture: Picture): void {
    const { columns, rows } = this.#io.screen() ?? { columns: MIN_COLUMNS, rows: MIN_ROWS };
    // What has left the terminal at its top cannot be drawn again.
    const lines = frame(picture, columns, this.#colours).slice(1 - rows);
    const up = this.#drawnLines === 0 ? '' : `\x1b[${this.#drawnLines}A`;
    // A line that is longer than the terminal would take two rows: wrapping is off while the picture is drawn.
    this.#io.out(`\x1b[?7l${up}${lines.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J\x1b[?7h`);
    this.#drawnLines = lines.length;
  }

  /** The picture has the story in it. */
  tell(): void {}

  close(): void {
    this.#io.out('\x1b[?25h');
  }
}

/** A line a second, and each sentence when it is said. */
class PlainScreen implements DemoScreen {
  readonly #io: Io;
  #nextS = 1;

  constructor(io: Io) {
    this.#io = io;
  }

  draw(picture: Picture): void {
    if (picture.elapsedS < this.#nextS) return;
    this.#nextS = Math.floor(picture.elapsedS) + 1;
    this.#io.out(`${plainLine(picture)}\n`);
  }

  tell(told: Told): void {
    this.#io.out(`${storyLine(told)}\n`);
  }

  close(): void {}
}
