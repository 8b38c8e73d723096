import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inChunks, MachineBed, runOf } from '../../test/support/machine-bed.ts';
import { ByteWriter } from './bytes.ts';
import { bytesCodec } from './codec.ts';
import { MAX_RESULT_BYTES } from './command-applier.ts';
import { encodeClock, encodeClose, encodeDigest, encodeKeep, encodeOpen } from './items.ts';
import type { ApplyContext, SnapshotReader, StateMachine } from './machine.ts';
import { MachineHost } from './machine-host.ts';
import { ResultStatus } from './results.ts';
import { MAX_SESSION_RESULT_BYTES, MAX_SESSION_WINDOW } from './sessions.ts';

const START_MS = 1_800_000_000_000;

/** What a test's machine may be told to do. */
type Order =
  | { readonly add: number }
  | { readonly fail: string }
  | { readonly large: number }
  | { readonly look: true };

/** Sums, and shows its context when told to look. */
class Summing implements StateMachine<Order, unknown> {
  sum = 0;
  applied = 0;

  apply(order: Order, context: ApplyContext): unknown {
    this.applied++;
    if ('add' in order) {
      this.sum += order.add;
      return this.sum;
    }
    if ('fail' in order) throw new RangeError(order.fail);
    if ('large' in order) return 'x'.repeat(order.large);
    const { instanceId, index, timeMs, session, sequence } = context;
    return { instanceId, index, timeMs, session, sequence, random: [context.random(), context.random()] };
  }

  snapshot(): string {
    return JSON.stringify(this.sum);
  }

  async restore(reader: SnapshotReader): Promise<void> {
    this.sum = await reader.json<number>();
  }
}

function make() {
  const machine = new Summing();
  const bed = new MachineBed<Order, unknown>(machine);
  return { machine, bed, session: bed.open(1) };
}

const add = (amount: number): Order => ({ add: amount });
const ok = (session: number, sequence: number, text: string) => ({
  session,
  sequence,
  status: ResultStatus.ok,
  text,
});

