/**
 * The checkers: each catches what it is for, given directly, and lets pass what is right.
 */
import { describe, expect, test } from 'vitest';
import type { Message } from '../transport/message-log.ts';
import { SeededRandom } from '../transport/random.ts';
import { Checkers } from './checkers.ts';
import { SimDisk, type Write } from './disk.ts';
import { Violation } from './violation.ts';

const A = bytes('a');
const B = bytes('b');

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

function accepts(instanceId: number, ballot: number, value: Uint8Array): Write {
  return { type: 'put', instanceId, promisedBallot: ballot, acceptedBallot: ballot, value };
}

function promises(instanceId: number, ballot: number): Write {
  return { type: 'put', instanceId, promisedBallot: ballot, acceptedBallot: 0, value: bytes('') };
}

/** Three disks and checkers that watch them, with "a" and "b" submitted. */
function watched(options: { safeTrim?: number; originals?: number } = {}) {
  const disks = [0, 1, 2].map(
    (a): SimDisk => new SimDisk(new SeededRandom(a), (durable, write) => checkers.written(a, durable, write)),
  );
  const checkers: Checkers = new Checkers({
    disks,
    originals: options.originals ?? 0,
    safeTrim: () => options.safeTrim ?? 0,
  });
  checkers.submitted('a');
  checkers.submitted('b');
  const write = (acceptor: number, ...writes: Write[]) => disks[acceptor]?.apply(writes);
  return { checkers, write };
}

/** Which checker is not content with this. */
function complaint(doing: () => void): string {
  try {
    doing();
  } catch (error) {
    if (error instanceof Violation) return error.checker;
    throw error;
  }
  return 'none';
}

describe('what learners deliver', () => {
  test('is fine if a quorum has it on disk and all learners agree', () => {
    const { checkers, write } = watched();
    for (const acceptor of [0, 2]) write(acceptor, accepts(1, 11, A));
    expect(complaint(() => checkers.delivered('l0', 1, 1, A))).toBe('none');
    expect(complaint(() => checkers.delivered('l1', 1, 1, A))).toBe('none');
    expect([...checkers.chosen]).toEqual([[1, 'a']]);
    expect(checkers.deliveries).toBe(2);
  });

  test('agreement: another value than others delivered', () => {
    const { checkers, write } = watched();
    for (const acceptor of [0, 2]) write(acceptor, accepts(1, 11, A));
    checkers.delivered('l0', 1, 1, A);
    expect(complaint(() => checkers.delivered('l1', 1, 1, B))).toBe('agreement');
  });

  test('durability: a value that no quorum of disks holds, or that one of them holds otherwise', () => {
    const { checkers, write } = watched();
    write(0, accepts(1, 11, A));
    write(1, accepts(1, 12, B));
    write(2, promises(1, 22));
    expect(complaint(() => checkers.delivered('l0', 1, 1, A))).toBe('durability');
  });

  test('validity: what nobody submitted', () => {
    const { checkers } = watched();
    expect(complaint(() => checkers.delivered('l0', 1, 1, bytes('c')))).toBe('validity');
  });

  test('order: a gap, and the same instance twice', () => {
    const { checkers } = watched();
    expect(complaint(() => checkers.delivered('l0', 1, 2, A))).toBe('order');
    expect(complaint(() => checkers.delivered('l0', 2, 1, A))).toBe('order');
  });
});

