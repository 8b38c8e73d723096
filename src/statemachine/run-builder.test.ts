import { describe, expect, it } from 'vitest';
import { ItemReader } from './items.ts';
import { FRAGMENT_BYTES, FRAGMENT_COMMANDS, RunBuilder } from './run-builder.ts';

function readRun(run: Uint8Array) {
  const reader = new ItemReader();
  reader.open(run);
  expect(reader.next()).toBe(true);
  const { session, acknowledged, first, count } = reader;
  const lengths = Array.from({ length: count }, () => reader.command().length);
  expect([reader.next(), reader.fault]).toEqual([false, undefined]);
  return { session, acknowledged, first, lengths };
}

describe('RunBuilder', () => {
  it('numbers commands one after the other, across fragments', () => {
    const builder = new RunBuilder();
    expect([builder.add(new Uint8Array(3)), builder.add(new Uint8Array(0))]).toEqual([1, 2]);
    expect(readRun(builder.take(5, 0))).toEqual({ session: 5, acknowledged: 0, first: 1, lengths: [3, 0] });
    expect([builder.first, builder.count, builder.add(new Uint8Array(1))]).toEqual([3, 0, 3]);
    expect(readRun(builder.take(5, 2))).toEqual({ session: 5, acknowledged: 2, first: 3, lengths: [1] });
  });

  it('copies what is added', () => {
    const builder = new RunBuilder();
    const payload = Uint8Array.of(1, 2, 3);
    builder.add(payload);
    payload.fill(9);
    expect(builder.take(1, 0).subarray(-3)).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('has room for so many commands, and so many bytes', () => {
    const many = new RunBuilder();
    for (let i = 0; i < FRAGMENT_COMMANDS; i++) {
      expect(many.fits(1)).toBe(true);
      many.add(new Uint8Array(1));
    }
    expect(many.fits(0)).toBe(false);
    expect(() => many.add(new Uint8Array(0))).toThrow(/has room/);

    const large = new RunBuilder();
    while (large.fits(1_000)) large.add(new Uint8Array(1_000));
    expect(large.count).toBe(16);
    expect(large.take(Number.MAX_SAFE_INTEGER, 0).length).toBeLessThanOrEqual(FRAGMENT_BYTES);
  });

  it('lets a single larger command alone', () => {
    const builder = new RunBuilder();
    expect(builder.fits(1_000_000)).toBe(true);
    builder.add(new Uint8Array(1_000_000));
    expect(builder.fits(0)).toBe(false);
    expect(readRun(builder.take(1, 0)).lengths).toEqual([1_000_000]);
    builder.add(new Uint8Array(1));
    expect(builder.fits(1_000_000)).toBe(false);
  });

  it('makes no run of nothing, and none of what is acknowledged', () => {
    const builder = new RunBuilder(10);
    expect(() => builder.take(1, 0)).toThrow(/has a command/);
    builder.add(new Uint8Array(1));
    expect(() => builder.take(1, 10)).toThrow(/has no result/);
  });
});
