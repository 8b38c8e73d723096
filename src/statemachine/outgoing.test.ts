import { describe, expect, it } from 'vitest';
import { PaxosError } from '../paxos/error.ts';
import { ItemReader, MAX_RUN_COMMANDS } from './items.ts';
import {
  MAX_OUTSTANDING,
  MAX_OUTSTANDING_BYTES,
  MAX_RUN_BYTES,
  MAX_SPAN,
  MAX_WAITING,
  MAX_WAITING_BYTES,
  Outgoing,
  type Outstanding,
  type Run,
} from './outgoing.ts';
import type { ResultStatus } from './results.ts';

class Asked implements Outstanding {
  readonly payload: Uint8Array;
  sequence = 0;
  /** what it came to: a status and bytes, or an error's code */
  readonly heard: string[] = [];

  constructor(text: string | Uint8Array) {
    this.payload = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  }

  settle(status: ResultStatus, result: Uint8Array): void {
    this.heard.push(`${status} ${new TextDecoder().decode(result)}`);
  }

  fail(error: PaxosError): void {
    this.heard.push(error.code);
  }
}

const NOTHING = new Uint8Array(0);
const LOST = new PaxosError('CLOSED', 'lost');

function added(outgoing: Outgoing, ...texts: string[]): Asked[] {
  const asked = texts.map((text) => new Asked(text));
  for (const one of asked) outgoing.add(one);
  return asked;
}

/** All runs that can be cut now. */
function cut(outgoing: Outgoing): Run[] {
  const runs: Run[] = [];
  for (let run = outgoing.takeRun(7); run !== undefined; run = outgoing.takeRun(7)) runs.push(run);
  return runs;
}

/** The commands of a run, and what its head says. */
function read(run: Run | undefined): string {
  const reader = new ItemReader();
  reader.open(run?.item ?? NOTHING);
  if (!reader.next()) return `no item: ${reader.fault}`;
  const { session, acknowledged, first, count } = reader;
  const commands = Array.from({ length: count }, () => new TextDecoder().decode(reader.command()));
  return `s${session} a${acknowledged} ${first}: ${commands.join(' ')}`;
}

