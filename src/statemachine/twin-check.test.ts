import { describe, expect, it } from 'vitest';
import { MachineBed } from '../../test/support/machine-bed.ts';
import type { ApplyContext, StateMachine } from './machine.ts';
import { COMMANDS_BETWEEN_SNAPSHOTS } from './twin-check.ts';

/** A machine out of one function, and its state out of another. */
function machineOf(
  apply: (command: { n: number }, context: ApplyContext) => unknown,
  snapshot: () => string | Iterable<Uint8Array> = () => '',
): StateMachine<{ n: number }, unknown> {
  return { apply, snapshot, restore: () => undefined };
}

function bedOf(make: () => StateMachine<{ n: number }, unknown>) {
  const bed = new MachineBed(make(), make());
  return { bed, session: bed.open(1) };
}

/** Applies so many commands, in runs. */
function applyMany(bed: MachineBed<{ n: number }, unknown>, session: number, commands: number): void {
  for (let first = 1; first <= commands; first += 100) {
    bed.apply(
      bed.run(
        session,
        first,
        Array.from({ length: 100 }, (_, n) => ({ n })),
        first - 1,
      ),
    );
  }
}

/** After all that was begun at once has come to an end. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('verifyDeterminism', () => {
  it('finds nothing in a machine that is deterministic, chance of the context included', async () => {
    const make = () => {
      let sum = 0;
      return machineOf(
        (command, context) => {
          // Its command is its own to change, too.
          command.n += context.random();
          sum += command.n;
          return sum;
        },
        () => String(sum),
      );
    };
    const { bed, session } = bedOf(make);
    applyMany(bed, session, 2 * COMMANDS_BETWEEN_SNAPSHOTS);
    await settled();
    expect([bed.errors, bed.take().length]).toEqual([[], 2 * COMMANDS_BETWEEN_SNAPSHOTS]);
  });

  it('stops at the first result that differs, and does not answer it', () => {
    let outside = 0;
    const { bed, session } = bedOf(() => machineOf(({ n }) => (n === 2 ? ++outside : n)));
    const applying = () => bed.apply(bed.run(session, 1, [{ n: 1 }, { n: 2 }, { n: 3 }]));
    expect(applying).toThrow(/command 1 of instance 2 gave .*1.* on one machine and .*2.* on another/);
    expect(bed.errors).toMatchObject([{ code: 'NOT_DETERMINISTIC' }]);
    expect(bed.take()).toEqual([]);
    expect(() => bed.apply()).toThrow(/on another/);
    expect(() => bed.host.capture()).toThrow(/on another/);
    expect(bed.errors).toHaveLength(1);
  });

  it('stops when what is thrown differs', () => {
    let outside = 0;
    const { bed, session } = bedOf(() =>
      machineOf(() => {
        throw new Error(`failure ${outside++}`);
      }),
    );
    expect(() => bed.apply(bed.run(session, 1, [{ n: 1 }]))).toThrow(/failure 0.*failure 1/);
  });

  it('finds states that differ where no result shows it', async () => {
    let machines = 0;
    const make = () => {
      const own = machines++;
      return machineOf(
        () => 0,
        () => `same${own}`,
      );
    };
    const { bed, session } = bedOf(make);
    applyMany(bed, session, COMMANDS_BETWEEN_SNAPSHOTS);
    await settled();
    expect(bed.errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/differ from byte 4 on/),
    ]);
    expect(() => bed.apply()).toThrow(/differ from byte 4/);
  });

  it('compares bytes, not how they are cut', async () => {
    let machines = 0;
    const make = () => {
      const cut = ++machines;
      const state = Buffer.from('0123456789');
      return machineOf(
        () => 0,
        () => [state.subarray(0, cut), new Uint8Array(0), state.subarray(cut)],
      );
    };
    const { bed, session } = bedOf(make);
    applyMany(bed, session, COMMANDS_BETWEEN_SNAPSHOTS);
    await settled();
    expect(bed.errors).toEqual([]);
  });

  it('finds a snapshot that is longer than the other', async () => {
    let machines = 0;
    const make = () => {
      const own = machines++;
      return machineOf(
        () => 0,
        () => 'x'.repeat(5 + own),
      );
    };
    const { bed, session } = bedOf(make);
    applyMany(bed, session, COMMANDS_BETWEEN_SNAPSHOTS);
    await settled();
    expect(bed.errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/differ from byte 5 on/),
    ]);
  });
});
