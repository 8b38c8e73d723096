import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryCluster, type RawPeer, type Sequence } from '../../test/support/memory-cluster.ts';
import { makeConfig } from '../config/index.ts';
import {
  encodeAccept,
  encodeAccepted,
  encodeAcceptorState,
  encodeClientValue,
  encodePrepare,
} from '../transport/encode.ts';
import { Role } from '../transport/messages.ts';
import { Client, LearnerNode, Replica } from './nodes.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const REFUSED = 'it said no HELLO: with value-format commands only nodes of ours take part';

describe('a node with value-format commands', () => {
  let cluster: MemoryCluster;

  beforeEach(() => {
    cluster = new MemoryCluster({ replicas: 3 }, { valueFormat: 'commands' });
  });

  afterEach(() => cluster.closeAll());

  const reasons = () =>
    cluster.events.flatMap(({ event }) => (event.type === 'refused' && event.byUs ? [event.reason] : []));

  it.each([
    ['prepares', (peer: RawPeer) => peer.say((out) => encodePrepare(out, 1, 10))],
    ['proposes', (peer: RawPeer) => peer.say((out) => encodeAccept(out, 1, 10, bytes('x')))],
    ['submits', (peer: RawPeer) => peer.say((out) => encodeClientValue(out, bytes('x')))],
  ])('refuses an original that %s, and does not do what it says', async (_what, say) => {
    const node = await cluster.replica(0);
    const original = cluster.connect('acceptor', 0);
    say(original);
    await cluster.settled();
    expect(original.isClosed).toBe(true);
    expect(reasons()).toEqual([REFUSED]);
    expect(node.acceptor?.status(0)).toMatchObject({ highestBallot: 0, highestAccepted: 0 });
    expect(node.values?.waitingCount).toBe(0);
  });

  it('refuses an original that only listens', async () => {
    await cluster.replica(0);
    const listener = cluster.connect('acceptor', 0);
    cluster.world.advance(999);
    expect(listener.isClosed).toBe(false);
    cluster.world.advance(1);
    expect(listener.isClosed).toBe(true);
    expect(reasons()).toContain(REFUSED);
  });

  it.each([
    ['is silent', () => undefined],
    [
      'votes',
      (peer: RawPeer) => {
        peer.say((out) => encodeAcceptorState(out, 1, 0));
        peer.say((out) => encodeAccepted(out, 1, 1, 10, 10, bytes('x')));
      },
    ],
  ])('closes its connection to an original acceptor that %s', async (_what, say) => {
    const sequence: Sequence = { values: [] };
    const played: RawPeer[] = [];
    for (const id of [1, 2]) await cluster.play(id, (peer) => played.push(peer) && say(peer));
    await cluster.replica(0, sequence);
    cluster.world.advance(1500);
    await cluster.settled();
    expect(played.length).toBeGreaterThanOrEqual(2);
    for (const peer of played.slice(0, 2)) expect(peer.isClosed).toBe(true);
    expect(new Set(reasons())).toEqual(new Set([REFUSED]));
    expect(sequence.values).toEqual([]);
    expect(cluster.nodes.get('replica 0')?.proposer?.isLeading).toBe(false);
  });

  it('takes no plain value from one of ours either, and says so', async () => {
    const node = await cluster.replica(0);
    const peer = cluster.connect('acceptor', 0);
    peer.sayHello(cluster.hello(Role.client));
    peer.say((out) => encodeClientValue(out, bytes('x')));
    await cluster.settled();
    expect(node.values?.waitingCount).toBe(0);
    expect(peer.isClosed).toBe(false);
    expect(cluster.events.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ type: 'value-refused' }),
    );
  });

  it('and one with raw are two clusters', async () => {
    await cluster.replica(0);
    const raw = new MemoryCluster({ replicas: 3 });
    const peer = cluster.connect('acceptor', 0);
    peer.sayHello(raw.hello(Role.client));
    await cluster.settled();
    expect(peer.isClosed).toBe(true);
    expect(reasons()).toEqual([expect.stringContaining('another cluster')]);
  });
});

describe('with value-format commands', () => {
  const replicas = [0, 1, 2].map((id) => ({ host: '127.0.0.1', port: 8800 + id }));
  const config = makeConfig({ replicas }, { valueFormat: 'commands' });

  it.each([
    ['a plain replica', () => Replica.start({ config, id: 0 })],
    ['a plain learner', () => LearnerNode.start({ config })],
    ['a plain client', () => Client.start({ config })],
  ])('%s does not start', async (_what, start) => {
    await expect(start()).rejects.toMatchObject({ code: 'VALUE_FORMAT' });
  });
});
