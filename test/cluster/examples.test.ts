/**
 * `npm run example NAME`, each of them as it is run by a person: three processes that do something at once, go on when
 * one is killed, take it back, and leave nothing behind.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { Lines, runToEnd } from '../support/command.ts';

const RUN = fileURLToPath(new URL('../../examples/run.mjs', import.meta.url));

/** What each replica prints when something was chosen. */
const WORKING: Readonly<Record<string, RegExp>> = {
  counter: /counted \d+$/,
  kv: /visits is \d+ [(]revision \d+[)]$/,
  lock: /(has the door, token|wrote with token) \d+/,
  election: /(does the work of|leads in|follows replica \d in) term \d+$/,
  queue: /(takes|did) job \d+/,
};

/** The sources, by tsx; what was built may be older. */
function start(name: string) {
  const child = spawn(process.execPath, ['--import', 'tsx', RUN, name], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const out = new Lines();
  child.stdout.setEncoding('utf8').on('data', (text: string) => out.add(text));
  const ended = new Promise<number | null>((resolve) =>
    child.once('close', (code) => {
      out.end();
      resolve(code);
    }),
  );
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  return { out, ended, press: (key: string) => child.stdin.write(key) };
}

/** Resolves when a replica has printed one more such line than by now. */
function another(out: Lines, id: number, pattern: RegExp): Promise<unknown> {
  const all = new RegExp(`^replica ${id} [|] .*${pattern.source}`);
  return out.matching(all, out.all.filter((line) => all.test(line)).length + 1);
}

it.each(Object.entries(WORKING))('%s works on three replicas', async (name, working) => {
  const { out, ended, press } = start(name);
  await Promise.all([0, 1, 2].map((id) => another(out, id, working)));
  const [, directory = ''] = /their data in (.*)$/.exec(out.all[0] ?? '') ?? [];
  expect(existsSync(join(directory, 'data_1'))).toBe(true);
  // What follows is the same for all of them.
  if (name === 'kv') await loseAndRegain(out, directory, press, working);
  press('q');
  expect(await ended).toBe(0);
  expect(existsSync(directory)).toBe(false);
  expect(out.all.filter((line) => /error/i.test(line))).toEqual([]);
});

/** One is killed, the others go on, it is started again. Before that its data directory is looked into, while it runs. */
async function loseAndRegain(
  out: Lines,
  directory: string,
  press: (key: string) => void,
  working: RegExp,
): Promise<void> {
  const look = await runToEnd('inspect', join(directory, 'data_1'), '--json');
  expect([look.code, look.err]).toEqual([0, '']);
  const log = JSON.parse(look.out);
  expect(log.inUseBy).toMatch(/^pid \d+ on /);
  expect(log.records).toMatchObject({ damaged: 0 });
  expect(log.records.accepted).toBeGreaterThan(0);

  press('1');
  await out.first(/^replica 1 [|] ended by SIGKILL; the others go on$/);
  await Promise.all([another(out, 0, working), another(out, 2, working)]);
  press('1');
  await another(out, 1, working);
}

it('has every example that there is', () => {
  const files = readdirSync(new URL('../../examples', import.meta.url));
  const names = files.filter((file) => file !== 'run.mjs').map((file) => file.replace('.mjs', ''));
  expect(names.sort()).toEqual(Object.keys(WORKING).sort());
});

it('says which examples there are', async () => {
  const { out, ended } = start('none');
  expect(await ended).toBe(2);
  for (const name of Object.keys(WORKING)) expect(out.text).toContain(`npm run example ${name}`);
});
