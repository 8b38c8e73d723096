import { expect, it } from 'vitest';
import { ValueSlab } from './value-slab.ts';

it('keeps every copy as it was, of short values and of long ones', () => {
  const slab = new ValueSlab();
  const source = new Uint8Array(2000);
  const copies: { readonly copy: Uint8Array; readonly length: number; readonly fill: number }[] = [];
  for (let i = 0; i < 3000; i++) {
    const length = (i * 37) % 700;
    const fill = i % 251;
    source.fill(fill);
    copies.push({ copy: slab.copy(source.subarray(3, 3 + length)), length, fill });
  }
  for (const { copy, length, fill } of copies) {
    expect(copy).toHaveLength(length);
    expect(copy.every((byte) => byte === fill)).toBe(true);
  }
});

it('puts short values side by side, and gives a long one its own memory', () => {
  const slab = new ValueSlab();
  const [one, other] = [slab.copy(new Uint8Array(512)), slab.copy(new Uint8Array(512))];
  expect(one.buffer).toBe(other.buffer);
  expect(other.byteOffset).toBe(one.byteOffset + 512);
  expect(slab.copy(new Uint8Array(513)).buffer.byteLength).toBe(513);
});
