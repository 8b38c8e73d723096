import { describe, expect, it } from 'vitest';
import { InvariantError } from './invariant.ts';
import { type Chosen, Learner } from './learner.ts';
import { StateWriter } from './state.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const EMPTY = bytes('');

function learner(window = 128, acceptors = 3): Learner {
  return new Learner({ acceptors, window });
}

/** What is delivered now, as `instance:value@ballot`. */
function delivered(l: Learner): string[] {
  const all: string[] = [];
  for (let next = l.deliverNext(); next !== undefined; next = l.deliverNext()) all.push(shown(next));
  return all;
}

function shown({ instanceId, value, ballot }: Chosen): string {
  return `${instanceId}:${new TextDecoder().decode(value)}@${ballot}`;
}

/** Acceptors 0 and 1, a quorum of three, accepted. */
function close(l: Learner, instanceId: number, value = bytes('v'), ballot = 101): void {
  l.receiveAccepted(0, instanceId, ballot, value);
  expect(l.receiveAccepted(1, instanceId, ballot, value)).toBe('closed');
}

function key(l: Learner, order = [0, 1, 2]): string {
  const writer = new StateWriter(order);
  l.writeState(writer);
  return writer.key;
}

describe('Learner: what is chosen', () => {
  it('learns a value once a quorum accepted it', () => {
    const l = learner();
    expect(delivered(l)).toEqual([]);
    expect(l.receiveAccepted(1, 1, 101, bytes('a'))).toBe('counted');
    expect(delivered(l)).toEqual([]);
    expect(l.receiveAccepted(2, 1, 101, bytes('a'))).toBe('closed');
    expect(delivered(l)).toEqual(['1:a@101']);
    expect(l.nextInstanceId).toBe(2);
  });

  it('takes an empty value for a value', () => {
    const l = learner();
    close(l, 1, EMPTY);
    expect(delivered(l)).toEqual(['1:@101']);
  });

  it('counts an acceptor once, however often it tells the same', () => {
    const l = learner();
    expect(l.receiveAccepted(1, 1, 101, bytes('a'))).toBe('counted');
    expect(l.receiveAccepted(1, 1, 101, bytes('a'))).toBe('older');
    expect(l.receiveAccepted(1, 1, 101, bytes('a'))).toBe('older');
    expect(delivered(l)).toEqual([]);
    l.receiveAccepted(2, 1, 101, bytes('a'));
    expect(delivered(l)).toEqual(['1:a@101']);
  });

  it('counts a quorum of one ballot, not of several', () => {
    const l = learner();
    l.receiveAccepted(0, 1, 101, EMPTY);
    expect(l.receiveAccepted(1, 1, 100, EMPTY)).toBe('counted');
    expect(delivered(l)).toEqual([]);
    l.receiveAccepted(2, 1, 101, EMPTY);
    expect(delivered(l)).toEqual(['1:@101']);
  });

  it('lets an acceptor move to a higher ballot, and then counts only that', () => {
    const l = learner();
    l.receiveAccepted(1, 1, 101, bytes('a'));
    l.receiveAccepted(1, 1, 201, bytes('b'));
    expect(l.receiveAccepted(2, 1, 101, bytes('a'))).toBe('counted');
    expect(delivered(l)).toEqual([]);
    l.receiveAccepted(2, 1, 201, bytes('b'));
    expect(delivered(l)).toEqual(['1:b@201']);
  });

  it('ignores an acceptance older than what the acceptor told before', () => {
    const l = learner();
    l.receiveAccepted(0, 1, 201, bytes('b'));
    expect(l.receiveAccepted(0, 1, 101, bytes('a'))).toBe('older');
    expect(l.receiveAccepted(1, 1, 101, bytes('a'))).toBe('counted');
    expect(l.highestClosed).toBe(0);
  });

  it('never counts two values together, not even at one ballot', () => {
    const l = learner();
    l.receiveAccepted(0, 1, 101, bytes('a'));
    expect(l.receiveAccepted(1, 1, 101, bytes('b'))).toBe('counted');
    expect(delivered(l)).toEqual([]);
    expect(l.receiveAccepted(2, 1, 101, bytes('b'))).toBe('closed');
    expect(delivered(l)).toEqual(['1:b@101']);
  });

  it('counts what an acceptor holds now, where a restarted original put a second value at one ballot', () => {
    const l = learner();
    l.receiveAccepted(1, 1, 12, bytes('lost'));
    l.receiveAccepted(0, 1, 12, bytes('kept'));
    expect(l.receiveAccepted(1, 1, 12, bytes('kept'))).toBe('closed');
    expect(delivered(l)).toEqual(['1:kept@12']);
  });

  it('counts nobody who is not in the cluster, and no acceptance without a ballot', () => {
    const l = learner();
    expect(l.receiveAccepted(3, 1, 101, EMPTY)).toBe('no such acceptor');
    expect(l.receiveAccepted(-1, 1, 101, EMPTY)).toBe('no such acceptor');
    expect(l.receiveAccepted(0, 1, 0, EMPTY)).toBe('older');
    expect(l.receiveAccepted(1, 1, 0, EMPTY)).toBe('older');
    expect(delivered(l)).toEqual([]);
  });

  it('needs three of four acceptors, and one of one', () => {
    const four = learner(8, 4);
    for (const a of [0, 1]) expect(four.receiveAccepted(a, 1, 10, EMPTY)).toBe('counted');
    expect(four.receiveAccepted(3, 1, 10, EMPTY)).toBe('closed');
    expect(learner(8, 1).receiveAccepted(0, 1, 10, EMPTY)).toBe('closed');
  });

  it('goes on counting once an instance is closed, and delivers it once', () => {
    const l = learner();
    close(l, 1);
    expect(l.receiveAccepted(2, 1, 101, bytes('v'))).toBe('counted');
    expect(delivered(l)).toEqual(['1:v@101']);
    expect(l.receiveAccepted(2, 1, 101, bytes('v'))).toBe('delivered already');
    expect(delivered(l)).toEqual([]);
  });
});

