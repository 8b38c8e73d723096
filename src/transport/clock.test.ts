import { afterEach, describe, expect, it, vi } from 'vitest';
import { SystemClock } from './clock.ts';
import { processors } from './processors.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('SystemClock', () => {
  it('never goes back', () => {
    const clock = new SystemClock();
    let last = clock.now();
    for (let i = 0; i < 1000; i++) {
      const now = clock.now();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  });

  it('tells the wall clock in whole microseconds', () => {
    const clock = new SystemClock();
    const before = Date.now();
    const micros = clock.wallMicros();
    const after = Date.now();
    expect(Number.isInteger(micros)).toBe(true);
    expect(micros / 1000).toBeGreaterThan(before - 3);
    expect(micros / 1000).toBeLessThan(after + 3);
  });

  it('tells wall times that are finer than a millisecond', () => {
    const clock = new SystemClock();
    const beyondMillis = new Set<number>();
    for (let i = 0; i < 100_000 && beyondMillis.size < 2; i++) beyondMillis.add(clock.wallMicros() % 1000);
    expect(beyondMillis.size).toBeGreaterThan(1);
  });

  it('follows the wall clock when it is set, forward and back', () => {
    const clock = new SystemClock();
    const wall = Date.now();
    for (const set of [wall + 3_600_000, wall - 3_600_000]) {
      vi.spyOn(Date, 'now').mockReturnValue(set);
      expect(clock.wallMicros()).toBeGreaterThanOrEqual((set - 1) * 1000);
      expect(clock.wallMicros()).toBeLessThan((set + 3) * 1000);
    }
  });

  it('calls once after a delay, and not after a cancel', async () => {
    const clock = new SystemClock();
    const fired: string[] = [];
    const cancelled = clock.after(1, () => fired.push('cancelled'));
    cancelled.cancel();
    await new Promise<void>((resolve) => {
      const timer = clock.after(5, () => {
        fired.push('kept');
        timer.cancel(); // harmless once it fired
        resolve();
      });
    });
    expect(fired).toEqual(['kept']);
  });

  it('takes a delay that Node would turn into none', () => {
    vi.useFakeTimers();
    let fired = false;
    new SystemClock().after(Number.POSITIVE_INFINITY, () => {
      fired = true;
    });
    vi.advanceTimersByTime(2 ** 31 - 2);
    expect(fired).toBe(false);
    vi.advanceTimersByTime(1);
    expect(fired).toBe(true);
  });

  it('does not sleep while it is to look for input, and sleeps then', async (context) => {
    context.skip(processors() < 2, 'with one processor it sleeps, so that others can work');
    const clock = new SystemClock();
    const idleIn = async (ms: number): Promise<number> => {
      const before = performance.eventLoopUtilization();
      await new Promise<void>((resolve) => clock.after(ms, resolve));
      return performance.eventLoopUtilization(before).idle;
    };
    for (let time = 1; time <= 2; time++) {
      clock.busyPoll(40);
      clock.busyPoll(1); // no shorter for that
      expect(await idleIn(30)).toBeLessThan(10);
      expect(await idleIn(60)).toBeGreaterThan(25);
    }
  });

  it('ends the turn after what was due in it', async () => {
    const clock = new SystemClock();
    const order: string[] = [];
    const ended = new Promise<void>((resolve) => {
      clock.endOfTurn(() => {
        order.push('end of turn');
        resolve();
      });
    });
    queueMicrotask(() => order.push('microtask'));
    process.nextTick(() => order.push('tick'));
    await ended;
    expect(order).toHaveLength(3);
    expect(order[2]).toBe('end of turn');
  });

  it('ends right after a turn those that are asked for by whoever waited for it', async () => {
    const clock = new SystemClock();
    const order: string[] = [];
    const nextReading = new Promise<void>((resolve) => {
      clock.endOfTurn(() => {
        order.push('turn');
        // What is asked for within a turn is another one, after all sockets have been read.
        clock.endOfTurn(() => {
          order.push('next turn');
          resolve();
        });
        const answer = async () => order.push('promise');
        const waiting = async () => {
          await answer();
          clock.endOfTurn(() => order.push('because of it'));
        };
        void waiting();
      });
    });
    await nextReading;
    expect(order).toEqual(['turn', 'promise', 'because of it', 'next turn']);
  });
});
