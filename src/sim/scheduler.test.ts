/**
 * Virtual time: order, cancelling, and processes that stand still or die.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SimProcess } from './process.ts';
import { Scheduler } from './scheduler.ts';

function runAll(scheduler: Scheduler, until = 1e9): void {
  while (scheduler.step(until));
}

describe('Scheduler', () => {
  test('what is earlier happens first; at one instant, what was asked for first', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 }), (delays) => {
        const scheduler = new Scheduler();
        const happened: { delay: number; order: number }[] = [];
        for (const [order, delay] of delays.entries())
          scheduler.after(delay, () => happened.push({ delay, order }));
        runAll(scheduler);
        const expected = delays.map((delay, order) => ({ delay, order }));
        expect(happened).toEqual(expected.sort((a, b) => a.delay - b.delay || a.order - b.order));
      }),
    );
  });

  test('an event may ask for another, in the same instant too', () => {
    const scheduler = new Scheduler();
    const happened: string[] = [];
    scheduler.after(5, () => {
      happened.push('first');
      scheduler.after(0, () => happened.push('its own'));
    });
    scheduler.after(5, () => happened.push('second'));
    runAll(scheduler);
    expect(happened).toEqual(['first', 'second', 'its own']);
    expect(scheduler.now).toBe(1e9);
  });

  test('what was cancelled does not happen', () => {
    const scheduler = new Scheduler();
    const happened: number[] = [];
    const second = scheduler.after(2, () => happened.push(2));
    scheduler.after(1, () => second.cancel());
    scheduler.after(3, () => happened.push(3));
    runAll(scheduler);
    expect(happened).toEqual([3]);
    expect(scheduler.executed).toBe(2);
  });

  test('time stops where it was told to', () => {
    const scheduler = new Scheduler();
    const happened: number[] = [];
    scheduler.after(10, () => happened.push(scheduler.now));
    expect(scheduler.step(9.5)).toBe(false);
    expect(scheduler.now).toBe(9.5);
    expect(scheduler.step(10)).toBe(true);
    expect(happened).toEqual([10]);
  });
});

describe('SimProcess', () => {
  function makeProcess(drift = 1, slownessMs = 0) {
    const scheduler = new Scheduler();
    return { scheduler, process: new SimProcess({ scheduler, name: 'r0', drift, slownessMs }) };
  }

  test('a dead process does nothing, and says once that it died', () => {
    const { scheduler, process } = makeProcess();
    const happened: string[] = [];
    process.onDeath(() => happened.push('died'));
    process.after(1, () => happened.push('too late'));
    process.kill();
    process.kill();
    runAll(scheduler);
    expect(happened).toEqual(['died']);
  });

  test('a paused one does later what it was to do, in order', () => {
    const { scheduler, process } = makeProcess();
    const happened: [string, number][] = [];
    for (const [name, at] of [
      ['one', 1],
      ['two', 2],
    ] as const)
      process.after(at, () => happened.push([name, scheduler.now]));
    process.pause(50);
    runAll(scheduler);
    expect(happened).toEqual([
      ['one', 50],
      ['two', 50],
    ]);
  });

  test('a timer cancelled during a pause never fires', () => {
    const { scheduler, process } = makeProcess();
    let fired = false;
    const timer = process.after(1, () => {
      fired = true;
    });
    process.pause(50);
    scheduler.after(20, () => timer.cancel());
    runAll(scheduler);
    expect(fired).toBe(false);
  });

  test('a fast clock gains, and its timers fire early', () => {
    const { scheduler, process } = makeProcess(1.1);
    const firedAt: number[] = [];
    process.clock.after(110, () => firedAt.push(scheduler.now, process.clock.now()));
    runAll(scheduler);
    expect(firedAt.map(Math.round)).toEqual([100, 110]);
  });

  test('a slow one ends its turns late', () => {
    const { scheduler, process } = makeProcess(1, 4);
    const endedAt: number[] = [];
    process.clock.endOfTurn(() => endedAt.push(scheduler.now));
    runAll(scheduler);
    expect(endedAt).toEqual([4]);
  });

  test('one whose clock changes its speed goes on from what the clock said', () => {
    const scheduler = new Scheduler();
    const process = new SimProcess({ scheduler, name: 'one', drift: 0.9, slownessMs: 0 });
    const said: number[] = [];
    const wallMicros = process.clock.wallMicros();
    scheduler.after(1000, () => process.setDrift(1.1));
    for (const at of [1000, 2000]) scheduler.after(at, () => said.push(Math.round(process.clock.now())));
    runAll(scheduler, 2000);
    expect(said).toEqual([900, 2000]);
    expect(Math.round((process.clock.wallMicros() - wallMicros) / 1000)).toBe(2000);
    process.clock.after(110, () => said.push(scheduler.now));
    runAll(scheduler, 3000);
    expect(said.at(-1)).toBeCloseTo(2100);
  });

  test('one that stood still does what was due meanwhile in the order in which it was due', () => {
    const delay = fc.double({ min: 0, max: 3000, noNaN: true });
    fc.assert(
      fc.property(fc.array(delay, { maxLength: 30 }), delay, delay, (delays, start, pauseMs) => {
        // What is due at the very moment at which it goes on was asked for before what had to wait.
        fc.pre(!delays.includes(start + pauseMs));
        const scheduler = new Scheduler();
        const process = new SimProcess({ scheduler, name: 'one', drift: 1, slownessMs: 0 });
        const happened: number[] = [];
        for (const ms of delays) process.after(ms, () => happened.push(ms));
        scheduler.after(start, () => process.pause(pauseMs));
        runAll(scheduler);
        expect(happened).toEqual([...delays].sort((a, b) => a - b));
      }),
    );
  });
});
