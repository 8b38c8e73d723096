import { expect, it } from 'vitest';
import { Turn } from './turn.ts';

/** A clock whose turns end when it is told. */
class Turns {
  readonly #asked: (() => void)[] = [];
  time = 1;
  now = (): number => this.time;
  wallMicros = (): number => 0;
  after = (): never => {
    throw new Error('a turn sets no timer');
  };

  endOfTurn(call: () => void): void {
    this.#asked.push(call);
  }

  get asked(): number {
    return this.#asked.length;
  }

  end(): void {
    for (const call of this.#asked.splice(0)) call();
  }
}

/** Adds a step that looks at the time; what it sees. */
function timesSeenBySteps(turn: Turn): readonly number[] {
  const seen: number[] = [];
  turn.addStep(() => {
    seen.push(turn.now);
    return false;
  });
  return seen;
}

it('is over when a step has looked at the time: no empty turn follows', () => {
  const clock = new Turns();
  const turn = new Turn(clock);
  const seen = timesSeenBySteps(turn);
  turn.schedule();
  clock.time = 2;
  clock.end();
  expect(seen).toEqual([2]);
  expect(clock.asked).toBe(0);
});

it('tells the time, and ends turns, also after a step that threw', () => {
  const clock = new Turns();
  const turn = new Turn(clock);
  turn.addStep(() => {
    if (turn.now === 1) throw new Error('a program of its own');
    return false;
  });
  turn.schedule();
  expect(() => clock.end()).toThrow('a program of its own');
  clock.time = 2;
  expect(turn.now).toBe(2);
  expect(clock.asked).toBe(1);
});

it('asks the clock anew in the next turn, be the time looked at by a handler or by a step', () => {
  const clock = new Turns();
  const turn = new Turn(clock);
  const seen = timesSeenBySteps(turn);
  for (const time of [5, 6]) {
    clock.time = time;
    expect(turn.now).toBe(time);
    clock.time += 0.5;
    expect(turn.now).toBe(time);
    clock.end();
  }
  expect(seen).toEqual([5.5, 6.5]);
});
