import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const VITEST = resolve('node_modules/vitest/vitest.mjs');
const REPORTER = resolve('test/reporter.ts');
const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

interface Run {
  readonly exitCode: number | null;
  readonly lines: readonly string[];
  readonly lastLine: string | undefined;
}

/** Runs vitest, with our reporter, on test files of these texts. */
async function run(files: Record<string, string>, options = ''): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'tally-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const config = `
    import { TallyReporter } from ${JSON.stringify(REPORTER)};
    export default { test: { globals: true, reporters: ['minimal', new TallyReporter()], ${options} } };`;
  writeFileSync(join(folder, 'vitest.config.ts'), config);

  const child = spawn(process.execPath, [VITEST, 'run', '--root', folder], {
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (text: Buffer) => {
    output += text;
  });
  const exitCode = await new Promise<number | null>((done) => child.on('close', done));
  const lines = output.trimEnd().split('\n');
  return { exitCode, lines, lastLine: lines.at(-1) };
}

const PASSING = `it('passes', () => { expect(1).toBe(1); });`;

describe.concurrent('the tally, on the last line,', () => {
  it('counts what passed, failed and was skipped, with the reasons before', async () => {
    const { exitCode, lines, lastLine } = await run({
      'a.test.js': `${PASSING}
        it('fails', () => { expect(1).toBe(2); });
        it('skips', (context) => { context.skip('no strace here'); });`,
      'b.test.js': `
        beforeEach((context) => { context.skip('no original here'); });
        it('one', () => {});
        it('two', () => {});`,
    });
    expect(exitCode).toBe(1);
    expect(lastLine).toBe('1 passed, 1 failed, 3 skipped');
    expect(lines).toContain('skipped 1: no strace here');
    expect(lines).toContain('skipped 2: no original here');
  });

  it('leaves skipped tests out where there are none', async () => {
    const { exitCode, lastLine } = await run({ 'a.test.js': PASSING });
    expect(exitCode).toBe(0);
    expect(lastLine).toBe('1 passed, 0 failed');
  });

  it.each([
    ['an error outside of any test', `${PASSING} Promise.reject(new Error('stray'));`, '1 passed, 1 failed'],
    ['a file that cannot be read', `import './nowhere.js';`, '0 passed, 1 failed'],
    [
      'a hook that fails',
      `describe('x', () => { beforeAll(() => { throw new Error('x'); }); ${PASSING} });`,
      '',
    ],
    ['a test process that dies', `it('dies', () => { process.kill(process.pid, 'SIGKILL'); });`, ''],
    ['no test at all', '', '0 passed, 1 failed'],
  ])('counts %s as failed', async (_, text, expected) => {
    const { exitCode, lastLine } = await run({ 'a.test.js': text });
    expect(exitCode).toBe(1);
    expect(lastLine).toMatch(/^\d+ passed, [1-9]\d* failed(, \d+ skipped)?$/);
    if (expected !== '') expect(lastLine).toBe(expected);
  });

  it('counts a run without a test file as failed', async () => {
    const { exitCode, lastLine } = await run({});
    expect(exitCode).toBe(1);
    expect(lastLine).toBe('0 passed, 1 failed');
  });

  it('names what was running when the run is stopped', async () => {
    const text = `it('hangs', async () => { process.kill(process.ppid, 'SIGTERM'); await new Promise(() => {}); });`;
    const { lines, lastLine } = await run({ 'a.test.js': text });
    expect(lines).toContain('was running: a.test.js');
    expect(lastLine).toBe('0 passed, 1 failed');
  });

  it('is last, and failed, when too little is covered', async () => {
    const { exitCode, lines, lastLine } = await run(
      { 'a.test.js': PASSING, 'uncovered.js': 'export function idle() {\n  return 1;\n}\n' },
      `coverage: { enabled: true, include: ['*.js'], exclude: ['*.test.js'], reporter: [], thresholds: { lines: 90 } }`,
    );
    expect(exitCode).toBe(1);
    expect(lines).toContain('0 % of the lines in src/ are covered; least: uncovered.js 0 %');
    expect(lastLine).toBe('1 passed, 1 failed');
  });
});
