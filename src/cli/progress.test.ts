import { describe, expect, it } from 'vitest';
import type { Clock, Timer } from '../transport/transport.ts';
import type { Io } from './io.ts';
import { Digest, learning, MARK_INSTANCES } from './progress.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

function digestOf(values: readonly (readonly [number, string])[]): string {
  const digest = new Digest();
  for (const [instanceId, value] of values) digest.add(instanceId, bytes(value));
  return digest.text;
}

describe('the digest of what was delivered', () => {
  it('is the same for the same values at the same instances', () => {
    const sequence = [[1, 'a'] as const, [2, 'b'] as const];
    expect(digestOf(sequence)).toBe(digestOf(sequence));
    expect(digestOf(sequence)).toMatch(/^[0-9a-f]{16}$/);
  });

  it('differs if the order, an instance, or the cut between two values differs', () => {
    const other = [
      digestOf([
        [1, 'b'],
        [2, 'a'],
      ]),
      digestOf([
        [1, 'a'],
        [3, 'b'],
      ]),
      digestOf([
        [1, 'ab'],
        [2, ''],
      ]),
      digestOf([
        [1, 'a'],
        [2 ** 32 + 2, 'b'],
      ]),
      digestOf([[1, 'a']]),
    ];
    expect(other).not.toContain(
      digestOf([
        [1, 'a'],
        [2, 'b'],
      ]),
    );
    expect(new Set(other).size).toBe(other.length);
  });

  it('goes on after it was asked for', () => {
    const digest = new Digest();
    digest.add(1, bytes('a'));
    expect(digest.text).toBe(digestOf([[1, 'a']]));
    digest.add(2, bytes('b'));
    expect(digest.text).toBe(
      digestOf([
        [1, 'a'],
        [2, 'b'],
      ]),
    );
  });
});

describe('a node that learns, with --json', () => {
  it('prints a line at the start, at every interval and at every thousandth instance, and shows no value', async () => {
    const { io, out, err, tick, stop } = makeIo();
    const shown: Uint8Array[] = [];
    const { deliver, tell, run } = learning(io, { json: true, every: 500 }, (value) => shown.push(value));
    const running = run({ ...node(), isLeading: true });
    for (let instanceId = 1; instanceId <= MARK_INSTANCES + 1; instanceId++)
      deliver({ instanceId, value: bytes('x') });
    tick(500);
    tell('a line of the log\n');
    stop();
    await running;
    const lines = out().map((line): unknown => JSON.parse(line));
    expect(lines).toMatchObject([
      { type: 'progress', delivered: 0, leading: true },
      { type: 'progress', delivered: MARK_INSTANCES, leading: true },
      { type: 'progress', delivered: MARK_INSTANCES + 1, leading: true },
    ]);
    expect(err()).toEqual(['a line of the log', 'Caught signal 15']);
    expect(shown).toEqual([]);
  });

  it('without it hands every value on, and the log goes to standard output', async () => {
    const { io, out, err, stop } = makeIo();
    const shown: Uint8Array[] = [];
    const { deliver, tell, run } = learning(io, { every: 500 }, (value) => shown.push(value));
    const running = run(node());
    deliver({ instanceId: 1, value: bytes('x') });
    tell('a line of the log\n');
    stop();
    await running;
    expect(out()).toEqual(['a line of the log', 'Caught signal 15']);
    expect(err()).toEqual([]);
    expect(shown).toEqual([bytes('x')]);
  });
});

function node() {
  const close = async () => undefined;
  return { port: undefined, closed: new Promise<void>(() => undefined), close, [Symbol.asyncDispose]: close };
}

/** An Io whose time stands still, and all that was written to it. */
function makeIo() {
  const stop = new AbortController();
  const written = { out: '', err: '' };
  const clock = new StillClock();
  const io: Io = {
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
    colours: false,
    stop: stop.signal,
    clock,
    screen: () => undefined,
    directory: '.',
    program: [],
  };
  const linesOf = (text: string) => text.split('\n').slice(0, -1);
  return {
    io,
    out: () => linesOf(written.out),
    err: () => linesOf(written.err),
    tick: (ms: number) => clock.advance(ms),
    stop: () => stop.abort(15),
  };
}

class StillClock implements Clock {
  #now = 0;
  #alarms: { readonly at: number; readonly call: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wallMicros(): number {
    return this.#now * 1000;
  }

  after(delayMs: number, call: () => void): Timer {
    const alarm = { at: this.#now + delayMs, call };
    this.#alarms.push(alarm);
    return { cancel: () => void this.#alarms.splice(this.#alarms.indexOf(alarm), 1) };
  }

  endOfTurn(call: () => void): void {
    call();
  }

  advance(ms: number): void {
    this.#now += ms;
    const due = this.#alarms.filter(({ at }) => at <= this.#now);
    this.#alarms = this.#alarms.filter(({ at }) => at > this.#now);
    for (const { call } of due) call();
  }
}
