import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from './bytes.ts';
import { MAX_AGE_STEP_MS, MAX_SESSION_WINDOW, MAX_SESSIONS, Sessions } from './sessions.ts';

const START_MS = 1_800_000_000_000;
const TIMEOUT_MS = 30_000;

function written(sessions: Sessions): Uint8Array {
  const out = new ByteWriter();
  sessions.write(out);
  return out.take();
}

function restored(bytes: Uint8Array): { readonly sessions: Sessions; readonly fault: string | undefined } {
  const reader = new ByteReader();
  reader.open(bytes);
  const sessions = Sessions.read(reader);
  return { sessions, fault: reader.fault };
}

/** CLOCKs a second apart, `steps` of them. */
function clocks(sessions: Sessions, steps: number): void {
  for (let i = 0; i < steps; i++) sessions.clock(sessions.timeMs + 1_000);
}

describe('Sessions', () => {
  it('are numbered from 1, and no number is given twice', () => {
    const sessions = new Sessions();
    expect([sessions.open(1, 1, TIMEOUT_MS), sessions.open(1, 2, TIMEOUT_MS)]).toEqual([1, 2]);
    sessions.close(2);
    expect(sessions.open(1, 2, TIMEOUT_MS)).toBe(3);
    expect(restored(written(sessions)).sessions.open(9, 9, TIMEOUT_MS)).toBe(4);
  });

  it('are opened once for a nonce that lives, and its OPEN keeps it alive', () => {
    const sessions = new Sessions();
    sessions.clock(START_MS);
    const id = sessions.open(2 ** 32 - 1, 7, TIMEOUT_MS);
    clocks(sessions, 20);
    expect(sessions.open(2 ** 32 - 1, 7, TIMEOUT_MS)).toBe(id);
    clocks(sessions, 20);
    expect(sessions.get(id)).toBeDefined();
    clocks(sessions, 20);
    expect(sessions.get(id)).toBeUndefined();
    expect(sessions.open(2 ** 32 - 1, 7, TIMEOUT_MS)).toBe(id + 1);
  });

  it('are bounded in number: beyond, none is opened, until one ends', () => {
    const sessions = new Sessions();
    let last = 0;
    for (let i = 1; i <= MAX_SESSIONS; i++) last = sessions.open(0, i, TIMEOUT_MS);
    expect([last, sessions.size]).toEqual([MAX_SESSIONS, MAX_SESSIONS]);
    expect(sessions.open(1, 0, TIMEOUT_MS)).toBe(0);
    expect(sessions.open(0, 5, TIMEOUT_MS)).toBe(5);
    sessions.close(5);
    expect(sessions.open(1, 0, TIMEOUT_MS)).toBe(MAX_SESSIONS + 1);
  });

  it('expire when nothing was heard of them for longer than their timeout', () => {
    const sessions = new Sessions();
    sessions.clock(START_MS);
    const [quiet, kept] = [sessions.open(0, 1, TIMEOUT_MS), sessions.open(0, 2, TIMEOUT_MS)];
    clocks(sessions, 15);
    sessions.touch(kept, 0);
    clocks(sessions, 15);
    expect(sessions.get(quiet)).toBeDefined();
    clocks(sessions, 1);
    expect(sessions.get(quiet)).toBeUndefined();
    expect(sessions.touch(quiet, 0)).toBeUndefined();
    expect(sessions.touch(kept, 0)?.id).toBe(kept);
    expect(sessions.size).toBe(1);
  });

  it('that are exactly as old as their timeout live on when another expires', () => {
    const sessions = new Sessions();
    sessions.clock(START_MS);
    const [first, second] = [sessions.open(0, 1, 1_000), sessions.open(0, 2, 2_000)];
    sessions.clock(START_MS + 2_000);
    expect([sessions.get(first), sessions.get(second)?.id]).toEqual([undefined, second]);
    sessions.clock(START_MS + 2_001);
    expect(sessions.size).toBe(0);
  });

  it('are not expired by a cluster that was down, or one clock that is ahead', () => {
    const sessions = new Sessions();
    sessions.clock(START_MS);
    const id = sessions.open(0, 1, MAX_AGE_STEP_MS);
    sessions.clock(START_MS + 86_400_000);
    expect(sessions.timeMs).toBe(START_MS + 86_400_000);
    expect(sessions.get(id)).toBeDefined();
    sessions.clock(START_MS + 86_400_001);
    expect(sessions.get(id)).toBeUndefined();
  });

  it('still expire after a clock was far ahead, and time never falls', () => {
    const sessions = new Sessions();
    const wrongMs = START_MS + 1e12;
    sessions.clock(wrongMs);
    const id = sessions.open(0, 1, TIMEOUT_MS);
    for (let i = 0; i <= 31; i++) sessions.clock(START_MS + 1_000 * i);
    expect(sessions.timeMs).toBe(wrongMs);
    expect(sessions.get(id)).toBeUndefined();
  });

  it('do not age by two clocks that contradict each other a little', () => {
    const sessions = new Sessions();
    sessions.clock(START_MS);
    const id = sessions.open(0, 1, TIMEOUT_MS);
    for (let i = 0; i < 1_000; i++) {
      sessions.clock(START_MS + 5_000);
      sessions.clock(START_MS);
    }
    expect(sessions.get(id)).toBeDefined();
  });

  it('take what is acknowledged as it rises, and open their window by it', () => {
    const sessions = new Sessions();
    const id = sessions.open(0, 1, TIMEOUT_MS);
    expect(sessions.touch(id, 10)?.acknowledged).toBe(10);
    expect(sessions.touch(id, 4)?.acknowledged).toBe(10);
    expect(sessions.get(id)?.windowEnd).toBe(10 + MAX_SESSION_WINDOW);
  });

  it('expire alike before and after a snapshot', () => {
    const sessions = new Sessions();
    sessions.clock(START_MS);
    const id = sessions.open(0, 1, TIMEOUT_MS);
    clocks(sessions, 30);
    const { sessions: other, fault } = restored(written(sessions));
    expect([fault, other.get(id)?.id]).toEqual([undefined, id]);
    for (const each of [sessions, other]) clocks(each, 1);
    expect([sessions.get(id), other.get(id)]).toEqual([undefined, undefined]);
    expect(Buffer.compare(written(sessions), written(other))).toBe(0);
  });

  it('have equal bytes after the same items, with or without a snapshot between', () => {
    const item = fc.oneof(
      fc.record({ clock: fc.integer({ min: -100_000, max: 40_000 }) }),
      fc.record({ open: fc.nat(9), timeoutMs: fc.integer({ min: 1_000, max: 60_000 }) }),
      fc.record({ touch: fc.integer({ min: 1, max: 12 }), acknowledged: fc.nat(20), add: fc.nat(30) }),
      fc.record({ close: fc.integer({ min: 1, max: 12 }) }),
    );
    fc.assert(
      fc.property(fc.array(item, { maxLength: 60 }), fc.nat(60), (items, at) => {
        const one = new Sessions();
        let other = new Sessions();
        for (const [index, each] of items.entries()) {
          if (index === at) other = restored(written(other)).sessions;
          for (const sessions of [one, other]) {
            if ('clock' in each) sessions.clock(START_MS + each.clock + 500 * index);
            else if ('open' in each) sessions.open(0, each.open, each.timeoutMs);
            else if ('close' in each) sessions.close(each.close);
            else {
              const session = sessions.touch(each.touch, each.acknowledged);
              const isNew = session !== undefined && each.add > session.acknowledged;
              if (isNew && session.results.isFree(each.add, each.add)) {
                session.results.add(each.add, 1, Uint8Array.of(0, 0));
              }
            }
          }
        }
        expect(Buffer.compare(written(one), written(other))).toBe(0);
        expect(restored(written(one)).fault).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  it('are not restored from bytes that no sessions wrote', () => {
    const sessions = new Sessions();
    sessions.clock(START_MS);
    for (let i = 0; i < 3; i++) sessions.open(0, i, TIMEOUT_MS);
    const bytes = written(sessions);
    for (let length = 0; length < bytes.length; length++) {
      expect(restored(bytes.subarray(0, length)).fault).toBeDefined();
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (random) => {
        expect(restored(random).sessions.size).toBeLessThanOrEqual(random.length);
      }),
    );
  });
});