describe('Learner: order', () => {
  it('delivers in instance order, whatever closes first', () => {
    const l = learner();
    close(l, 2, bytes('b'));
    expect(delivered(l)).toEqual([]);
    close(l, 1, bytes('a'));
    expect(delivered(l)).toEqual(['1:a@101', '2:b@101']);
  });

  it('has no hole when nothing is missing', () => {
    const l = learner();
    expect(l.hasHoles()).toBeUndefined();
    close(l, 1);
    expect(l.hasHoles()).toBeUndefined();
    delivered(l);
    expect(l.hasHoles()).toBeUndefined();
  });

  it('has a hole when the next is missing and a later one is chosen', () => {
    const l = learner();
    close(l, 1);
    delivered(l);
    close(l, 3);
    expect(l.hasHoles()).toEqual({ from: 2, to: 3 });
    close(l, 2);
    expect(l.hasHoles()).toBeUndefined();
  });

  it('finds a hole behind what still waits to be delivered only when that is delivered', () => {
    const l = learner();
    close(l, 1);
    close(l, 3);
    expect(l.hasHoles()).toBeUndefined();
    expect(l.deliverNext()?.instanceId).toBe(1);
    expect(l.hasHoles()).toEqual({ from: 2, to: 3 });
  });

  it('names the whole stretch up to the highest chosen instance', () => {
    const l = learner();
    close(l, 2);
    close(l, 100);
    expect(delivered(l)).toEqual([]);
    expect(l.hasHoles()).toEqual({ from: 1, to: 100 });
  });

  it('sees no hole in what was accepted by too few', () => {
    const l = learner();
    l.receiveAccepted(0, 9, 101, EMPTY);
    expect(l.hasHoles()).toBeUndefined();
    expect(l.highestSeen).toBe(9);
    expect(l.highestClosed).toBe(0);
  });

  it('begins with the first instance heard of, if it need not catch up', () => {
    const l = new Learner({ acceptors: 3, window: 8, catchUp: false });
    expect(l.waitingForFirst).toBe(true);
    expect(l.receiveAccepted(0, 0, 101, EMPTY)).toBe('delivered already');
    expect(l.waitingForFirst).toBe(true);
    l.receiveAccepted(0, 41, 101, EMPTY);
    expect(l.waitingForFirst).toBe(false);
    close(l, 42);
    expect(l.receiveAccepted(0, 40, 101, EMPTY)).toBe('delivered already');
    expect(l.hasHoles()).toEqual({ from: 41, to: 42 });
  });

  it('begins lower if it hears of that before anything is chosen: acceptors are not equally far', () => {
    const l = new Learner({ acceptors: 3, window: 8, catchUp: false });
    expect(l.hasBegun).toBe(false);
    for (const i of [44, 41, 43]) l.receiveAccepted(0, i, 101, EMPTY);
    close(l, 45);
    expect(l.hasBegun).toBe(true);
    expect(l.hasHoles()).toEqual({ from: 41, to: 45 });
  });

  it.each([1, 6000, 4_000_000_000])('is not led to instance %i by one acceptor', (wrong) => {
    for (const window of [8, 8192]) {
      const l = new Learner({ acceptors: 3, window, catchUp: false });
      for (const i of [3000, wrong]) l.receiveAccepted(2, i, 9001, bytes('one acceptor'));
      for (const i of [3000, 3001]) close(l, i, bytes('right'));
      expect(delivered(l)).toEqual(['3000:right@101', '3001:right@101']);
    }
  });

  it('goes on after a checkpoint, and never back', () => {
    const l = learner();
    close(l, 5, bytes('old'));
    l.setInstanceId(10);
    expect([l.nextInstanceId, l.highestClosed]).toEqual([11, 10]);
    expect(l.isClosed(10)).toBe(true);
    expect(l.receiveAccepted(0, 10, 101, EMPTY)).toBe('delivered already');
    l.setInstanceId(3);
    expect(l.nextInstanceId).toBe(11);
    close(l, 11, bytes('new'));
    expect(delivered(l)).toEqual(['11:new@101']);
  });

  it('begins after a checkpoint, if it was to wait for the first instance', () => {
    const l = new Learner({ acceptors: 3, window: 8, catchUp: false });
    l.setInstanceId(0);
    l.receiveAccepted(0, 7, 101, EMPTY);
    expect(l.nextInstanceId).toBe(1);
  });
});

