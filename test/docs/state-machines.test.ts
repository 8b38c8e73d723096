/** docs/state-machines.md: its machine is one, and its numbers are those of the code. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MAX_RESULT_BYTES } from '../../src/statemachine/command-applier.ts';
import {
  encodeClock,
  MAX_RUN_COMMANDS,
  MAX_SESSION_TIMEOUT_MS,
  MIN_SESSION_TIMEOUT_MS,
} from '../../src/statemachine/items.ts';
import type { StateMachine } from '../../src/statemachine/machine.ts';
import { ResultStatus, resultError } from '../../src/statemachine/results.ts';
import {
  MAX_AGE_STEP_MS,
  MAX_SESSION_RESULT_BYTES,
  MAX_SESSION_WINDOW,
  MAX_SESSIONS,
} from '../../src/statemachine/sessions.ts';
import { inChunks, MachineBed } from '../support/machine-bed.ts';
import { tableRows } from './markdown.ts';

const page = readFileSync(new URL('../../docs/state-machines.md', import.meta.url), 'utf8');

interface Transfer {
  readonly from: string;
  readonly to: string;
  readonly amount: number;
}
type Accounts = StateMachine<Transfer, unknown, string, number>;

/** The page's one program, as it stands there. */
async function pageMachine(): Promise<new () => Accounts> {
  const programs = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = '']) => code);
  // The machine, and how it is run.
  expect(programs).toHaveLength(2);
  const source = Buffer.from(`${programs[0]}\nexport { Accounts };`).toString('base64');
  const module: { Accounts: new () => Accounts } = await import(`data:text/javascript;base64,${source}`);
  return module.Accounts;
}

describe('docs/state-machines.md', () => {
  it('shows a machine that works, is deterministic, and restores what it captured', async () => {
    const Machine = await pageMachine();
    const machine = new Machine();
    const bed = new MachineBed<Transfer, unknown>(machine, new Machine());
    const session = bed.open(1);
    const transfers = [
      { from: 'bank', to: 'ann', amount: 10 },
      { from: 'ann', to: 'bob', amount: 4 },
      { from: 'bob', to: 'ann', amount: 5 },
    ];
    bed.apply((out) => encodeClock(out, 1_000, 7), bed.run(session, 1, transfers));
    expect(bed.take().map(({ status, text }) => [status, text])).toEqual([
      [ResultStatus.ok, '{"at":1000,"balance":10}'],
      [ResultStatus.ok, '{"at":1000,"balance":4}'],
      [ResultStatus.failed, 'bob has 4, not 5'],
    ]);

    const snapshot = await bed.snapshot();
    const restored = new Machine();
    const other = new MachineBed<Transfer, unknown>(restored);
    await other.host.restore(2, () => inChunks(snapshot));
    expect([restored.read?.('ann'), restored.read?.('bob'), restored.read?.('eve')]).toEqual([6, 4, 0]);
    expect(Buffer.compare(await other.snapshot(), snapshot)).toBe(0);
  });

  it('has the statuses, and the errors that they become', () => {
    const rows = tableRows(page).filter(([status = '']) => status.replaceAll('`', '') in ResultStatus);
    const documented = rows.map(([status = '', , code = '']) =>
      [status, code].map((each) => each.replaceAll('`', '')),
    );
    const statuses = Object.entries(ResultStatus).map(([name, status]) => {
      return [name, status === ResultStatus.ok ? '' : resultError(status, new Uint8Array(0)).code];
    });
    expect(documented.sort()).toEqual(statuses.sort());
  });

  it('has the bounds of the code', () => {
    const text = page.replaceAll(/\s+/g, ' ');
    const count = (value: number) => value.toLocaleString('en-US');
    for (const bound of [
      `${count(MAX_SESSIONS)} sessions`,
      `${count(MAX_SESSION_WINDOW)} sequence numbers above what is acknowledged`,
      `${MAX_SESSION_RESULT_BYTES / 1024 ** 2} MB of results`,
      `${count(MAX_RUN_COMMANDS)} commands in a run`,
      `${MAX_RESULT_BYTES / 1024 ** 2} MB for a result`,
      `a timeout of ${MIN_SESSION_TIMEOUT_MS / 1_000} s to ${MAX_SESSION_TIMEOUT_MS / 3_600_000} h`,
      `rises by ${MAX_AGE_STEP_MS / 1_000} s at most`,
    ]) {
      expect(text).toContain(bound);
    }
  });
});
