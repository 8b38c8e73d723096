import { describe, expect, it } from 'vitest';
import { Acceptor, type PaxosPromise, sameBytes } from './acceptor.ts';
import { MAX_BALLOT, MAX_BALLOT_JUMP } from './ballot.ts';
import { StateWriter } from './state.ts';
import type { AcceptorRecord, Storage } from './storage.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array) => new TextDecoder().decode(value);

/** A storage as strict as the port allows: what it handed out is overwritten by the next write. */
class StrictStorage implements Storage {
  readonly durability = 'memory';
  readonly sizeBytes = 0;
  trimInstanceId = 0;
  promiseFloor = 0;
  highestAccepted = 0;
  highestBallot = 0;
  writes = 0;
  readonly #records = new Map<number, AcceptorRecord>();
  #handedOut: Uint8Array[] = [];

  promisedBallot(instanceId: number): number {
    return this.#records.get(instanceId)?.promisedBallot ?? 0;
  }

  get(instanceId: number): AcceptorRecord | undefined {
    const record = this.#records.get(instanceId);
    if (record === undefined) return undefined;
    const view = record.value.slice();
    this.#handedOut.push(view);
    return { ...record, value: view };
  }

  *accepted(from: number, to: number): Generator<AcceptorRecord & { readonly instanceId: number }> {
    for (let instanceId = from; instanceId <= to; instanceId++) {
      const record = this.get(instanceId);
      if (record !== undefined && record.acceptedBallot > 0) yield { instanceId, ...record };
    }
  }

