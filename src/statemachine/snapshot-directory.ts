/**
 * What snapshots lie in a directory, looked at from outside: nothing is written, removed or held, so that it may be the
 * directory of a replica that runs. For one's own use there is FileSnapshotStore.
 *
 *   findSnapshots(directory) → the files, the newest first      lookInto(file) → verified: sessions, the machine's bytes
 */
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { jsonCodec } from './codec.ts';
import { MachineHost, type MachineHostListener } from './machine-host.ts';
import { bytesOf, codeOf, onDisk } from './snapshot-file.ts';
import { snapshotOfName } from './snapshot-files.ts';
import { decodeSnapshot, readSnapshotHeader } from './snapshot-format.ts';

/** A file whose name says that it is a snapshot. */
export interface StoredSnapshotFile {
  readonly file: string;
  readonly instanceId: number;
  readonly snapshotId: number;
  readonly bytes: number;
}

/** What a snapshot holds, after all of it was read and found to be what was written. */
export interface SnapshotContent {
  readonly clusterName: string;
  /** the log's time, ms since 1970 */
  readonly timeMs: number;
  readonly sessions: number;
  /** the running digest: equal on all replicas after that instance */
  readonly digest: number;
  readonly machineBytes: number;
}

/** @throws PaxosError STORAGE_FAILED if the directory cannot be read */
export async function findSnapshots(directory: string): Promise<readonly StoredSnapshotFile[]> {
  const names = await onDisk(directory, () => readdir(directory));
  const found: StoredSnapshotFile[] = [];
  for (const name of names) {
    const info = snapshotOfName(name);
    if (info === undefined) continue;
    const file = join(directory, name);
    try {
      found.push({ ...info, file, bytes: (await stat(file)).size });
    } catch (error) {
      // Its replica made a newer one meanwhile, and removed it.
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
  return found.sort((one, other) => other.instanceId - one.instanceId);
}

/**
 * Reads a snapshot to its end.
 *
 * @param take is given the machine's own bytes, piece by piece; they are verified only when this resolves
 * @throws PaxosError SNAPSHOT_CORRUPT, STORAGE_FOREIGN, STORAGE_FAILED
 */
export async function lookInto(
  { file, instanceId, snapshotId }: StoredSnapshotFile,
  take: (bytes: Uint8Array) => void | Promise<void> = () => undefined,
): Promise<SnapshotContent> {
  const handle = await onDisk(file, () => open(file, 'r'));
  try {
    const { clusterName } = await readSnapshotHeader(bytesOf(handle, file));
    let machineBytes = 0;
    let failure: unknown;
    const host = new MachineHost<unknown, unknown>({
      machine: {
        apply: () => undefined,
        snapshot: () => '',
        restore: async (reader) => {
          for await (const bytes of reader) {
            machineBytes += bytes.length;
            try {
              await take(bytes);
            } catch (error) {
              failure = error;
              throw error;
            }
          }
        },
      },
      codecs: { command: jsonCodec(), result: jsonCodec() },
      listener: NOBODY,
    });
    const expected = { instanceId, snapshotId, clusterName };
    try {
      await host.restore(instanceId, () => decodeSnapshot(bytesOf(handle, file), expected));
    } catch (error) {
      throw failure ?? error;
    }
    const { timeMs, sessionCount: sessions, digest } = host;
    return { clusterName, timeMs, sessions, digest, machineBytes };
  } finally {
    await handle.close();
  }
}

const NOBODY: MachineHostListener = {
  answered: () => undefined,
  opened: () => undefined,
  passedOver: () => undefined,
  diverged: () => undefined,
  notDeterministic: () => undefined,
};
