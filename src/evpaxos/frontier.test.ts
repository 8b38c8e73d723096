import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../storage/memory.ts';
import { Frontier } from './frontier.ts';

const VALUE = new Uint8Array([1]);

function stored(...stretches: readonly (readonly [from: number, to: number])[]): MemoryStorage {
  const storage = new MemoryStorage();
  for (const [from, to] of stretches) for (let i = from; i <= to; i++) storage.put(i, 10, 10, VALUE);
  return storage;
}

describe('Frontier', () => {
  it('follows what is accepted, in whatever order', () => {
    const frontier = new Frontier(stored());
    for (const i of [1, 3, 2, 8194, 5]) frontier.note(i);
    expect(frontier.reached).toBe(8194);
  });

  it('leaves out what stands alone, far above', () => {
    const frontier = new Frontier(stored([1, 20]));
    for (const i of [4_000_000_000, 21, 70_001, 2 ** 32 - 1, 22]) frontier.note(i);
    expect(frontier.reached).toBe(22);
  });

  it('moves on to where many come, after the acceptor was away', () => {
    const frontier = new Frontier(stored([1, 20]));
    for (let i = 0; i < 511; i++) frontier.note(1_000_000 + i);
    expect(frontier.reached).toBe(20);
    frontier.note(1_000_511);
    expect(frontier.reached).toBe(1_000_511);
  });

  it.each([
    ['nothing', stored(), 0],
    ['a few', stored([1, 5]), 5],
    ['many', stored([1, 30_000]), 30_000],
    ['many, and one alone', stored([1, 30_000], [4_000_000_000, 4_000_000_000]), 30_000],
    ['a few, and some alone', stored([1, 5], [70_001, 70_073], [2 ** 31, 2 ** 31]), 5],
    ['a stretch that was missed', stored([1, 20_000], [90_000, 91_000]), 91_000],
  ] as const)('begins where what is stored ends: %s', (_what, storage, reached) => {
    expect(new Frontier(storage).reached).toBe(reached);
  });

  it('begins above the trim point', () => {
    const storage = stored([1, 30_000], [4_000_000_000, 4_000_000_000]);
    storage.trim(29_000);
    expect(new Frontier(storage).reached).toBe(30_000);
    storage.trim(30_000);
    expect(new Frontier(storage).reached).toBe(30_000);
  });
});
