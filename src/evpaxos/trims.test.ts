import { describe, expect, it } from 'vitest';
import { Trims } from './trims.ts';

const NONSENSE = 1_000_000;

function trims(reached: readonly number[], ours: readonly number[] = [0, 1, 2]): Trims {
  const peers = reached.map((acceptorId) => ({ acceptorId, isOurs: ours.includes(acceptorId) }));
  return new Trims(
    3,
    0xffff_fffe,
    () => 100,
    () => peers,
  );
}

describe('Trims', () => {
  it('believes one acceptor what is known to be chosen, and no more while the others can be asked', () => {
    const told = trims([0, 1, 2]);
    told.note(0, 90);
    expect(told.believed).toBe(90);
    told.note(0, NONSENSE);
    expect(told.believed).toBe(0);
    told.note(1, 500);
    expect(told.believed).toBe(500);
  });

  it('believes one of ours alone where the others are too few to decide anything', () => {
    const told = trims([0, 1]);
    told.note(0, 500);
    expect(told.believed).toBe(500);
  });

  it('believes no original alone, which takes any number, and nobody while too few are reached to know', () => {
    const original = trims([0, 1], [1]);
    original.note(0, NONSENSE);
    expect(original.believed).toBe(0);
    const alone = trims([0]);
    alone.note(0, NONSENSE);
    expect(alone.believed).toBe(0);
  });
});