  put(instanceId: number, promisedBallot: number, acceptedBallot: number, value: Uint8Array): void {
    this.writes++;
    this.#records.set(instanceId, { promisedBallot, acceptedBallot, value: value.slice() });
    for (const view of this.#handedOut) view.fill(0xdd);
    this.#handedOut = [];
    this.highestBallot = Math.max(this.highestBallot, promisedBallot);
    if (acceptedBallot > 0) this.highestAccepted = Math.max(this.highestAccepted, instanceId);
  }

  setPromiseFloor(ballot: number): void {
    this.writes++;
    this.promiseFloor = ballot;
    this.highestBallot = Math.max(this.highestBallot, ballot);
  }

  trim(instanceId: number): void {
    this.writes++;
    for (const id of [...this.#records.keys()]) if (id <= instanceId) this.#records.delete(id);
    this.trimInstanceId = instanceId;
  }

  commit(): undefined {
    return undefined;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function acceptor(storage = new StrictStorage()): Acceptor {
  return new Acceptor(2, storage);
}

/** A promise as `promised`, or `promised accepted:value`. */
function shown(promise: PaxosPromise | string): string {
  if (typeof promise === 'string') return promise;
  const { promisedBallot, acceptedBallot, value } = promise;
  return acceptedBallot === 0 ? `${promisedBallot}` : `${promisedBallot} ${acceptedBallot}:${text(value)}`;
}

function listed(records: Iterable<AcceptorRecord & { readonly instanceId: number }>): string[] {
  return [...records].map((r) => `${r.instanceId} ${r.acceptedBallot}:${text(r.value)}`);
}

describe('Acceptor: prepare', () => {
  it('promises a ballot, and again when asked again', () => {
    const a = acceptor();
    expect(shown(a.receivePrepare(1, 101))).toBe('101');
    expect(shown(a.receivePrepare(1, 101))).toBe('101');
  });

  it('answers a lower ballot with the higher one it promised', () => {
    const a = acceptor();
    expect([11, 5, 9, 10, 2].map((ballot) => shown(a.receivePrepare(1, ballot)))).toEqual(
      new Array(5).fill('11'),
    );
  });

  it('promises ever higher ballots, 0 among them', () => {
    const a = acceptor();
    expect([0, 10, 11, 20, 33].map((ballot) => shown(a.receivePrepare(1, ballot)))).toEqual([
      '0',
      '10',
      '11',
      '20',
      '33',
    ]);
  });

  it('promises instance by instance', () => {
    const a = acceptor();
    a.receivePrepare(1, 101);
    expect(shown(a.receivePrepare(2, 11))).toBe('11');
    expect([a.promisedBallot(1), a.promisedBallot(2), a.highestBallot]).toEqual([101, 11, 101]);
  });

  it('tells the value it accepted, and at which ballot', () => {
    const a = acceptor();
    a.receivePrepare(1, 101);
    a.receiveAccept(1, 101, bytes('bar'));
    expect(shown(a.receivePrepare(1, 201))).toBe('201 101:bar');
    expect(shown(a.receivePrepare(1, 150))).toBe('201 101:bar');
  });

  it('tells an empty value as a value', () => {
    const a = acceptor();
    a.receiveAccept(1, 101, bytes(''));
    const promise = a.receivePrepare(1, 201);
    expect(promise).toEqual({ promisedBallot: 201, acceptedBallot: 101, value: bytes('') });
  });

  it('writes nothing when it promises nothing new', () => {
    const storage = new StrictStorage();
    const a = acceptor(storage);
    a.receivePrepare(1, 101);
    const { writes } = storage;
    a.receivePrepare(1, 101);
    a.receivePrepare(1, 11);
    expect(storage.writes).toBe(writes);
  });
});

describe('Acceptor: accept', () => {
  it('accepts what it was not asked to promise', () => {
    const a = acceptor();
    expect(a.receiveAccept(1, 101, bytes('foo'))).toBe('accepted');
    expect(listed(a.accepted(1, 1))).toEqual(['1 101:foo']);
    expect(a.promisedBallot(1)).toBe(101);
  });

  it('accepts at the ballot it promised, and above', () => {
    const a = acceptor();
    a.receivePrepare(1, 101);
    expect(a.receiveAccept(1, 101, bytes('foo bar'))).toBe('accepted');
    a.receivePrepare(2, 101);
    expect(a.receiveAccept(2, 201, bytes('baz'))).toBe('accepted');
    expect(listed(a.accepted(1, 2))).toEqual(['1 101:foo bar', '2 201:baz']);
  });

  it('is preempted below the ballot it promised, and keeps what it has', () => {
    const a = acceptor();
    a.receivePrepare(1, 201);
    expect(a.receiveAccept(1, 101, bytes('bar'))).toBe('preempted');
    expect(a.preemptedBy).toBe(201);
    expect(listed(a.accepted(1, 1))).toEqual([]);
  });

  it('keeps its acceptance when it promises a higher ballot', () => {
    const a = acceptor();
    a.receiveAccept(1, 101, bytes('a'));
    a.receivePrepare(1, 201);
    expect(listed(a.accepted(1, 1))).toEqual(['1 101:a']);
    expect(a.receiveAccept(1, 101, bytes('a'))).toBe('preempted');
  });

  it('accepts the same again, without writing it again', () => {
    const storage = new StrictStorage();
    const a = acceptor(storage);
    a.receiveAccept(1, 101, bytes('a'));
    const { writes } = storage;
    expect(a.receiveAccept(1, 101, bytes('a'))).toBe('accepted');
    expect(storage.writes).toBe(writes);
  });

  it('refuses a second value at the ballot it accepted, with a ballot that even an original heeds', () => {
    const a = acceptor();
    a.receiveAccept(1, 101, bytes('a'));
    expect(a.receiveAccept(1, 101, bytes('b'))).toBe('preempted');
    expect(a.preemptedBy).toBe(102);
    expect(a.receiveAccept(1, 101, bytes(''))).toBe('preempted');
    expect(listed(a.accepted(1, 1))).toEqual(['1 101:a']);
  });

  it('takes another value at a higher ballot', () => {
    const a = acceptor();
    a.receiveAccept(1, 101, bytes('a'));
    expect(a.receiveAccept(1, 102, bytes('b'))).toBe('accepted');
    expect(listed(a.accepted(1, 1))).toEqual(['1 102:b']);
  });

  it('accepts nothing at ballot 0, which means none', () => {
    expect(acceptor().receiveAccept(1, 0, bytes('a'))).toBe('refused');
  });
});

describe('Acceptor: what it accepted, asked for again', () => {
  it('has nothing for an instance it never heard of, or only promised', () => {
    const a = acceptor();
    a.receivePrepare(2, 101);
    expect(listed(a.accepted(1, 10))).toEqual([]);
  });

  it('lists a stretch in order and passes over what is missing', () => {
    const a = acceptor();
    for (const i of [10, 7, 9]) a.receiveAccept(i, 101, bytes(`v${i}`));
    a.receivePrepare(8, 101);
    expect(listed(a.accepted(1, 2 ** 52))).toEqual(['7 101:v7', '9 101:v9', '10 101:v10']);
    expect(listed(a.accepted(8, 9))).toEqual(['9 101:v9']);
    expect(listed(a.accepted(9, 8))).toEqual([]);
  });
});

describe('Acceptor: ranged prepare', () => {
  it('promises every instance at once', () => {
    const a = acceptor();
    expect(a.receivePrepareFrom(5, 20)).toBe('promised');
    expect([a.promisedBallot(1), a.promisedBallot(5), a.promisedBallot(2 ** 40)]).toEqual([20, 20, 20]);
    expect(shown(a.receivePrepare(9, 11))).toBe('20');
    expect(a.receiveAccept(9, 11, bytes('low'))).toBe('preempted');
    expect(a.preemptedBy).toBe(20);
    expect(a.receiveAccept(9, 20, bytes('own'))).toBe('accepted');
  });

  it('lets a single instance go above the floor, and the floor never sinks', () => {
    const a = acceptor();
    a.receivePrepareFrom(1, 20);
    expect(shown(a.receivePrepare(3, 31))).toBe('31');
    expect(a.receiveAccept(3, 20, bytes('floor'))).toBe('preempted');
    expect(a.receivePrepareFrom(1, 20)).toBe('preempted');
    expect(a.preemptedBy).toBe(31);
    expect(a.receivePrepareFrom(1, 30)).toBe('preempted');
    expect(a.receivePrepareFrom(1, 40)).toBe('promised');
    expect(a.receivePrepareFrom(1, 31)).toBe('preempted');
    expect(a.promisedBallot(3)).toBe(40);
  });

  it('is refused below any ballot that was promised or accepted anywhere', () => {
    const a = acceptor();
    a.receiveAccept(1000, 33, bytes('far'));
    expect(a.receivePrepareFrom(1, 22)).toBe('preempted');
    expect(a.preemptedBy).toBe(33);
    expect(a.promisedBallot(1)).toBe(0);
  });

  it('is promised again when it is asked again, for the next stretch', () => {
    const storage = new StrictStorage();
    const a = acceptor(storage);
    a.receivePrepareFrom(1, 20);
    const { writes } = storage;
    expect(a.receivePrepareFrom(8193, 20)).toBe('promised');
    expect(storage.writes).toBe(writes);
  });

  it('begins at instance 1', () => {
    expect(acceptor().receivePrepareFrom(0, 20)).toBe('refused');
  });
});

describe('Acceptor: trim', () => {
  it('answers nothing at or below the trim point', () => {
    const a = acceptor();
    a.receiveAccept(1, 101, bytes('1234'));
    a.receiveAccept(10, 101, bytes('1234'));
    expect(a.receiveTrim(5)).toBe('trimmed');
    for (let i = 1; i <= 5; i++) {
      expect(a.receivePrepare(i, 101)).toBe('trimmed');
      expect(a.receiveAccept(i, 101, bytes('test'))).toBe('trimmed');
    }
    expect(listed(a.accepted(1, 5))).toEqual([]);
    expect(listed(a.accepted(1, 10))).toEqual(['10 101:1234']);
    expect(shown(a.receivePrepare(6, 101))).toBe('101');
  });

  it('only rises', () => {
    const a = acceptor();
    a.receiveAccept(10, 101, bytes('v'));
    expect(a.receiveTrim(7)).toBe('trimmed');
    expect(a.receiveTrim(7)).toBe('stale');
    expect(a.receiveTrim(3)).toBe('stale');
    expect(a.trimInstanceId).toBe(7);
  });

  it('refuses to go above everything that was accepted', () => {
    const a = acceptor();
    expect(a.receiveTrim(1)).toBe('refused');
    a.receiveAccept(10, 101, bytes('v'));
    a.receivePrepare(20, 101);
    expect(a.receiveTrim(11)).toBe('refused');
    expect(a.receiveTrim(0xffff_ffff)).toBe('refused');
    expect(a.receiveTrim(10)).toBe('trimmed');
    expect([a.trimInstanceId, a.highestAccepted]).toEqual([10, 10]);
  });

  it('keeps the floor for all that comes after', () => {
    const a = acceptor();
    a.receivePrepareFrom(1, 20);
    a.receiveAccept(4, 20, bytes('v'));
    a.receiveTrim(4);
    expect(a.receiveAccept(5, 11, bytes('late'))).toBe('preempted');
  });
});

describe('Acceptor: ballots nobody may use', () => {
  it('refuses those above 2^31, silently', () => {
    const storage = new StrictStorage();
    storage.setPromiseFloor(MAX_BALLOT - 10);
    const a = acceptor(storage);
    expect(a.receivePrepare(1, MAX_BALLOT + 1)).toBe('refused');
    expect(a.receiveAccept(1, MAX_BALLOT + 1, bytes('v'))).toBe('refused');
    expect(a.receivePrepareFrom(1, 0xffff_ffff)).toBe('refused');
    expect(shown(a.receivePrepare(1, MAX_BALLOT))).toBe(`${MAX_BALLOT}`);
  });

  it('lets no single message use up the rest', () => {
    const a = acceptor();
    expect(a.receivePrepare(1, MAX_BALLOT_JUMP + 1)).toBe('refused');
    expect(a.receiveAccept(1, MAX_BALLOT_JUMP + 1, bytes('v'))).toBe('refused');
    expect(a.receivePrepareFrom(1, MAX_BALLOT_JUMP + 1)).toBe('refused');
    expect(acceptor().receivePrepareFrom(1, MAX_BALLOT_JUMP + 1, true)).toBe('promised');
    expect(acceptor().receivePrepareFrom(1, MAX_BALLOT + 1, true)).toBe('refused');
    expect(a.highestBallot).toBe(0);
    expect(shown(a.receivePrepare(1, MAX_BALLOT_JUMP))).toBe(`${MAX_BALLOT_JUMP}`);
    expect(shown(a.receivePrepare(1, 2 * MAX_BALLOT_JUMP))).toBe(`${2 * MAX_BALLOT_JUMP}`);
  });
});

describe('Acceptor: after a restart', () => {
  it('stands by all that its storage holds', () => {
    const storage = new StrictStorage();
    const before = acceptor(storage);
    before.receivePrepareFrom(1, 20);
    before.receiveAccept(3, 21, bytes('v'));
    before.receivePrepare(4, 31);
    const after = acceptor(storage);
    expect(after.receiveAccept(2, 11, bytes('w'))).toBe('preempted');
    expect(after.receiveAccept(4, 21, bytes('w'))).toBe('preempted');
    expect(after.receiveAccept(3, 21, bytes('w'))).toBe('preempted');
    expect(shown(after.receivePrepare(3, 41))).toBe('41 21:v');
    expect(after.highestBallot).toBe(41);
  });
});

describe('Acceptor: copies and keys', () => {
  const key = (a: Acceptor) => {
    const writer = new StateWriter([0, 1, 2]);
    a.writeState(writer, 4);
    return writer.key;
  };

  it('is, on a copy of its storage, another acceptor in the same state', () => {
    const a = acceptor();
    const copy = a.copy(new StrictStorage());
    a.receivePrepare(1, 11);
    expect(copy.promisedBallot(1)).toBe(0);
    copy.receivePrepare(1, 11);
    expect(key(copy)).toBe(key(a));
  });

  it('has another key after every change', () => {
    const a = acceptor();
    const keys = [key(a)];
    a.receivePrepare(1, 11);
    keys.push(key(a));
    a.receiveAccept(1, 11, bytes(''));
    keys.push(key(a));
    a.receiveAccept(1, 21, bytes('v'));
    keys.push(key(a));
    a.receivePrepareFrom(1, 22);
    keys.push(key(a));
    a.receiveTrim(1);
    keys.push(key(a));
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('sameBytes', () => {
  it('compares length and bytes', () => {
    expect(sameBytes(bytes('abc'), bytes('abc'))).toBe(true);
    expect(sameBytes(bytes('abc'), bytes('abd'))).toBe(false);
    expect(sameBytes(bytes('abc'), bytes('ab'))).toBe(false);
    expect(sameBytes(bytes(''), bytes(''))).toBe(true);
  });

  it('looks at every byte of a long value, wherever in memory it lies', () => {
    for (const length of [127, 128, 129, 143, 144, 1000]) {
      const memory = new Uint8Array(2 * length + 7).fill(200);
      const [left, right] = [memory.subarray(3, 3 + length), memory.subarray(length + 4, 2 * length + 4)];
      expect(sameBytes(left, right)).toBe(true);
      for (let at = 0; at < length; at++) {
        right[at] = 72;
        expect(sameBytes(left, right), `byte ${at} of ${length}`).toBe(false);
        right[at] = 200;
      }
    }
  });
});
