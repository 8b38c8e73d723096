/**
 * How many writes, messages, bytes and commits a value costs, counted in a network and a time of the test's own: the same
 * on every machine, however busy.
 */
import { describe, expect, it } from 'vitest';
import type { ByteBuffer } from '../../src/transport/buffer.ts';
import { Decoder } from '../../src/transport/decode.ts';
import { encodeClientValue } from '../../src/transport/encode.ts';
import { MessageLog } from '../../src/transport/message-log.ts';
import { HeldStorage } from '../support/held-storage.ts';
import { MemoryCluster } from '../support/memory-cluster.ts';
import { COMMITS, COUNT_SLACK, TRAFFIC, type Traffic } from './figures.ts';

const VALUE = new Uint8Array(96).fill(7);
const ROUNDS = 200;
/** Between two rounds, so that what waits for 2 ms seldom does. */
const BETWEEN_MS = 0.2;

/** Gives values in rounds, each as soon as the former is chosen, and counts what goes over the network meanwhile. */
async function trafficOf(outstanding: number): Promise<Traffic> {
  const cluster = new MemoryCluster({ replicas: 3 });
  await cluster.startAll();
  const giver = cluster.connect('proposer', 0);
  for (const id of [0, 1, 2]) cluster.connect('acceptor', id);
  const round = () => {
    giver.say((out) => encodeClientValue(out, VALUE), outstanding);
    cluster.world.advance(BETWEEN_MS);
  };
  for (let i = 0; i < 20; i++) round();
  let [writes, bytes, messages] = [0, 0, 0];
  cluster.world.tap = (_port, _direction, written) => {
    const log = new MessageLog();
    new Decoder(log, { maxMessageBytes: 2 ** 20 }).push(written.slice());
    writes++;
    bytes += written.length;
    messages += log.messages.length;
  };
  const before = cluster.leader.node.delivered;
  for (let i = 0; i < ROUNDS; i++) round();
  const values = cluster.leader.node.delivered - before;
  expect(values).toBe(ROUNDS * outstanding);
  await cluster.closeAll();
  return {
    writesPerRound: writes / ROUNDS,
    bytesPerValue: bytes / values,
    messagesPerValue: messages / values,
  };
}

describe('a value costs no more than it did', () => {
  it.each(Object.keys(TRAFFIC).map(Number))(
    'in writes, messages and bytes, with %d under way',
    async (outstanding) => {
      const known = TRAFFIC[outstanding];
      const traffic = await trafficOf(outstanding);
      const told = `${outstanding} under way: ${JSON.stringify(traffic)}`;
      expect(traffic.writesPerRound, told).toBeLessThanOrEqual((known?.writesPerRound ?? 0) * COUNT_SLACK);
      expect(traffic.messagesPerValue, told).toBeLessThanOrEqual(
        (known?.messagesPerValue ?? 0) * COUNT_SLACK,
      );
      expect(traffic.bytesPerValue, told).toBeLessThanOrEqual((known?.bytesPerValue ?? 0) * COUNT_SLACK);
    },
  );

  it.each(['together', 'oneByOne'] as const)('in commits, for a hundred values %s', async (how) => {
    const cluster = new MemoryCluster({ acceptors: 3, proposers: 1 });
    const storage = new HeldStorage();
    await cluster.acceptor(0, storage);
    for (const id of [1, 2]) await cluster.acceptor(id);
    await cluster.proposer(0);
    let commits = 0;
    const finish = async () => {
      for (let commit = storage.commits.shift(); commit !== undefined; commit = storage.commits.shift()) {
        commits++;
        commit.resolve();
        await cluster.settled();
      }
    };
    for (let i = 0; i < 10; i++) {
      cluster.world.advance(200);
      await finish();
    }
    const giver = cluster.connect('proposer', 0);
    commits = 0;
    for (const together of how === 'together' ? [100] : new Array<number>(100).fill(1)) {
      giver.say((out: ByteBuffer) => encodeClientValue(out, VALUE), together);
      await cluster.settled();
      await finish();
    }
    expect(storage.highestAccepted).toBeGreaterThanOrEqual(100);
    expect(commits).toBeGreaterThan(0);
    expect(commits).toBeLessThanOrEqual(COMMITS[how]);
    await cluster.closeAll();
  });
});
