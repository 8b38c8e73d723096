import { expect, test } from 'vitest';
import { MAX_REPAIRS, Repairs } from './repairs.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const NONE = new Uint8Array(0);

interface Own {
  readonly value: Uint8Array;
}

function repairs(waiting: Own[] = [], mayFill = false) {
  const chosen: Own[] = [];
  const made = new Repairs<Own>({
    acceptors: 3,
    mayFill: () => mayFill,
    takeWaiting: () => waiting.shift(),
    putBack: (own) => waiting.push(own),
    chosen: (own) => chosen.push(own),
  });
  return { made, waiting, chosen };
}

test('an instance accepted at two ballots is proposed again, with the value of the higher one', () => {
  const { made } = repairs();
  expect(made.open(7, 0)).toBe(true);
  expect(made.receivePromise(1, 7, 51, 12, bytes('v'))).toBeUndefined();
  expect(made.receivePromise(2, 7, 51, 21, bytes('v'))).toEqual({
    instanceId: 7,
    ballot: 51,
    value: bytes('v'),
  });
});

test('one acceptor does not make a quorum by promising twice', () => {
  const { made } = repairs();
  made.open(7, 0);
  made.receivePromise(1, 7, 51, 12, bytes('v'));
  expect(made.receivePromise(1, 7, 51, 12, bytes('v'))).toBeUndefined();
});

test('an instance that nobody decided gets a no-op where there are some, and what was told of it where there is that', () => {
  const { made, waiting, chosen } = repairs([{ value: bytes('mine') }], true);
  made.open(7, 0);
  made.receivePromise(0, 7, 51, 0, NONE);
  expect(made.receivePromise(2, 7, 51, 0, NONE)).toEqual({ instanceId: 7, ballot: 51, value: NONE });
  for (const a of [0, 1]) made.receiveAccepted(a, 7, 51, NONE);
  expect([waiting.length, chosen]).toEqual([1, []]);
  made.open(8, 0);
  made.receivePromise(0, 8, 51, 12, bytes('theirs'));
  expect(made.receivePromise(2, 8, 51, 0, NONE)).toMatchObject({ value: bytes('theirs') });
});

test('an instance that nobody decided gets a waiting value, which is chosen with a quorum', () => {
  const own = { value: bytes('own') };
  const { made, chosen } = repairs([own]);
  made.open(7, 0);
  made.receivePromise(0, 7, 51, 0, NONE);
  expect(made.receivePromise(1, 7, 51, 0, NONE)?.value).toEqual(bytes('own'));
  made.receiveAccepted(0, 7, 51, bytes('own'));
  made.receiveAccepted(1, 7, 51, bytes('theirs'));
  expect(chosen).toEqual([]);
  made.receiveAccepted(2, 7, 51, bytes('own'));
  expect(chosen).toEqual([own]);
});

test('a value under way goes back to the queue when the ballot is given up', () => {
  const own = { value: bytes('own') };
  const { made, waiting } = repairs([own]);
  made.open(7, 0);
  made.receivePromise(0, 7, 51, 0, NONE);
  made.receivePromise(1, 7, 51, 0, NONE);
  made.clear();
  expect(waiting).toEqual([own]);
});

test('one ballot carries one value, whatever another quorum reports when the instance is run again', () => {
  const { made } = repairs();
  made.open(7, 0);
  made.receivePromise(0, 7, 51, 12, bytes('first'));
  const first = made.receivePromise(1, 7, 51, 0, NONE);
  expect(first?.value).toEqual(bytes('first'));
  expect(made.open(7, 500)).toBe(false);
  expect(made.open(7, 5000)).toBe(true);
  expect(made.receivePromise(1, 7, 51, 0, NONE)).toBeUndefined();
  expect(made.receivePromise(2, 7, 51, 21, bytes('second'))).toEqual(first);
});

test('so many instances are run again at a time and no more, until those that nobody answers make room', () => {
  const { made } = repairs();
  for (let i = 1; i <= MAX_REPAIRS; i++) expect(made.open(i, 0)).toBe(true);
  expect(made.open(MAX_REPAIRS + 1, 10)).toBe(false);
  expect(made.open(MAX_REPAIRS + 1, 5000)).toBe(true);
});

test('what was proposed at this ballot stays, although an acceptor refused it: no other value may be', () => {
  const { made, waiting } = repairs();
  waiting.push({ value: bytes('first') }, { value: bytes('second') });
  made.open(7, 0);
  made.receivePromise(0, 7, 51, 0, NONE);
  expect(made.receivePromise(1, 7, 51, 0, NONE)?.value).toEqual(bytes('first'));
  expect(made.giveUp(7)).toBe(true);
  expect(made.open(7, 5000)).toBe(true);
  made.receivePromise(1, 7, 51, 0, NONE);
  expect(made.receivePromise(2, 7, 51, 0, NONE)?.value).toEqual(bytes('first'));
});