describe('Learner: the ring', () => {
  it('remembers of what is beyond it only that it was seen', () => {
    const l = learner(4);
    expect(l.receiveAccepted(0, 5, 101, EMPTY)).toBe('beyond the window');
    expect(l.receiveAccepted(1, 5, 101, EMPTY)).toBe('beyond the window');
    expect([l.highestSeen, l.highestClosed]).toEqual([5, 0]);
    expect(l.isClosed(5)).toBe(false);
    close(l, 4);
    expect(l.isClosed(4)).toBe(true);
    expect(l.isClosed(8)).toBe(false);
  });

  it('uses a slot again with nothing left of its former instance', () => {
    const l = learner(2);
    for (let i = 1; i <= 100; i++) {
      l.receiveAccepted(2, i, 201, bytes('late'));
      close(l, i, bytes(`v${i}`));
      expect(delivered(l)).toEqual([`${i}:v${i}@101`]);
      expect(l.isClosed(i + 1)).toBe(false);
    }
  });

  it('uses slots again after a checkpoint within it, and one far beyond it', () => {
    for (const skipTo of [2, 4, 1000]) {
      const l = learner(4);
      for (const i of [1, 2, 3, 4]) l.receiveAccepted(0, i, 101, bytes('old'));
      close(l, 2, bytes('old'));
      l.setInstanceId(skipTo);
      for (const i of [1, 2, 3, 4]) l.receiveAccepted(1, skipTo + i, 101, bytes('old'));
      expect(delivered(l)).toEqual(skipTo === 2 ? ['3:old@101', '4:old@101'] : []);
    }
  });

  it('keeps no more bytes than it may, and room for the next instance always', () => {
    const l = new Learner({ acceptors: 3, window: 8, maxBytes: 10 });
    for (const i of [2, 3]) close(l, i, bytes('12345'));
    expect(l.receiveAccepted(0, 4, 101, bytes('4'))).toBe('no room');
    expect([l.highestSeen, l.isClosed(4)]).toEqual([4, false]);
    close(l, 1, bytes('a long value'));
    expect(delivered(l)).toHaveLength(3);
    close(l, 4, bytes('1234567890'));
    expect(delivered(l)).toHaveLength(1);
  });

  it('counts a value once, however many acceptors hold it, and one that is replaced no more', () => {
    const l = new Learner({ acceptors: 5, window: 8, maxBytes: 10 });
    for (const a of [0, 1]) l.receiveAccepted(a, 2, 101, bytes('12345'));
    l.receiveAccepted(0, 2, 111, bytes('123'));
    l.receiveAccepted(1, 2, 111, bytes('123'));
    expect(l.receiveAccepted(0, 3, 101, bytes('1234567'))).toBe('counted');
    expect(l.receiveAccepted(0, 4, 101, bytes('1'))).toBe('no room');
    l.setInstanceId(3);
    expect(l.receiveAccepted(0, 5, 101, bytes('1234567890'))).toBe('counted');
  });

  it('has a power of two slots', () => {
    expect(() => learner(3)).toThrow(InvariantError);
    expect(() => learner(0)).toThrow(InvariantError);
    expect(learner(1).window).toBe(1);
  });

  it('numbers instances beyond 2^32', () => {
    const l = learner(4);
    l.setInstanceId(2 ** 40);
    close(l, 2 ** 40 + 2);
    close(l, 2 ** 40 + 1);
    expect(delivered(l)).toHaveLength(2);
  });
});

