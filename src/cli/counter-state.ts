/**
 * The counter's state and its checkpoint: the file `state-ID`, which holds `count instance`, as the original's does.
 *
 * Invariant: the file is a whole checkpoint at any moment. It is written beside, synced, and put in place by a rename
 * that is synced as well, so that a crash leaves the old one or the new one.
 */
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CommandFailed } from './io.ts';

export interface CounterState {
  readonly count: number;
  /** the last instance that is counted in */
  readonly instanceId: number;
}

/**
 * Reads a checkpoint; without a file, counting begins at 0.
 * @throws CommandFailed if the file is not a checkpoint, or cannot be read
 */
export async function readCheckpoint(path: string): Promise<CounterState> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { count: 0, instanceId: 0 };
    throw new CommandFailed(`cannot read the checkpoint ${path}: ${messageOf(error)}`);
  }
  const match = /^\s*(\d{1,15})\s+(\d{1,15})\s*$/.exec(text);
  if (match !== null) return { count: Number(match[1]), instanceId: Number(match[2]) };
  throw new CommandFailed(
    `${path} is damaged: it should hold a count and an instance, as in "97 100"; ` +
      "put another replica's checkpoint in its place, or remove it if nothing was trimmed yet",
  );
}

/**
 * Writes a checkpoint; when this returns it is on disk.
 * @throws CommandFailed if it cannot be written
 */
export async function writeCheckpoint(path: string, state: CounterState): Promise<void> {
  try {
    await replaceFile(path, `${state.count} ${state.instanceId}`);
  } catch (error) {
    throw new CommandFailed(`cannot write the checkpoint ${path}: ${messageOf(error)}`);
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  const beside = `${path}.new`;
  const file = await open(beside, 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
