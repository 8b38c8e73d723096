import { describe, expect, it } from 'vitest';
import { ballotAbove, MAX_BALLOT } from './ballot.ts';
import { InvariantError } from './invariant.ts';
import type { ProposerOptions } from './proposal.ts';
import { Proposer } from './proposer.ts';
import { StateWriter } from './state.ts';
import type { Submission } from './waiting.ts';

const NONE = new Uint8Array(0);
const END = Number.MAX_SAFE_INTEGER;
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array) => new TextDecoder().decode(value);
const submit = (value: string): Submission => ({ value: bytes(value) });

/** Proposer 2 of a cluster of three, with a window of 4 and 16 slots, unless told. */
function proposer(options: Partial<ProposerOptions> = {}): Proposer {
  return new Proposer({ id: 2, acceptors: 3, window: 4, inFlight: 16, ...options });
}

/** One that has opened its window, probed acceptors 0 and 1 instance by instance, and taken ballot 12. */
function started(options: Partial<ProposerOptions> = {}): Proposer {
  const p = proposer(options);
  p.openInstances(0);
  probe(p, p.low, p.next);
  p.raise(12, 0);
  return p;
}

function probe(p: Proposer, from: number, to: number): void {
  for (let i = from; i < to; i++) for (const a of [0, 1]) p.receivePromise(a, i, 2, 0, NONE);
}

/** A quorum promises the present ballot. */
function promise(p: Proposer, instanceId: number, valueBallot = 0, value = ''): void {
  for (const a of [0, 1]) {
    expect(p.receivePromise(a, instanceId, p.ballot, valueBallot, bytes(value))).toBe('counted');
  }
}

/** Goes above everything heard of, and is promised all that is open. */
function raise(p: Proposer): void {
  p.raise(ballotAbove(p.highestSeen, p.id), 0);
}

/** The next ACCEPT, as `instance@ballot:value`. */
function accepted(p: Proposer, now = 0): string | undefined {
  const accept = p.accept(now);
  return accept && `${accept.instanceId}@${accept.ballot}:${text(accept.value)}`;
}

/** A quorum accepts; the value of ours that is chosen by it. */
function choose(p: Proposer, instanceId: number): string | undefined {
  expect(p.receiveAccepted(0, instanceId, p.ballot)).toBeUndefined();
  const finished = p.receiveAccepted(1, instanceId, p.ballot);
  expect(finished).toBeDefined();
  return finished?.chosen && text(finished.chosen.value);
}

function waiting(p: Proposer): string[] {
  const all: string[] = [];
  for (let next = p.takeWaiting(); next !== undefined; next = p.takeWaiting()) all.push(text(next.value));
  return all;
}

function key(p: Proposer, order = [0, 1, 2]): string {
  const writer = new StateWriter(order);
  p.writeState(writer);
  return writer.key;
}

describe('Proposer: phase 1, instance by instance', () => {
  it('opens a window of instances from 1, and only once', () => {
    const p = proposer({ window: 10 });
    expect(p.openInstances(0)).toEqual({ from: 1, to: 11 });
    expect(p.preparedCount).toBe(10);
    expect(p.openInstances(0)).toEqual({ from: 11, to: 11 });
    expect([p.low, p.nextToAccept, p.next]).toEqual([1, 1, 11]);
  });

  it('takes a promise below its ballot for an answer to its probe, and asks again', () => {
    const p = started();
    expect(p.receivePromise(1, 1, 11, 0, NONE)).toBe('prepare');
    expect(p.receivePromise(1, 1, 12, 0, NONE)).toBe('counted');
    expect(p.receivePromise(1, 1, 11, 0, NONE)).toBe('ignored');
  });

  it('is preempted by a promise above its ballot, and remembers which', () => {
    const p = started();
    expect(p.receivePromise(1, 1, 13, 0, NONE)).toBe('preempted');
    expect(p.highestSeen).toBe(13);
    raise(p);
    expect(p.ballot).toBe(22);
    expect(p.receivePromise(1, 1, 12, 0, NONE)).toBe('prepare');
  });

  it('counts an acceptor once', () => {
    const p = started();
    p.propose(submit('value'));
    expect(p.receivePromise(0, 1, 12, 0, NONE)).toBe('counted');
    for (let i = 0; i < 9; i++) {
      expect(p.receivePromise(0, 1, 12, 0, NONE)).toBe('ignored');
      expect(accepted(p)).toBeUndefined();
    }
    expect(p.receivePromise(1, 1, 12, 0, NONE)).toBe('counted');
    expect(accepted(p)).toBe('1@12:value');
    expect(choose(p, 1)).toBe('value');
  });

  it('counts nobody who is not in the cluster, and no instance that is not open', () => {
    const p = started();
    expect(p.receivePromise(3, 1, 12, 0, NONE)).toBe('ignored');
    expect(p.receivePromise(0, 5, 12, 0, NONE)).toBe('ignored');
    expect(p.receivePromise(0, 0, 12, 0, NONE)).toBe('ignored');
    expect(p.receiveAccepted(3, 1, 12)).toBeUndefined();
    expect(p.receivePreempted(3, 1, 21)).toBe('ignored');
    expect(p.receiveHighestBallot(3, 21)).toBe('ignored');
    expect(p.receivePromiseFrom(3, 12, 1, END, 12, 0)).toBe('ignored');
    expect(p.highestSeen).toBe(12);
  });

  it('proposes once an instance is prepared and a value is there, whichever comes last', () => {
    const p = started();
    promise(p, 1);
    expect(accepted(p)).toBeUndefined();
    p.propose(submit('a value'));
    expect(p.waitingCount).toBe(1);
    expect(accepted(p)).toBe('1@12:a value');
    expect(p.waitingCount).toBe(0);
    expect(choose(p, 1)).toBe('a value');
    expect(p.low).toBe(2);
  });

  it('proposes in instance order: an instance without its quorum holds up those above', () => {
    const p = started();
    for (const value of ['a', 'b']) p.propose(submit(value));
    promise(p, 2);
    expect(accepted(p)).toBeUndefined();
    promise(p, 1);
    expect([accepted(p), accepted(p), accepted(p)]).toEqual(['1@12:a', '2@12:b', undefined]);
  });

  it('goes on with its own value after a preemption', () => {
    const p = started();
    p.propose(submit('some value'));
    p.receivePromise(1, 1, 13, 0, NONE);
    raise(p);
    promise(p, 1);
    expect(accepted(p)).toBe('1@22:some value');
  });

  it('proposes the value that a promise carried, and its own in the next instance', () => {
    const p = started();
    p.propose(submit('own'));
    p.receivePromise(1, 1, 13, 13, bytes('foo bar baz'));
    raise(p);
    promise(p, 1, 13, 'foo bar baz');
    promise(p, 2);
    expect([accepted(p), accepted(p)]).toEqual(['1@22:foo bar baz', '2@22:own']);
    expect(choose(p, 1)).toBeUndefined();
    expect(choose(p, 2)).toBe('own');
  });

  it('proposes the value of the highest ballot, of those that promises carried', () => {
    for (const [first, second] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const p = started();
      p.propose(submit('v1'));
      expect(p.receivePromise(0, 1, 13, 13, bytes('v2'))).toBe('preempted');
      expect(p.receivePromise(1, 1, 23, 23, bytes('v3'))).toBe('preempted');
      raise(p);
      expect(p.ballot).toBe(32);
      const told = [
        [13, 'v2'],
        [23, 'v3'],
      ] as const;
      p.receivePromise(first, 1, 32, told[first][0], bytes(told[first][1]));
      expect(accepted(p)).toBeUndefined();
      p.receivePromise(second, 1, 32, told[second][0], bytes(told[second][1]));
      promise(p, 2);
      expect([accepted(p), accepted(p)]).toEqual(['1@32:v3', '2@32:v1']);
    }
  });

  it('proposes a promised value without having one of its own, an empty one too', () => {
    const p = started();
    promise(p, 1, 11, '');
    expect(accepted(p)).toBe('1@12:');
    expect(accepted(p)).toBeUndefined();
  });

  it('forgets at a new ballot what was promised and reported at the last', () => {
    const p = started();
    promise(p, 1, 11, 'old');
    raise(p);
    p.propose(submit('own'));
    expect(accepted(p)).toBeUndefined();
    promise(p, 1);
    expect(accepted(p)).toBe('1@22:own');
  });

  it('ignores a promise whose value has a higher ballot than the promise', () => {
    const p = started();
    expect(p.receivePromise(0, 1, 12, 13, bytes('x'))).toBe('ignored');
  });
});

