/**
 * FileSnapshotStore: snapshots as files of one directory, beside the log.
 *
 *   snapshot-INSTANCE-ID.lps            one that is whole
 *   snapshot-INSTANCE-ID.lps.partial    one that is being written, or was when the process ended
 *
 *   chunks → ….partial → fsync → rename → fsync of the directory → the one before the one before is removed
 *
 * When the store is opened, partial ones are removed, and whole ones read to their end; of those that are damaged a
 * sentence is said, and the one before is the newest. A file that is another cluster's, or of another format, stays.
 *
 * Invariant: under a whole one's name stand only bytes that were synced before. A file that is open is read to its end
 * although its name is gone.
 */
import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PaxosError } from '../paxos/error.ts';
import { invariant } from '../paxos/invariant.ts';
import {
  bytesOf,
  codeOf,
  makeDirectory,
  messageOf,
  onDisk,
  PartialFile,
  readAt,
  storageError,
} from './snapshot-file.ts';
import { decodeSnapshot, encodeSnapshot, verifySnapshot } from './snapshot-format.ts';
import {
  abortedSnapshot,
  checkAnnounced,
  drawSnapshotId,
  type IncomingSnapshot,
  KEPT_SNAPSHOTS,
  notAsAnnounced,
  type OpenSnapshot,
  type SnapshotInfo,
  type SnapshotReport,
  type SnapshotStore,
  type SnapshotStoreOptions,
  withSnapshot,
} from './snapshot-store.ts';

const NAME = /^snapshot-(\d{16})-([0-9a-f]{14})[.]lps$/;
const PARTIAL_NAME = /^snapshot-\d{16}-[0-9a-f]{14}[.]lps[.]partial$/;

export interface FileSnapshotStoreOptions extends SnapshotStoreOptions {
  /** the directory; made if it is absent */
  readonly path: string;
  readonly report: SnapshotReport;
  /** removes the snapshots that are there: the log that they belong to is being discarded */
  readonly trash?: boolean;
}

export class FileSnapshotStore implements SnapshotStore {
  readonly #options: FileSnapshotStoreOptions;
  readonly #unfinished = new Set<PartialFile>();
  /** by file name: another cluster's, or of another format */
  readonly #foreign = new Set<string>();
  #snapshots: SnapshotInfo[] = [];
  #isClosed = false;

  private constructor(options: FileSnapshotStoreOptions) {
    this.#options = options;
  }

  /**
   * Opens a directory, makes it if it is absent, and verifies the newest snapshots in it. Nobody else may use it.
   * @throws PaxosError STORAGE_FAILED if it cannot be read or written
   */
  static async open(options: FileSnapshotStoreOptions): Promise<FileSnapshotStore> {
    const store = new FileSnapshotStore(options);
    await makeDirectory(options.path);
    await store.#look();
    return store;
  }

  get newest(): SnapshotInfo | undefined {
    return this.#snapshots[0];
  }

  get snapshots(): readonly SnapshotInfo[] {
    return this.#snapshots;
  }

  async write(
    instanceId: number,
    chunks: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<SnapshotInfo> {
    const { clusterName, random } = this.#options;
    const snapshotId = drawSnapshotId(random);
    const file = await this.#begin({ instanceId, snapshotId });
    try {
      for await (const bytes of encodeSnapshot({ instanceId, snapshotId, clusterName }, chunks)) {
        if (signal?.aborted) throw abortedSnapshot();
        await file.append(bytes);
      }
      return await this.#keep(file, { instanceId, snapshotId, bytes: file.length });
    } catch (error) {
      await this.#discard(file);
      throw error;
    }
  }

  async receive(info: SnapshotInfo): Promise<IncomingSnapshot> {
    checkAnnounced(info);
    const { clusterName } = this.#options;
    const file = await this.#begin(info);
    return new IncomingFile(info, file, {
      keep: async () => {
        await verifySnapshot(file.read(), { ...info, clusterName });
        return this.#keep(file, info);
      },
      discard: () => this.#discard(file),
    });
  }

  async open(snapshotId: number): Promise<OpenSnapshot | undefined> {
    this.#mustBeOpen();
    const info = this.#snapshots.find((each) => each.snapshotId === snapshotId);
    if (info === undefined) return undefined;
    const path = this.#pathOf(info);
    try {
      return new OpenFile(info, this.#options.clusterName, await open(path, 'r'), path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw storageError(path, error);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const file of this.#unfinished) await this.#discard(file);
  }

  /** Removes what was left unfinished, and reads the newest ones until enough are found whole. */
  async #look(): Promise<void> {
    const { path, trash = false, report } = this.#options;
    const names = await onDisk(path, () => readdir(path));
    const gone = names.filter((name) => PARTIAL_NAME.test(name) || (trash && NAME.test(name)));
    for (const name of gone) await onDisk(path, () => rm(join(path, name), { force: true }));
    if (trash) return;
    const found = names
      .flatMap((name) => snapshotOfName(name) ?? [])
      .sort((a, b) => b.instanceId - a.instanceId);
    for (const info of found) {
      if (this.#snapshots.length === KEPT_SNAPSHOTS) break;
      try {
        this.#snapshots.push(await this.#verified(info));
      } catch (error) {
        if (!(error instanceof PaxosError)) throw error;
        if (error.code === 'STORAGE_FOREIGN') this.#foreign.add(nameOf(info));
        report(`${this.#pathOf(info)} is passed over: ${error.message}`);
      }
    }
  }

  async #verified({
    instanceId,
    snapshotId,
  }: Pick<SnapshotInfo, 'instanceId' | 'snapshotId'>): Promise<SnapshotInfo> {
    const path = this.#pathOf({ instanceId, snapshotId });
    const handle = await onDisk(path, () => open(path, 'r'));
    try {
      const { clusterName } = this.#options;
      const { size } = await onDisk(path, () => handle.stat());
      await verifySnapshot(bytesOf(handle, path), { instanceId, snapshotId, clusterName });
      return { instanceId, snapshotId, bytes: size };
    } finally {
      await handle.close();
    }
  }

  async #begin(info: Pick<SnapshotInfo, 'instanceId' | 'snapshotId'>): Promise<PartialFile> {
    this.#mustBeOpen();
    const path = this.#pathOf(info);
    for (const file of this.#unfinished)
      invariant(file.path !== path, 'a snapshot is received once at a time');
    const file = new PartialFile(path, this.#options.path);
    this.#unfinished.add(file);
    try {
      await file.create();
    } catch (error) {
      this.#unfinished.delete(file);
      throw error;
    }
    return file;
  }

  async #keep(file: PartialFile, info: SnapshotInfo): Promise<SnapshotInfo> {
    this.#mustBeOpen();
    await file.finish();
    this.#unfinished.delete(file);
    this.#snapshots = withSnapshot(this.#snapshots, info).slice(0, KEPT_SNAPSHOTS);
    await this.#sweep();
    return info;
  }

  async #discard(file: PartialFile): Promise<void> {
    await file.discard();
    this.#unfinished.delete(file);
  }

