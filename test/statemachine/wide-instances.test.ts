/**
 * Commands go on where the original's 32 bits end: instances have 53 there, on the wire, on disk and in what catches up.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { NodeOptions } from '../../src/evpaxos/node-options.ts';
import { MemoryStorage } from '../../src/storage/memory.ts';
import { MemoryCluster } from '../support/memory-cluster.ts';

const LAST_OF_ORIGINALS = 0xffff_fffe;

function nearTheEnd(): MemoryStorage {
  const storage = new MemoryStorage();
  storage.put(LAST_OF_ORIGINALS - 5, 10, 10, Uint8Array.of(1));
  storage.trim(LAST_OF_ORIGINALS - 5);
  return storage;
}

describe('instances with value-format commands', () => {
  let cluster: MemoryCluster;
  afterEach(() => cluster.closeAll());

  /** A replica that has a checkpoint so near the end; returns what it delivers. */
  async function replica(id: number): Promise<string[]> {
    const delivered: string[] = [];
    const deliver: NodeOptions['deliver'] = ({ instanceId, value }) =>
      delivered.push(`${instanceId - LAST_OF_ORIGINALS}: ${value.at(-1)}`);
    const node = await cluster.replica(id, undefined, { storage: nearTheEnd(), deliver });
    node.setInstanceId(LAST_OF_ORIGINALS - 5);
    return delivered;
  }

  it('go on above 2^32, and who comes late learns them', async () => {
    cluster = new MemoryCluster({ replicas: 3 }, { valueFormat: 'commands' });
    const first = await replica(0);
    const second = await replica(1);
    cluster.world.advance(1000);
    const { leader } = cluster;
    for (let i = 0; i < 20; i++) {
      leader.node.offer(Uint8Array.of(4, 1, i), undefined);
      cluster.world.advance(10);
    }
    expect(first).toEqual(Array.from({ length: 20 }, (_, i) => `${i - 4}: ${i}`));
    expect(second).toEqual(first);
    const third = await replica(2);
    cluster.world.advance(2000);
    expect(third).toEqual(first);
  });
});
