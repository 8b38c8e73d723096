/**
 * A short run of real processes: it is clean, and faults were struck; and no process is left, however it ends.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { PROGRAM } from '../support/processes.ts';
import { drawPlan } from './plan.ts';
import { Run } from './run.ts';
import { Interrupted } from './watch.ts';

/** 3 replicas and a learner; it begins with a clog, the leader cut off, partitions and a kill of the leader. */
const SEED = 1;

let directory = '';

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Processes that the logs tell of and that are still there. */
function survivors(): number[] {
  const logs = readdirSync(directory).filter((name) => name.endsWith('.log'));
  const text = logs.map((name) => readFileSync(join(directory, name), 'utf8')).join('');
  const pids = [...text.matchAll(/ started, life \d+, process (\d+)$/gm)].map(([, pid]) => Number(pid));
  expect(pids.length).toBeGreaterThanOrEqual(logs.length);
  return pids.filter((pid) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  });
}

it('is clean, with several kinds of fault', async () => {
  directory = mkdtempSync(join(tmpdir(), 'libpaxos-torture-'));
  const plan = drawPlan({ seed: SEED, seconds: 3, acceptors: 3 });
  const struck: string[] = [];
  const stop = new AbortController().signal;
  const tell = (line: string) => void struck.push(line);
  const report = await new Run({ plan, directory, program: PROGRAM, stop, tell }).run();
  expect(report.violation).toBeUndefined();
  const kinds = [...report.faults].filter(([, count]) => count > 0);
  expect(kinds.length, struck.join('\n')).toBeGreaterThanOrEqual(3);
  expect(report.values).toBeGreaterThan(10);
  expect(report.proposals).toBeGreaterThanOrEqual(report.instances);
  expect(existsSync(join(directory, 'acceptor_0'))).toBe(true);
  expect(survivors()).toEqual([]);
}, 60_000);

it('leaves nobody behind when it is stopped', async () => {
  directory = mkdtempSync(join(tmpdir(), 'libpaxos-torture-'));
  const plan = drawPlan({ seed: SEED, seconds: 60, acceptors: 3 });
  const stop = new AbortController();
  const tell = () => stop.abort();
  const run = new Run({ plan, directory, program: PROGRAM, stop: stop.signal, tell }).run();
  await expect(run).rejects.toThrow(Interrupted);
  expect(survivors()).toEqual([]);
}, 60_000);
