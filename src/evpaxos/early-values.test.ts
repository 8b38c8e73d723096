/** When values leave who hands them in: a great many do not wait for the end of the turn, where no disk is waited for. */
import { expect, it } from 'vitest';
import { MemoryCluster, type Sequence } from '../../test/support/memory-cluster.ts';
import { MemoryStorage } from '../storage/memory.ts';
import { Decoder } from '../transport/decode.ts';
import { MessageLog } from '../transport/message-log.ts';

/** How many of these values a client has passed on while the turn lasts in which it hands them in. */
async function passedOnEarly(count: number, valueBytes: number, lasts = false): Promise<number> {
  const cluster = new MemoryCluster({ replicas: 3 });
  const sequence: Sequence = { values: [] };
  for (const id of [0, 1, 2]) {
    const known = new Map<number, number>();
    const identities = { own: 70 + id, known, note: (of: number, one: number) => void known.set(of, one) };
    const storage = Object.assign(new MemoryStorage(), lasts ? { identities } : {});
    await cluster.replica(id, undefined, { storage });
  }
  const client = await cluster.client('client', sequence);
  cluster.world.advance(2000);
  await cluster.settled();
  const log = new MessageLog();
  const decoder = new Decoder(log, { maxMessageBytes: 2 ** 20 });
  cluster.world.tap = (_port, direction, bytes) => {
    if (direction === 'toServer') decoder.push(bytes);
  };
  const texts = Array.from({ length: count }, (_, i) => String(i).padEnd(valueBytes, '.'));
  for (const text of texts) client.offer(new TextEncoder().encode(text), undefined);
  const passedOn = log.messages.filter(({ type }) => type === 'forward').length;
  cluster.world.tap = () => undefined;
  cluster.world.advance(100);
  await cluster.settled();
  expect(sequence.values).toEqual(texts);
  return passedOn;
}

it('passes on forty at a time, or 16 kB, to a leader in memory, and the rest at the end of the turn', async () => {
  expect(await passedOnEarly(90, 64)).toBe(80);
  expect(await passedOnEarly(15, 2048)).toBe(8);
});

it('passes everything on at the end of the turn where each part would wait for a disk', async () => {
  expect(await passedOnEarly(90, 64, true)).toBe(0);
});
