import { expect, it } from 'vitest';
import { Slab } from './slab.ts';

it('gives copies that nothing written later changes, nor what they were copied from', () => {
  const slab = new Slab(1024, 256);
  const source = new Uint8Array(400);
  const copies: { readonly copy: Uint8Array; readonly byte: number }[] = [];
  for (let i = 0; i < 500; i++) {
    const part = source.subarray(0, 1 + ((i * 37) % 400)).fill(i % 256);
    copies.push({ copy: slab.copy(part), byte: i % 256 });
  }
  for (const [i, { copy, byte }] of copies.entries()) {
    expect(copy).toHaveLength(1 + ((i * 37) % 400));
    expect(copy.every((found) => found === byte)).toBe(true);
  }
});

it('puts short ones together, and gives a long one memory of its own', () => {
  const slab = new Slab(1024, 256);
  const memories = new Set(Array.from({ length: 100 }, () => slab.copy(new Uint8Array(100)).buffer));
  expect(memories.size).toBe(10);
  expect(slab.copy(new Uint8Array(300)).buffer.byteLength).toBe(300);
});
