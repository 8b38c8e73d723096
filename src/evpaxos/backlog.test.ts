/** Backlog: little is allowed to wait, and everybody reads: nobody misses anything. */
import { describe, expect, it } from 'vitest';
import { MemoryCluster, type Sequence } from '../../test/support/memory-cluster.ts';

const KILOBYTE = 1024;
/** 200 of them are more than may wait, and less than one link takes at a time. */
const VALUE_BYTES = 200;

describe('replicas that may let little wait for each other', () => {
  it('drop nothing, neither to those who read nor to themselves, and need not ask for it again', async () => {
    const cluster = new MemoryCluster({ replicas: 3 }, { maxPeerBacklogBytes: 16 * KILOBYTE });
    const sequences: Sequence[] = [0, 1, 2].map(() => ({ values: [] }));
    for (const [id, sequence] of sequences.entries()) await cluster.replica(id, sequence);
    cluster.world.advance(1000);
    for (let i = 0; i < 200; i++) cluster.leader.node.offer(new Uint8Array(VALUE_BYTES).fill(1), undefined);
    cluster.world.settle();
    expect(cluster.events.filter(({ event }) => event.type === 'slow-peer')).toEqual([]);
    cluster.world.advance(20); // the end is told a little later, and sooner than holes are looked for
    expect(sequences.map(({ values }) => values.length)).toEqual([200, 200, 200]);
    await cluster.closeAll();
  });
});
