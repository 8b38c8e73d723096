/**
 * Strace: makes the disk of a process slow, or broken, by what its system calls give. Needs strace, and leave to trace.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Lines } from './command.ts';

/** Why system calls cannot be tampered with here; undefined if they can. */
export function whyNoStrace(): string | undefined {
  if (process.platform !== 'linux') return `strace is Linux's, and this is ${process.platform}`;
  const { error, status, stderr } = spawnSync('strace', ['-f', '-e', 'inject=fdatasync:error=EIO', 'true'], {
    encoding: 'utf8',
  });
  if (error !== undefined) return 'strace is not installed';
  if (status !== 0) return `strace may not trace here: ${stderr.trim().split('\n').at(-1)}`;
  return undefined;
}

/** What is done to the system calls of a process, all its threads included, until this ends. */
export class Strace {
  readonly #child: ChildProcess;
  readonly #lines = new Lines();
  readonly #ended: Promise<void>;
  /** how many calls were made to fail */
  failures = 0;

  private constructor(pid: number, inject: string, file: string | undefined) {
    // -o: what strace says of itself still comes to its standard error. A socket, which stdout is, cannot be opened.
    const only = file === undefined ? [] : ['-P', file];
    const args = ['-f', '-o', '|cat', ...only, '-e', `inject=${inject}`, '-p', String(pid)];
    const child = spawn('strace', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.endsWith('(INJECTED)')) this.failures++;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#lines.add(text));
    this.#ended = new Promise((resolve) => {
      child.once('close', () => {
        this.#lines.end();
        resolve();
      });
    });
  }

  /**
   * @param inject as strace takes it: `fdatasync:delay_enter=200000`
   * @param file calls that concern this file alone
   */
  static async attach(pid: number, inject: string, file?: string): Promise<Strace> {
    const strace = new Strace(pid, inject, file);
    await strace.#lines.first(/attached/);
    return strace;
  }

  /** Lets the process go. */
  async detach(): Promise<void> {
    this.#child.kill('SIGINT');
    await this.#ended;
  }
}

/**
 * The memory of a process that belongs to nobody else, in bytes; undefined where there is no /proc.
 *
 * @public
 */
export function privateMemoryBytes(pid: number): number | undefined {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return undefined;
  const found = /^RssAnon:\s*(\d+) kB$/m.exec(readFileSync(file, 'utf8'));
  return found?.[1] === undefined ? undefined : Number(found[1]) * 1024;
}
