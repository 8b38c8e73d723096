import { expect, test } from 'vitest';
import { MAX_REPAIRS, type RepairOutcome, Repairs } from './repairs.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const NONE = new Uint8Array(0);
const BALLOT = 51;

interface Own {
  readonly value: Uint8Array;
}

const ALL_TOLD = 0b111;
const NOBODY_TOLD = 0;

/**
 * @param told which acceptors told of promises below the ballot for all instances
 * @param mayFill whether there are no-ops
 */
function repairs(waiting: Own[] = [], told = ALL_TOLD, mayFill = false) {
  const chosen: Own[] = [];
  const made = new Repairs<Own>({
    acceptors: 3,
    probed: () => told,
    mayFill: () => mayFill,
    takeWaiting: () => waiting.shift(),
    putBack: (own) => waiting.push(own),
    chosen: (own) => chosen.push(own),
  });
  /** An acceptor promised `promisedBallot` in instance 7, where it has accepted a value at `valueBallot`. */
  const promise = (
    acceptorId: number,
    promisedBallot: number,
    valueBallot = 0,
    value = NONE,
  ): RepairOutcome =>
    made.receivePromise({ acceptorId, instanceId: 7, promisedBallot, valueBallot, value }, BALLOT);
  return { made, waiting, chosen, promise };
}

function accept(value: string) {
  return { instanceId: 7, ballot: BALLOT, value: bytes(value) };
}

test('an instance accepted at two ballots is proposed again, with the value of the higher one', () => {
  const { made, promise } = repairs();
  expect(made.open(7, 0)).toBe(true);
  expect(promise(1, BALLOT, 12, bytes('v'))).toBe('counted');
  expect(promise(2, BALLOT, 21, bytes('v'))).toEqual(accept('v'));
});

test('the value of the highest ballot is proposed, whichever was told first', () => {
  for (const first of ['higher', 'lower']) {
    const { made, promise } = repairs();
    made.open(7, 0);
    if (first === 'higher') promise(1, BALLOT, 21, bytes('new'));
    promise(2, BALLOT, 12, bytes('old'));
    if (first === 'lower') expect(promise(1, BALLOT, 21, bytes('new'))).toEqual(accept('new'));
    else expect(promise(0, BALLOT)).toBe('ignored');
    expect(made.proposed(BALLOT, 7, 7)).toEqual([accept('new')]);
  }
});

test('one acceptor does not make a quorum by promising twice', () => {
  const { made, promise } = repairs();
  made.open(7, 0);
  promise(1, BALLOT, 12, bytes('v'));
  expect(promise(1, BALLOT, 12, bytes('v'))).toBe('ignored');
});

test('an instance that nobody decided gets a no-op where there are some, and what was told of it where there is that', () => {
  const { made, waiting, chosen, promise } = repairs([{ value: bytes('mine') }], ALL_TOLD, true);
  made.open(7, 0);
  promise(0, BALLOT);
  expect(promise(2, BALLOT)).toEqual({ instanceId: 7, ballot: BALLOT, value: NONE });
  for (const a of [0, 1]) made.receiveAccepted(a, 7, BALLOT, NONE);
  expect([waiting.length, chosen]).toEqual([1, []]);
  made.open(7, 0);
  promise(0, BALLOT, 12, bytes('theirs'));
  expect(promise(2, BALLOT)).toEqual(accept('theirs'));
});

test('an instance that nobody decided gets a waiting value, which is chosen with a quorum', () => {
  const own = { value: bytes('own') };
  const { made, chosen, promise } = repairs([own]);
  made.open(7, 0);
  promise(0, BALLOT);
  expect(promise(1, BALLOT)).toEqual(accept('own'));
  made.receiveAccepted(0, 7, 51, bytes('own'));
  made.receiveAccepted(1, 7, 51, bytes('theirs'));
  expect(chosen).toEqual([]);
  made.receiveAccepted(2, 7, 51, bytes('own'));
  expect(chosen).toEqual([own]);
});

test('a value under way goes back to the queue when the ballot is given up', () => {
  const own = { value: bytes('own') };
  const { made, waiting, promise } = repairs([own]);
  made.open(7, 0);
  promise(0, BALLOT);
  promise(1, BALLOT);
  made.clear();
  expect(waiting).toEqual([own]);
});

test('one ballot carries one value, whatever another quorum reports when the instance is run again', () => {
  const { made, promise } = repairs();
  made.open(7, 0);
  promise(0, BALLOT, 12, bytes('first'));
  const first = promise(1, BALLOT);
  expect(first).toEqual(accept('first'));
  expect(made.open(7, 500)).toBe(false);
  expect(made.open(7, 5000)).toBe(true);
  expect(promise(1, BALLOT)).toBe('counted');
  expect(promise(2, BALLOT, 21, bytes('second'))).toEqual(first);
});

test('so many instances are run again at a time and no more, until those that nobody answers make room', () => {
  const { made } = repairs();
  for (let i = 1; i <= MAX_REPAIRS; i++) expect(made.open(i, 0)).toBe(true);
  expect(made.open(MAX_REPAIRS + 1, 10)).toBe(false);
  expect(made.open(MAX_REPAIRS + 1, 5000)).toBe(true);
});

test('what was proposed at this ballot stays, although an acceptor refused it: no other value may be', () => {
  const { made, waiting, promise } = repairs();
  waiting.push({ value: bytes('first') }, { value: bytes('second') });
  made.open(7, 0);
  promise(0, BALLOT);
  expect(promise(1, BALLOT)).toEqual(accept('first'));
  expect(made.giveUp(7)).toBe(true);
  expect(made.open(7, 5000)).toBe(true);
  promise(1, BALLOT);
  expect(promise(2, BALLOT)).toEqual(accept('first'));
});

test('an original is asked at the ballot once it has told what it promised there, and counts from then on', () => {
  const { made, promise } = repairs([], NOBODY_TOLD);
  made.open(7, 0);
  expect(promise(0, 20, 12, bytes('v'))).toBe('prepare');
  expect(promise(1, 0)).toBe('prepare');
  expect(promise(0, BALLOT, 12, bytes('v'))).toBe('counted');
  expect(promise(1, BALLOT)).toEqual(accept('v'));
});

test('those that told of all instances and those that told of this one are a quorum together', () => {
  const { made, promise } = repairs([], 0b100);
  made.open(7, 0);
  expect(promise(2, BALLOT)).toBe('counted');
  expect(promise(0, 0)).toBe('prepare');
  expect(promise(0, BALLOT, 12, bytes('v'))).toEqual(accept('v'));
});

test('nothing is proposed while a former process may have used the ballot: a quorum promised it, unasked', () => {
  const { made, promise } = repairs([{ value: bytes('own') }], NOBODY_TOLD);
  made.open(7, 0);
  promise(0, BALLOT, BALLOT, bytes('theirs'));
  promise(1, 0);
  expect(promise(1, BALLOT)).toBe('used');
  expect(made.proposed(BALLOT, 7, 7)).toEqual([]);
});

test('one that promised more is told of, and not counted', () => {
  const { made, promise } = repairs([], NOBODY_TOLD);
  made.open(7, 0);
  expect(promise(0, 60)).toBe('outvoted');
  promise(1, 0);
  expect(promise(1, BALLOT)).toBe('counted');
});
