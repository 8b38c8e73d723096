/**
 * Processes: the command line as real processes, run from the sources, their output taken line by line.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Lines } from './command.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** The words that run the command line from its sources, whatever was built. */
export const PROGRAM: readonly string[] = [process.execPath, '--import', 'tsx', MAIN];

/** How a process ended: its exit code, or the signal that ended it. */
export type Ending = number | NodeJS.Signals;

/** A command in a process of its own. */
export class CommandProcess {
  readonly out = new Lines();
  readonly err = new Lines();
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  #hasEnded = false;

  constructor(words: readonly string[]) {
    const [program = '', ...first] = PROGRAM;
    const child = spawn(program, [...first, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.out.add(text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.err.add(text));
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        this.#hasEnded = true;
        this.out.end();
        this.err.end();
        resolve(code ?? signal ?? 'SIGKILL');
      });
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Its process id, by which it is watched and signalled. */
  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the process could not be started');
    return pid;
  }

  signal(name: NodeJS.Signals): Promise<Ending> {
    this.#child.kill(name);
    return this.ended;
  }
}
