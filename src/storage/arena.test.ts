import { expect, it } from 'vitest';
import { Arena } from './arena.ts';
import { MemoryStorage } from './memory.ts';

const KB = 1024;

it('gives room that nobody else has, whatever was given up before', () => {
  const arena = new Arena();
  const held = new Map<Uint8Array, number>();
  const order: Uint8Array[] = [];
  for (let i = 0; i < 30_000; i++) {
    const room = arena.take(1 + ((i * 37) % 3000));
    room.fill(i % 256);
    held.set(room, i % 256);
    order.push(room);
    // In order, but for some that stay long.
    const old = i % 7 === 0 ? undefined : order[Math.max(0, i - 2000)];
    if (old === undefined || !held.delete(old)) continue;
    arena.giveUp(old);
  }
  expect(held.size).toBeGreaterThan(3000);
  for (const [room, byte] of held) expect(room.every((found) => found === byte)).toBe(true);
});

it('writes anew what was given up, and keeps no more of it than is held', () => {
  const arena = new Arena();
  const pieces = new Set<ArrayBufferLike>();
  const rooms: Uint8Array[] = [];
  const turn = (): void => {
    const room = arena.take(16 * KB);
    pieces.add(room.buffer);
    rooms.push(room);
  };
  for (let i = 0; i < 1000; i++) turn();
  const before = pieces.size;
  for (let i = 0; i < 20_000; i++) {
    turn();
    const [oldest] = rooms.splice(0, 1);
    if (oldest !== undefined) arena.giveUp(oldest);
  }
  expect(pieces.size).toBeLessThan(before + 12);
  const bytes = [...pieces].reduce((sum, piece) => sum + piece.byteLength, 0);
  expect(bytes).toBeLessThan(4 * 16 * KB * 1000);
});

it('asks for more at a time the more is held, and for little again when that is given up', () => {
  const arena = new Arena();
  const pieces = new Set<ArrayBufferLike>();
  const rooms = Array.from({ length: 1000 }, () => arena.take(16 * KB));
  for (const room of rooms) pieces.add(room.buffer);
  expect(pieces.size).toBeLessThan(40);
  expect(Math.max(...[...pieces].map((piece) => piece.byteLength))).toBeGreaterThan(2000 * KB);
  for (const room of rooms) arena.giveUp(room);
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
