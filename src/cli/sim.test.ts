import { describe, expect, it } from 'vitest';
import { RunningCommand, runToEnd } from '../../test/support/command.ts';

const RUN_MS = 60_000;
/** What runs this checkout's command without building it. */
const PROGRAM = [process.execPath, '--import', 'tsx', 'src/cli/main.ts'];

describe('sim', () => {
  it('runs seeds, and says what they came to', { timeout: RUN_MS }, async () => {
    const { code, out, err } = await runToEnd('sim', '--seeds', '2', '--from', '11', '--workers', '1');
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toMatch(/^Seeds from 11 on, 1 process\.$/m);
    expect(out).toMatch(/^2 seeds in \d/m);
    expect(out).toMatch(/^faults: /m);
    expect(out).toMatch(/^outcomes: /m);
    expect(out).toMatch(/^never reached: /m);
    expect(out).toMatch(/^no violations$/m);
  });

  it('prints an object a seed with --json, the same from several processes', {
    timeout: RUN_MS,
  }, async () => {
    const hashes = async (workers: string) => {
      const argv = ['sim', '--seeds', '3', '--from', '1', '--json', '--workers', workers];
      const command = new RunningCommand(argv, { program: PROGRAM });
      expect(await command.exitCode).toBe(0);
      const results = command.out.all.map((line): unknown => JSON.parse(line));
      return results.map((result) => JSON.stringify(result)).sort();
    };
    const here = await hashes('1');
    expect(here).toHaveLength(3);
    expect(here[0]).toContain('"hash":');
    expect(await hashes('3')).toEqual(here);
  });

  it('ends its processes when it is stopped', { timeout: RUN_MS }, async () => {
    const argv = ['sim', '--hours', '1', '--json', '--workers', '2'];
    const command = new RunningCommand(argv, { program: PROGRAM });
    await command.out.first(/"seed":/);
    expect(await command.stop()).toBe(0);
  });

  it('replays a seed: its plan, what was said of an instance, and the same hash', {
    timeout: RUN_MS,
  }, async () => {
    const shown = await runToEnd('sim', '--seed', '3', '--instance', '7', '--between', '0,3000');
    expect(shown.code).toBe(0);
    expect(shown.out).toMatch(/^seed 3: /);
    expect(shown.out).toMatch(/^plan: acceptors=/m);
    expect(shown.out).toMatch(/^ +ms {2}/m);
    expect(shown.out).toMatch(/ accept(ed a\d)? i=7 /);
    const again = await runToEnd('sim', '--seed', '3');
    expect(again.out).toMatch(/^hash [0-9a-f]{8}$/m);
    expect(again.out).toContain(shown.out.trim().split('\n').at(-1));
  });

  it('refuses what is no seed and no stretch', async () => {
    expect((await runToEnd('sim', '--seed', 'x')).err).toMatch(/whole number from 0/);
    expect((await runToEnd('sim', '--seed', '1', '--between', '5')).err).toMatch(/two times in ms/);
  });
});