describe('Outgoing', () => {
  it('numbers commands in the order in which they were given, and puts those of a turn into one run', () => {
    const outgoing = new Outgoing();
    added(outgoing, 'a', 'bc');
    expect(cut(outgoing)).toMatchObject([{ first: 1, count: 2 }]);
    added(outgoing, 'd');
    const [run] = cut(outgoing);
    expect(run).toMatchObject({ first: 3, count: 1 });
    expect(read(run)).toBe('s7 a0 3: d');
  });

  it('settles each command with its own answer, in whatever order they come, once', () => {
    const outgoing = new Outgoing();
    const [a, b, c] = added(outgoing, 'a', 'b', 'c');
    cut(outgoing);
    const answer = new TextEncoder().encode('yes');
    outgoing.settle(3, 0, answer);
    outgoing.settle(1, 1, answer);
    outgoing.settle(1, 0, NOTHING);
    outgoing.settle(99, 0, NOTHING);
    expect([a?.heard, b?.heard, c?.heard]).toEqual([['1 yes'], [], ['0 yes']]);
    expect(outgoing.outstandingCount).toBe(1);
  });

  it('acknowledges no further than every answer has come', () => {
    const outgoing = new Outgoing();
    added(outgoing, 'a');
    cut(outgoing);
    added(outgoing, 'b');
    cut(outgoing);
    expect(outgoing.acknowledged).toBe(0);
    outgoing.settle(2, 0, NOTHING);
    expect(outgoing.acknowledged).toBe(0);
    outgoing.settle(1, 0, NOTHING);
    expect(outgoing.acknowledged).toBe(2);
  });

  it('sends again what is not answered, with the same numbers and bytes, and settles it once', () => {
    const outgoing = new Outgoing();
    const [a] = added(outgoing, 'a');
    const before = cut(outgoing);
    const [b] = added(outgoing, 'b');
    cut(outgoing);
    outgoing.settle(2, 0, NOTHING);
    const again = [...outgoing.unanswered()];
    expect(again).toMatchObject([{ first: 1, count: 1 }]);
    expect(again[0]?.item).toEqual(before[0]?.item);
    outgoing.settle(1, 0, NOTHING);
    outgoing.settle(1, 0, NOTHING);
    expect([a?.heard, b?.heard]).toEqual([['0 '], ['0 ']]);
    expect([...outgoing.unanswered()]).toEqual([]);
  });

  it('never sends what was given up while it waited, and gives its number to nobody else once it was sent', () => {
    const outgoing = new Outgoing();
    const [a, b] = added(outgoing, 'a', 'b');
    if (a !== undefined) outgoing.abandon(a);
    const [run] = cut(outgoing);
    expect(read(run)).toBe('s7 a0 1: b');
    if (b !== undefined) outgoing.abandon(b);
    expect(outgoing.acknowledged).toBe(1);
    outgoing.settle(1, 0, NOTHING);
    added(outgoing, 'c');
    expect(cut(outgoing)).toMatchObject([{ first: 2 }]);
    expect([a?.heard, b?.heard]).toEqual([[], []]);
  });

  it('begins anew: what was sent once waits again, first; what was sent twice fails', () => {
    const outgoing = new Outgoing();
    const [a] = added(outgoing, 'a');
    cut(outgoing);
    outgoing.reconnected();
    const [b] = added(outgoing, 'b');
    cut(outgoing);
    const [c] = added(outgoing, 'c');
    expect([outgoing.wasSentOnce(1), outgoing.wasSentOnce(2)]).toEqual([false, true]);
    outgoing.beginAnew(LOST);
    expect([a?.heard, b?.heard, c?.heard]).toEqual([['CLOSED'], [], []]);
    const [run] = cut(outgoing);
    expect(run).toMatchObject({ first: 1, count: 2 });
    expect(read(run)).toBe('s7 a0 1: b c');
  });

  it('fails everything once', () => {
    const outgoing = new Outgoing();
    const [a] = added(outgoing, 'a');
    cut(outgoing);
    const [b] = added(outgoing, 'b');
    outgoing.failAll(LOST);
    outgoing.failAll(LOST);
    outgoing.settle(1, 0, NOTHING);
    expect([a?.heard, b?.heard]).toEqual([['CLOSED'], ['CLOSED']]);
    expect([outgoing.waitingCount, outgoing.outstandingCount]).toEqual([0, 0]);
  });

  it('makes runs of a bounded size, but for a single command that is larger', () => {
    const outgoing = new Outgoing();
    const half = new Uint8Array(MAX_RUN_BYTES / 2);
    const large = new Uint8Array(3 * MAX_RUN_BYTES);
    for (const bytes of [half, half, large, half]) outgoing.add(new Asked(bytes));
    expect(cut(outgoing).map((run) => run.count)).toEqual([1, 1, 1, 1]);
    for (let i = 0; i < 10_000; i++) outgoing.add(new Asked('x'));
    for (const run of cut(outgoing)) {
      expect(run.item.length).toBeLessThanOrEqual(MAX_RUN_BYTES);
      expect(run.count).toBeLessThanOrEqual(MAX_RUN_COMMANDS);
    }
  });

  it('has so many commands on their way, and so many bytes, and goes on when answers come', () => {
    const outgoing = new Outgoing();
    for (let i = 0; i < MAX_OUTSTANDING + 10; i++) outgoing.add(new Asked('x'));
    cut(outgoing);
    expect([outgoing.outstandingCount, outgoing.waitingCount]).toEqual([MAX_OUTSTANDING, 10]);
    expect(outgoing.hasRoom).toBe(false);
    for (let i = 1; i <= 3; i++) outgoing.settle(i, 0, NOTHING);
    expect(cut(outgoing)).toMatchObject([{ first: MAX_OUTSTANDING + 1, count: 3 }]);

    const heavy = new Outgoing();
    const megabyte = new Uint8Array(1024 * 1024);
    for (let i = 0; i < 40; i++) heavy.add(new Asked(megabyte));
    expect(cut(heavy)).toHaveLength(Math.ceil(MAX_OUTSTANDING_BYTES / megabyte.length));
  });

  it('goes no further than so many numbers above the lowest without an answer', () => {
    const outgoing = new Outgoing();
    for (let i = 1; i <= 3 * MAX_SPAN; i++) {
      outgoing.add(new Asked('x'));
      for (const run of cut(outgoing)) expect(run.first + run.count - 1).toBeLessThanOrEqual(MAX_SPAN);
      if (i > 1) outgoing.settle(i, 0, NOTHING);
    }
    expect([outgoing.waitingCount, outgoing.hasRoom]).toEqual([2 * MAX_SPAN, false]);
    outgoing.settle(1, 0, NOTHING);
    expect(outgoing.takeRun(7)?.first).toBe(MAX_SPAN + 1);
  });

  it('lets so many commands wait, and so many bytes, and refuses more', () => {
    const outgoing = new Outgoing();
    for (let i = 0; i < MAX_WAITING; i++) outgoing.add(new Asked('x'));
    expect(() => outgoing.add(new Asked('x'))).toThrow(expect.objectContaining({ code: 'QUEUE_FULL' }));
    const heavy = new Outgoing();
    const half = new Uint8Array(MAX_WAITING_BYTES / 2);
    heavy.add(new Asked(half));
    heavy.add(new Asked(half));
    expect(() => heavy.add(new Asked('x'))).toThrow(expect.objectContaining({ code: 'QUEUE_FULL' }));
  });

  it('keeps nothing of what was given up while nothing can be sent', () => {
    const outgoing = new Outgoing();
    for (let i = 0; i < 3 * MAX_WAITING; i++) {
      const asked = new Asked('x');
      outgoing.add(asked);
      outgoing.abandon(asked);
    }
    const [last] = added(outgoing, 'y');
    expect(cut(outgoing)).toMatchObject([{ first: 1, count: 1 }]);
    outgoing.settle(1, 0, NOTHING);
    expect(last?.heard).toEqual(['0 ']);
  });

  it('keeps its order over many runs that are answered from both ends', () => {
    const outgoing = new Outgoing();
    const all: Asked[] = [];
    for (let i = 0; i < 5000; i++) {
      all.push(...added(outgoing, `${i}`));
      cut(outgoing);
    }
    for (let i = 0; i < 2500; i++) {
      outgoing.settle(5000 - i, 0, new TextEncoder().encode(`${4999 - i}`));
      outgoing.settle(i + 1, 0, new TextEncoder().encode(`${i}`));
    }
    expect(all.every((asked, i) => asked.heard.length === 1 && asked.heard[0] === `0 ${i}`)).toBe(true);
    expect([outgoing.outstandingCount, outgoing.acknowledged]).toEqual([0, 5000]);
  });
});
