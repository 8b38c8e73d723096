import { expect, it } from 'vitest';
import { OriginalAcceptor } from '../../test/support/like-original.ts';
import { MemoryCluster } from '../../test/support/memory-cluster.ts';
import { Decoder } from '../transport/decode.ts';
import { encodeClientValue } from '../transport/encode.ts';
import { MessageLog } from '../transport/message-log.ts';

const VALUE = new Uint8Array(64).fill(7);

it('tells an original what is proposed before it asks it for more instances, which may cost a sync each', async () => {
  const cluster = new MemoryCluster({ acceptors: 3, proposers: 1 });
  for (const id of [0, 1, 2]) await OriginalAcceptor.listen(cluster, id);
  await cluster.proposer(0);
  cluster.world.advance(5000);
  const port = cluster.config.acceptors[0]?.port;
  const writes: string[][] = [];
  cluster.world.tap = (to, direction, bytes) => {
    if (to !== port || direction !== 'toServer') return;
    const log = new MessageLog();
    new Decoder(log, { maxMessageBytes: 2 ** 20 }).push(bytes.slice());
    writes.push(log.messages.map(({ type }) => type));
  };
  const giver = cluster.connect('proposer', 0);
  giver.say((out) => encodeClientValue(out, VALUE), 100);
  cluster.world.settle();
  const refill = writes.find((types) => types.includes('accept'));
  expect(refill).toContain('prepare');
  expect(refill?.lastIndexOf('accept')).toBe(99);
  await cluster.closeAll();
});
