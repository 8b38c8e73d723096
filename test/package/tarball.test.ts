/**
 * The package as it is published: packed, installed into an empty folder by plain npm, and used there. What README.md
 * shows runs word for word, as three processes that lose nothing with a killed one.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { freePorts } from '../support/ports.ts';
import { RunningProgram, readmeConfig, readmeProgram } from '../support/readme.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Packing builds what was not built, and installing may have to fetch. */
const INSTALL_LIMIT_MS = 120_000;
/** What `npm test` puts into the environment: another npm would take this checkout for its folder. */
const OF_THE_RUN =
  /^(npm_(package|lifecycle|command|execpath|node_execpath)|npm_config_local_prefix|INIT_CWD)/;
const MAX_LINES = 30;

const run = promisify(execFile);
const scratch = mkdtempSync(join(tmpdir(), 'libpaxos-tarball-'));
const folder = join(scratch, 'empty');
const installed = join(folder, 'node_modules/libpaxos');
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_THE_RUN.test(name)));

beforeAll(async () => {
  mkdirSync(folder);
  await run('npm', ['pack', '--silent', '--pack-destination', scratch], { cwd: ROOT, env });
  const tarball = readdirSync(scratch).find((name) => name.endsWith('.tgz')) ?? 'no tarball';
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(scratch, tarball)], {
    cwd: folder,
    env,
  });
}, INSTALL_LIMIT_MS);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function manifest(): { version: string; exports: Record<string, unknown>; scripts: Record<string, string> } {
  return JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
}

it('runs nothing of ours when it is installed', () => {
  const { scripts } = manifest();
  expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$/.test(name))).toEqual([]);
  // `prepare` is for a checkout. It would have failed here: there are no sources.
  expect(readdirSync(installed)).toEqual(expect.arrayContaining(['dist', 'docs', 'examples', 'paxos.conf']));
  expect(readdirSync(installed)).not.toContain('src');
});

it('has a command line', async () => {
  const { stdout } = await run('npx', ['libpaxos', '--version'], { cwd: folder, env });
  expect(stdout.trim()).toBe(manifest().version);
});

it('exports what it says it does', async () => {
  const names = Object.keys(manifest().exports).filter((path) => !path.endsWith('.json'));
  expect(names.length).toBeGreaterThan(5);
  const specifiers = names.map((name) => name.replace('.', 'libpaxos'));
  const program = `for (const name of ${JSON.stringify(specifiers)})
    console.log(name, Object.keys(await import(name)).length > 0);`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], {
    cwd: folder,
    env,
  });
  expect(stdout.trim().split('\n')).toEqual(specifiers.map((name) => `${name} true`));
});

it(`stores as README.md says, in ${MAX_LINES} lines, and loses nothing with a killed process`, async () => {
  const program = readmeProgram('kv.mjs');
  expect(program.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(MAX_LINES);
  writeFileSync(join(folder, 'kv.mjs'), program);
  writeFileSync(join(folder, 'paxos.conf'), readmeConfig(await freePorts(3)));
  const start = (id: number) => new RunningProgram(folder, ['kv.mjs', String(id)]);
  const [first, second, third] = [start(0), start(1), start(2)];
  const stores = [first, second, third];
  onTestFinished(async () => {
    await Promise.all(stores.map((store) => store.kill()));
  });

  first.type('colour=red');
  expect(await first.printed(1)).toEqual(['colour was null']);
  third.type('colour=blue');
  expect(await third.printed(1)).toEqual(['colour was red']);
  second.type('colour');
  expect(await second.printed(1)).toEqual(['colour is blue']);

  await third.kill();
  first.type('shape=round');
  expect((await first.printed(2)).at(-1)).toBe('shape was null');
  second.type('shape');
  expect((await second.printed(2)).at(-1)).toBe('shape is round');

  const again = start(2);
  stores.push(again);
  again.type('shape');
  again.type('colour=green');
  expect(await again.printed(2)).toEqual(['shape is round', 'colour was blue']);

  // All of them at once: what was answered is on disk.
  await Promise.all(stores.map((store) => store.kill()));
  const anew = [start(0), start(1), start(2)];
  stores.push(...anew);
  anew[1]?.type('colour');
  expect(await anew[1]?.printed(1)).toEqual(['colour is green']);
});