describe('MachineHost', () => {
  it('applies the commands of a run in order, and answers each', () => {
    const { machine, bed, session } = make();
    bed.apply(bed.run(session, 1, [add(1), add(10), add(100)]));
    expect(bed.take()).toEqual([ok(session, 1, '1'), ok(session, 2, '11'), ok(session, 3, '111')]);
    expect(machine.sum).toBe(111);
  });

  it('does nothing in a no-op, and goes on behind it', () => {
    const { bed, session } = make();
    const { digest } = bed.host;
    bed.apply();
    expect([bed.host.instanceId, bed.host.digest, bed.take()]).toEqual([2, digest, []]);
    bed.apply(bed.run(session, 1, [add(1)]));
    expect(bed.host.instanceId).toBe(3);
  });

  it('applies instances in order, and leaves none out', () => {
    const { bed } = make();
    expect(() => bed.host.apply(3, new Uint8Array(0))).toThrow(/in order/);
    expect(() => bed.host.apply(1, new Uint8Array(0))).toThrow(/in order/);
  });

  it('applies a command once, and answers it again as it was', () => {
    const { machine, bed, session } = make();
    const run = bed.run(session, 1, [add(1), add(2)]);
    bed.apply(run);
    const [...first] = bed.take();
    bed.apply(run);
    bed.apply(bed.run(session, 2, [add(5)]));
    expect(bed.take()).toEqual([...first, first[1]]);
    expect([machine.sum, machine.applied]).toEqual([3, 2]);
  });

  it('applies of a run what is new, in whatever order commands come', () => {
    const { machine, bed, session } = make();
    bed.apply(bed.run(session, 3, [add(3)]));
    bed.apply(bed.run(session, 6, [add(6)]));
    bed.take();
    bed.apply(bed.run(session, 1, [1, 2, 3, 4, 5, 6, 7].map(add)));
    expect(bed.take().map(({ sequence, text }) => [sequence, text])).toEqual([
      [1, '10'],
      [2, '12'],
      [3, '3'],
      [4, '16'],
      [5, '21'],
      [6, '9'],
      [7, '28'],
    ]);
    expect(machine.applied).toBe(7);
  });

  it('answers nothing of what was acknowledged, and does not apply it again', () => {
    const { machine, bed, session } = make();
    bed.apply(bed.run(session, 1, [add(1), add(2)]));
    bed.apply((out) => encodeKeep(out, session, 2));
    bed.take();
    bed.apply(bed.run(session, 1, [add(1), add(2), add(4)]));
    expect(bed.take()).toEqual([ok(session, 3, '7')]);
    expect(machine.applied).toBe(3);
  });

  it('makes what a machine throws a result, which is kept like any other', () => {
    const { machine, bed, session } = make();
    const run = bed.run(session, 1, [{ fail: 'no such thing' }, add(1)]);
    bed.apply(run);
    const failed = { session, sequence: 1, status: ResultStatus.failed, text: 'no such thing' };
    expect(bed.take()).toEqual([failed, ok(session, 2, '1')]);
    bed.apply(run);
    expect(bed.take()).toEqual([failed, ok(session, 2, '1')]);
    expect(machine.applied).toBe(2);
  });

  it.each([
    ['no Error', 'a string'],
    ['an Error whose message is none', Object.assign(new Error(), { message: 5 })],
    [
      'an Error that throws when it is asked',
      new (class extends Error {
        override get message(): string {
          throw new Error('no');
        }
      })(),
    ],
  ])('makes it a result when a machine throws %s', (_what, thrown) => {
    const machine: StateMachine<Order, unknown> = {
      apply: () => {
        throw thrown;
      },
      snapshot: () => '',
      restore: () => undefined,
    };
    const bed = new MachineBed<Order, unknown>(machine);
    bed.apply(bed.run(bed.open(1), 1, [add(1)]));
    expect(bed.take()).toMatchObject([
      { status: ResultStatus.failed, text: 'apply() threw what is no Error' },
    ]);
  });

  it('answers what the codec refuses, and goes on', () => {
    const { machine, bed, session } = make();
    bed.apply(runOf(session, 1, [Buffer.from('{"add":'), Buffer.from('{"add":1}')]));
    const [invalid, good] = bed.take();
    expect(invalid).toMatchObject({ sequence: 1, status: ResultStatus.invalid });
    expect([good, machine.applied]).toEqual([ok(session, 2, '1'), 1]);
  });

  it('refuses a result that is too large, and one that is a promise', () => {
    const { bed, session } = make();
    bed.apply(bed.run(session, 1, [{ large: MAX_RESULT_BYTES - 2 }, { large: MAX_RESULT_BYTES - 1 }]));
    const [most, beyond] = bed.take();
    expect(most?.text).toHaveLength(MAX_RESULT_BYTES);
    expect(beyond).toMatchObject({ status: ResultStatus.failed });
    expect(beyond?.text).toMatch(/1048577 bytes, and 1048576 may be/);

    const machine: StateMachine<Order, unknown> = {
      apply: async () => Promise.reject(new Error('later')),
      snapshot: () => '',
      restore: () => undefined,
    };
    const other = new MachineBed<Order, unknown>(machine);
    const id = other.open(1);
    other.apply(other.run(id, 1, [add(1)]));
    expect(other.take()[0]).toMatchObject({ status: ResultStatus.failed });
  });

  it('refuses a result that bytesCodec is given and that is no bytes', () => {
    const answers: number[] = [];
    const ignore = () => undefined;
    const host = new MachineHost<Uint8Array, Uint8Array>({
      // What a machine in plain JavaScript may do.
      machine: { apply: () => JSON.parse('"text"'), snapshot: () => '', restore: ignore },
      codecs: { command: bytesCodec, result: bytesCodec },
      listener: {
        answered: (_session, _first, _count, results) => answers.push(results[0] ?? -1),
        opened: ignore,
        passedOver: ignore,
        diverged: ignore,
        notDeterministic: ignore,
      },
    });
    const out = new ByteWriter();
    encodeOpen(out, 0, 1, 30_000);
    runOf(1, 1, [Uint8Array.of(1)])(out);
    host.apply(1, out.take());
    expect(answers).toEqual([ResultStatus.failed]);
  });

  it('says that a session is unknown, has ended or expired', () => {
    const { machine, bed, session } = make();
    bed.apply(bed.run(77, 1, [add(1), add(2)]));
    const expired = { session: 77, status: ResultStatus.expired, text: '' };
    expect(bed.take()).toEqual([
      { ...expired, sequence: 1 },
      { ...expired, sequence: 2 },
    ]);
    bed.apply((out) => encodeClose(out, session), bed.run(session, 1, [add(1)]));
    expect(bed.take()).toMatchObject([{ status: ResultStatus.expired }]);

    const other = bed.open(2, 1_000);
    bed.apply((out) => encodeClock(out, START_MS, 1));
    bed.apply((out) => encodeClock(out, START_MS + 1_001, 1), bed.run(other, 1, [add(1)]));
    expect(bed.take()).toMatchObject([{ session: other, status: ResultStatus.expired }]);
    expect([machine.applied, bed.host.sessionCount]).toEqual([0, 0]);
  });

  it('refuses what is too far above what was acknowledged, and takes it when that has risen', () => {
    const { machine, bed, session } = make();
    const run = bed.run(session, MAX_SESSION_WINDOW, [add(1), add(2)]);
    bed.apply(run);
    expect(bed.take()).toMatchObject([
      { sequence: MAX_SESSION_WINDOW, status: ResultStatus.ok },
      { sequence: MAX_SESSION_WINDOW + 1, status: ResultStatus.window },
    ]);
    bed.apply((out) => encodeKeep(out, session, 1), run);
    expect(bed.take()).toMatchObject([{ text: '1' }, { status: ResultStatus.ok, text: '3' }]);
    expect(machine.applied).toBe(2);
  });

  it('keeps only so many bytes of results for a session', () => {
    const { machine, bed, session } = make();
    const count = MAX_SESSION_RESULT_BYTES / MAX_RESULT_BYTES;
    const orders = Array.from({ length: count + 2 }, () => ({ large: MAX_RESULT_BYTES - 2 }));
    bed.apply(bed.run(session, 1, orders));
    const statuses = bed.take().map(({ status }) => status);
    const { ok: applied, window } = ResultStatus;
    expect(statuses).toEqual([...Array<number>(count).fill(applied), window, window]);
    bed.apply(bed.run(session, count + 3, [add(1)]));
    expect(bed.take()).toMatchObject([{ status: window }]);
    // Who was told that they were not applied may have given others in their stead: that stays true, chosen again.
    bed.apply(bed.run(session, count + 1, [add(1), add(1), add(1), add(1)], 1));
    expect(bed.take().map(({ status }) => status)).toEqual([window, window, window, applied]);
    expect(machine.applied).toBe(count + 1);
  });

  it('passes over the rest of a malformed value, and says so', () => {
    const { machine, bed, session } = make();
    bed.apply(bed.run(session, 1, [add(1)]), (out) => out.byte(99), bed.run(session, 2, [add(2)]));
    expect(bed.passedOver).toEqual([{ instanceId: 2, reason: 'item of kind 99, which there is not' }]);
    expect([machine.sum, bed.host.instanceId]).toEqual([1, 2]);
    bed.apply(bed.run(session, 2, [add(2)]));
    expect(machine.sum).toBe(3);
  });

  it('opens a session once for a nonce', () => {
    const { bed, session } = make();
    bed.apply(
      (out) => encodeOpen(out, 0, 1, 30_000),
      (out) => encodeOpen(out, 0, 2, 30_000),
    );
    expect(bed.opened).toEqual([session, session, session + 1]);
  });
});