  /** Removes what is older than what is kept, damaged ones too. What cannot be removed now is tried the next time. */
  async #sweep(): Promise<void> {
    const { path, report } = this.#options;
    const kept = new Set(this.#snapshots.map(nameOf));
    const newest = this.newest?.instanceId ?? 0;
    try {
      for (const name of await readdir(path)) {
        const instanceId = snapshotOfName(name)?.instanceId;
        if (instanceId === undefined || instanceId > newest) continue;
        if (!kept.has(name) && !this.#foreign.has(name)) await rm(join(path, name), { force: true });
      }
    } catch (error) {
      report(`${path}: an old snapshot cannot be removed: ${messageOf(error)}`);
    }
  }

  #pathOf(info: Pick<SnapshotInfo, 'instanceId' | 'snapshotId'>): string {
    return join(this.#options.path, nameOf(info));
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new PaxosError('CLOSED', 'the snapshots were closed');
  }
}

class OpenFile implements OpenSnapshot {
  readonly info: SnapshotInfo;
  readonly #clusterName: string;
  readonly #handle: FileHandle;
  readonly #path: string;

  constructor(info: SnapshotInfo, clusterName: string, handle: FileHandle, path: string) {
    this.info = info;
    this.#clusterName = clusterName;
    this.#handle = handle;
    this.#path = path;
  }

  read(): AsyncIterable<Uint8Array> {
    return decodeSnapshot(bytesOf(this.#handle, this.#path), {
      ...this.info,
      clusterName: this.#clusterName,
    });
  }

  piece(offset: number, maxBytes: number): Promise<Uint8Array> {
    return readAt(
      this.#handle,
      this.#path,
      offset,
      Math.min(maxBytes, Math.max(0, this.info.bytes - offset)),
    );
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** What becomes of an incoming snapshot. */
interface IncomingEnd {
  keep(): Promise<SnapshotInfo>;
  discard(): Promise<void>;
}

class IncomingFile implements IncomingSnapshot {
  readonly info: SnapshotInfo;
  readonly #file: PartialFile;
  readonly #end: IncomingEnd;

  constructor(info: SnapshotInfo, file: PartialFile, end: IncomingEnd) {
    this.info = info;
    this.#file = file;
    this.#end = end;
  }

  get received(): number {
    return this.#file.length;
  }

  async append(piece: Uint8Array): Promise<void> {
    const received = this.received + piece.length;
    try {
      if (received > this.info.bytes) throw notAsAnnounced(this.info, received);
      await this.#file.append(piece);
    } catch (error) {
      await this.abort();
      throw error;
    }
  }

  async finish(): Promise<SnapshotInfo> {
    try {
      if (this.received !== this.info.bytes) throw notAsAnnounced(this.info, this.received);
      return await this.#end.keep();
    } catch (error) {
      await this.abort();
      throw error;
    }
  }

  abort(): Promise<void> {
    return this.#end.discard();
  }
}

/** The name of a snapshot's file: names sort as instances do. */
function nameOf({ instanceId, snapshotId }: Pick<SnapshotInfo, 'instanceId' | 'snapshotId'>): string {
  const instance = String(instanceId).padStart(16, '0');
  return `snapshot-${instance}-${snapshotId.toString(16).padStart(14, '0')}.lps`;
}

/** Which snapshot a file's name says it is; undefined: none of ours. */
export function snapshotOfName(name: string): Pick<SnapshotInfo, 'instanceId' | 'snapshotId'> | undefined {
  const [, instance, id] = NAME.exec(name) ?? [];
  if (instance === undefined || id === undefined) return undefined;
  return { instanceId: Number(instance), snapshotId: Number.parseInt(id, 16) };
}
