import { describe, expect, it } from 'vitest';
import { History } from './history.ts';

/** A clock that the test moves. */
function scene() {
  const clock = { now: 0 };
  return { clock, history: new History(() => clock.now) };
}

const state = (marks: readonly [string, number][], sum = 0, registers: readonly [string, string][] = []) => ({
  marks: new Map(marks),
  registers: new Map(registers),
  sum,
});

describe('a history', () => {
  it('is right when everything happened once, and in an order that explains what was read', () => {
    const { clock, history } = scene();
    history.handedIn('a', false);
    const wrote = history.call('c0', { type: 'write', key: 'k', value: 'a' });
    clock.now = 5;
    history.acknowledged('a');
    wrote(null);
    history.call('c1', { type: 'read', key: 'k' })('a');
    expect(history.judge(state([['a', 1]], 0, [['k', 'a']]))).toEqual([]);
  });

  it('is wrong when what is there in the end was overwritten, though nobody read it since', () => {
    const { history } = scene();
    const marks: [string, number][] = [
      ['a', 1],
      ['b', 1],
    ];
    for (const [mark] of marks) {
      history.handedIn(mark, false);
      history.call('c0', { type: 'write', key: 'k', value: mark })(null);
      history.acknowledged(mark);
    }
    expect(history.judge(state(marks, 0, [['k', 'b']]))).toEqual([]);
    expect(() => history.judge(state(marks, 0, [['k', 'a']]))).toThrow(
      /^linearizability: key "k": the end: read → "a"/,
    );
    expect(() => history.judge(state(marks))).toThrow(/^linearizability: key "k": the end: read → null/);
  });

  it('is wrong when a read misses what was answered before it was asked, at the same moment of the clock', () => {
    const { history } = scene();
    history.handedIn('a', false);
    history.call('c0', { type: 'write', key: 'k', value: 'a' })(null);
    history.call('c1', { type: 'read', key: 'k' })(null);
    expect(() => history.judge(state([['a', 1]], 0, [['k', 'a']]))).toThrow(
      /^linearizability: key "k": c1: read → null/,
    );
  });

  it('may lack what was never answered, and may have it once', () => {
    for (const marks of [[], [['a', 1]]] satisfies [string, number][][]) {
      const { history } = scene();
      history.handedIn('a', true);
      history.callAdd('c0', 'a');
      expect(history.judge(state(marks, marks.length))).toEqual([]);
    }
  });

  it('is wrong when a command was applied twice, was answered and is not there, or is nobody’s', () => {
    const { history } = scene();
    history.handedIn('a', false);
    expect(() => history.judge(state([['a', 2]]))).toThrow('exactly-once: a was applied 2 times');
    expect(() => history.judge(state([['b', 1]]))).toThrow('exactly-once: nobody handed in b');
    history.acknowledged('a');
    expect(() => history.judge(state([]))).toThrow('exactly-once: a was answered, and is not there');
  });

  it('lets what was never answered explain a read only if it is there', () => {
    const { history } = scene();
    history.handedIn('a', false);
    history.call('c0', { type: 'write', key: 'k', value: 'a' });
    history.call('c1', { type: 'read', key: 'k' })('a');
    expect(history.judge(state([['a', 1]], 0, [['k', 'a']]))).toEqual([]);
    expect(() => history.judge(state([]))).toThrow(/^linearizability: key "k": c1: read → "a"/);
  });

  it('is judged although much of it was never answered and never happened', () => {
    const { history } = scene();
    for (let i = 0; i < 300; i++) {
      history.handedIn(`lost-${i}`, true);
      history.callAdd('c0', `lost-${i}`);
    }
    const marks: [string, number][] = [];
    for (let i = 0; i < 3000; i++) {
      history.handedIn(`a-${i}`, true);
      history.callAdd('c1', `a-${i}`)(i + 1);
      marks.push([`a-${i}`, 1]);
    }
    expect(history.judge(state(marks, 3000))).toEqual([]);
  });

  it('is wrong when the counter is not the number of what was added', () => {
    const { history } = scene();
    history.handedIn('a', true);
    history.callAdd('c0', 'a')(1);
    expect(() => history.judge(state([['a', 1]], 2))).toThrow('exactly-once: 1 were added, and the sum is 2');
  });
});
