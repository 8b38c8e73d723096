/**
 * Message ladders: what they show, what they leave out, and how it looks.
 */
import { describe, expect, test } from 'vitest';
import type { Message } from '../transport/message-log.ts';
import { Ladder, type LadderFilter } from './ladder.ts';

const NAMES = ['r0', 'r1', 'l0', 'c0'];
const ALL: LadderFilter = { between: undefined, instanceId: undefined, lines: 100 };

const accept = (instanceId: number): Message => ({
  type: 'accept',
  instanceId,
  ballot: 10,
  value: Uint8Array.from([0x78]),
});

function drawn(filter: Partial<LadderFilter>): string {
  const ladder = new Ladder({ ...ALL, ...filter });
  ladder.trace(1, 'r0', 'l0', accept(1));
  ladder.trace(2.5, 'r1', 'r0', accept(2));
  ladder.trace(3, 'r1', 'r0', { type: 'prepareFrom', from: 2, to: 9, ballot: 11 });
  ladder.trace(4, 'l0', 'l0', 'delivers 1 "x"');
  return ladder.draw(NAMES).join('\n');
}

describe('Ladder', () => {
  test('has a column for each node that takes part, and an arrow for each message', () => {
    expect(drawn({})).toBe(
      [
        '        ms  r0  r1  l0',
        '     1.000  o───────>   accept i=1 b=10 value=x',
        '     2.500  <───o       accept i=2 b=10 value=x',
        '     3.000  <───o       prepare-from i=2..9 b=11',
        '     4.000          *   delivers 1 "x"',
      ].join('\n'),
    );
  });

  test('shows what concerns one instance', () => {
    expect(drawn({ instanceId: 1 })).toBe(
      [
        '        ms  r0  l0',
        '     1.000  o───>   accept i=1 b=10 value=x',
        '     4.000      *   delivers 1 "x"',
      ].join('\n'),
    );
    expect(drawn({ instanceId: 5 })).toContain('prepare-from i=2..9');
  });

  test('shows a stretch of time', () => {
    expect(drawn({ between: [2, 3] }).split('\n')).toHaveLength(3);
    expect(drawn({ between: [50, 60] })).toBe('nothing was said that is asked for');
  });

  test('keeps the last lines, and says how many it left out', () => {
    const ladder = new Ladder({ ...ALL, lines: 3 });
    for (let i = 1; i <= 100; i++) ladder.trace(i, 'r0', 'r1', accept(i));
    const lines = ladder.draw(NAMES);
    expect(lines[0]).toBe('(97 earlier lines are not shown)');
    expect(lines.slice(2).map((line) => /i=(\d+)/.exec(line)?.[1])).toEqual(['98', '99', '100']);
  });
});
