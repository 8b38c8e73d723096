import { describe, expect, it } from 'vitest';
import { StateWriter } from './state.ts';
import { type Submission, WaitingValues } from './waiting.ts';

function submission(length: number): Submission {
  return { value: new Uint8Array(length) };
}

/** A queue of values of 1, 2, 3, … bytes. */
function filled(count: number): WaitingValues<Submission> {
  const waiting = new WaitingValues<Submission>();
  for (let i = 1; i <= count; i++) waiting.push(submission(i));
  return waiting;
}

function drained(waiting: WaitingValues<Submission>): number[] {
  const lengths: number[] = [];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
    lengths.push(next.value.length);
  return lengths;
}

describe('WaitingValues', () => {
  it('is first in, first out, at any size', () => {
    const waiting = filled(1000);
    expect(waiting.count).toBe(1000);
    expect(drained(waiting)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
    expect(waiting.count).toBe(0);
  });

  it('counts the bytes that wait', () => {
    const waiting = filled(3);
    expect(waiting.bytes).toBe(6);
    waiting.shift();
    expect(waiting.bytes).toBe(5);
    waiting.putBack(submission(1), 1);
    expect(waiting.bytes).toBe(6);
    drained(waiting);
    expect(waiting.bytes).toBe(0);
  });

  it('puts a value back where it stood, in whatever order values come back', () => {
    const orders = [1, 2, 3, 4];
    for (const first of orders) {
      for (const second of orders.filter((order) => order !== first)) {
        const waiting = filled(6);
        for (const order of orders) {
          expect(waiting.firstOrder).toBe(order);
          waiting.shift();
        }
        waiting.putBack(submission(first), first);
        waiting.putBack(submission(second), second);
        const back = [first, second].sort((a, b) => a - b);
        expect(drained(waiting)).toEqual([...back, 5, 6]);
      }
    }
  });

  it('puts values back into a full ring too', () => {
    const waiting = filled(64);
    const first = waiting.shift();
    waiting.push(submission(65));
    if (first !== undefined) waiting.putBack(first, 1);
    expect(drained(waiting)).toEqual(Array.from({ length: 65 }, (_, i) => i + 1));
  });

  it('has nothing to give when it is empty', () => {
    expect(new WaitingValues().shift()).toBeUndefined();
    expect(new WaitingValues().bytes).toBe(0);
  });

  it('has a copy that shares nothing', () => {
    const waiting = filled(3);
    const copy = waiting.copy();
    waiting.shift();
    waiting.push(submission(9));
    expect(drained(copy)).toEqual([1, 2, 3]);
    expect(drained(waiting)).toEqual([2, 3, 9]);
  });

  it('writes what waits, in order', () => {
    const key = (waiting: WaitingValues<Submission>) => {
      const writer = new StateWriter([]);
      waiting.writeState(writer);
      return writer.key;
    };
    expect(key(filled(3))).toBe(key(filled(3)));
    expect(key(filled(3))).not.toBe(key(filled(2)));
    const moved = filled(2);
    moved.shift();
    expect(key(moved)).not.toBe(key(filled(2)));
  });
});
