/**
 * The command line of the torture: it teaches, and says when it was called wrongly.
 */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { drawCommandsPlan, drawPlan } from './plan.ts';
import { commandsTable, planLines, progressLine, table } from './view.ts';

function called(...words: string[]) {
  const argv = ['--import', 'tsx', 'test/torture/main.ts', ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

it('teaches, and ends with 2 when it is called wrongly', () => {
  const help = called('-h');
  expect([help.status, help.stderr]).toEqual([0, '']);
  expect(help.stdout).toContain('npm run torture -- --seed 42 --verbose');
  const wrong = called('--seconds', '0');
  expect([wrong.status, wrong.stdout]).toEqual([2, '']);
  expect(wrong.stderr).toBe(
    "error: option '--seconds <T>' argument '0' is invalid. It takes a whole number from 1 to 86400.\n" +
      'see npm run torture -- -h\n',
  );
});

it('says what it is about to do, how far it is, and what became of it', () => {
  expect(planLines({ ...drawPlan({ seed: 1, seconds: 3 }), clients: 1 })[1]).toBe(
    '1 client with 20 values each, at most 1,000 values/s; 7 faults in 3 s.',
  );
  const faults = new Map([
    ['kill', 2],
    ['stop', 0],
    ['cut', 1],
  ] as const);
  const progress = { phase: 'faults', elapsedMs: 1900, values: 1234, up: 3, members: 4 } as const;
  expect(progressLine({ ...progress, longestPause: { fromMs: 2000, ms: 700 }, faults }, 60)).toBe(
    '2 s of about 65, faults · 1,234 values · 3 of 4 up · longest pause 0.7 s · 3 faults of 2 kinds',
  );
  const figures = { seed: 1, values: 12, instances: 13, proposals: 26, valuesPerSecond: 4 };
  const rows = table({
    ...figures,
    longestPause: { fromMs: 2000, ms: 700 },
    settledMs: 9100,
    nudges: 2,
    faults,
    noDisks: 'strace is not installed',
    violation: 'validity: l0 delivered "x-1.............", which nobody submitted',
  });
  expect(rows).toEqual([
    '  values                    12 in 13 instances',
    '  values/s                  4',
    '  longest time without      0.7 s, from 2.0 s on',
    '  faults                    kill 2, cut 1',
    '                            no slow or failing disks: strace is not installed',
    '  all level again after     9.1 s, and 2 more values',
    '  verdict                   VIOLATION of validity: l0 delivered "x-1…", which nobody submitted',
  ]);
});

it('says the same of a run of commands', () => {
  const plan = drawCommandsPlan({ seed: 1, seconds: 3, work: 'counter', acceptors: 3, lease: true });
  expect(planLines({ ...plan, outstanding: 4, valuesPerSecond: 500 })).toEqual([
    expect.stringMatching(/^Seed 1: 3 replicas with a counter, lmdb-sync yes, a lease of \d+ ms, a snapshot/),
    expect.stringMatching(
      /^8 clients with 4 operations each, at most 500 operations\/s; \d+ faults in 3 s\.$/,
    ),
  ]);
  const figures = { seed: 1, answers: 1500, operationsPerSecond: 500, commands: 1300, answered: 1299 };
  const rows = commandsTable({
    ...figures,
    sum: 1201,
    additions: 1200,
    openAdditions: 1,
    outcomes: { 'snapshot-made': 3, ABORTED: 1 },
    doubled: 32,
    statesCompared: 5,
    notJudged: ['more than 5 steps'],
    longestPause: { fromMs: 2000, ms: 700 },
    settledMs: 100,
    faults: new Map([['doubled', 1]]),
    noDisks: undefined,
    violation: undefined,
  });
  expect(rows).toEqual([
    '  operations answered       1,500, of which 1,299 commands',
    '  operations/s              500',
    '  commands without answer   1',
    '  counter                   1,201, with 1,200 additions answered and 1 not',
    '  what came up              ABORTED 1, snapshot-made 3',
    '  told twice                32 messages',
    '  states compared           5',
    '  history not judged        more than 5 steps',
    '  longest time without      0.7 s, from 2.0 s on',
    '  faults                    doubled 1',
    '  all level again after     0.1 s',
    '  verdict                   clean',
  ]);
});
