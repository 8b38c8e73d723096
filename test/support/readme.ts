/**
 * The programs in README.md, taken from the page word for word, and as processes whose lines go in and come out.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Lines } from './command.ts';

const page = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

export type ReadmeProgram = 'kv.mjs' | 'chat.mjs';

/** The code of one of the two. */
export function readmeProgram(name: ReadmeProgram): string {
  const programs = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = '']) => code);
  const code = programs[name === 'kv.mjs' ? 0 : 1];
  if (programs.length !== 2 || code?.includes("from 'libpaxos'") !== true)
    throw new Error('README.md has two programs');
  return code;
}

/** The config that belongs to kv.mjs, with other ports. */
export function readmeConfig(ports: readonly number[]): string {
  const [, lines = ''] = /^and this as `paxos.conf` beside it:\n\n((?: {4}.*\n)+)/m.exec(page) ?? [];
  if (!lines.includes('value-format commands')) throw new Error('README.md has the config of kv.mjs');
  const text = lines.replaceAll(/^ {4}/gm, '');
  return ports.reduce((config, port, id) => config.replace(`127.0.0.1 880${id}`, `127.0.0.1 ${port}`), text);
}

/** A running program. */
export class RunningProgram {
  readonly out = new Lines();
  readonly #child: ChildProcess;

  /** @param words what node is started with */
  constructor(directory: string, words: readonly string[]) {
    this.#child = spawn(process.execPath, words, { cwd: directory, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.out.add(text));
    this.#child.once('close', () => this.out.end());
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
