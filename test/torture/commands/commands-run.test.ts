/**
 * A short run of replicas with a state machine as real processes: it is clean; and with a fault that is planted in the
 * replicas it is not.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { drawCommandsPlan, type Plan } from '../plan.ts';
import { CommandsRun } from './commands-run.ts';

const STORE_REPLICA = fileURLToPath(new URL('store-replica.mjs', import.meta.url));
const SEED = 1;

let directory = '';

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** What becomes of a run of replicas that are sound, or have a fault. */
async function report(plan: Plan, fault = 'sound') {
  directory = mkdtempSync(join(tmpdir(), 'libpaxos-torture-'));
  const { commands } = plan;
  if (commands === undefined) throw new Error('a plan of commands has some');
  const program = [process.execPath, '--import', import.meta.resolve('tsx'), STORE_REPLICA, 'src', fault];
  const struck: string[] = [];
  const run = new CommandsRun({
    plan,
    commands,
    directory,
    program,
    stop: new AbortController().signal,
    tell: (line) => void struck.push(line),
  });
  return { ...(await run.run()), struck };
}

function planOf(seconds: number, work: 'store' | 'counter' = 'store'): Plan {
  return drawCommandsPlan({ seed: SEED, seconds, acceptors: 3, work });
}

/** Nothing is done to it. */
function calm(plan: Plan): Plan {
  return { ...plan, schedule: [] };
}

describe('a run of commands', () => {
  it('is clean, with several kinds of fault', async () => {
    const { struck, ...ran } = await report(planOf(3));
    expect(ran.violation).toBeUndefined();
    const kinds = [...ran.faults].filter(([, count]) => count > 0);
    expect(kinds.length, struck.join('\n')).toBeGreaterThanOrEqual(4);
    expect(ran.answered).toBeGreaterThan(20);
    expect(ran.outcomes['read answered']).toBeGreaterThan(5);
    expect(ran.sum).toBeGreaterThanOrEqual(ran.additions);
    expect(ran.statesCompared).toBeGreaterThanOrEqual(3);
    expect(ran.notJudged).toEqual([]);
  }, 90_000);

  it('counts each addition once, although what clients say comes twice', async () => {
    const plan = planOf(3, 'counter');
    const ran = await report({ ...plan, schedule: plan.schedule.filter(({ kind }) => kind !== 'kill') });
    expect(ran.violation).toBeUndefined();
    expect(ran.doubled).toBeGreaterThan(0);
    expect(ran.openAdditions).toBe(0);
    expect([ran.sum, ran.additions > 100]).toEqual([ran.additions, true]);
  }, 90_000);

  it('finds reads that are stale', async () => {
    const { violation } = await report(calm(planOf(2)), 'stale-read');
    expect(violation).toMatch(/^linearizability: key "k\d+-\d": [cr]\d: read → .* fits nowhere after/);
  }, 90_000);

  it('finds additions that were made twice', async () => {
    const { violation } = await report(calm(planOf(2)), 'doubled-add');
    expect(violation).toMatch(/^exactly-once: .* was applied 2 times$/);
  }, 90_000);

  it('finds a replica that is in another state', async () => {
    const { violation } = await report(calm(planOf(2)), 'other-state');
    expect(violation).toMatch(/^states: r\d is in another state than r\d (was there|in the end)$/);
  }, 90_000);
});
