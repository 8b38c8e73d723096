import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { durabilitySentence, LmdbStorage, MemoryStorage, openStorage, type StorageConfig } from './index.ts';

const scratch = mkdtempSync(join(tmpdir(), 'libpaxos-open-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const config: StorageConfig = {
  storageBackend: 'lmdb',
  acceptorTrashFiles: false,
  lmdbSync: false,
  lmdbEnvPath: join(scratch, 'acceptor'),
  lmdbMapsizeBytes: 10_485_760,
  clusterName: 'test',
  valueFormat: 'raw',
};

describe('openStorage', () => {
  test('opens memory', async () => {
    const storage = await openStorage({ ...config, storageBackend: 'memory' }, 0);
    expect(storage).toBeInstanceOf(MemoryStorage);
    expect(existsSync(join(scratch, 'acceptor_0'))).toBe(false);
    await storage.close();
  });

  test('opens an lmdb directory by the id, synced if the config says so, emptied if it says so', async () => {
    for (const lmdbSync of [false, true]) {
      const storage = await openStorage({ ...config, lmdbSync }, 2);
      expect(storage).toBeInstanceOf(LmdbStorage);
      expect(storage.durability).toBe(lmdbSync ? 'synced' : 'unsynced');
      storage.put(1, 11, 0, new Uint8Array(0));
      await storage.commit();
      await storage.close();
    }
    expect(existsSync(join(scratch, 'acceptor_2', 'data.mdb'))).toBe(true);
    const emptied = await openStorage({ ...config, acceptorTrashFiles: true }, 2);
    expect(emptied.get(1)).toBeUndefined();
    await emptied.close();
  });
});

describe('durabilitySentence', () => {
  test('says what is forgotten, and nothing where nothing is', () => {
    expect(durabilitySentence({ durability: 'memory' })).toContain('restarts has forgotten what it promised');
    expect(durabilitySentence({ durability: 'unsynced' })).toContain('not a power cut');
    expect(durabilitySentence({ durability: 'synced' })).toBeUndefined();
  });
});
