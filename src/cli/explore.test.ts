import { describe, expect, it } from 'vitest';
import { RunningCommand, runToEnd } from '../../test/support/command.ts';

const RUN_MS = 60_000;

describe('explore', () => {
  it('says what it explores, how many states there are, and that nothing is broken', {
    timeout: RUN_MS,
  }, async () => {
    const { code, out, err } = await runToEnd('explore', 'small');
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toMatch(/^small: 3 acceptors · 2 proposers · 1 instance · 2 ballots · messages lost, late/);
    expect(out).toMatch(/^4,124 distinct states in \d+\.\d s: [\d,]+ states\/s$/m);
    expect(out).toMatch(/^[\d,]+ ways between them, the deepest 22 steps away$/m);
    expect(out).toMatch(/^no violation$/m);
  });

  it('prints one object with --json, of a configuration that is changed', { timeout: RUN_MS }, async () => {
    const { code, out } = await runToEnd('explore', 'small', '--ballots', '1', '--acceptors', '4', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      configuration: { acceptors: 4, ballots: 1, proposers: 2 },
      isComplete: true,
    });
  });

  it('fails if it ends before every state was seen', async () => {
    const { code, out, err } = await runToEnd('explore', 'small', '--max-states', '100');
    expect(code).toBe(1);
    expect(out).toMatch(/^no violation so far$/m);
    expect(err).toMatch(/^error: it ended before every state was seen/);
  });

  it('ends when it is stopped', async () => {
    const command = new RunningCommand(['explore', 'large']);
    await command.out.first(/^large: /);
    expect(await command.stop()).toBe(0);
    expect(command.out.text).toMatch(/^no violation so far$/m);
  });

  it('teaches with -h, and refuses what it does not know', async () => {
    const help = await runToEnd('explore', '-h');
    expect(help.code).toBe(0);
    expect(help.out).toMatch(/^ {2}large +2573718 {2}medium, and a proposer ends and starts again$/m);
    expect((await runToEnd('explore', 'huge')).err).toMatch(/There are small, medium, .*, all/);
    expect((await runToEnd('explore', 'small', '--ballots', '99')).err).toMatch(/from 1 to 9/);
  });
});
