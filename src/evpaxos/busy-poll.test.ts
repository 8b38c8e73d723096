import { describe, expect, it } from 'vitest';
import { MemoryWorld } from '../../test/support/memory-world.ts';
import { BusyPoll } from './busy-poll.ts';
import { Turn } from './turn.ts';

/** A leader's turns, on a clock that tells how long it was asked to stay awake. */
class Scene {
  readonly world = Object.assign(new MemoryWorld(), {
    busyPoll: (forMs: number) => {
      this.awakeMs = forMs;
    },
  });
  readonly turn = new Turn(this.world);
  /** whether turns leave something under way */
  isUnderWay = false;
  /** what the last turn asked for; undefined: to sleep */
  awakeMs: number | undefined;

  constructor(busyPollMicros: number) {
    const poll = new BusyPoll({ config: { busyPollMicros }, turn: this.turn, clock: this.world });
    let passes = 0;
    this.turn.addStep(() => {
      poll.turnDone(this.isUnderWay);
      return ++passes % 2 === 1;
    });
  }

  /** Input comes so long after the last, so often; how many of these turns stayed awake. */
  inputs(count: number, afterMs: number): number {
    let awake = 0;
    for (let i = 0; i < count; i++) {
      this.world.advance(afterMs);
      this.awakeMs = undefined;
      this.turn.schedule();
      this.world.settle();
      if (this.awakeMs !== undefined) awake++;
    }
    return awake;
  }
}

describe('BusyPoll', () => {
  it('stays awake where input comes soon again and again', () => {
    const scene = new Scene(100);
    expect(scene.inputs(100, 0.05)).toBeGreaterThan(80);
    expect(scene.awakeMs).toBe(0.1);
  });

  it('sleeps where it is long in coming, also after it was not', () => {
    const scene = new Scene(100);
    expect(scene.inputs(1000, 0.2)).toBe(0);
    scene.inputs(100, 0.05);
    expect(scene.inputs(100, 0.2)).toBeLessThan(20);
    expect(scene.inputs(1000, 0.2)).toBe(0);
  });

  it('sleeps where every other input is long in coming', () => {
    const scene = new Scene(100);
    let awake = 0;
    for (let i = 0; i < 100; i++) awake += scene.inputs(1, 0.05) + scene.inputs(1, 0.5);
    expect(awake).toBe(0);
  });

  it('stays awake for near answers alone where values are far apart', () => {
    const scene = new Scene(100);
    let forAnswers = 0;
    let forValues = 0;
    for (let i = 0; i < 100; i++) {
      scene.isUnderWay = true;
      forAnswers += scene.inputs(1, 1);
      // The first of two answers makes a quorum.
      scene.isUnderWay = false;
      forValues += scene.inputs(2, 0.05);
    }
    expect(forAnswers).toBeGreaterThan(80);
    expect(forValues).toBe(0);
  });

  it('sleeps at once where it is told to', () => {
    expect(new Scene(0).inputs(100, 0.05)).toBe(0);
  });
});
