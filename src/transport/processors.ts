/**
 * Processors: how many this process may keep busy, which in a container may be a share of one: Linux counts what all of its
 * processes use, and lets none of them run for the rest of each tenth of a second once it is too much.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** Where a container sees its own group. */
const CGROUPS = '/sys/fs/cgroup';

/** @param directory where the limits of control groups are, version 2 or 1 */
export function processors(directory = CGROUPS): number {
  const [quota, period] = numbersIn(join(directory, 'cpu.max')) ?? [
    numbersIn(join(directory, 'cpu', 'cpu.cfs_quota_us'))?.[0],
    numbersIn(join(directory, 'cpu', 'cpu.cfs_period_us'))?.[0],
  ];
  const share = Number(quota) / Number(period);
  return Math.min(availableParallelism(), share > 0 ? share : Number.POSITIVE_INFINITY);
}

/** Nothing where there is no such limit, nor such a file. */
function numbersIn(path: string): readonly number[] | undefined {
  try {
    return readFileSync(path, 'latin1').split(/\s+/).map(Number);
  } catch {
    return undefined;
  }
}