describe('the context', () => {
  const LOOK: Order = { look: true };

  it('tells instance, index, session, sequence and the log time', () => {
    const { bed, session } = make();
    const other = bed.open(2);
    bed.apply(
      (out) => encodeClock(out, START_MS, 7),
      bed.run(session, 1, [LOOK, LOOK]),
      bed.run(session, 2, [LOOK]),
      bed.run(other, 9, [LOOK]),
    );
    const seen = bed.take().map(({ text }) => JSON.parse(text));
    expect(seen[0]).toMatchObject({ instanceId: 3, index: 0, timeMs: START_MS, session, sequence: 1 });
    expect(seen[1]).toMatchObject({ instanceId: 3, index: 1, session, sequence: 2 });
    expect(seen[2]).toEqual(seen[1]);
    expect(seen[3]).toMatchObject({ instanceId: 3, index: 3, session: other, sequence: 9 });
  });

  it('has a time that never falls', () => {
    const { bed, session } = make();
    bed.apply((out) => encodeClock(out, START_MS, 0), bed.run(session, 1, [LOOK]));
    bed.apply((out) => encodeClock(out, START_MS - 5_000, 0), bed.run(session, 2, [LOOK]));
    bed.apply(bed.run(session, 3, [LOOK]));
    expect(bed.take().map(({ text }) => JSON.parse(text).timeMs)).toEqual([START_MS, START_MS, START_MS]);
  });

  it('has chance that is the same everywhere, and other numbers for other commands and seeds', () => {
    const draw = (seed: number): number[] => {
      const { bed, session } = make();
      for (let first = 1; first < 200; first += 2) {
        bed.apply((out) => encodeClock(out, START_MS, seed), bed.run(session, first, [LOOK, LOOK]));
      }
      return bed.take().flatMap(({ text }) => JSON.parse(text).random);
    };
    const drawn = draw(1);
    expect(draw(1)).toEqual(drawn);
    const all = [...drawn, ...draw(2), ...draw(2 ** 32 - 1)];
    expect(new Set(all).size).toBe(1_200);
    expect(all.every((number) => number >= 0 && number < 1)).toBe(true);
    const mean = all.reduce((sum, number) => sum + number, 0) / all.length;
    expect(mean).toBeGreaterThan(0.45);
    expect(mean).toBeLessThan(0.55);
  });

  it('has no chance for anybody who kept it', () => {
    let kept: ApplyContext | undefined;
    const bed = new MachineBed<Order, unknown>({
      apply: (_order, context) => {
        kept = context;
      },
      snapshot: () => '',
      restore: () => undefined,
    });
    bed.apply(bed.run(bed.open(1), 1, [add(1)]));
    expect(() => kept?.random()).toThrow(/outside of apply/);
  });
});

