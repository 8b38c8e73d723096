import { afterEach, describe, expect, it } from 'vitest';
import { MemoryCluster } from '../../test/support/memory-cluster.ts';
import { PeerConnection } from '../../test/support/peer-connection.ts';
import { Role } from '../transport/messages.ts';
import { SeededRandom } from '../transport/random.ts';
import { MemorySnapshotStore } from './snapshot-memory.ts';
import { Snapshots } from './snapshots.ts';

const REPLICA = Role.acceptor | Role.proposer | Role.learner;

describe('what replicas have in snapshots', () => {
  let cluster: MemoryCluster;
  afterEach(() => cluster.closeAll());

  /** Snapshots of replica 0 of three, and up to where its acceptor was told to forget. */
  async function started(): Promise<{ snapshots: Snapshots; trims: number[] }> {
    cluster = new MemoryCluster({ replicas: 3 }, { valueFormat: 'commands', snapshotLogBytes: 1024 });
    const { peers } = await cluster.replica(0);
    const trims: number[] = [];
    let applied = 0;
    const snapshots = new Snapshots({
      id: 0,
      config: cluster.config,
      store: new MemorySnapshotStore({ clusterName: 'test', random: new SeededRandom(1) }),
      peers,
      clock: cluster.world,
      applied: () => applied,
      capture: () => {
        applied += 100;
        return { instanceId: applied, chunks: chunksOf(Uint8Array.of(1)) };
      },
      trim: (instanceId) => trims.push(instanceId),
      restore: async () => undefined,
      report: () => undefined,
    });
    return { snapshots, trims };
  }

  async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    yield bytes;
  }

  async function makeOne(snapshots: Snapshots): Promise<void> {
    snapshots.applied(1024);
    for (let i = 0; i < 100; i++) await null;
  }

  it('is counted of the replicas of the config alone, whoever else comes and says that it is one', async () => {
    const { snapshots, trims } = await started();
    for (const id of [9, 0, 3]) snapshots.onPeerReady(new PeerConnection(REPLICA, id).peer);
    const { peer } = new PeerConnection(REPLICA, 1);
    snapshots.onPeerReady(peer);
    for (let made = 1; made <= 3; made++) {
      await makeOne(snapshots);
      snapshots.onSnapshotAt(peer, 100 * made, made, 1);
    }
    expect(trims).toEqual([100, 200]);
  });
});
