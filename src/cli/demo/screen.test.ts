import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../transport/clock.ts';
import type { Io, Screen } from '../io.ts';
import { screenOf } from './screen.ts';
import type { Picture } from './view.ts';

const PICTURE: Picture = {
  elapsedS: 1.2,
  totalS: 20,
  replicas: [{ id: 0, port: 24311, pid: 41234, role: 'leader', delivered: 7 }],
  delivered: 7,
  stretches: [7],
  valuesPerSecond: 7,
  latency: { p50: 0, p99: 0 },
  story: [],
};

function makeIo(screen: Screen | undefined) {
  const written: string[] = [];
  const io: Io = {
    out: (text) => written.push(text),
    err: () => undefined,
    colours: false,
    stop: new AbortController().signal,
    clock: new SystemClock(),
    screen: () => screen,
    directory: '.',
    program: [],
  };
  return { io, written };
}

describe('the screen of the demo', () => {
  it('draws the picture again in its place, and gives the cursor back', () => {
    const { io, written } = makeIo({ columns: 120, rows: 40 });
    const screen = screenOf(io);
    screen.draw(PICTURE);
    screen.tell({ atS: 1, text: 'This is in the picture.' });
    screen.draw({ ...PICTURE, story: [{ atS: 1, text: 'This is in the picture.' }] });
    screen.close();
    const [hide, first = '', second = '', show] = written;
    expect([hide, show]).toEqual(['\x1b[?25l', '\x1b[?25h']);
    const lines = first.split('\n').length - 1;
    expect(first).not.toContain('\x1b[1A');
    expect(second).toContain(`\x1b[${lines}A`);
    expect(second).toContain('This is in the picture.');
  });

  it('draws no more lines than the terminal can hold', () => {
    const { io, written } = makeIo({ columns: 80, rows: 20 });
    const story = Array.from({ length: 30 }, (_, atS) => ({ atS, text: 'Something happened.' }));
    screenOf(io).draw({ ...PICTURE, story });
    expect(written.at(-1)?.split('\n').length).toBe(20);
  });

  it('writes lines where there is no terminal, or a small one: one a second, and every sentence', () => {
    for (const small of [undefined, { columns: 120, rows: 10 }, { columns: 40, rows: 40 }]) {
      const { io, written } = makeIo(small);
      const screen = screenOf(io);
      for (const elapsedS of [0.5, 1.1, 1.4, 1.9, 2.2]) screen.draw({ ...PICTURE, elapsedS });
      screen.tell({ atS: 2.3, text: 'Something happened.' });
      screen.close();
      const stamps = written.map((line) => line.trim().split('  ')[0]);
      expect(stamps).toEqual(['1.1 s', '2.2 s', '2.3 s']);
    }
  });
});