describe('snapshots of a host', () => {
  it('restore the machine, sessions with their results, time and digest', async () => {
    const { bed, session } = make();
    const run = bed.run(session, 1, [add(1), add(2)]);
    bed.apply((out) => encodeClock(out, START_MS, 1), run);
    const snapshot = await bed.snapshot();

    const machine = new Summing();
    const other = new MachineBed<Order, unknown>(machine);
    await other.host.restore(2, () => inChunks(snapshot, 7));
    expect([other.host.instanceId, other.host.timeMs, other.host.digest]).toEqual([
      2,
      START_MS,
      bed.host.digest,
    ]);
    expect(Buffer.compare(await other.snapshot(), snapshot)).toBe(0);
    for (const each of [bed, other]) {
      each.take();
      each.apply(run, each.run(session, 3, [add(3)]));
    }
    expect(other.take()).toEqual(bed.take());
    expect([machine.sum, machine.applied, other.host.digest]).toEqual([6, 1, bed.host.digest]);
  });

  it('hold the state of the moment they were captured at', async () => {
    const { bed, session } = make();
    bed.apply(bed.run(session, 1, [add(1)]));
    const { instanceId, chunks } = bed.host.capture();
    const expected = await bed.snapshot();
    bed.apply(bed.run(session, 2, [add(2)]));
    const found: Uint8Array[] = [];
    for await (const chunk of chunks) found.push(chunk);
    expect([instanceId, Buffer.compare(Buffer.concat(found), expected)]).toEqual([2, 0]);
  });

  it('that cannot be restored end the host with a reason', async () => {
    const { bed, session } = make();
    bed.apply(bed.run(session, 1, [add(1)]));
    const snapshot = await bed.snapshot();
    const faulty: [Uint8Array, RegExp][] = [
      [new Uint8Array(0), /ends too early/],
      [snapshot.subarray(0, 12), /ends too early/],
      [Buffer.concat([Uint8Array.of(9), snapshot.subarray(1)]), /format 9/],
      [snapshot.subarray(0, -1), /the machine cannot restore/],
      [
        Buffer.concat([snapshot.subarray(0, 9), new Uint8Array(snapshot.length).fill(0xff)]),
        /sessions cannot be read/,
      ],
    ];
    for (const [bytes, reason] of faulty) {
      const other = new MachineBed<Order, unknown>(new Summing());
      const restoring = other.host.restore(2, () => inChunks(bytes));
      await expect(restoring).rejects.toMatchObject({
        code: 'SNAPSHOT_CORRUPT',
        message: expect.stringMatching(reason),
      });
      expect(() => other.apply()).toThrow(reason);
      // The next one may be whole.
      await other.host.restore(2, () => inChunks(snapshot));
      expect(other.host.digest).toBe(bed.host.digest);
    }
  });

  it('are equal on replicas that applied the same, however the values were cut', () => {
    const order = fc.oneof(
      fc.record({ add: fc.nat(9) }),
      fc.record({ fail: fc.constantFrom('a', 'b') }),
      fc.record({ large: fc.nat(100) }),
    );
    const item = fc.record({
      session: fc.integer({ min: 1, max: 3 }),
      first: fc.integer({ min: 1, max: 40 }),
      orders: fc.array(order, { minLength: 1, maxLength: 12 }),
      acknowledged: fc.nat(39),
    });
    return fc.assert(
      fc.asyncProperty(fc.array(item, { maxLength: 40 }), fc.nat(40), async (items, at) => {
        const one = make();
        let other = make();
        for (const { bed } of [one, other]) bed.apply((out) => encodeOpen(out, 5, 5, 9_000));
        for (const [index, { session, first, orders, acknowledged }] of items.entries()) {
          if (index === at) {
            const machine = new Summing();
            const bed = new MachineBed<Order, unknown>(machine);
            const snapshot = await other.bed.snapshot();
            await bed.host.restore(other.bed.host.instanceId, () => inChunks(snapshot, 5));
            other = { machine, bed, session: 1 };
          }
          const run = one.bed.run(session, first, orders, Math.min(acknowledged, first - 1));
          for (const { bed } of [one, other]) bed.apply(run);
          expect(other.bed.take()).toEqual(one.bed.take());
        }
        expect(other.bed.host.digest).toBe(one.bed.host.digest);
        expect(Buffer.compare(await one.bed.snapshot(), await other.bed.snapshot())).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

describe('digests in the log', () => {
  it('are compared, and the first difference is told with its stretch', () => {
    const { bed, session } = make();
    const digests = [bed.host.digest];
    for (let sequence = 1; sequence <= 4; sequence++) {
      bed.apply(bed.run(session, sequence, [add(1)]));
      digests.push(bed.host.digest);
    }
    bed.apply((out) => encodeDigest(out, 2, digests[1] ?? 0));
    bed.apply((out) => encodeDigest(out, 99, 1));
    expect(bed.divergences).toEqual([]);
    bed.apply((out) => encodeDigest(out, 4, 1));
    bed.apply((out) => encodeDigest(out, 5, 1));
    expect(bed.divergences).toEqual([{ agreedAt: 2, instanceId: 4, ownDigest: digests[3], otherDigest: 1 }]);
  });
});
