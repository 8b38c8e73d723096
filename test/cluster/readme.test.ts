/**
 * The programs in README.md, word for word, as three processes each. chat.mjs: what is typed into one is printed by all,
 * in one order; two go on without the third; and the third, started again, prints everything from the beginning. kv.mjs,
 * with its paxos.conf: what is stored by one is read by all, and is there still after kill -9.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { Lines } from '../support/command.ts';
import { freePorts } from '../support/ports.ts';

const page = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
/** The program runs in a directory from which tsx cannot be found by its name. */
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm')).href;

/** One of its two programs. A checkout's tests run what is in src/, built or not. */
function program(name: 'kv.mjs' | 'chat.mjs'): string {
  const programs = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = '']) => code);
  expect(programs).toHaveLength(2);
  const code = programs[name === 'kv.mjs' ? 0 : 1] ?? '';
  expect(code).toContain("from 'libpaxos'");
  const src = new URL('../../src/index.ts', import.meta.url).href;
  return code.replace("'libpaxos'", JSON.stringify(src));
}

/** The config that belongs to kv.mjs, with ports that are free. */
function kvConfig(ports: readonly number[]): string {
  const [, lines = ''] = /^and this as `paxos.conf` beside it:\n\n((?: {4}.*\n)+)/m.exec(page) ?? [];
  expect(lines).toContain('value-format commands');
  const text = lines.replaceAll(/^ {4}/gm, '');
  return ports.reduce((config, port, id) => config.replace(`127.0.0.1 880${id}`, `127.0.0.1 ${port}`), text);
}

/** A running program: lines go in, lines come out. */
class Running {
  readonly out = new Lines();
  readonly #child: ChildProcess;

  constructor(directory: string, name: 'kv.mjs' | 'chat.mjs', id: number) {
    this.#child = spawn(process.execPath, ['--import', TSX, name, String(id)], {
      cwd: directory,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.out.add(text));
  }

  type(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** So many lines, as soon as they are printed. */
  printed(count: number): Promise<readonly string[]> {
    return this.out.matching(/^/, count);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }
}

it('stores as README.md says, in 30 lines, and loses nothing with a killed process', async () => {
  expect(
    program('kv.mjs')
      .split('\n')
      .filter((line) => line.trim() !== '').length,
  ).toBeLessThanOrEqual(30);
  const directory = mkdtempSync(join(tmpdir(), 'libpaxos-kv-'));
  writeFileSync(join(directory, 'kv.mjs'), program('kv.mjs'));
  writeFileSync(join(directory, 'paxos.conf'), kvConfig(await freePorts(3)));
  const start = (id: number) => new Running(directory, 'kv.mjs', id);
  const stores = [start(0), start(1), start(2)];
  onTestFinished(async () => {
    await Promise.all(stores.map((store) => store.kill()));
    rmSync(directory, { recursive: true });
  });
  const [first, second, third] = stores;

  first?.type('colour=red');
  expect(await first?.printed(1)).toEqual(['colour was null']);
  second?.type('colour');
  third?.type('colour=blue');
  expect(await third?.printed(1)).toEqual(['colour was red']);
  second?.type('colour');
  expect((await second?.printed(2))?.at(-1)).toBe('colour is blue');

  await third?.kill();
  first?.type('shape=round');
  expect((await first?.printed(2))?.at(-1)).toBe('shape was null');

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

it('chats as README.md says', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'libpaxos-chat-'));
  const ports = await freePorts(3);
  writeFileSync(join(directory, 'chat.mjs'), program('chat.mjs'));
  writeFileSync(
    join(directory, 'paxos.conf'),
    ports.map((port, id) => `replica ${id} 127.0.0.1 ${port}\n`).join(''),
  );
  const first = new Running(directory, 'chat.mjs', 0);
  const second = new Running(directory, 'chat.mjs', 1);
  const third = new Running(directory, 'chat.mjs', 2);
  const chats = [first, second, third];
  onTestFinished(async () => {
    await Promise.all(chats.map((chat) => chat.kill()));
    rmSync(directory, { recursive: true });
  });

  first.type('one');
  second.type('two');
  third.type('three');
  const sequences = await Promise.all([first.printed(3), second.printed(3), third.printed(3)]);
  expect(sequences[0].map((line) => line.replace(/^\d+ /, '')).sort()).toEqual([
    '0: one',
    '1: two',
    '2: three',
  ]);
  expect(sequences[0].map((line) => line.split(' ')[0])).toEqual(['1', '2', '3']);
  expect(sequences[1]).toEqual(sequences[0]);
  expect(sequences[2]).toEqual(sequences[0]);

  await third.kill();
  first.type('four');
  const longer = await Promise.all([first.printed(4), second.printed(4)]);
  expect(longer[0].at(-1)).toBe('4 0: four');
  expect(longer[1]).toEqual(longer[0]);

  const again = new Running(directory, 'chat.mjs', 2);
  chats.push(again);
  expect(await again.printed(4)).toEqual(longer[0]);
});
