/**
 * What happens when the leader's process ends: its connections close, and nobody waits for a timeout.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { areOneProcess } from '../../src/evpaxos/pairing.ts';
import { encodeLeader, encodeStatus } from '../../src/transport/encode.ts';
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

describe('a leader that is heard by way of played acceptors', () => {
  const LEADERS_BALLOT = 10;
  let acceptors: RawPeer[];

  /** Proposer 1, which hears leader 0, and a connection to it from somebody else. */
  async function follower(roles: number): Promise<RawPeer> {
    cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
    acceptors = [];
    for (const id of [0, 1, 2])
      await cluster.play(id, (peer) => {
        acceptors[id] = peer;
        peer.sayHello(cluster.hello(Role.acceptor, id));
      });
    await cluster.proposer(1);
    cluster.world.settle();
    acceptors[0]?.say((out) => encodeLeader(out, 0, LEADERS_BALLOT, 0, 1));
    const somebody = cluster.connect('proposer', 1);
    somebody.sayHello(cluster.hello(roles));
    cluster.world.advance(10);
    expect(leaderBallot()).toBe(LEADERS_BALLOT);
    return somebody;
  }

  const leaderBallot = () => cluster.nodes.get('proposer 1')?.proposer?.leaderBallot;

  /** Answers the last question of all: they hear that leader. */
  function answer(heard: number): void {
    for (const [acceptorId, acceptor] of acceptors.entries()) {
      const token = acceptor.messages.reduce((last, said) => (said.type === 'query' ? said.token : last), 0);
      const rest = { highestBallot: LEADERS_BALLOT, highestAccepted: 0, trimInstanceId: 0, chosen: 0 };
      acceptor.say((out) => encodeStatus(out, { acceptorId, token, leaderBallot: heard, ...rest }));
    }
    cluster.world.settle();
  }

  it('is not lost with the connection of a client, whose id is nobody', async () => {
    const client = await follower(Role.learner | Role.client);
    client.link?.close();
    cluster.world.advance(10);
    expect(leaderBallot()).toBe(LEADERS_BALLOT);
  });

  it('is not found again by acceptors that have not noticed yet; once they have, another stands', async () => {
    const leader = await follower(Role.proposer);
    leader.link?.close();
    cluster.world.advance(60);
    answer(LEADERS_BALLOT);
    expect(leaderBallot()).toBe(0);
    cluster.world.advance(60);
    answer(0);
    expect(acceptors[0]?.messages.some(({ type }) => type === 'prepareFrom')).toBe(true);
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

  it('is not lost while one of their two connections is left', async () => {
    await started({ replicas: 3 });
    const { node: leader } = cluster.leader;
    const { ballot } = leader.proposer?.core ?? {};
    for (const peer of [...leader.peers.inbound].filter((one) => !leader.peers.isSelf(one))) {
      peer.link.close();
      cluster.world.settle();
      for (const node of cluster.nodes.values()) {
        expect(node.proposer?.leaderBallot).toBe(ballot);
        expect(node.acceptor?.leaderBallot).toBe(ballot);
      }
    }
  });
});
