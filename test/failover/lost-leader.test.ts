/**
 * What happens when the leader's process ends: its connections close, and nobody waits for a timeout.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { areOneProcess } from '../../src/evpaxos/peer-context.ts';
import { encodeLeader } from '../../src/transport/encode.ts';
import { Role } from '../../src/transport/messages.ts';
import { MemoryCluster, type RawPeer } from '../support/memory-cluster.ts';

let cluster: MemoryCluster;

afterEach(async () => {
  await cluster.closeAll();
  expect(cluster.failures).toEqual([]);
});

async function started(sizes: ConstructorParameters<typeof MemoryCluster>[0]): Promise<string> {
  cluster = new MemoryCluster(sizes, { leaderTimeoutMs: 10_000 });
  await cluster.startAll();
  return cluster.leader.name;
}

const bytes = (text: string) => new TextEncoder().encode(text);

describe('a leader whose process ends', () => {
  it('is followed by another replica long before the leader timeout', async () => {
    const former = await started({ replicas: 3 });
    await cluster.close(former);
    cluster.world.advance(100);
    expect(cluster.leader.name).not.toBe(former);
  });

  it('is followed by another proposer where acceptors are apart', async () => {
    const former = await started({ acceptors: 3, proposers: 2 });
    await cluster.close(former);
    cluster.world.advance(100);
    expect(cluster.leader.name).not.toBe(former);
  });

  it('keeps a value waiting for no timeout that is submitted meanwhile', async () => {
    const former = await started({ replicas: 3 });
    const other = [...cluster.nodes].find(([name]) => name !== former)?.[1];
    await cluster.close(former);
    let chosen = 0;
    other?.values?.submit(bytes('a value'), () => chosen++);
    cluster.world.advance(200);
    expect(chosen).toBe(1);
  });
});

describe('a leader that is heard by way of acceptors alone', () => {
  it('is not lost with the connection of a client, whose id is nobody', async () => {
    cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
    const acceptors: RawPeer[] = [];
    for (const id of [0, 1, 2])
      await cluster.play(id, (peer) => {
        acceptors[id] = peer;
        peer.sayHello(cluster.hello(Role.acceptor, id));
      });
    await cluster.proposer(1);
    cluster.world.settle();
    acceptors[0]?.say((out) => encodeLeader(out, 0, 10, 0, 1));
    const client = cluster.connect('proposer', 1);
    client.sayHello(cluster.hello(Role.learner | Role.client));
    cluster.world.advance(10);
    expect(cluster.nodes.get('proposer 1')?.proposer?.leaderBallot).toBe(10);
    client.link?.close();
    cluster.world.advance(10);
    expect(cluster.nodes.get('proposer 1')?.proposer?.leaderBallot).toBe(10);
  });
});

describe('a leader that one follower alone loses', () => {
  it('goes on leading', async () => {
    const name = await started({ replicas: 3 });
    const { node } = cluster.leader;
    const [connection] = [...node.peers.inbound].filter((peer) => !node.peers.isSelf(peer));
    for (const peer of [...node.peers.inbound, ...node.peers.ready()])
      if (connection !== undefined && areOneProcess(peer, connection)) peer.link.close();
    const before = node.proposer?.core.ballot;
    cluster.world.advance(3000);
    expect(cluster.leader.name).toBe(name);
    expect(node.proposer?.core.ballot).toBe(before);
  });
});