describe('Learner: what a leader counted', () => {
  it('takes one acceptance at that very ballot for chosen, before or after the leader’s word', () => {
    const l = learner();
    l.receiveAccepted(2, 1, 21, bytes('a'));
    l.receiveAccepted(2, 2, 21, bytes('b'));
    l.receiveChosen(21, 1, 3);
    expect(delivered(l)).toEqual(['1:a@21', '2:b@21']);
    expect(l.receiveAccepted(0, 3, 21, bytes('c'))).toBe('closed');
    expect(delivered(l)).toEqual(['3:c@21']);
  });

  it('takes no acceptance at another ballot, nor outside the stretch', () => {
    const l = learner();
    l.receiveAccepted(0, 1, 11, bytes('old'));
    l.receiveChosen(21, 1, 2);
    expect(delivered(l)).toEqual([]);
    expect(l.receiveAccepted(1, 1, 31, bytes('new'))).toBe('counted');
    close(l, 1, bytes('a'), 41);
    expect(l.receiveAccepted(0, 3, 21, bytes('c'))).toBe('counted');
    l.receiveAccepted(0, 2, 21, bytes('b'));
    expect(delivered(l)).toEqual(['1:a@41', '2:b@21']);
  });

  it('joins what a leader tells, in whatever order it comes', () => {
    const l = learner();
    expect(l.receiveChosen(21, 1, 5)).toBe(true);
    expect(l.receiveChosen(21, 1, 3)).toBe(true);
    expect(l.receiveChosen(21, 4, 6)).toBe(true);
    for (let i = 1; i <= 6; i++) expect([i, l.receiveAccepted(0, i, 21, bytes('v'))]).toEqual([i, 'closed']);
    expect(l.receiveAccepted(0, 7, 21, bytes('v'))).toBe('counted');
    expect(l.receiveChosen(11, 1, 9)).toBe(false);
  });

  it('does not let an outvoted leader’s word undo a later one’s', () => {
    const l = learner();
    l.receiveChosen(31, 1, 5);
    l.receiveChosen(21, 1, 9);
    expect(l.receiveAccepted(0, 1, 21, bytes('a'))).toBe('counted');
    expect(l.receiveAccepted(0, 2, 31, bytes('b'))).toBe('closed');
  });

  it('keeps what it heard while its ring grows to the window', () => {
    const l = learner(8192);
    for (let i = 8192; i >= 1; i -= 3) close(l, i, bytes(`${i}`));
    for (let i = 1; i <= 8192; i++) if (!l.isClosed(i)) close(l, i, bytes(`${i}`));
    expect(l.receiveAccepted(0, 8193, 101, EMPTY)).toBe('beyond the window');
    expect(delivered(l)).toEqual(Array.from({ length: 8192 }, (_, i) => `${i + 1}:${i + 1}@101`));
  });
});

describe('Learner: copies and keys', () => {
  it('has a copy that shares nothing', () => {
    const l = learner();
    l.receiveAccepted(0, 1, 101, bytes('a'));
    close(l, 2, bytes('b'));
    const copy = l.copy();
    expect(key(copy)).toBe(key(l));
    l.receiveAccepted(1, 1, 101, bytes('a'));
    expect(delivered(l)).toEqual(['1:a@101', '2:b@101']);
    expect(delivered(copy)).toEqual([]);
    copy.receiveAccepted(2, 1, 101, bytes('a'));
    expect(delivered(copy)).toEqual(['1:a@101', '2:b@101']);
  });

  it('has another key after every message that counts, and the same after one that does not', () => {
    const l = learner();
    const keys = [key(l)];
    l.receiveAccepted(0, 1, 101, bytes('a'));
    keys.push(key(l));
    l.receiveAccepted(0, 1, 101, bytes('a'));
    expect(key(l)).toBe(keys.at(-1));
    l.receiveAccepted(1, 1, 101, bytes('b'));
    keys.push(key(l));
    l.receiveAccepted(2, 1, 101, bytes('b'));
    keys.push(key(l));
    l.deliverNext();
    keys.push(key(l));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('has the key of one whose acceptors are renamed', () => {
    const one = learner();
    one.receiveAccepted(0, 1, 101, bytes('a'));
    one.receiveAccepted(2, 1, 201, bytes('b'));
    const other = learner();
    other.receiveAccepted(1, 1, 101, bytes('a'));
    other.receiveAccepted(0, 1, 201, bytes('b'));
    expect(key(one)).not.toBe(key(other));
    expect(key(one, [0, 1, 2])).toBe(key(other, [1, 2, 0]));
  });
});
