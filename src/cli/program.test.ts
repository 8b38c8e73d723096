import { describe, expect, it } from 'vitest';
import { RunningCommand, runToEnd } from '../../test/support/command.ts';

const COMMANDS = ['acceptor', 'proposer', 'learner', 'replica', 'client', 'counter', 'config'] as const;

describe('the command line', () => {
  it('says what there is, and how to begin', async () => {
    const { code, out, err } = await runToEnd('-h');
    expect([code, err]).toEqual([0, '']);
    for (const name of COMMANDS) expect(out).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(out).toContain('npx libpaxos replica 0 paxos.conf');
  });

  it('says the same to whoever gives no command, as an error', async () => {
    const { code, out, err } = await runToEnd();
    expect([code, out]).toEqual([2, '']);
    expect(err).toBe((await runToEnd('-h')).out);
  });

  it.each(COMMANDS)('explains %s with an example and with what there will be to see', async (name) => {
    const { code, out, err } = await runToEnd(name, '-h');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain(`  npx libpaxos ${name} `);
    expect(out).toContain('You will see ');
    expect(out).toContain('./paxos.conf');
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    expect((await runToEnd('help', name)).out).toBe(out);
  });

  it('tells its version', async () => {
    expect(await runToEnd('--version')).toEqual({ code: 0, out: '0.1.0\n', err: '' });
  });

  it.each([
    ['acceptr 0', "unknown command 'acceptr'; did you mean acceptor? see npx libpaxos -h"],
    ['client --cont 5', "unknown option '--cont'; did you mean --count? see npx libpaxos client -h"],
    ['acceptor', "missing required argument 'ID'; see npx libpaxos acceptor -h"],
    ['acceptor zero', 'An ID is a number: 0, 1, 2, …; see npx libpaxos acceptor -h'],
    ['client -o 0', 'It takes a whole number from 1 to 2147483647; see npx libpaxos client -h'],
    ['client -o', "option '-o, --outstanding <N>' argument missing; see npx libpaxos client -h"],
    ['client --count 5x', 'It takes a whole number from 1 to 2147483647; see npx libpaxos client -h'],
    ['client --seconds -1', 'It takes a number of seconds above 0; see npx libpaxos client -h'],
    ['learner a.conf b.conf', "too many arguments for 'learner'"],
  ])('answers %j with one line and exit code 2', async (words, line) => {
    const { code, out, err } = await runToEnd(...words.split(' '));
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^error: .*\n$/);
    expect(err).toContain(line);
  });

  it.each(COMMANDS)('has %s say in one line that the config is missing', async (name) => {
    const id = ['learner', 'client', 'config'].includes(name) ? [] : ['0'];
    const { code, out, err } = await runToEnd(name, ...id, 'no/such.conf');
    expect([code, out]).toEqual([1, '']);
    expect(err).toBe(
      'error: cannot read no/such.conf: there is no such file; give the path of a paxos.conf\n',
    );
  });

  it('has colours in a terminal only', async () => {
    const coloured = new RunningCommand(['nonsense'], { colours: true });
    await coloured.exitCode;
    expect(coloured.err.text).toContain('\x1b[31merror:\x1b[39m');
    expect((await runToEnd('nonsense')).err).not.toContain('\x1b');
    const help = new RunningCommand(['-h'], { colours: true });
    await help.exitCode;
    expect(help.out.text).toContain('\x1b[1mUsage:\x1b[22m');
  });
});