describe('Proposer: phase 2', () => {
  it('goes back to phase 1 when an ACCEPT is preempted, and loses no value', () => {
    const p = started({ window: 1 });
    p.propose(submit('some value'));
    promise(p, 1);
    expect(accepted(p)).toBe('1@12:some value');
    expect(p.preparedCount).toBe(0);
    expect(p.receivePreempted(1, 1, 13)).toBe('preempted');
    raise(p);
    expect([p.ballot, p.preparedCount]).toEqual([22, 1]);
    promise(p, 1, 13, 'preempt');
    expect(accepted(p)).toBe('1@22:preempt');
    expect(choose(p, 1)).toBeUndefined();
    p.openInstances(0);
    probe(p, 2, 3);
    promise(p, 2);
    expect(accepted(p)).toBe('2@22:some value');
  });

  it('ignores a preemption that is not above its ballot, or of an instance it does not propose in', () => {
    const p = started();
    p.propose(submit('v'));
    promise(p, 1);
    accepted(p);
    expect(p.receivePreempted(0, 1, 12)).toBe('ignored');
    expect(p.receivePreempted(0, 2, 13)).toBe('ignored');
    expect(p.receivePreempted(0, 9, 13)).toBe('ignored');
    expect(p.receivePreempted(0, 1, MAX_BALLOT + 1)).toBe('ignored');
    expect(p.highestSeen).toBe(13);
  });

  it('counts acceptances of its present ballot alone, and of each acceptor one', () => {
    const p = started();
    p.propose(submit('v'));
    promise(p, 1);
    accepted(p);
    expect(p.receiveAccepted(0, 1, 11)).toBeUndefined();
    expect(p.receiveAccepted(0, 1, 12)).toBeUndefined();
    expect(p.receiveAccepted(0, 1, 12)).toBeUndefined();
    p.receivePreempted(2, 1, 13);
    raise(p);
    expect(p.receiveAccepted(1, 1, 12)).toBeUndefined();
    promise(p, 1, 12, 'v');
    expect(accepted(p)).toBe('1@22:v');
    expect(p.receiveAccepted(1, 1, 22)).toBeUndefined();
    expect(p.receiveAccepted(0, 1, 22)?.chosen).toBeDefined();
    expect(p.receiveAccepted(2, 1, 22)).toBeUndefined();
  });

  it('runs its own value again where promises carry it, and does not propose it twice', () => {
    const p = started();
    p.propose(submit('foo'));
    promise(p, 1);
    accepted(p);
    p.receivePreempted(1, 1, 13);
    raise(p);
    promise(p, 1, 12, 'foo');
    promise(p, 2);
    expect(accepted(p)).toBe('1@22:foo');
    expect(choose(p, 1)).toBe('foo');
    expect(accepted(p)).toBeUndefined();
    expect(p.waitingCount).toBe(0);
  });

  it('knows its own value again when another proposer found it in that instance and ran it', () => {
    const p = started();
    p.propose(submit('foo'));
    promise(p, 1);
    accepted(p);
    p.receivePreempted(1, 1, 13);
    raise(p);
    promise(p, 1, 13, 'foo');
    promise(p, 2);
    expect(accepted(p)).toBe('1@22:foo');
    expect(choose(p, 1)).toBe('foo');
    expect(accepted(p)).toBeUndefined();
  });

  it('keeps its value with an instance while another is run there: any later proposer may still find it', () => {
    const p = started();
    p.propose(submit('own'));
    promise(p, 1);
    accepted(p);
    p.receivePreempted(1, 1, 13);
    raise(p);
    promise(p, 1, 11, 'theirs');
    promise(p, 2);
    expect(accepted(p)).toBe('1@22:theirs');
    expect(accepted(p)).toBeUndefined();
    p.receivePreempted(1, 1, 23);
    raise(p);
    promise(p, 1, 12, 'own');
    expect(accepted(p)).toBe('1@32:own');
    expect(choose(p, 1)).toBe('own');
    expect(p.waitingCount).toBe(0);
  });

  it('tells from where on it counted a quorum at its ballot for all below its lowest open instance', () => {
    const p = started();
    for (const value of ['a', 'b', 'c', 'd']) p.propose(submit(value));
    for (const i of [1, 2, 3, 4]) {
      promise(p, i);
      accepted(p);
    }
    choose(p, 1);
    choose(p, 3);
    expect([p.countedFrom, p.low]).toEqual([1, 2]);
    p.receiveDelivered(2, 7, bytes('another’s'));
    expect([p.countedFrom, p.low]).toEqual([3, 4]);
    raise(p);
    expect([p.countedFrom, p.low]).toEqual([4, 4]);
    p.setInstanceId(9);
    expect([p.countedFrom, p.low]).toEqual([10, 10]);
  });

  it('counts no acceptance of another value at its ballot, of an original with its id', () => {
    const p = started();
    p.propose(submit('own'));
    promise(p, 1);
    accepted(p);
    expect(p.receiveAccepted(0, 1, p.ballot, bytes('theirs'))).toBeUndefined();
    expect(p.receiveAccepted(1, 1, p.ballot, bytes('own'))).toBeUndefined();
    expect(text(p.receiveAccepted(2, 1, p.ballot, bytes('own'))?.chosen?.value ?? NONE)).toBe('own');
  });

  it('takes equal bytes for another value where ours was not sent before', () => {
    const p = started();
    p.propose(submit('twin'));
    promise(p, 1, 11, 'twin');
    promise(p, 2);
    expect([accepted(p), accepted(p)]).toEqual(['1@12:twin', '2@12:twin']);
    expect(choose(p, 1)).toBeUndefined();
    expect(choose(p, 2)).toBe('twin');
  });

  it('gives a value that lost its instance back once, however often it is preempted', () => {
    const p = started();
    p.propose(submit('own'));
    promise(p, 1);
    accepted(p);
    for (let winner = 13; winner < 60; winner += 10) {
      expect(p.receivePreempted(0, 1, winner)).toBe('preempted');
      raise(p);
      promise(p, 1, winner, 'theirs');
      expect(accepted(p)).toBe(`1@${p.ballot}:theirs`);
      expect(p.timedOutAccepts(0, 0).map(({ value }) => text(value))).toEqual(['theirs']);
      expect(p.waitingCount).toBe(0);
    }
    expect(choose(p, 1)).toBeUndefined();
    expect(waiting(p)).toEqual(['own']);
  });

  it('keeps the order of submission when many values lose their instances', () => {
    const p = started();
    for (const value of ['a', 'b', 'c', 'd', 'e']) p.propose(submit(value));
    for (const i of [1, 2, 3]) promise(p, i);
    expect([accepted(p), accepted(p), accepted(p)]).toEqual(['1@12:a', '2@12:b', '3@12:c']);
    p.receivePreempted(0, 1, 13);
    raise(p);
    for (const i of [1, 2, 3]) promise(p, i, 13, `x${i}`);
    expect([accepted(p), accepted(p), accepted(p)]).toEqual(['1@22:x1', '2@22:x2', '3@22:x3']);
    for (const i of [2, 1, 3]) expect(choose(p, i)).toBeUndefined();
    expect(waiting(p)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('counts what is prepared as values are proposed', () => {
    const p = started({ window: 100, inFlight: 128 });
    for (let i = 0; i < 100; i++) p.propose(submit('some value'));
    expect(accepted(p)).toBeUndefined();
    for (let i = 1; i <= 100; i++) {
      promise(p, i);
      expect(accepted(p)).toBe(`${i}@12:some value`);
      expect(p.preparedCount).toBe(100 - i);
    }
    expect(p.waitingBytes).toBe(0);
  });

  it('keeps submissions in order over more instances than it has slots', () => {
    const p = started();
    const sent: string[] = [];
    for (let n = 1; n <= 200; n++) {
      p.propose(submit(`v${n}`));
      const { from, to } = p.openInstances(0);
      probe(p, from, to);
      promise(p, n);
      sent.push(accepted(p) ?? '');
      expect(choose(p, n)).toBe(`v${n}`);
    }
    expect(sent).toEqual(Array.from({ length: 200 }, (_, n) => `${n + 1}@12:v${n + 1}`));
  });

  it('opens no more instances than it has slots, while the lowest is not finished', () => {
    const p = started({ window: 16 });
    for (let n = 1; n <= 17; n++) p.propose(submit('v'));
    for (let n = 1; n <= 16; n++) promise(p, n);
    while (accepted(p) !== undefined);
    expect(p.openInstances(0)).toEqual({ from: 17, to: 17 });
    for (let n = 2; n <= 16; n++) choose(p, n);
    expect(p.low).toBe(1);
    expect(p.openInstances(0)).toEqual({ from: 17, to: 17 });
    choose(p, 1);
    expect(p.low).toBe(17);
    expect(p.openInstances(0)).toEqual({ from: 17, to: 33 });
    expect(accepted(p)).toBeUndefined();
  });
});

describe('Proposer: what timed out', () => {
  it('sends a PREPARE again that waited for its quorum, once', () => {
    const p = started({ window: 1 });
    expect(p.timedOutPrepares(999, 1000)).toEqual([]);
    expect(p.timedOutPrepares(1000, 1000)).toEqual([1]);
    expect(p.timedOutPrepares(1000, 1000)).toEqual([]);
    expect(p.timedOutPrepares(2000, 1000)).toEqual([1]);
    expect(p.timedOutAccepts(9000, 1000)).toEqual([]);
  });

  it('does not send a PREPARE again whose quorum promised', () => {
    const p = started({ window: 2 });
    promise(p, 1);
    expect(p.timedOutPrepares(1000, 1000)).toEqual([2]);
  });

  it('sends an ACCEPT again that waited for its quorum, with its value, once', () => {
    const p = started({ window: 1 });
    p.propose(submit('a value'));
    promise(p, 1);
    accepted(p, 500);
    expect(p.timedOutAccepts(1499, 1000)).toEqual([]);
    expect(p.timedOutAccepts(1500, 1000)).toEqual([{ instanceId: 1, ballot: 12, value: bytes('a value') }]);
    expect(p.timedOutAccepts(1500, 1000)).toEqual([]);
    expect(p.timedOutPrepares(9000, 1000)).toEqual([]);
  });

  it('sends the ACCEPT of a promised value again', () => {
    const p = started({ window: 1 });
    promise(p, 1, 11, 'theirs');
    accepted(p);
    expect(p.timedOutAccepts(1000, 1000)).toEqual([{ instanceId: 1, ballot: 12, value: bytes('theirs') }]);
  });

  it('does not send what is chosen again', () => {
    const p = started({ window: 1 });
    p.propose(submit('value'));
    promise(p, 1);
    accepted(p);
    choose(p, 1);
    p.openInstances(0);
    expect(p.timedOutPrepares(1000, 1000)).toEqual([2]);
    expect(p.timedOutAccepts(1000, 1000)).toEqual([]);
  });

  it('sends probes again too', () => {
    const p = proposer({ window: 2 });
    p.openInstances(0);
    expect(p.timedOutPrepares(1000, 1000)).toEqual([1, 2]);
  });
});

describe('Proposer: no-ops', () => {
  const fill = (p: Proposer, below: number) => {
    const accept = p.accept(0, below);
    return accept && `${accept.instanceId}@${accept.ballot}:${text(accept.value)}`;
  };

  it('fills an instance that a quorum promised and nobody has a value for, below what it is told', () => {
    const p = started();
    promise(p, 1);
    promise(p, 2);
    expect(fill(p, 2)).toBe('1@12:');
    expect(fill(p, 2)).toBeUndefined();
    expect(p.accept(0)).toBeUndefined();
    expect(choose(p, 1)).toBeUndefined();
    expect(p.low).toBe(2);
  });

  it('fills none without a quorum, and none that a value was told of, or that has one of its own', () => {
    const p = started();
    expect(fill(p, 4)).toBeUndefined();
    promise(p, 1, 10, 'told');
    promise(p, 2);
    promise(p, 3);
    p.propose(submit('own'));
    expect([fill(p, 4), fill(p, 4), fill(p, 4)]).toEqual(['1@12:told', '2@12:own', '3@12:']);
    expect(p.waitingCount).toBe(0);
  });

  it('sends the no-op again at its ballot, whatever waits by then', () => {
    const p = started();
    promise(p, 1);
    expect(fill(p, 2)).toBe('1@12:');
    p.propose(submit('late'));
    expect(p.timedOutAccepts(1000, 1000)).toEqual([{ instanceId: 1, ballot: 12, value: NONE }]);
    expect(p.proposed(1)).toEqual(NONE);
    expect(p.receiveAccepted(0, 1, 12, bytes('late'))).toBeUndefined();
    for (const a of [0, 1]) p.receiveAccepted(a, 1, 12, NONE);
    expect(p.low).toBe(2);
    expect(waiting(p)).toEqual(['late']);
  });

  it('forgets it at a new ballot, where a value may go that waits', () => {
    const p = started();
    promise(p, 1);
    expect(fill(p, 2)).toBe('1@12:');
    p.receivePreempted(0, 1, 21);
    p.propose(submit('late'));
    raise(p);
    promise(p, 1);
    expect(accepted(p)).toBe('1@22:late');
  });

  it('proposes a no-op again that it is told of', () => {
    const p = started();
    promise(p, 1, 10, '');
    p.propose(submit('mine'));
    expect(fill(p, 0)).toBe('1@12:');
    expect(choose(p, 1)).toBeUndefined();
    expect(waiting(p)).toEqual(['mine']);
  });
});

describe('Proposer: ballots', () => {
  it('takes only ballots of its own, above all it heard of, never of round 0, never above 2^31', () => {
    for (const wrong of [2, 11, 13, 0, 2 ** 31 + 4]) {
      expect(() => proposer().raise(wrong, 0)).toThrow(InvariantError);
    }
    const p = started();
    p.noteBallot(35);
    expect(() => p.raise(12, 0)).toThrow(InvariantError);
    expect(() => p.raise(32, 0)).toThrow(InvariantError);
    p.raise(42, 0);
    expect(p.ballot).toBe(42);
  });

  it('never takes the ballot again that it gave up', () => {
    const p = started();
    p.stepDown(0);
    expect(p.ballot).toBe(0);
    expect(() => p.raise(12, 0)).toThrow(InvariantError);
    raise(p);
    expect(p.ballot).toBe(22);
  });

  it('does not believe ballots above 2^31', () => {
    const p = started();
    p.noteBallot(MAX_BALLOT + 1);
    expect(p.receivePromise(0, 1, MAX_BALLOT + 1, 0, NONE)).toBe('ignored');
    expect(p.receiveHighestBallot(0, MAX_BALLOT + 1)).toBe('ignored');
    expect(p.receivePromiseFrom(0, 12, 1, END, MAX_BALLOT + 1, 0)).toBe('ignored');
    expect(p.highestSeen).toBe(12);
  });

  it('is not led by one acceptor to a ballot that no other would take', () => {
    const p = started();
    const nonsense = 2 ** 30 + 3;
    expect(p.receivePromise(0, 1, nonsense, 0, NONE)).toBe('ignored');
    expect(p.receiveHighestBallot(0, nonsense)).toBe('ignored');
    expect(p.receivePromiseFrom(0, 12, 1, END, nonsense, 0)).toBe('ignored');
    expect(p.receivePreempted(0, 1, nonsense)).toBe('ignored');
    expect(p.highestSeen).toBe(12);
    expect(p.receiveHighestBallot(1, nonsense)).toBe('preempted');
    expect(p.highestSeen).toBe(nonsense);
  });

  it('proposes nothing without a ballot', () => {
    const p = proposer();
    p.openInstances(0);
    p.propose(submit('v'));
    probe(p, 1, 5);
    expect(accepted(p)).toBeUndefined();
    expect(p.receivePromiseFrom(0, 0, 1, END, 0, 0)).toBe('ignored');
    expect(p.receivePreempted(0, 1, 11)).toBe('ignored');
  });

  it('has an id from 0 to 9', () => {
    expect(() => proposer({ id: 10 })).toThrow(InvariantError);
    expect(() => proposer({ id: -1 })).toThrow(InvariantError);
    expect(() => proposer({ window: 17 })).toThrow(InvariantError);
  });
});

describe('Proposer: a process that was not the first of its id', () => {
  it('proposes nothing at a ballot before a quorum told of promises below it', () => {
    const p = proposer({ window: 1 });
    p.openInstances(0);
    p.propose(submit('v'));
    p.receivePromise(0, 1, 2, 0, NONE);
    expect(p.hasProbedQuorum()).toBe(false);
    p.raise(12, 0);
    expect(p.receivePromise(0, 1, 12, 0, NONE)).toBe('counted');
    expect(p.receivePromise(1, 1, 12, 0, NONE)).toBe('preempted');
    expect(p.highestSeen).toBeGreaterThan(p.ballot);
    expect(accepted(p)).toBeUndefined();
    raise(p);
    expect(p.receivePromise(1, 1, 12, 0, NONE)).toBe('prepare');
    expect(p.hasProbedQuorum()).toBe(true);
    promise(p, 1);
    expect(accepted(p)).toBe('1@32:v');
  });

  it('probes every instance that it opens later', () => {
    const p = started({ window: 1 });
    promise(p, 1, 11, 'x');
    accepted(p);
    p.openInstances(0);
    expect([p.isProbed(0, 1), p.isProbed(0, 2), p.wantsPromise(0, 2)]).toEqual([true, false, true]);
    expect(p.receivePromise(0, 2, 12, 0, NONE)).toBe('preempted');
    raise(p);
    expect(p.receivePromise(0, 2, 12, 0, NONE)).toBe('prepare');
    expect(p.isProbed(0, 2)).toBe(true);
  });

  it('does not take a status for a probe that tells of its own ballot', () => {
    const p = proposer({ window: 1 });
    p.openInstances(0);
    p.receiveHighestBallot(0, 0);
    p.receivePromise(1, 1, 2, 0, NONE);
    p.raise(12, 0);
    expect(p.receiveHighestBallot(2, 12)).toBe('preempted');
    expect(p.highestSeen).toBeGreaterThan(p.ballot);
    p.propose(submit('v'));
    p.receivePromiseFrom(0, 12, 1, END, 12, 0);
    p.receivePromiseFrom(2, 12, 1, END, 12, 0);
    p.accept(0);
    p.openInstances(0);
    expect(p.nextToAccept).toBe(2);
    p.propose(submit('w'));
    expect(accepted(p)).toBeUndefined();
    raise(p);
    expect(p.receiveHighestBallot(2, 12)).toBe('ignored');
    for (const a of [0, 2]) p.receivePromiseFrom(a, 32, 1, END, 32, 0);
    expect([accepted(p), accepted(p)]).toEqual(['1@32:v', '2@32:w']);
  });

  it('does not take a status for a probe that tells of a higher ballot, until it is above that', () => {
    const p = proposer({ window: 1 });
    p.openInstances(0);
    p.receiveHighestBallot(0, 0);
    p.noteBallot(5);
    p.raise(12, 0);
    expect(p.receiveHighestBallot(1, 23)).toBe('preempted');
    p.propose(submit('v'));
    p.receivePromiseFrom(0, 12, 1, END, 12, 0);
    p.receivePromiseFrom(2, 12, 1, END, 12, 0);
    expect(accepted(p)).toBeUndefined();
    raise(p);
    expect(p.hasProbedQuorum()).toBe(true);
    for (const a of [0, 2]) p.receivePromiseFrom(a, 32, 1, END, 32, 0);
    expect(accepted(p)).toBe('1@32:v');
  });

  it('takes a status for a probe of every instance, for single promises too', () => {
    const p = proposer({ window: 2 });
    p.receiveHighestBallot(0, 0);
    p.receiveHighestBallot(1, 7);
    expect(p.hasProbedQuorum()).toBe(true);
    p.openInstances(0);
    raise(p);
    expect(p.isProbed(1, 2)).toBe(true);
    promise(p, 1);
    promise(p, 2);
  });

  it('counts no more what it was told on a connection that is lost, since another process may be heard now', () => {
    const p = proposer({ window: 1 });
    p.openInstances(0);
    for (const a of [0, 1]) p.receiveHighestBallot(a, 0);
    p.forget(1, 'session');
    expect(p.hasProbedQuorum()).toBe(false);
    raise(p);
    p.propose(submit('v'));
    for (const a of [0, 2]) p.receivePromiseFrom(a, 12, 1, END, 12, 0);
    expect(accepted(p)).toBeUndefined();
    expect(p.receiveHighestBallot(1, 12)).toBe('preempted');
  });

  it('is told of its own ballot by acceptors that it asked, and goes on', () => {
    const p = proposer();
    for (const a of [0, 1]) p.receiveHighestBallot(a, 0);
    raise(p);
    for (const a of [0, 1]) expect(p.receiveHighestBallot(a, 12)).toBe('ignored');
    expect(p.receiveHighestBallot(0, 13)).toBe('preempted');
  });
});

describe('Proposer: ranged promises', () => {
  /** Probed by all, at ballot 12, with nothing promised. */
  function ranged(options: Partial<ProposerOptions> = {}): Proposer {
    const p = proposer(options);
    for (const a of [0, 1, 2]) p.receiveHighestBallot(a, 0);
    p.openInstances(0);
    p.raise(12, 0);
    return p;
  }

  it('asks for all that it can open', () => {
    const p = ranged();
    expect(p.rangeToPrepare(0)).toEqual({ from: 1, to: 16 });
    expect(p.newValuesFrom).toBe(END);
  });

  it('proposes everywhere once a quorum promised without end', () => {
    const p = ranged();
    for (const value of ['a', 'b', 'c', 'd', 'e']) p.propose(submit(value));
    expect(p.receivePromiseFrom(0, 12, 1, END, 12, 0)).toBe('counted');
    expect(accepted(p)).toBeUndefined();
    expect(p.receivePromiseFrom(2, 12, 1, END, 12, 0)).toBe('counted');
    expect(p.rangeToPrepare(2)).toBeUndefined();
    for (const i of [1, 2, 3, 4]) expect(accepted(p)).toMatch(new RegExp(`^${i}@12:`));
    expect(accepted(p)).toBeUndefined();
    p.openInstances(0);
    expect(accepted(p)).toBe('5@12:e');
    expect(p.newValuesFrom).toBe(6);
  });

  it('does not take a piece that came twice for one that is missing', () => {
    const p = ranged();
    p.receivePromisedValue(0, 12, 1, 11, bytes('x'), 0);
    p.receivePromisedValue(0, 12, 1, 11, bytes('x'), 0);
    expect(p.receivePromiseFrom(0, 12, 1, END, 12, 2)).toBe('ignored');
    p.receivePromisedValue(0, 12, 1, 11, bytes('x'), 0);
    p.receivePromisedValue(0, 12, 2, 11, bytes('y'), 0);
    p.receivePromisedValue(0, 12, 1, 11, bytes('x'), 0);
    expect(p.receivePromiseFrom(0, 12, 1, END, 12, 2)).toBe('counted');
  });

  it('counts a promise only when its last piece came, and all pieces before', () => {
    const p = ranged();
    p.receivePromisedValue(0, 12, 1, 11, bytes('x'), 0);
    expect(p.receivePromiseFrom(0, 12, 1, END, 12, 2)).toBe('ignored');
    expect(p.rangeToPrepare(0)).toEqual({ from: 1, to: 16 });
    p.receivePromisedValue(0, 12, 1, 11, bytes('x'), 0);
    p.receivePromisedValue(0, 12, 3, 11, bytes('z'), 0);
    expect(p.receivePromiseFrom(0, 12, 1, END, 12, 2)).toBe('counted');
  });

  it('forgets the pieces that a cut connection left', () => {
    const p = ranged();
    p.receivePromisedValue(0, 12, 1, 11, bytes('x'), 0);
    p.forget(0, 'pieces');
    expect(p.receivePromiseFrom(0, 12, 1, END, 12, 1)).toBe('ignored');
    p.receivePromisedValue(0, 12, 1, 11, bytes('x'), 0);
    expect(p.receivePromiseFrom(0, 12, 1, END, 12, 1)).toBe('counted');
  });

  it('proposes what was reported, opens instances for it, and tells where new values begin', () => {
    const p = ranged();
    p.propose(submit('own'));
    p.receivePromisedValue(0, 12, 6, 11, bytes('six'), 0);
    expect(p.next).toBe(7);
    p.receivePromiseFrom(0, 12, 1, END, 12, 1);
    p.receivePromisedValue(1, 12, 6, 5, bytes('old'), 0);
    p.receivePromisedValue(1, 12, 1, 11, bytes('one'), 0);
    p.receivePromiseFrom(1, 12, 1, END, 12, 2);
    expect(p.newValuesFrom).toBe(7);
    expect([accepted(p), accepted(p), accepted(p)]).toEqual(['1@12:one', '2@12:own', undefined]);
    for (const value of ['c', 'd', 'e']) p.propose(submit(value));
    for (const i of [3, 4, 5]) expect(accepted(p)).toMatch(new RegExp(`^${i}@`));
    expect(accepted(p)).toBe('6@12:six');
  });

  it('begins new values above what it counted as chosen before it took another ballot', () => {
    const p = ranged();
    for (const value of ['lost', 'chosen']) p.propose(submit(value));
    for (const a of [0, 1]) p.receivePromiseFrom(a, 12, 1, END, 12, 0);
    expect([accepted(p), accepted(p)]).toEqual(['1@12:lost', '2@12:chosen']);
    expect(choose(p, 2)).toBe('chosen');
    raise(p);
    for (const a of [0, 1]) {
      p.receivePromisedValue(a, 22, 2, 12, bytes('chosen'), 0);
      expect(p.receivePromiseFrom(a, 22, 1, END, 22, 1)).toBe('counted');
    }
    expect(p.newValuesFrom).toBe(3);
    expect([accepted(p), accepted(p)]).toEqual(['1@22:lost', undefined]);
  });

  it('joins stretches that follow one another, and no others', () => {
    const p = ranged();
    expect(p.receivePromiseFrom(0, 12, 3, 8, 12, 0)).toBe('ignored');
    expect(p.receivePromiseFrom(0, 12, 1, 2, 12, 0)).toBe('counted');
    expect(p.rangeToPrepare(0)).toEqual({ from: 3, to: 16 });
    expect(p.receivePromiseFrom(0, 12, 4, 8, 12, 0)).toBe('ignored');
    expect(p.receivePromiseFrom(0, 12, 3, 8, 12, 0)).toBe('counted');
    expect(p.rangeToPrepare(0)).toEqual({ from: 9, to: 16 });
    expect(p.receivePromiseFrom(0, 12, 9, END, 12, 0)).toBe('counted');
    expect(p.rangeToPrepare(0)).toBeUndefined();
  });

  it('takes no stretch that ends before it begins', () => {
    expect(ranged().receivePromiseFrom(0, 12, 1, 0, 12, 0)).toBe('ignored');
  });

  it('covers with a stretch what lies in it, and nothing beside it', () => {
    const p = ranged();
    for (const value of ['a', 'b', 'c']) p.propose(submit(value));
    p.receivePromiseFrom(0, 12, 1, 2, 12, 0);
    p.receivePromiseFrom(1, 12, 1, END, 12, 0);
    expect([accepted(p), accepted(p), accepted(p)]).toEqual(['1@12:a', '2@12:b', undefined]);
    expect(p.newValuesFrom).toBe(END);
  });

  it('does not count an acceptor that trimmed the lowest open instance, until it has moved on', () => {
    const p = ranged();
    expect(p.receivePromiseFrom(0, 12, 6, END, 12, 0)).toBe('ignored');
    p.setInstanceId(5);
    p.openInstances(0);
    expect(p.rangeToPrepare(0)).toEqual({ from: 6, to: 21 });
    expect(p.receivePromiseFrom(0, 12, 6, END, 12, 0)).toBe('counted');
  });

  it('asks again above what it moved past', () => {
    const p = ranged();
    p.receivePromiseFrom(0, 12, 1, 4, 12, 0);
    p.setInstanceId(10);
    expect(p.rangeToPrepare(0)).toEqual({ from: 11, to: 26 });
    expect(p.receivePromiseFrom(0, 12, 11, END, 12, 0)).toBe('counted');
  });

  it('is preempted by a refusal, and ignores answers to another ballot', () => {
    const p = ranged();
    expect(p.receivePromiseFrom(0, 12, 1, 1, 13, 0)).toBe('preempted');
    expect(p.highestSeen).toBe(13);
    raise(p);
    p.receivePromisedValue(0, 12, 1, 11, bytes('x'), 0);
    expect(p.receivePromiseFrom(0, 12, 1, END, 12, 1)).toBe('ignored');
    expect(p.receivePromiseFrom(0, 22, 1, END, 22, 0)).toBe('counted');
  });

  it('ignores values beyond its slots, and values with a ballot above the promise', () => {
    const p = ranged();
    p.receivePromisedValue(0, 12, 17, 11, bytes('far'), 0);
    p.receivePromisedValue(0, 12, 1, 13, bytes('high'), 0);
    p.receivePromisedValue(3, 12, 1, 11, bytes('who'), 0);
    expect(p.next).toBe(5);
    expect(p.receivePromiseFrom(0, 12, 1, END, 12, 0)).toBe('counted');
    p.receivePromiseFrom(1, 12, 1, END, 12, 0);
    expect(accepted(p)).toBeUndefined();
  });

  it('mixes single promises and ranged ones in a quorum', () => {
    const p = ranged();
    p.propose(submit('own'));
    expect(p.receivePromiseFrom(0, 12, 1, END, 12, 0)).toBe('counted');
    expect(accepted(p)).toBeUndefined();
    expect(p.receivePromise(1, 1, 12, 11, bytes('theirs'))).toBe('counted');
    expect([accepted(p), accepted(p)]).toEqual(['1@12:theirs', undefined]);
    expect(p.receivePromise(1, 2, 12, 0, NONE)).toBe('counted');
    expect(accepted(p)).toBe('2@12:own');
  });

  it('does not count one acceptor twice that answers both ways', () => {
    const p = ranged();
    p.propose(submit('own'));
    p.receivePromiseFrom(0, 12, 1, END, 12, 0);
    p.receivePromise(0, 1, 12, 0, NONE);
    expect(accepted(p)).toBeUndefined();
  });
});

describe('Proposer: what others settle', () => {
  it('goes on above an instance it is told', () => {
    const p = proposer();
    p.setInstanceId(10);
    expect(p.openInstances(0)).toEqual({ from: 11, to: 15 });
  });

  it('never goes back', () => {
    const p = proposer();
    p.setInstanceId(10);
    p.setInstanceId(3);
    expect([p.low, p.next]).toEqual([11, 11]);
    p.openInstances(0);
    p.setInstanceId(12);
    expect([p.low, p.nextToAccept, p.next]).toEqual([13, 13, 15]);
  });

  it('takes values back, in their order, from instances it moves past', () => {
    const p = started();
    for (const value of ['a', 'b', 'c']) p.propose(submit(value));
    promise(p, 1);
    promise(p, 2);
    accepted(p);
    accepted(p);
    expect(p.holdsOwn()).toBe(true);
    p.setInstanceId(1);
    expect(p.holdsOwn()).toBe(true);
    p.setInstanceId(100);
    expect(p.holdsOwn()).toBe(false);
    expect(waiting(p)).toEqual(['a', 'b', 'c']);
  });

  it('moves on by deliveries, and takes back in order what lost its instances', () => {
    const p = started();
    for (const value of ['a', 'b', 'c', 'd']) p.propose(submit(value));
    for (const i of [1, 2, 3]) promise(p, i);
    for (const i of [1, 2, 3]) expect(accepted(p)).toMatch(new RegExp(`^${i}@`));
    p.stepDown(0);
    for (const i of [1, 2, 3]) expect(p.receiveDelivered(i, 23, bytes('x'))).toEqual({ chosen: undefined });
    expect(p.low).toBe(4);
    expect(waiting(p)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('knows its own value when it is delivered, at its ballot or run again by another', () => {
    const p = started();
    for (const value of ['a', 'b']) p.propose(submit(value));
    for (const i of [1, 2]) promise(p, i);
    for (const i of [1, 2]) expect(accepted(p)).toMatch(new RegExp(`^${i}@`));
    p.stepDown(0);
    expect(p.receiveDelivered(1, 12, bytes('a'))?.chosen?.value).toEqual(bytes('a'));
    expect(p.receiveDelivered(1, 12, bytes('a'))).toBeUndefined();
    expect(p.receiveDelivered(2, 23, bytes('b'))?.chosen?.value).toEqual(bytes('b'));
    expect([p.waitingCount, p.holdsOwn()]).toEqual([0, false]);
  });

  it('does not take for its own what an earlier process of its id proposed', () => {
    const p = proposer({ window: 1 });
    p.receiveHighestBallot(0, 12);
    p.receiveHighestBallot(1, 12);
    p.openInstances(0);
    raise(p);
    p.propose(submit('new'));
    for (const a of [0, 1]) p.receivePromiseFrom(a, 22, 1, END, 22, 0);
    expect(accepted(p)).toBe('1@22:new');
    expect(p.receiveDelivered(1, 12, bytes('new'))).toEqual({ chosen: undefined });
    expect(waiting(p)).toEqual(['new']);
  });

  it('moves its window to a delivery beyond it', () => {
    const p = started();
    p.propose(submit('a'));
    promise(p, 1);
    accepted(p);
    expect(p.receiveDelivered(40, 11, bytes('x'))).toBeUndefined();
    expect([p.low, p.next, p.waitingCount]).toEqual([41, 41, 1]);
  });

  it('passes over instances that were delivered before it proposed there', () => {
    const p = started();
    p.propose(submit('own'));
    for (const i of [1, 2, 3]) promise(p, i);
    p.receiveDelivered(1, 11, bytes('x'));
    p.receiveDelivered(2, 11, bytes('y'));
    expect([p.nextToAccept, p.preparedCount]).toEqual([3, 2]);
    expect(accepted(p)).toBe('3@12:own');
  });

  it('keeps values in their instances when it steps down, until it is known that they cannot be chosen', () => {
    const p = started();
    for (const value of ['a', 'b', 'c', 'd']) p.propose(submit(value));
    for (const i of [1, 2, 3]) promise(p, i);
    for (const i of [1, 2, 3]) expect(accepted(p)).toMatch(new RegExp(`^${i}@`));
    expect(() => p.withdrawFrom(2)).toThrow(InvariantError);
    p.stepDown(0);
    expect(p.waitingCount).toBe(1);
    p.withdrawFrom(2);
    expect(p.holdsOwn()).toBe(true);
    expect(p.receiveDelivered(1, 23, bytes('a'))?.chosen).toBeDefined();
    expect(waiting(p)).toEqual(['b', 'c', 'd']);
  });
});

describe('Proposer: copies and keys', () => {
  it('has a copy that shares nothing', () => {
    const p = started();
    for (const value of ['a', 'b', 'c']) p.propose(submit(value));
    promise(p, 1);
    promise(p, 2);
    accepted(p);
    p.receiveHighestBallot(2, 3);
    p.receivePromiseFrom(2, 12, 1, 9, 12, 0);
    const copy = p.copy();
    const before = key(p);
    expect(key(copy)).toBe(before);

    expect(accepted(p)).toBe('2@12:b');
    choose(p, 1);
    p.openInstances(0);
    p.raise(22, 0);
    p.propose(submit('d'));
    expect(key(p)).not.toBe(before);
    expect(key(copy)).toBe(before);

    expect(accepted(copy)).toBe('2@12:b');
    expect(choose(copy, 1)).toBe('a');
    expect(waiting(copy)).toEqual(['c']);
  });

  it('has another key after every message that counts', () => {
    const p = proposer({ window: 1, inFlight: 2 });
    const keys = [key(p)];
    const step = (act: () => unknown) => {
      act();
      keys.push(key(p));
    };
    step(() => p.openInstances(0));
    step(() => p.receivePromise(0, 1, 2, 0, NONE));
    step(() => p.receiveHighestBallot(1, 3));
    step(() => p.raise(12, 0));
    step(() => p.receivePromise(0, 1, 12, 0, NONE));
    step(() => p.receivePromisedValue(1, 12, 1, 11, bytes(''), 0));
    step(() => p.receivePromiseFrom(1, 12, 1, END, 12, 1));
    step(() => p.propose(submit('')));
    step(() => p.accept(0));
    step(() => p.receiveAccepted(1, 1, 12));
    step(() => p.receivePreempted(1, 1, 13));
    step(() => p.stepDown(0));
    step(() => p.setInstanceId(1));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('has a key in which no clock shows', () => {
    const late = started();
    late.timedOutPrepares(1000, 1000);
    expect(key(late)).toBe(key(started()));
  });

  it('has the key of one whose acceptors are renamed', () => {
    const one = proposer();
    one.openInstances(0);
    one.receivePromise(0, 1, 2, 0, NONE);
    one.receiveHighestBallot(1, 3);
    const other = proposer();
    other.openInstances(0);
    other.receivePromise(2, 1, 2, 0, NONE);
    other.receiveHighestBallot(0, 3);
    expect(key(one)).not.toBe(key(other));
    expect(key(one, [0, 1, 2])).toBe(key(other, [2, 0, 1]));
  });
});
