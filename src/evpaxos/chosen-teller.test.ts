import { describe, expect, it } from 'vitest';
import { MemoryCluster, type RawPeer, type Sequence } from '../../test/support/memory-cluster.ts';
import { encodeClientValue } from '../transport/encode.ts';
import { Capability, Role } from '../transport/messages.ts';

const TELL_CHOSEN_MS = 2;

async function startedCluster(): Promise<{ cluster: MemoryCluster; client: RawPeer; follower: Sequence }> {
  const cluster = new MemoryCluster({ replicas: 3 });
  const follower: Sequence = { values: [] };
  await cluster.replica(0);
  await cluster.replica(1, follower);
  await cluster.replica(2);
  cluster.world.advance(1000);
  expect(cluster.leader.id).toBe(0);
  return { cluster, client: cluster.connect('proposer', 0), follower };
}

/** Gives a value, and lets all happen that needs no time. */
function give(cluster: MemoryCluster, client: RawPeer): void {
  client.say((out) => encodeClientValue(out, new Uint8Array([7])));
  cluster.world.settle();
}

describe('what a leader counted as chosen', () => {
  it('is told at once where nothing is under way', async () => {
    const { cluster, client, follower } = await startedCluster();
    for (let i = 1; i <= 20; i++) {
      give(cluster, client);
      expect(follower.values).toHaveLength(i);
      cluster.world.advance(100);
    }
    await cluster.closeAll();
  });

  it('waits for the next ACCEPT where values follow one another closely, but no longer than 2 ms', async () => {
    const { cluster, client, follower } = await startedCluster();
    for (let i = 1; i <= 20; i++) {
      give(cluster, client);
      cluster.world.advance(0.1);
    }
    expect(follower.values).toHaveLength(19);
    cluster.world.advance(TELL_CHOSEN_MS - 0.2);
    expect(follower.values).toHaveLength(19);
    cluster.world.advance(0.2);
    expect(follower.values).toHaveLength(20);
    await cluster.closeAll();
  });

  it('is told at once to who learns and does not accept, and once', async () => {
    const { cluster, client, follower } = await startedCluster();
    const learner = cluster.connect('proposer', 0);
    learner.sayHello({ ...cluster.hello(Role.learner), capabilities: Capability.brief });
    cluster.world.settle();
    const heard = () =>
      learner.messages.flatMap((message) => (message.type === 'chosen' ? [message.to] : []));
    for (let i = 1; i <= 20; i++) {
      give(cluster, client);
      expect(heard().at(-1)).toBe(i);
      cluster.world.advance(0.1);
    }
    expect(follower.values).toHaveLength(19);
    cluster.world.advance(TELL_CHOSEN_MS);
    expect(follower.values).toHaveLength(20);
    expect(heard()).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    await cluster.closeAll();
  });

  it('does not wait again soon where that was in vain, and ever more seldom', async () => {
    const { cluster, client, follower } = await startedCluster();
    let waits = 0;
    for (let i = 1; i <= 1000; i++) {
      give(cluster, client);
      // Whoever gives the next value waits until the follower has this one.
      if (follower.values.length < i) waits++;
      for (let ms = 0; follower.values.length < i && ms < TELL_CHOSEN_MS; ms++) cluster.world.advance(1);
      expect(follower.values).toHaveLength(i);
      cluster.world.advance(0.1);
    }
    // After 4 values, and 64, 128, 256 and 512 more.
    expect(waits).toBe(5);
    await cluster.closeAll();
  });

  it('is told to those who learn, and not to those who only give commands', async () => {
    const { cluster, client } = await startedCluster();
    const heard = [Role.learner, Role.client].map((role) => {
      const peer = cluster.connect('proposer', 0);
      peer.sayHello({ ...cluster.hello(role), capabilities: Capability.brief });
      return peer;
    });
    cluster.world.settle();
    give(cluster, client);
    cluster.world.advance(TELL_CHOSEN_MS);
    expect(heard.map((peer) => peer.messages.some(({ type }) => type === 'chosen'))).toEqual([true, false]);
    await cluster.closeAll();
  });
});
