/**
 * The program in README.md, word for word, as three processes: what is typed into one is printed by all, in one order;
 * two go on without the third; and the third, started again, prints everything from the beginning.
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

/** Its one program. A checkout's tests run what is in src/, built or not. */
function program(): string {
  const programs = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = '']) => code);
  expect(programs).toHaveLength(1);
  expect(programs[0]).toContain("from 'libpaxos'");
  const src = new URL('../../src/index.ts', import.meta.url).href;
  return (programs[0] ?? '').replace("'libpaxos'", JSON.stringify(src));
}

/** A running program: lines go in, lines come out. */
class Chat {
  readonly out = new Lines();
  readonly #child: ChildProcess;

  constructor(directory: string, id: number) {
    this.#child = spawn(process.execPath, ['--import', TSX, 'chat.mjs', String(id)], {
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

it('runs as README.md says', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'libpaxos-chat-'));
  const ports = await freePorts(3);
  writeFileSync(join(directory, 'chat.mjs'), program());
  writeFileSync(
    join(directory, 'paxos.conf'),
    ports.map((port, id) => `replica ${id} 127.0.0.1 ${port}\n`).join(''),
  );
  const first = new Chat(directory, 0);
  const second = new Chat(directory, 1);
  const third = new Chat(directory, 2);
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

  const again = new Chat(directory, 2);
  chats.push(again);
  expect(await again.printed(4)).toEqual(longer[0]);
});
