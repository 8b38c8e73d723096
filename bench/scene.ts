/**
 * Scene: a place for one measurement. A directory of its own, free ports, and every process that was started in it;
 * all of it is gone when the measurement is over.
 *
 *   await inScene({ stop, limitMs }, async (scene) => { scene.spawn(…); … })
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
/** As docs/operations advises whoever has a replica in a program of their own; the command sets itself what it can. */
const PROGRAM_FLAGS = ['--heap-growing-percent=400', '--min-semi-space-size=16'];
/** Time for a process to write its profile. */
const PROFILE_MS = 10_000;

export interface SceneOptions {
  /** aborted: the measurement is given up */
  readonly stop: AbortSignal;
  /** what is not measured within this is given up, ms */
  readonly limitMs: number;
  /** where the processes of ours leave their CPU profiles */
  readonly profile?: string | undefined;
}

/** A measurement was given up because the benchmark is to end. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

export class Scene {
  readonly directory: string;
  readonly #profile: string | undefined;
  readonly #children: ChildProcess[] = [];
  #isOver = false;

  constructor(directory: string, profile: string | undefined) {
    this.directory = directory;
    this.#profile = profile;
  }

  /** Starts a process. Whoever does not read its output has to say so, or it stands still when the pipe is full. */
  spawn(command: string, args: readonly string[], error: 'ignore' | 'inherit' = 'ignore'): ChildProcess {
    if (this.#isOver) throw new Interrupted('the measurement is over');
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', error], cwd: this.directory });
    // One that cannot be started is missed by whoever waits for it.
    child.on('error', () => undefined);
    this.#children.push(child);
    return child;
  }

  /** Starts a program of ours in Node, with what Node is to be told. */
  node(
    path: string,
    args: readonly string[],
    error: 'ignore' | 'inherit' = 'ignore',
    flags: readonly string[] = [],
  ): ChildProcess {
    const profile = this.#profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${this.#profile}`];
    // By its address: the scene's directory has no packages.
    const typescript = path.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : [];
    return this.spawn(process.execPath, [...flags, ...profile, ...typescript, path, ...args], error);
  }

  /** Starts one of the programs beside this file. */
  program(name: string, args: readonly string[]): ChildProcess {
    const path = fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url));
    return this.node(path, args, 'inherit', PROGRAM_FLAGS);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    const isProfiled = this.#profile !== undefined;
    await Promise.all(this.#children.map((child) => end(child, isProfiled)));
    await rm(this.directory, { recursive: true, force: true });
  }
}

/**
 * Runs one measurement, and cleans up behind it.
 * @throws Interrupted
 */
export async function inScene<T>(options: SceneOptions, measure: (scene: Scene) => Promise<T>): Promise<T> {
  const { stop, limitMs, profile } = options;
  const scene = new Scene(await mkdtemp(join(tmpdir(), 'libpaxos-bench-')), profile);
  const over = new AbortController();
  try {
    return await Promise.race([measure(scene), givenUp(stop, limitMs, over.signal)]);
  } finally {
    over.abort();
    await scene.end();
  }
}

/** Rejects when the measurement is not to go on. */
function givenUp(stop: AbortSignal, limitMs: number, over: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const interrupt = () => reject(new Interrupted('stopped'));
    if (stop.aborted) interrupt();
    stop.addEventListener('abort', interrupt, { signal: over });
    const late = () => reject(new Error(`not measured after ${Math.round(limitMs / 1000)} s`));
    const timer = setTimeout(late, limitMs);
    over.addEventListener('abort', () => clearTimeout(timer));
  });
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

/** Ends a process; one that is profiled by asking it first, since it writes its profile itself. */
export async function end(child: ChildProcess, isProfiled: boolean): Promise<void> {
  if (hasEnded(child)) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), isProfiled ? PROFILE_MS : 0);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    if (isProfiled) child.kill('SIGTERM');
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
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address !== null && typeof address === 'object') ports.push(address.port);
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}
