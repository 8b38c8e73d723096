/**
 * Scene: a place for one measurement. A directory of its own, free ports, and every process that was started in it;
 * all of it is gone when the measurement is over.
 *
 *   await inScene(async (scene) => { scene.spawn(…); … })
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What is not up within this never will be. */
const UP_MS = 30_000;
const LOOK_AGAIN_MS = 5;

export class Scene {
  readonly directory: string;
  readonly #children: ChildProcess[] = [];

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Starts a process. Whoever does not read its output has to say so, or it stands still when the pipe is full. */
  spawn(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
    const child = spawn(command, args, { stdio, cwd: this.directory, env: { ...process.env, ...env } });
    this.#children.push(child);
    return child;
  }

  /** Starts one of the programs beside this file. */
  program(name: string, args: readonly string[]): ChildProcess {
    const path = fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url));
    // By its address: the scene's directory has no packages.
    const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), path, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: this.directory,
    });
    this.#children.push(child);
    return child;
  }

  async end(): Promise<void> {
    await Promise.all(this.#children.map(end));
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Runs one measurement, and cleans up behind it. */
export async function inScene<T>(measure: (scene: Scene) => Promise<T>): Promise<T> {
  const scene = new Scene(await mkdtemp(join(tmpdir(), 'libpaxos-bench-')));
  try {
    return await measure(scene);
  } finally {
    await scene.end();
  }
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

/** Waits until somebody listens on a port: an original client that comes too early never comes again. */
export async function listening(port: number): Promise<void> {
  const giveUpAt = performance.now() + UP_MS;
  while (performance.now() < giveUpAt) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isUp) return;
    await pause(LOOK_AGAIN_MS);
  }
  throw new Error(`nobody listens on port ${port} after ${UP_MS / 1000} s`);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, resolve));
    const address = server.address();
    if (address !== null && typeof address === 'object') ports.push(address.port);
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}
