/**
 * One file of a snapshot: written beside its name and put there when it is synced, read in pieces. What the system says
 * is wrong becomes a sentence.
 */
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { PaxosError } from '../paxos/error.ts';
import { invariant } from '../paxos/invariant.ts';

/** How much is read at a time. */
const READ_BYTES = 256 * 1024;
const FULL_CODES: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG'];

/** A file that has no name yet under which anybody would believe it. */
export class PartialFile {
  /** where it will be */
  readonly path: string;
  readonly #partialPath: string;
  readonly #directory: string;
  #handle: FileHandle | undefined;
  #length = 0;

  constructor(path: string, directory: string) {
    this.path = path;
    this.#partialPath = `${path}.partial`;
    this.#directory = directory;
  }

  /** How many bytes were written. */
  get length(): number {
    return this.#length;
  }

  async create(): Promise<void> {
    this.#handle = await onDisk(this.#partialPath, () => open(this.#partialPath, 'w+'));
  }

  async append(bytes: Uint8Array): Promise<void> {
    const handle = this.#open();
    await onDisk(this.#partialPath, () => handle.writeFile(bytes));
    this.#length += bytes.length;
  }

  /** All that was written, from the start. */
  read(): AsyncGenerator<Uint8Array> {
    return bytesOf(this.#open(), this.#partialPath);
  }

  /** It is synced, gets its name, and the name is synced. */
  async finish(): Promise<void> {
    const handle = this.#open();
    await onDisk(this.#partialPath, () => handle.sync());
    await onDisk(this.#partialPath, () => rename(this.#partialPath, this.path));
    this.#handle = undefined;
    await onDisk(this.path, () => handle.close());
    await onDisk(this.#directory, () => syncDirectory(this.#directory));
  }

  /** It is removed, unless it has its name. */
  async discard(): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined) return;
    this.#handle = undefined;
    // What cannot be closed or removed now is removed when the store is opened again.
    await handle.close().catch(() => undefined);
    await rm(this.#partialPath, { force: true }).catch(() => undefined);
  }

  #open(): FileHandle {
    if (this.#handle === undefined)
      throw new PaxosError('CLOSED', `${this.path} is not being written any more`);
    return this.#handle;
  }
}

/** A file's bytes, from the start. */
export async function* bytesOf(handle: FileHandle, path: string): AsyncGenerator<Uint8Array> {
  for (let offset = 0; ; ) {
    const bytes = await readAt(handle, path, offset, READ_BYTES);
    if (bytes.length === 0) return;
    yield bytes;
    offset += bytes.length;
  }
}

/** Up to `length` bytes from `offset` on; fewer only at the end. */
export async function readAt(
  handle: FileHandle,
  path: string,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  invariant(offset >= 0 && length >= 0, 'a piece begins in the file');
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const { bytesRead } = await onDisk(path, () => handle.read(bytes, at, length - at, offset + at));
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return bytes.subarray(0, at);
}

/** Does something with a file; what goes wrong is a PaxosError. */
export async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(path, error);
  }
}

/** What the system says, as a sentence that says what to do. */
export function storageError(path: string, cause: unknown): PaxosError {
  if (FULL_CODES.includes(codeOf(cause))) {
    return new PaxosError(
      'STORAGE_FULL',
      `no room for ${path}; make some: until a snapshot can be written the log grows, and the last one is kept`,
      { cause },
    );
  }
  return new PaxosError(
    'STORAGE_FAILED',
    `${path} could not be read or written (${messageOf(cause)}); check the disk and the permissions`,
    { cause },
  );
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Makes a directory and what is missing above it, durably: each new name in the one above. */
export async function makeDirectory(path: string): Promise<void> {
  await onDisk(path, async () => {
    const first = await mkdir(path, { recursive: true });
    if (first === undefined) return;
    for (let made = resolve(path); ; made = dirname(made)) {
      await syncDirectory(dirname(made));
      if (made === resolve(first)) return;
    }
  });
}

/** Makes names in a directory durable. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
