import { expect, it } from 'vitest';
import { ValueSlab } from './value-slab.ts';

/** What a read brings at most. */
const READ_BYTES = 65_536;

/** One that has seen so much that is not kept that it copies. */
function thatCopies(): ValueSlab {
  const slab = new ValueSlab();
  for (let i = 0; i < 8; i++) slab.keep(new Uint8Array(READ_BYTES).subarray(0, 1));
  return slab;
}

/** Keeps `count` values of what a read brought; tells how many stayed there. */
function staying(slab: ValueSlab, { count, length }: { count: number; length: number }): number {
  const read = new Uint8Array(READ_BYTES);
  const values = Array.from({ length: count }, (_, i) => read.subarray(i * length, (i + 1) * length));
  return values.filter((value) => slab.keep(value) === value).length;
}

it('keeps every copy as it was, of short values and of long ones', () => {
  const slab = thatCopies();
  const source = new Uint8Array(READ_BYTES);
  const copies: { readonly copy: Uint8Array; readonly length: number; readonly fill: number }[] = [];
  for (let i = 0; i < 3000; i++) {
    const length = (i * 37) % 700;
    const fill = i % 251;
    source.fill(fill, 0, 1000);
    copies.push({ copy: slab.keep(source.subarray(3, 3 + length)), length, fill });
  }
  for (const { copy, length, fill } of copies) {
    expect(copy).toHaveLength(length);
    expect(copy.every((byte) => byte === fill)).toBe(true);
  }
});

it('puts copies of short values side by side, and gives a long one its own memory', () => {
  const slab = thatCopies();
  const one = slab.keep(new Uint8Array(READ_BYTES).subarray(0, 512));
  const other = slab.keep(new Uint8Array(READ_BYTES).subarray(0, 512));
  expect(one.buffer).toBe(other.buffer);
  expect(other.byteOffset).toBe(one.byteOffset + 512);
  expect(slab.keep(new Uint8Array(READ_BYTES).subarray(0, 513)).buffer.byteLength).toBe(513);
});

it('lets values stay in memory that many reads share, whatever is put together elsewhere in between', () => {
  const slab = new ValueSlab();
  for (let piece = 0; piece < 100; piece++) {
    const shared = new Uint8Array(4 * READ_BYTES);
    for (let at = 0; at + 12_000 <= shared.length; at += 12_000) {
      for (let i = 0; i < 12; i++) {
        const value = shared.subarray(at + i * 1000, at + i * 1000 + 900);
        expect(slab.keep(value)).toBe(value);
      }
      slab.keep(new Uint8Array(1000).subarray(0, 900));
    }
  }
});

it('lets values stay where they came in while a fourth of that is kept, and copies them while it is not', () => {
  const slab = new ValueSlab();
  for (let read = 0; read < 1000; read++) expect(staying(slab, { count: 300, length: 64 })).toBe(300);
  let stayed = 0;
  for (let read = 0; read < 1000; read++) stayed += staying(slab, { count: 1, length: 64 });
  expect(stayed).toBeLessThan(20);
  for (let read = 0; read < 100; read++) staying(slab, { count: 300, length: 64 });
  expect(staying(slab, { count: 300, length: 64 })).toBe(300);
});
