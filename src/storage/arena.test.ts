import { expect, it } from 'vitest';
import { Arena } from './arena.ts';
import { MemoryStorage } from './memory.ts';

const KB = 1024;

it('gives room that is empty, and nobody else has', () => {
  const arena = new Arena();
  const rooms = Array.from({ length: 2000 }, (_, i) => arena.take(1 + ((i * 37) % 300)));
  for (const [i, room] of rooms.entries()) {
    expect(room.every((byte) => byte === 0)).toBe(true);
    room.fill(1 + (i % 255));
  }
  for (const [i, room] of rooms.entries()) expect(room.every((byte) => byte === 1 + (i % 255))).toBe(true);
});

it('asks for more at a time the more is held, and for little again when that is given up', () => {
  const arena = new Arena();
  const pieces = new Set<ArrayBufferLike>();
  for (let i = 0; i < 1000; i++) pieces.add(arena.take(16 * KB).buffer);
  expect(pieces.size).toBeLessThan(40);
  expect(Math.max(...[...pieces].map((piece) => piece.byteLength))).toBeGreaterThan(2000 * KB);
  for (let i = 0; i < 1000; i++) arena.giveUp(16 * KB);
  expect(arena.take(16).buffer.byteLength).toBe(64 * KB);
});

it('keeps no neighbours alive by a page that is far ahead of the others', () => {
  const storage = new MemoryStorage();
  const value = new Uint8Array(100);
  for (let instanceId = 1; instanceId <= 40_000; instanceId++) storage.put(instanceId, 1, 1, value);
  for (let i = 0; i < 20; i++) storage.put(1_000_000 + i, 1, 1, value);
  const far = storage.get(1_000_019)?.value.buffer.byteLength;
  expect(far).toBe(64 * KB);
  for (let instanceId = 40_001; instanceId <= 41_000; instanceId++) storage.put(instanceId, 1, 1, value);
  expect(storage.get(41_000)?.value.buffer.byteLength).toBeGreaterThan(500 * KB);
});

it('goes on sharing memory where instances were left out, and where one came first that is far ahead', () => {
  const storage = new MemoryStorage();
  const value = new Uint8Array(100);
  for (let i = 0; i < 20; i++) storage.put(1_000_000 + i, 1, 1, value);
  for (let instanceId = 1; instanceId <= 40_000; instanceId++) storage.put(instanceId, 1, 1, value);
  for (let instanceId = 45_000; instanceId <= 80_000; instanceId++) storage.put(instanceId, 1, 1, value);
  expect(storage.get(40_000)?.value.buffer.byteLength).toBeGreaterThan(500 * KB);
  expect(storage.get(80_000)?.value.buffer.byteLength).toBeGreaterThan(1000 * KB);
});
