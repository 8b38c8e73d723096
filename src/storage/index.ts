/**
 * Storage: where an acceptor remembers, in memory or in an LMDB database, behind the one port of `paxos/storage.ts`.
 *
 *   openStorage(config, id) → MemoryStorage | LmdbStorage        durabilitySentence(storage) → what to tell people
 */
import type { Config } from '../config/config.ts';
import type { Storage } from '../paxos/storage.ts';
import { LmdbStorage } from './lmdb.ts';
import { MemoryStorage } from './memory.ts';

export type { AcceptorRecord, Storage, StorageState } from '../paxos/storage.ts';
export { type LmdbOptions, LmdbStorage } from './lmdb.ts';
export { type MemoryOptions, MemoryStorage } from './memory.ts';

/** The options that decide where and how an acceptor remembers. */
export type StorageConfig = Pick<
  Config,
  | 'storageBackend'
  | 'acceptorTrashFiles'
  | 'lmdbSync'
  | 'lmdbEnvPath'
  | 'lmdbMapsizeBytes'
  | 'clusterName'
  | 'valueFormat'
>;

/**
 * Opens the storage that the config asks for. An lmdb storage is the directory `lmdb-env-path` with `_ID` behind it.
 * Throws PaxosError as `LmdbStorage.open` does.
 */
export async function openStorage(
  config: StorageConfig,
  acceptorId: number,
): Promise<MemoryStorage | LmdbStorage> {
  if (config.storageBackend === 'memory') return new MemoryStorage();
  return LmdbStorage.open({
    path: `${config.lmdbEnvPath}_${acceptorId}`,
    acceptorId,
    clusterName: config.clusterName,
    valueFormat: config.valueFormat,
    sync: config.lmdbSync,
    mapSizeBytes: config.lmdbMapsizeBytes,
    trash: config.acceptorTrashFiles,
  });
}

/** The one sentence a node prints at start about what its storage does not hold; undefined if it holds everything. */
export function durabilitySentence(storage: Pick<Storage, 'durability'>): string | undefined {
  switch (storage.durability) {
    case 'memory':
      return (
        'storage-backend memory: an acceptor that restarts has forgotten what it promised and accepted, which can ' +
        'break agreement; use storage-backend lmdb with lmdb-sync yes for data that matters'
      );
    case 'unsynced':
      return (
        'lmdb-sync no: what was accepted survives the end of this process, but not a power cut, after which the ' +
        'storage may be unreadable or have forgotten what it promised; use lmdb-sync yes for data that matters'
      );
    case 'synced':
      return undefined;
  }
}
