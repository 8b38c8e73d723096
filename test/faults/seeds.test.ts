/**
 * Seeds of the simulator that no commit before has seen: 200 of them, named by the commit's hash, so that each commit
 * tries others and a failure can be repeated.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { RunningCommand } from '../support/command.ts';

const SEEDS = 200;
const RUN_MS = 110_000;
/** What runs this checkout's command without building it. */
const PROGRAM = [process.execPath, '--import', 'tsx', 'src/cli/main.ts'];
/** Outside a git checkout. */
const NO_COMMIT = 'fa11bacc0de0';
/** Hexadecimal digits of the hash that make the first seed: 44 bits, far enough from 2^53. */
const DIGITS = 11;

/** The hash of the commit that is tested. */
async function commit(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', 'HEAD']);
    return stdout.trim();
  } catch {
    return NO_COMMIT;
  }
}

const first = Number.parseInt((await commit()).slice(0, DIGITS), 16);

describe('the simulator', () => {
  it(`finds no fault in ${SEEDS} seeds from ${first} on`, { timeout: RUN_MS }, async () => {
    const argv = ['sim', '--seeds', String(SEEDS), '--from', String(first), '--json', '--workers', '2'];
    const command = new RunningCommand(argv, { program: PROGRAM });
    const code = await command.exitCode;
    const results = command.out.all.map((line): unknown => JSON.parse(line));
    const faults = results.filter((result) => JSON.stringify(result).includes('"violation":'));
    expect(faults, `npm run sim -- --seeds ${SEEDS} --from ${first}`).toEqual([]);
    expect(command.err.text).toBe('');
    expect(code).toBe(0);
    expect(results).toHaveLength(SEEDS);
    for (const result of results) expect(result).toMatchObject({ faults: expect.anything() });
  });
});