describe('what processes send', () => {
  const accept = (ballot: number, value: Uint8Array): Message => ({
    type: 'accept',
    instanceId: 1,
    ballot,
    value,
  });
  const promise = (ballot: number): Message => ({
    type: 'promise',
    acceptorId: 0,
    instanceId: 1,
    ballot,
    valueBallot: 0,
    value: bytes(''),
  });
  const accepted = (valueBallot: number, value: Uint8Array): Message => ({
    type: 'accepted',
    acceptorId: 0,
    instanceId: 1,
    ballot: valueBallot,
    valueBallot,
    value,
  });

  test('ballots: one ballot with two values; the same value again is fine', () => {
    const { checkers } = watched();
    checkers.sent(undefined, accept(11, A));
    expect(complaint(() => checkers.sent(undefined, accept(11, A)))).toBe('none');
    expect(complaint(() => checkers.sent(undefined, accept(21, B)))).toBe('none');
    expect(complaint(() => checkers.sent(undefined, accept(11, B)))).toBe('ballots');
  });

  test('durability: a promise before it is on disk', () => {
    const { checkers, write } = watched();
    expect(complaint(() => checkers.sent(0, promise(11)))).toBe('durability');
    write(0, promises(1, 11));
    expect(complaint(() => checkers.sent(0, promise(11)))).toBe('none');
    expect(complaint(() => checkers.sent(0, promise(21)))).toBe('durability');
  });

  test('durability: an acceptance before it is on disk, or with another value', () => {
    const { checkers, write } = watched();
    expect(complaint(() => checkers.sent(0, accepted(11, A)))).toBe('durability');
    write(0, accepts(1, 11, A));
    expect(complaint(() => checkers.sent(0, accepted(11, A)))).toBe('none');
    expect(complaint(() => checkers.sent(0, accepted(11, B)))).toBe('durability');
  });

  test('durability: a preemption by a ballot that is not on disk', () => {
    const { checkers, write } = watched();
    const preempted: Message = { type: 'preempted', acceptorId: 0, instanceId: 1, ballot: 21 };
    write(0, promises(1, 11));
    expect(complaint(() => checkers.sent(0, preempted))).toBe('durability');
    write(0, promises(1, 21));
    expect(complaint(() => checkers.sent(0, preempted))).toBe('none');
  });

  test('durability: a promise for all, a status and a trim point that are not on disk', () => {
    const { checkers, write } = watched({ safeTrim: 5 });
    const all: Message = {
      type: 'promiseFrom',
      acceptorId: 0,
      ballot: 11,
      from: 1,
      to: 9,
      promisedBallot: 11,
      trimInstanceId: 0,
      count: 0,
    };
    const status: Message = {
      type: 'status',
      acceptorId: 0,
      token: 0,
      highestBallot: 11,
      highestAccepted: 0,
      trimInstanceId: 0,
      chosen: 0,
      leaderBallot: 0,
    };
    const state: Message = { type: 'acceptorState', acceptorId: 0, trimInstanceId: 5 };
    for (const message of [all, status, state])
      expect(complaint(() => checkers.sent(0, message))).toBe('durability');
    write(0, accepts(5, 9, A), { type: 'floor', ballot: 11 }, { type: 'trim', instanceId: 5 });
    for (const message of [all, status, state])
      expect(complaint(() => checkers.sent(0, message))).toBe('none');
  });

  test('durability: a range of acceptances of which one is not on disk', () => {
    const { checkers, write } = watched();
    const range: Message = { type: 'acceptedRange', acceptorId: 0, ballot: 11, from: 1, to: 2 };
    write(0, accepts(1, 11, A), promises(2, 11));
    expect(complaint(() => checkers.sent(0, range))).toBe('durability');
    write(0, accepts(2, 11, B));
    expect(complaint(() => checkers.sent(0, range))).toBe('none');
  });

  test('durability: what a leader tells to be chosen, and no majority accepted at that ballot', () => {
    const { checkers, write } = watched();
    const chosen = (from: number, to: number): Message => ({ type: 'chosen', ballot: 22, from, to });
    for (const acceptor of [0, 1]) write(acceptor, accepts(2, 22, A), accepts(3, 11, B));
    write(0, accepts(3, 22, B));
    expect(complaint(() => checkers.sent(undefined, chosen(2, 2)))).toBe('none');
    expect(complaint(() => checkers.sent(undefined, chosen(2, 3)))).toBe('durability');
    expect(complaint(() => checkers.sent(undefined, chosen(1, 2)))).toBe('durability');
    write(2, accepts(3, 22, B));
    expect(complaint(() => checkers.sent(undefined, chosen(2, 3)))).toBe('none');
  });

  test('what a process without an acceptor passes on is no promise of its own', () => {
    const { checkers } = watched();
    expect(complaint(() => checkers.sent(undefined, promise(11)))).toBe('none');
  });
});

