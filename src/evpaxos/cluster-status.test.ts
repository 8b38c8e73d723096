import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HeldStorage } from '../../test/support/held-storage.ts';
import { OriginalAcceptor } from '../../test/support/like-original.ts';
import { MemoryCluster, type RawPeer } from '../../test/support/memory-cluster.ts';
import { makeConfig } from '../config/index.ts';
import { encodeAccept, encodeNodeQuery, encodeRefused } from '../transport/encode.ts';
import { Role } from '../transport/messages.ts';
import { SeededRandom } from '../transport/random.ts';
import type { Link, Transport } from '../transport/transport.ts';
import { type ClusterStatus, ClusterWatch, clusterStatus, type StatusOptions } from './cluster-status.ts';
import { parseReport } from './report.ts';

let cluster: MemoryCluster;

afterEach(() => cluster.closeAll());

/** Asks for the status of a cluster, while time passes. */
async function ask(options: StatusOptions = {}, config = cluster.config): Promise<ClusterStatus> {
  const { world } = cluster;
  const asked = clusterStatus(config, {
    transport: world,
    clock: world,
    random: new SeededRandom(7),
    ...options,
  });
  world.advance(2000);
  return asked;
}

const states = ({ nodes }: ClusterStatus) => nodes.map(({ kind, id, state }) => `${kind} ${id} ${state}`);

describe('the status of replicas', () => {
  beforeEach(async () => {
    cluster = new MemoryCluster({ replicas: 3 });
    await cluster.startAll();
    const client = await cluster.client('client');
    for (const text of ['a', 'b', 'c']) client.offer(new TextEncoder().encode(text), undefined);
    cluster.world.advance(1000);
  });

  it('names the one that leads, and how far each is', async () => {
    const status = await ask();
    expect(status.acceptors).toEqual({ count: 3, quorum: 2, up: 3 });
    const { id, node } = cluster.leader;
    const ballot = node.proposer?.core.ballot;
    expect(status.leader).toEqual({ proposerId: id, ballot, isUp: true });
    expect(status.chosen).toBe(3);
    for (const one of status.nodes) {
      expect(one).toMatchObject({
        kind: 'replica',
        state: 'up',
        delivered: 3,
        accepted: 3,
        lag: 0,
        trimmed: 0,
      });
      expect(one.role).toBe(one.id === id ? 'leader' : 'follower');
      expect(one.leaderBallot).toBe(ballot);
      expect(one.software).toMatch(/^libpaxos \d+[.]\d+[.]\d+ \(TypeScript\)$/);
      expect(one.forMs).toBeGreaterThanOrEqual(2000);
      expect(one.storage).toMatchObject({ backend: 'memory', durability: 'memory' });
      expect(one.peers).toMatchObject({ replicas: 2, clients: 1, others: 0 });
      expect(one.claims).toBeNull();
    }
  });

  it('is taken from JSON as it was', async () => {
    const status = await ask();
    expect(JSON.parse(JSON.stringify(status))).toEqual(status);
  });

  it('knows since when an acceptor is down by those that had a connection with it', async () => {
    const follower = [0, 1, 2].find((id) => id !== cluster.leader.id) ?? 0;
    await cluster.close(`replica ${follower}`);
    cluster.world.advance(4000);
    const status = await ask();
    const down = status.nodes[follower];
    expect(down).toMatchObject({ state: 'down', reason: 'connection refused', role: null, delivered: null });
    expect(down?.forMs).toBeGreaterThanOrEqual(4000);
    expect(down?.forMs).toBeLessThan(4500);
    expect(status).toMatchObject({ hasQuorum: true, acceptors: { up: 2 } });
    const missing = status.nodes.filter(({ id }) => id !== follower).map((node) => node.missing);
    expect(missing).toEqual([[follower], [follower]]);
  });

  it('has no quorum, and nobody leads, where one of three is up', async () => {
    await cluster.close('replica 0');
    await cluster.close('replica 1');
    cluster.world.advance(3000);
    const status = await ask();
    expect(status).toMatchObject({ hasQuorum: false, leader: null, acceptors: { up: 1 } });
    expect(states(status)).toEqual(['replica 0 down', 'replica 1 down', 'replica 2 up']);
  });

  it('says so if another node answers than the config says, and does not count it', async () => {
    const [zero, one, two] = cluster.config.acceptors;
    const replicas = [zero, two, one].map((address) => ({ host: 'memory', port: address?.port ?? 0 }));
    const status = await ask({}, makeConfig({ replicas }));
    expect(status.nodes.map(({ claims }) => claims)).toEqual([null, 'replica 2', 'replica 1']);
    expect(status.acceptors.up).toBe(1);
  });

  it('disturbs nobody: no acceptances are told to who only looks on', async () => {
    const onlooker = cluster.connect('acceptor', 0);
    onlooker.sayHello(cluster.hello(0));
    cluster.world.settle();
    cluster.nodes.get('client')?.offer(new Uint8Array([1]), undefined);
    cluster.world.advance(1000);
    expect(onlooker.messages.map(({ type }) => type)).toContain('acceptorState');
    expect(onlooker.messages.filter(({ type }) => type === 'accepted')).toEqual([]);
  });

  it('asks again and again on the same connections', async () => {
    const { world } = cluster;
    const accepted = () => cluster.events.filter(({ event }) => event.type === 'accepted-connection').length;
    const before = accepted();
    const watch = new ClusterWatch(cluster.config, { transport: world, clock: world });
    for (let round = 0; round < 5; round++) {
      const asked = watch.ask();
      world.advance(1000);
      expect((await asked).acceptors.up).toBe(3);
    }
    expect(accepted() - before).toBe(3);
    watch.close();
    world.settle();
  });
});

