/**
 * DirectoryLock: one living process, and one storage in it, holds a data directory.
 *
 * Node offers no file locks, and a file with a pid in it goes stale. What the kernel itself takes back when a process
 * dies, however it dies, is a listening socket; so the lock is a unix socket in the directory, `lock.N`, and "is it
 * held?" is "does it answer?". Unlike an abstract socket it is found from another container or network namespace that
 * has the same directory mounted, and it works beyond Linux; unlike lmdb's own lock it also refuses a second storage in
 * this process or in one of its threads.
 *
 *   listen on a name of our own → the highest lock.N answers: refused
 *                               → it does not, or there is none: link our socket as lock.N+1 (fails if another was
 *                                 first: look again) → nobody is above us: held → remove the lower ones
 *
 * Invariant: the highest lock.N is never removed, not even by its holder, so a number once taken is never taken again,
 * and of two that find the same dead lock one loses. A closed storage therefore leaves one dead socket behind.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, linkSync, openSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { PaxosError } from '../paxos/error.ts';

const LOCK_NAME = /^lock\.(\d+)$/;
const CONTENDER_NAME = /^lock\.new-[0-9a-f]+$/;
const HOLDER_FILE = 'lock.holder';
/** How often to look again when others take the lock at the same moment. */
const MAX_TRIES = 20;
/** What a unix socket's path may have: 108 bytes with the NUL on Linux, 104 on macOS. */
const MAX_SOCKET_PATH_BYTES = 103;

/** Whether a file of this name belongs to a lock, and not to what the lock guards. */
export function isLockFile(name: string): boolean {
  return LOCK_NAME.test(name) || CONTENDER_NAME.test(name) || name === HOLDER_FILE;
}

export class DirectoryLock {
  readonly #server: Server;
  readonly #directoryHandle: number;

  private constructor(server: Server, directoryHandle: number) {
    this.#server = server;
    this.#directoryHandle = directoryHandle;
  }

  /**
   * Takes the lock of an existing directory, or refuses at once. Throws PaxosError STORAGE_LOCKED, naming the holder
   * if it is known, and STORAGE_FAILED if no lock can be made there.
   */
  static async take(directory: string): Promise<DirectoryLock> {
    const handle = openSync(directory, 'r');
    const base = shortPath(directory, handle);
    const contender = `lock.new-${randomBytes(8).toString('hex')}`;
    let server: Server | undefined;
    try {
      server = await listen(join(base, contender));
      await claim(directory, base, contender);
      writeFileSync(join(directory, HOLDER_FILE), `pid ${process.pid} on ${hostname()}\n`);
      return new DirectoryLock(server, handle);
    } catch (error) {
      if (server !== undefined) await closed(server);
      closeSync(handle);
      if (error instanceof PaxosError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      const what = `${directory} cannot be locked (a unix socket is made in it): ${reason}`;
      throw new PaxosError(
        'STORAGE_FAILED',
        `${what}; let this user write there, or choose a local directory`,
        {
          cause: error,
        },
      );
    } finally {
      removeIfThere(join(directory, contender));
    }
  }

  /** Gives the directory back. */
  async release(): Promise<void> {
    await closed(this.#server);
    closeSync(this.#directoryHandle);
  }
}

/** Who holds a directory, as a person would say it; undefined: nobody does. It is asked, and nothing is taken. */
export async function lockHolder(directory: string): Promise<string | undefined> {
  const highest = highestLock(directory);
  if (highest === 0) return undefined;
  const handle = openSync(directory, 'r');
  try {
    const isHeld = await answers(join(shortPath(directory, handle), `lock.${highest}`));
    return isHeld ? (holderOf(directory) ?? 'a process') : undefined;
  } finally {
    closeSync(handle);
  }
}

/** Links the contender's socket as the highest lock; throws STORAGE_LOCKED if a living one has it. */
async function claim(directory: string, base: string, contender: string): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const highest = highestLock(directory);
    if (highest > 0 && (await answers(join(base, `lock.${highest}`)))) throw locked(directory);

    const mine = highest + 1;
    if (!linkIfFree(join(directory, contender), join(directory, `lock.${mine}`))) continue;
    if (highestLock(directory) > mine) {
      removeIfThere(join(directory, `lock.${mine}`));
      continue;
    }
    for (const name of readdirSync(directory)) {
      if (lockNumber(name) < mine || CONTENDER_NAME.test(name)) removeIfThere(join(directory, name));
    }
    return;
  }
  throw locked(directory);
}

/** A path through the open directory is short, whatever the directory's own length. */
function shortPath(directory: string, handle: number): string {
  return process.platform === 'linux' ? `/proc/self/fd/${handle}` : directory;
}

/** The number of a lock's name; infinite for all other names, which are never lower than a lock. */
function lockNumber(name: string): number {
  return Number(LOCK_NAME.exec(name)?.[1] ?? Number.POSITIVE_INFINITY);
}

function highestLock(directory: string): number {
  const numbers = readdirSync(directory).map(lockNumber);
  return Math.max(0, ...numbers.filter((number) => Number.isFinite(number)));
}

function listen(path: string): Promise<Server> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new Error(`a socket's path has at most ${MAX_SOCKET_PATH_BYTES} bytes`);
  }
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen(path, () => resolve(server.unref()));
  });
}

/** Only a refusal says that the holder is dead; a full queue, a stopped process or any other answer says it lives. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function linkIfFree(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    // Another took the lock meanwhile and swept our socket away: it will answer when we look again.
    if (isCode(error, 'ENOENT')) return false;
    throw error;
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function locked(directory: string): PaxosError {
  const holder = holderOf(directory);
  const who = holder === undefined ? 'another acceptor' : `another acceptor (${holder})`;
  return new PaxosError(
    'STORAGE_LOCKED',
    `${directory} is in use by ${who}; stop that one first, or set another lmdb-env-path`,
  );
}

/** Who wrote last that it holds the lock: for people; it is read only when the lock is known to be held. */
function holderOf(directory: string): string | undefined {
  try {
    const text = readFileSync(join(directory, HOLDER_FILE), 'utf8').trim();
    return /^pid \d+ on \S+$/.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}
