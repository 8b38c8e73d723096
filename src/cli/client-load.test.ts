import { describe, expect, it } from 'vitest';
import { PaxosError } from '../paxos/error.ts';
import { SeededRandom } from '../transport/random.ts';
import type { Clock } from '../transport/transport.ts';
import { Load, type LoadOptions } from './client-load.ts';
import { ownStamp, ValueMaker } from './client-value.ts';

const CLIENT = 7;

interface Offered {
  readonly value: Uint8Array;
  readonly chosen: (() => void) | undefined;
}

/** A load that offers into a list, under a clock that a test sets. */
function setUp(options: Partial<LoadOptions> = {}) {
  const offered: Offered[] = [];
  const latencies: number[] = [];
  const time = { now: 0 };
  const clock: Clock = {
    now: () => time.now,
    wallMicros: () => 1_700_000_000_000_000 + time.now * 1000,
    after: () => ({ cancel: () => undefined }),
    endOfTurn: () => undefined,
  };
  const load = new Load({
    clientId: CLIENT,
    outstanding: 3,
    count: Number.POSITIVE_INFINITY,
    textBytes: 8,
    clock,
    random: new SeededRandom(1),
    offer: (value, chosen) => void offered.push({ value: value.slice(), chosen }),
    learned: (_bytes, micros) => void latencies.push(micros),
    ...options,
  });
  return { load, offered, latencies, time };
}

function at(offered: readonly Offered[], index: number): Offered {
  const found = offered[index];
  if (found === undefined) throw new Error(`only ${offered.length} values were offered`);
  return found;
}

describe('the load of a client', () => {
  it('keeps as many values on their way as it was told', () => {
    const { load, offered } = setUp();
    load.fill();
    expect(offered.length).toBe(3);
    load.delivered(at(offered, 0).value);
    load.fill();
    expect(offered.length).toBe(4);
    expect(load.pending).toBe(3);
  });

  it('gives every value a stamp of its own, also within one microsecond', () => {
    const { load, offered } = setUp({ outstanding: 1000 });
    load.fill();
    const stamps = new Set(offered.map(({ value }) => ownStamp(value, CLIENT)));
    expect(stamps.size).toBe(1000);
  });

  it('measures from when a value was handed in, not from its stamp', () => {
    const { load, offered, latencies, time } = setUp();
    load.fill();
    time.now = 2;
    load.delivered(at(offered, 2).value);
    expect(latencies).toEqual([2000]);
  });

  it('counts a value once, however often it is chosen', () => {
    const { load, offered, latencies } = setUp();
    load.fill();
    expect(load.delivered(at(offered, 1).value)).toBe(true);
    expect(load.delivered(at(offered, 1).value)).toBe(false);
    expect(latencies.length).toBe(1);
  });

  it('leaves the values of others alone', () => {
    const { load, offered } = setUp();
    load.fill();
    const stamp = ownStamp(at(offered, 0).value, CLIENT) ?? 0;
    const other = new ValueMaker(CLIENT + 1, 8, new SeededRandom(2)).make(stamp);
    expect(load.delivered(other)).toBe(false);
    expect(load.delivered(Buffer.from('COUNT\0'))).toBe(false);
    expect(load.pending).toBe(3);
  });

  it('ends after the count it was given', () => {
    const { load, offered } = setUp({ count: 4 });
    load.fill();
    for (let i = 0; i < 4; i++) {
      load.delivered(at(offered, i).value);
      load.fill();
    }
    expect(offered.length).toBe(4);
    expect(load.isDone).toBe(true);
  });

  it('waits while the node has no room, and goes on later', () => {
    const room = { values: 2 };
    const { load } = setUp({
      offer: () => {
        if (room.values-- <= 0) throw new PaxosError('QUEUE_FULL', 'full');
      },
    });
    load.fill();
    expect(load.pending).toBe(2);
    room.values = 5;
    load.sweep();
    expect(load.pending).toBe(3);
  });

  it('says so if a value cannot be handed in at all', () => {
    const { load } = setUp({
      offer: () => {
        throw new PaxosError('VALUE_TOO_LARGE', 'too large');
      },
    });
    expect(() => load.fill()).toThrow('too large');
  });

  it('gives up its place for a value that was chosen before anything was heard', () => {
    const { load, offered, latencies, time } = setUp({ outstanding: 1 });
    load.fill();
    time.now = 5;
    at(offered, 0).chosen?.();
    load.sweep();
    expect(load.pending).toBe(1);
    time.now = 1005;
    load.sweep();
    expect(latencies).toEqual([5000]);
    expect(offered.length).toBe(2);
    expect(load.delivered(at(offered, 0).value)).toBe(false);
  });

  it('asks for word only of what was handed in before the first delivery', () => {
    const { load, offered } = setUp({ outstanding: 1 });
    load.fill();
    load.delivered(at(offered, 0).value);
    at(offered, 0).chosen?.();
    load.fill();
    expect(at(offered, 1).chosen).toBeUndefined();
  });
});