describe('the status of others', () => {
  it('tells of acceptors and proposers apart', async () => {
    cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
    await cluster.startAll();
    const status = await ask();
    const roles = status.nodes.map(({ kind, id, role }) => `${kind} ${id} ${role}`);
    expect(roles.slice(0, 3)).toEqual(['acceptor 0 acceptor', 'acceptor 1 acceptor', 'acceptor 2 acceptor']);
    expect(roles.slice(3)).toContain(`proposer ${cluster.leader.id} leader`);
    expect(status.nodes[0]).toMatchObject({ ballot: 0, delivered: null, lag: 0 });
  });

  it('finds how far originals are', async () => {
    cluster = new MemoryCluster({ acceptors: 3 });
    for (const id of [0, 1, 2]) {
      const acceptor = await OriginalAcceptor.listen(cluster, id);
      for (let i = 1; i <= 1000 - 10 * id; i++) acceptor.put(i, 10, new Uint8Array([1]));
    }
    const status = await ask();
    expect(states(status)).toEqual(['acceptor 0 up', 'acceptor 1 up', 'acceptor 2 up']);
    expect(status.nodes.map(({ accepted }) => accepted)).toEqual([1000, 990, 980]);
    expect(status.nodes.map(({ role }) => role)).toEqual(['original', 'original', 'original']);
    expect(status).toMatchObject({ hasQuorum: true, chosen: 990, leader: null });
  });

  it.each([
    ['says nothing', (_: RawPeer) => undefined, 'no answer'],
    [
      'speaks something else',
      (peer: RawPeer) => peer.link?.write(new TextEncoder().encode('SSH-2.0\r\n')),
      'not a node',
    ],
    ['refuses', (peer: RawPeer) => peer.say((out) => encodeRefused(out, 1, 'no\u001b[2J')), 'other cluster'],
  ])('has a word for who %s', async (_, greet, word) => {
    cluster = new MemoryCluster({ acceptors: 1 });
    await cluster.play(0, (peer) => cluster.world.after(1, () => void greet(peer)));
    const status = await ask();
    expect(states(status)).toEqual([`acceptor 0 ${word}`]);
    expect(status.nodes[0]?.reason).not.toContain('\u001b');
    expect(status.hasQuorum).toBe(false);
  });

  it('waits for nobody who cannot be reached', async () => {
    cluster = new MemoryCluster({ acceptors: 2 });
    const nowhere: Link = {
      remote: 'nowhere',
      waitingBytes: 0,
      write: () => false,
      pause: () => undefined,
      resume: () => undefined,
      close: () => undefined,
    };
    const transport: Transport = {
      connect: () => nowhere,
      listen: (port, accept) => cluster.world.listen(port, accept),
    };
    const status = await ask({ transport, timeoutMs: 1500 });
    expect(states(status)).toEqual(['acceptor 0 unreachable', 'acceptor 1 unreachable']);
  });

  it('answers at once when it is closed', async () => {
    cluster = new MemoryCluster({ acceptors: 1 });
    await cluster.play(0, () => undefined);
    const watch = new ClusterWatch(cluster.config, { transport: cluster.world, clock: cluster.world });
    const asked = watch.ask();
    watch.close();
    expect((await asked).hasQuorum).toBe(false);
  });
});

