import { describe, expect, it } from 'vitest';
import { MemoryCluster, type RawPeer } from '../../test/support/memory-cluster.ts';
import { encodeClientValue, encodeRepeat } from '../transport/encode.ts';

const give = (peer: RawPeer) => peer.say((out) => encodeClientValue(out, new Uint8Array([7])));
const acceptances = (peer: RawPeer) => peer.messages.filter((one) => one.type === 'accepted').length;

describe('an original client that gives values on one connection and learns on another', () => {
  it('is told acceptances on the one where it learns', async () => {
    const cluster = new MemoryCluster({ replicas: 3 });
    await cluster.startAll();
    const [giver, learner] = [cluster.connect('proposer', 0), cluster.connect('acceptor', 0)];
    give(giver);
    cluster.world.settle();
    expect(acceptances(learner)).toBe(1);
    expect(acceptances(giver)).toBe(0);
    await cluster.closeAll();
  });

  it('is told them on both where the other came later, and may be another program', async () => {
    const cluster = new MemoryCluster({ replicas: 3 });
    await cluster.startAll();
    const giver = cluster.connect('proposer', 0);
    cluster.world.advance(100);
    const learner = cluster.connect('acceptor', 0);
    give(giver);
    cluster.world.settle();
    expect(acceptances(learner)).toBe(1);
    expect(acceptances(giver)).toBe(1);
    await cluster.closeAll();
  });

  it('is told them where it gives once the other is lost, or says more than values', async () => {
    const cluster = new MemoryCluster({ replicas: 3 });
    await cluster.startAll();
    const [giver, learner] = [cluster.connect('proposer', 0), cluster.connect('acceptor', 0)];
    give(giver);
    cluster.world.settle();
    learner.link?.close();
    cluster.world.settle();
    give(giver);
    cluster.world.settle();
    expect(acceptances(giver)).toBe(1);
    const [asking] = [cluster.connect('proposer', 0), cluster.connect('acceptor', 0)];
    asking.say((out) => encodeRepeat(out, 9, 9));
    give(asking);
    cluster.world.settle();
    expect(acceptances(asking)).toBe(1);
    await cluster.closeAll();
  });

  it('one silent connection stands for one client', async () => {
    const cluster = new MemoryCluster({ replicas: 3 });
    await cluster.startAll();
    const [one, other] = [cluster.connect('proposer', 0), cluster.connect('proposer', 0)];
    cluster.connect('acceptor', 0);
    give(one);
    cluster.world.settle();
    give(other);
    cluster.world.settle();
    expect(acceptances(one)).toBe(0);
    expect(acceptances(other)).toBe(2);
    await cluster.closeAll();
  });
});
