import { expect, it } from 'vitest';
import { MemoryCluster } from '../../test/support/memory-cluster.ts';
import type { Link } from '../transport/transport.ts';
import { type LoopbackEnd, makeLoopback } from './loopback.ts';

const VALUE = new Uint8Array([7]);

/** An end that writes down what it hears. */
function ear(
  heard: (number | readonly number[])[],
  bytes: (byte: number) => void = () => undefined,
): LoopbackEnd {
  return {
    connected: () => undefined,
    data: ([byte = 0]) => {
      heard.push(byte);
      bytes(byte);
    },
    drained: () => undefined,
    closed: () => undefined,
    take: ({ ballot, instanceIds }) => heard.push([ballot, ...instanceIds]),
  };
}

it('hands on what was said in its order, both ways', () => {
  const atAcceptor: (number | readonly number[])[] = [];
  const atOther: (number | readonly number[])[] = [];
  const loopback = makeLoopback(
    () => ear(atOther),
    () => ear(atAcceptor),
  );
  loopback.outbound.write(new Uint8Array([1]));
  loopback.propose(5, 10, VALUE);
  loopback.propose(6, 10, VALUE);
  loopback.propose(7, 20, VALUE);
  loopback.outbound.write(new Uint8Array([2]));
  loopback.propose(8, 20, VALUE);
  loopback.tell({ ballot: 10, instanceIds: [5, 6], values: [VALUE, VALUE] });
  loopback.inbound.write(new Uint8Array([3]));

  expect(loopback.deliver()).toBe(true);
  expect(atAcceptor).toEqual([1, [10, 5, 6], [20, 7], 2, [20, 8]]);
  expect(atOther).toEqual([[10, 5, 6], 3]);
  expect(loopback.deliver()).toBe(false);
});

it('hands on nothing once it is closed, what was said before included', () => {
  const heard: (number | readonly number[])[] = [];
  let outbound: Link | undefined;
  const loopback = makeLoopback(
    (link) => {
      outbound = link;
      return ear([]);
    },
    () => ear(heard, () => outbound?.close()),
  );
  loopback.outbound.write(new Uint8Array([1]));
  loopback.propose(5, 10, VALUE);
  loopback.deliver();
  loopback.propose(6, 10, VALUE);
  expect(loopback.deliver()).toBe(false);
  expect(heard).toEqual([1]);
});

it('is no place where a burst is lost: what a replica cannot tell itself yet is proposed later', async () => {
  const cluster = new MemoryCluster({ replicas: 1 });
  const delivered: number[] = [];
  const deliver = ({ instanceId }: { readonly instanceId: number }) => delivered.push(instanceId);
  const node = await cluster.replica(0, undefined, { deliver });
  cluster.world.advance(1000);
  const values = 2500;
  for (let i = 0; i < values; i++) node.offer(new Uint8Array(16 * 1024), undefined);
  cluster.world.settle();
  expect(delivered).toHaveLength(values);
  expect(cluster.events.filter(({ event }) => event.type === 'slow-peer')).toEqual([]);
  await cluster.closeAll();
});