describe('a report of an acceptor', () => {
  const reports = (peer: RawPeer) =>
    peer.messages.flatMap((message) => (message.type === 'nodeStatus' ? [parseReport(message.report)] : []));

  it('waits for the disk, and leaves without it once that has stalled', async () => {
    cluster = new MemoryCluster({ acceptors: 3 });
    const storage = new HeldStorage();
    await cluster.acceptor(0, storage);
    const proposer = cluster.connect('acceptor', 0);
    proposer.sayHello(cluster.hello(Role.proposer));
    const onlooker = cluster.connect('acceptor', 0);
    onlooker.sayHello(cluster.hello(0));
    cluster.world.settle();
    proposer.say((out) => encodeAccept(out, 5, 10, new Uint8Array([7])));
    cluster.world.settle();
    onlooker.say((out) => encodeNodeQuery(out, 1));
    cluster.world.advance(100);
    expect(reports(onlooker)).toEqual([]);
    cluster.world.advance(500);
    onlooker.say((out) => encodeNodeQuery(out, 2));
    cluster.world.settle();
    expect(reports(onlooker)).toMatchObject([{ acceptor: null, storage: { stalledMs: 600 } }]);
    storage.commits.shift()?.resolve();
    await cluster.settled();
    expect(reports(onlooker)[1]).toMatchObject({ acceptor: { accepted: 5, highestBallot: 10 } });
  });

  it('is for whoever said HELLO, once a turn, however often it is asked for', async () => {
    cluster = new MemoryCluster({ acceptors: 3 });
    await cluster.acceptor(0);
    const stranger = cluster.connect('acceptor', 0);
    stranger.say((out) => encodeNodeQuery(out, 1), 3);
    cluster.world.settle();
    expect(reports(stranger)).toEqual([]);
    stranger.sayHello(cluster.hello(0));
    stranger.say((out) => encodeNodeQuery(out, 2), 1000);
    cluster.world.settle();
    expect(reports(stranger)).toHaveLength(1);
  });

  it('tells the last error, in one line', async () => {
    cluster = new MemoryCluster({ acceptors: 3 });
    await cluster.acceptor(0);
    const rude = cluster.connect('acceptor', 0);
    rude.link?.write(new Uint8Array([0xc1]));
    cluster.world.advance(3000);
    const onlooker = cluster.connect('acceptor', 0);
    onlooker.sayHello(cluster.hello(0));
    onlooker.say((out) => encodeNodeQuery(out, 1));
    cluster.world.settle();
    expect(reports(onlooker)[0]?.lastError).toMatchObject({ agoMs: 3000 });
    expect(reports(onlooker)[0]?.lastError?.text).toMatch(/^Closed the connection with /);
  });
});