describe('what acceptors write', () => {
  test('promises: a ballot that sinks, in a record and for all', () => {
    const { write } = watched();
    write(0, promises(1, 21), { type: 'floor', ballot: 30 });
    expect(complaint(() => write(0, promises(1, 11)))).toBe('promises');
    expect(complaint(() => write(0, { type: 'floor', ballot: 20 }))).toBe('promises');
  });

  test('promises: another value at the ballot it accepted', () => {
    const { write } = watched();
    write(0, accepts(1, 11, A));
    expect(complaint(() => write(0, accepts(1, 11, A)))).toBe('none');
    expect(complaint(() => write(0, accepts(1, 11, B)))).toBe('promises');
    expect(complaint(() => write(0, accepts(1, 21, B)))).toBe('none');
  });

  test('promises: an acceptance below what it promised for all', () => {
    const { write } = watched();
    write(0, { type: 'floor', ballot: 30 });
    expect(complaint(() => write(0, accepts(7, 21, A)))).toBe('promises');
    expect(complaint(() => write(0, accepts(7, 30, A)))).toBe('none');
  });

  test('trim: what a checkpoint lacks', () => {
    const { write } = watched({ safeTrim: 5 });
    write(0, accepts(9, 11, A));
    expect(complaint(() => write(0, { type: 'trim', instanceId: 5 }))).toBe('none');
    expect(complaint(() => write(0, { type: 'trim', instanceId: 6 }))).toBe('trim');
  });

  test('trim: above everything that was accepted there, but for an original', () => {
    const trim: Write = { type: 'trim', instanceId: 5 };
    const { write } = watched({ safeTrim: 9 });
    write(0, accepts(4, 11, A), promises(5, 11));
    expect(complaint(() => write(0, trim))).toBe('trim');
    expect(complaint(() => watched({ safeTrim: 9, originals: 1 }).write(0, trim))).toBe('none');
  });

  test('agreement: majorities accepted two values, whether or not anybody heard of it', () => {
    const { write } = watched();
    for (const acceptor of [0, 1]) write(acceptor, accepts(1, 11, A));
    write(2, accepts(1, 22, B));
    expect(complaint(() => write(2, accepts(1, 33, A)))).toBe('none');
    write(2, accepts(1, 44, B));
    expect(complaint(() => write(1, accepts(1, 44, B)))).toBe('agreement');
  });
});

describe('what an original proposer is told', () => {
  const state = (trimInstanceId: number): Message => ({
    type: 'acceptorState',
    acceptorId: 0,
    trimInstanceId,
  });

  test('trim: to go on above what is not chosen', () => {
    const { checkers, write } = watched();
    for (const acceptor of [0, 1]) write(acceptor, accepts(1, 11, A));
    write(0, accepts(2, 11, B));
    expect(complaint(() => checkers.sent(0, state(1), true))).toBe('none');
    expect(complaint(() => checkers.sent(0, state(2), true))).toBe('trim');
    expect(complaint(() => checkers.sent(0, state(1)))).toBe('durability');
  });
});

describe('what clients are told', () => {
  test('durability: a value that no majority of disks accepted at one ballot', () => {
    const { checkers, write } = watched();
    write(0, accepts(1, 11, A));
    write(1, accepts(1, 22, A));
    expect(complaint(() => checkers.settled('a'))).toBe('durability');
    expect(complaint(() => checkers.delivered('l0', 1, 1, A))).toBe('durability');
    write(0, accepts(1, 22, A));
    expect(complaint(() => checkers.settled('a'))).toBe('none');
    expect(complaint(() => checkers.settled('b'))).toBe('durability');
  });
});
