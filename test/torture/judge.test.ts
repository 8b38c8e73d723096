/**
 * The judge: what is right passes, and each fault that is planted is found.
 */
import { describe, expect, it } from 'vitest';
import { Digest } from '../../src/cli/progress.ts';
import { MemoryStorage } from '../../src/storage/index.ts';
import { Judge } from './judge.ts';

const VALUES = ['one', 'two', 'three'];

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

/** What a process says that delivered these values. */
function claim(...values: string[]) {
  const digest = new Digest();
  for (const [i, value] of values.entries()) digest.add(i + 1, bytes(value));
  return { delivered: values.length, digest: digest.text };
}

/** A judge, before whom three values were submitted, and what it found. */
function court() {
  const found: string[] = [];
  const judge = new Judge(({ message }) => found.push(message));
  for (const value of VALUES) judge.submitted(value);
  const deliver = (learner: string, ...values: string[]) => {
    for (const [i, value] of values.entries()) judge.delivered(learner, i + 1, bytes(value));
  };
  return { judge, deliver, found };
}

/** An acceptor's storage with these values, from instance 1 on. */
function stored(...values: (string | undefined)[]): MemoryStorage {
  const storage = new MemoryStorage();
  for (const [i, value] of values.entries()) {
    if (value === undefined) storage.put(i + 1, 10, 0, bytes(''));
    else storage.put(i + 1, 10, 10, bytes(value));
  }
  return storage;
}

describe('the judge', () => {
  it('lets pass what is right', () => {
    const { judge, deliver, found } = court();
    judge.claimed('r0', 1, claim());
    judge.claimed('r0', 1, claim('one', 'two'));
    deliver('w', ...VALUES);
    deliver('c0', ...VALUES);
    judge.claimed('r0', 1, claim(...VALUES));
    judge.claimed('r0', 2, claim('one'));
    for (const value of VALUES) judge.answered(value);
    judge.conclude();
    judge.checkStored([stored(...VALUES), stored('one', undefined, 'three'), stored('other', 'two')]);
    expect(found).toEqual([]);
    expect([judge.instances, judge.values, judge.outstanding]).toEqual([3, 3, 0]);
    expect(judge.digestAt(3)).toBe(claim(...VALUES).digest);
  });

  it('lets values be chosen again', () => {
    const { judge, deliver, found } = court();
    deliver('w', 'one', 'two', 'one');
    expect([judge.instances, judge.values, found.length]).toEqual([3, 2, 0]);
  });

  it('finds a learner here that differs', () => {
    const { deliver, found } = court();
    deliver('w', 'one', 'two');
    deliver('c0', 'one', 'three');
    expect(found).toEqual(['agreement: c0 delivered "three", others "two"']);
  });

  it('finds a process that differs, whoever is first', () => {
    const { judge, deliver, found } = court();
    judge.claimed('l0', 1, claim('one', 'three'));
    expect(found).toEqual([]);
    deliver('w', 'one', 'two', 'three');
    expect(found).toEqual([expect.stringMatching(/^agreement: l0 \(life 1\) delivered another sequence/)]);
    judge.claimed('l1', 3, claim('two', 'one', 'three'));
    expect(found[1]).toMatch(/^agreement: l1 \(life 3\) delivered another sequence/);
  });

  it('finds a process that delivered what no learner here has', () => {
    const { judge, deliver, found } = court();
    deliver('w', 'one');
    judge.claimed('l0', 1, claim('one', 'two'));
    judge.conclude();
    expect(found).toEqual([expect.stringMatching(/^agreement: l0 \(life 1\) delivered instance 2/)]);
  });

  it('finds a process that goes back', () => {
    const { judge, deliver, found } = court();
    deliver('w', 'one', 'two');
    judge.claimed('l0', 1, claim('one', 'two'));
    judge.claimed('l0', 1, claim('one'));
    expect(found).toEqual([expect.stringMatching(/^order: l0 \(life 1\) was at instance 2, and now at 1/)]);
  });

  it('takes what a learner passes over for a no-op, and finds a value that another had there', () => {
    const { judge, deliver, found } = court();
    deliver('w', 'one');
    judge.delivered('w', 3, bytes('three'));
    judge.delivered('l', 1, bytes('one'));
    judge.delivered('l', 3, bytes('three'));
    expect(found).toEqual([]);
    deliver('c0', 'one', 'two');
    expect(found.map((text) => text.split(':')[0])).toEqual(['agreement']);
  });

  it('finds what is delivered again, and a value that nobody submitted', () => {
    const { judge, deliver, found } = court();
    deliver('w', 'one');
    judge.delivered('w', 1, bytes('one'));
    deliver('c0', 'one', 'four');
    expect(found.map((text) => text.split(':')[0])).toEqual(['order', 'validity']);
  });

  it('finds a ballot that carries two values', () => {
    const { judge, found } = court();
    judge.proposed(1, 11, bytes('one'));
    judge.proposed(2, 11, bytes('two'));
    judge.proposed(1, 21, bytes('two'));
    judge.proposed(1, 11, bytes('one'));
    expect(found).toEqual([]);
    judge.proposed(1, 11, bytes('two'));
    expect(found).toEqual(['ballots: ballot 11 was given to "one" and to "two"']);
  });

  it('finds an answer to what was not delivered', () => {
    const { judge, deliver, found } = court();
    deliver('w', 'one');
    judge.answered('two');
    judge.conclude();
    expect(found).toEqual([expect.stringMatching(/^durability: "two" was told to be chosen/)]);
  });

  it('finds a value that is lost from storage', () => {
    const { judge, deliver, found } = court();
    deliver('w', 'one', 'two');
    judge.checkStored([stored('one', 'two'), stored('one'), stored('one', 'three')]);
    expect(found).toEqual([
      expect.stringMatching(/^durability: "two" was delivered, and is stored by 1 of 3/),
    ]);
  });

  it('takes what was trimmed for stored', () => {
    const { judge, deliver, found } = court();
    deliver('w', 'one', 'two');
    const trimmed = stored('one', 'two');
    trimmed.trim(2);
    judge.checkStored([trimmed, stored('one', 'two'), stored()]);
    expect(found).toEqual([]);
  });
});
