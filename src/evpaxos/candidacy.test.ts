/**
 * A proposer on its way to lead, before acceptors that the test plays.
 */
import { expect, it } from 'vitest';
import { MemoryCluster, type RawPeer } from '../../test/support/memory-cluster.ts';
import { encodeStatus } from '../transport/encode.ts';
import { Role } from '../transport/messages.ts';

it('asks an acceptor that was taken for an original, and says HELLO at last, until it answers', async () => {
  const cluster = new MemoryCluster({ acceptors: 3, proposers: 1 });
  const acceptors: RawPeer[] = [];
  for (const id of [0, 1]) {
    await cluster.play(id, (peer) => {
      acceptors[id] = peer;
    });
  }
  await cluster.proposer(0);
  cluster.world.settle();
  const hello = (id: number) =>
    acceptors[id]?.sayHello({ ...cluster.hello(Role.acceptor, id), process: 1 + id, storage: 10 + id });
  const queries = (id: number) =>
    (acceptors[id]?.messages ?? []).flatMap((message) => (message.type === 'query' ? [message.token] : []));
  const answer = (acceptorId: number) => {
    const nothing = { highestBallot: 0, highestAccepted: 0, trimInstanceId: 0, chosen: 0, leaderBallot: 0 };
    const token = queries(acceptorId).at(-1) ?? 0;
    acceptors[acceptorId]?.say((out) => encodeStatus(out, { acceptorId, token, ...nothing }));
    cluster.world.advance(50);
  };
  hello(1);
  cluster.world.advance(500);
  answer(1);
  cluster.world.advance(1000);
  // By now the silent one has been asked as an original is. What it is asked first, as one of ours, gets lost.
  expect(acceptors[0]?.messages.map(({ type }) => type)).toContain('prepare');
  hello(0);
  cluster.world.advance(100);
  const asked = queries(0).length;
  cluster.world.advance(1000);
  expect(queries(0).length).toBeGreaterThan(asked);
  for (const id of [0, 1]) answer(id);
  expect(acceptors[0]?.messages.map(({ type }) => type)).toContain('prepareFrom');
  await cluster.closeAll();
});
