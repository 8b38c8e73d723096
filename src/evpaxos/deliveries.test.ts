import { expect, test } from 'vitest';
import { Deliveries, MAX_WAITING_BYTES, MAX_WAITING_DELIVERIES } from './deliveries.ts';

const value = new Uint8Array([1]);

function fill(deliveries: Deliveries, count: number): void {
  for (let instanceId = 1; instanceId <= count; instanceId++) deliveries.push({ instanceId, value });
}

test('a learner waits for its reader, however long', async () => {
  const deliveries = new Deliveries(() => undefined, true);
  fill(deliveries, MAX_WAITING_DELIVERIES);
  expect(deliveries.wantsMore).toBe(false);
  expect((await deliveries.next()).value?.instanceId).toBe(1);
});

test('a replica that is never read does not stand still for it, and says so to a late reader', async () => {
  const deliveries = new Deliveries(() => undefined, false);
  fill(deliveries, MAX_WAITING_DELIVERIES + 10);
  expect(deliveries.wantsMore).toBe(true);
  await expect(deliveries.next()).rejects.toMatchObject({ code: 'QUEUE_FULL' });
});

test('a replica that is read slowly holds its learner back', async () => {
  const deliveries = new Deliveries(() => undefined, false);
  const first = deliveries.next();
  fill(deliveries, MAX_WAITING_DELIVERIES + 1);
  expect((await first).value?.instanceId).toBe(1);
  expect(deliveries.wantsMore).toBe(false);
});

test('large values fill it sooner, and it asks for more when half of them are read', async () => {
  let asked = 0;
  const deliveries = new Deliveries(() => asked++, true);
  const large = new Uint8Array(MAX_WAITING_BYTES / 4);
  for (let instanceId = 1; deliveries.wantsMore; instanceId++) deliveries.push({ instanceId, value: large });
  expect((await deliveries.next()).value?.instanceId).toBe(1);
  expect([deliveries.wantsMore, asked]).toEqual([false, 0]);
  expect((await deliveries.next()).value?.instanceId).toBe(2);
  expect([deliveries.wantsMore, asked]).toEqual([true, 1]);
  for (const instanceId of [3, 4]) expect((await deliveries.next()).value?.instanceId).toBe(instanceId);
  expect(asked).toBe(1);
});

test('a reader that breaks off holds nobody back', async () => {
  const deliveries = new Deliveries(() => undefined, false);
  fill(deliveries, 10);
  for await (const { instanceId } of deliveries) if (instanceId === 3) break;
  expect(deliveries.wantsMore).toBe(true);
  fill(deliveries, MAX_WAITING_DELIVERIES * 2);
  expect(deliveries.wantsMore).toBe(true);
});

test('what was queued is still read after the end, then iteration ends', async () => {
  const deliveries = new Deliveries(() => undefined, true);
  fill(deliveries, 2);
  deliveries.end();
  const read: number[] = [];
  for await (const { instanceId } of deliveries) read.push(instanceId);
  expect(read).toEqual([1, 2]);
});
