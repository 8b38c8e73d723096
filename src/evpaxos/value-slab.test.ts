import { expect, it } from 'vitest';
import { ValueSlab } from './value-slab.ts';

/** What a read may bring. */
const READ_BYTES = 65_536;

function viewOf(length: number): Uint8Array {
  return new Uint8Array(READ_BYTES).subarray(0, length);
}

it('keeps every copy as it was, of short values and of long ones', () => {
  const slab = new ValueSlab();
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

it('puts short values side by side, and gives a long one its own memory', () => {
  const slab = new ValueSlab();
  const [one, other] = [slab.keep(viewOf(512)), slab.keep(viewOf(512))];
  expect(one.buffer).toBe(other.buffer);
  expect(other.byteOffset).toBe(one.byteOffset + 512);
  expect(slab.keep(viewOf(513)).buffer.byteLength).toBe(513);
});

it('keeps a view as it is where that keeps no more memory alive than a copy', () => {
  const slab = new ValueSlab();
  const short = new Uint8Array(8192).subarray(100, 164);
  const long = viewOf(READ_BYTES / 2);
  expect(slab.keep(short)).toBe(short);
  expect(slab.keep(long)).toBe(long);
  expect(slab.keep(new Uint8Array(8193).subarray(100, 164)).buffer.byteLength).toBe(8192);
});
