import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { chart, count, frame, milliseconds, type Picture, plainLine, storyLine } from './view.ts';

const PICTURE: Picture = {
  elapsedS: 9.44,
  totalS: 20,
  replicas: [
    { id: 0, port: 24311, pid: 41234, role: 'leader', delivered: 183_204 },
    { id: 1, port: 24312, pid: 41240, role: 'follower', delivered: 183_190 },
    { id: 2, port: 24313, pid: undefined, role: 'down', delivered: 90_000 },
  ],
  delivered: 183_201,
  stretches: [0, 10, 40, 80, 0, 80],
  valuesPerSecond: 12_345,
  latency: { p50: 7_900, p99: 28_400 },
  story: [{ atS: 7.72, text: 'Killed replica 2, which led, with SIGKILL.', mood: 'bad' }],
};

describe('the picture of the demo', () => {
  it('shows who leads, who is down, how far everybody is, and what happened', () => {
    expect(frame(PICTURE, 120, pc.createColors(false)).join('\n')).toMatchInlineSnapshot(`
      "libpaxos demo   three replicas on this machine, lmdb-sync yes   9 of about 20 s

        replica   port    pid       role         delivered
        0         24311   41234     leader         183,204
        1         24312   41240     follower       183,190
        2         24313   –         down            90,000
        learner                                    183,201

        values/s  12,345       █ █
                              ▄█ █
                             ▃██ █
        latency   p50 7.9 ms   p99 28 ms

         7.7 s  Killed replica 2, which led, with SIGKILL."
    `);
  });

  it('keeps the newest stretches where there is no room for all', () => {
    const stretches = [...Array.from({ length: 200 }, () => 1), 0];
    const [line = ''] = frame({ ...PICTURE, stretches }, 60, pc.createColors(false)).slice(8);
    expect(line.length).toBeLessThanOrEqual(60);
    expect(line).toMatch(/█ $/);
  });

  it('breaks a sentence where the terminal ends', () => {
    const text = 'The three replicas and the learner delivered the same 183,400 instances in the same order.';
    const lines = frame({ ...PICTURE, story: [{ atS: 1, text }] }, 60, pc.createColors(false)).slice(-2);
    expect(lines).toEqual([
      '   1.0 s  The three replicas and the learner delivered the',
      '          same 183,400 instances in the same order.',
    ]);
  });

  it('colours the leader green and who is down red', () => {
    const colours = pc.createColors(true);
    const lines = frame(PICTURE, 120, colours);
    expect(lines.find((line) => line.includes('leader'))).toContain(colours.green('').slice(0, 5));
    expect(lines.find((line) => line.includes('down'))).toContain(colours.red('').slice(0, 5));
  });

  it('is one line elsewhere', () => {
    expect(plainLine(PICTURE)).toBe(
      '   9.4 s  12,345 values/s, p50 7.9 ms, p99 28 ms; replicas: 0 leader 183,204, 1 follower 183,190, 2 down',
    );
    expect(storyLine({ atS: 12.25, text: 'Something happened.' })).toBe('  12.3 s  Something happened.');
  });
});

describe('the chart', () => {
  it('grows over its rows, with a blank for nothing and at least a line for anything', () => {
    expect(chart([0, 1, 50, 100], 2)).toEqual(['   █', ' ▁██']);
    expect(chart([0, 0], 1)).toEqual(['  ']);
    expect(chart([], 2)).toEqual(['', '']);
  });
});

describe('numbers for people', () => {
  it('have separators, and no more digits than mean something', () => {
    expect(count(1_234_567.4)).toBe('1,234,567');
    expect(milliseconds(940)).toBe('0.9 ms');
    expect(milliseconds(12_600)).toBe('13 ms');
    expect(milliseconds(0)).toBe('–');
  });
});
