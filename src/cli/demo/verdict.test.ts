import { describe, expect, it } from 'vitest';
import { judge, type Witness } from './verdict.ts';

const WITNESS: Witness = {
  submitted: 1900,
  learned: 1900,
  heard: { different: 1900, strangers: 0 },
  delivered: 2005,
  digest: 'end',
  digests: new Map([
    [1000, 'one'],
    [2000, 'two'],
  ]),
};

/** A replica that says these digests, and has delivered as many instances as the last of them says. */
function member(id: number, ...digests: readonly (readonly [number, ...string[]])[]) {
  const seen = new Map(digests.map(([instanceId, ...said]) => [instanceId, new Set(said)]));
  return { id, delivered: digests.at(-1)?.[0] ?? 0, digests: seen };
}

const GOOD = [0, 1, 2].map((id) =>
  member(id, [1000, 'one'], [1234, 'between'], [2000, 'two'], [2005, 'end']),
);

describe('the verdict of the demo', () => {
  it('counts values, instances, and values that were chosen twice', () => {
    expect(judge(GOOD, WITNESS)).toEqual({ values: 1900, instances: 2005, twice: 105, digest: 'end' });
  });

  it.each([
    [
      'another value',
      [member(1, [1000, 'one'], [2000, 'other'], [2005, 'end'])],
      WITNESS,
      /replica 1 and the learner differ/,
    ],
    ['another end', [member(1, [2005, 'other'])], WITNESS, /differ, at or below instance 2005/],
    [
      'another past after a restart',
      [member(2, [1000, 'one', 'other'], [2005, 'end'])],
      WITNESS,
      /something else after its restart/,
    ],
    [
      'a replica behind',
      [member(0, [2000, 'two'])],
      WITNESS,
      /replica 0 is at instance 2000, the learner at 2005/,
    ],
    ['a replica that said nothing', [member(0)], WITNESS, /replica 0 is at instance 0/],
    ['a value that was not chosen', GOOD, { ...WITNESS, learned: 1899 }, /1 of 1900 values were not chosen/],
    [
      'a value that was not delivered',
      GOOD,
      { ...WITNESS, heard: { different: 1898, strangers: 0 } },
      /2 values .* were not delivered/,
    ],
    [
      'a value of nobody',
      GOOD,
      { ...WITNESS, heard: { different: 1900, strangers: 1 } },
      /1 values were delivered that nobody submitted/,
    ],
  ])('is bad for %s', (_, members, witness, reason) => {
    expect(() => judge(members, witness)).toThrow(reason);
  });
});
