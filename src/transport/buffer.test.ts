import { describe, expect, it } from 'vitest';
import { InvariantError } from '../paxos/invariant.ts';
import { ByteBuffer } from './buffer.ts';

const KILOBYTE = 1024;

function bytesOf(length: number, fill: number): Uint8Array {
  return new Uint8Array(length).fill(fill);
}

describe('ByteBuffer', () => {
  it('hands out what was appended, in order, and is empty then', () => {
    const out = new ByteBuffer();
    out.append(Uint8Array.of(1, 2));
    out.append(Uint8Array.of(3));
    expect(out.length).toBe(3);
    expect(out.take()).toEqual(Uint8Array.of(1, 2, 3));
    expect(out.length).toBe(0);
    expect(out.take()).toEqual(new Uint8Array(0));
  });

  it('never writes again where it handed out', () => {
    const out = new ByteBuffer();
    const taken: Uint8Array[] = [];
    for (let turn = 0; turn < 200; turn++) {
      out.append(bytesOf(1 + 37 * turn, turn));
      taken.push(out.take());
    }
    taken.forEach((bytes, turn) => {
      expect(bytes.length).toBe(1 + 37 * turn);
      expect(bytes.every((byte) => byte === turn)).toBe(true);
    });
  });

  it('keeps what was not handed out yet when it outgrows its slab', () => {
    const out = new ByteBuffer();
    const expected: number[] = [];
    for (let i = 0; i < 300; i++) {
      out.append(bytesOf(i, i & 0xff));
      for (let n = 0; n < i; n++) expected.push(i & 0xff);
    }
    expect(Buffer.compare(out.take(), Uint8Array.from(expected))).toBe(0);
  });

  it('writes again over what was cleared, but not over what was taken before', () => {
    const out = new ByteBuffer();
    out.append(Uint8Array.of(1));
    const taken = out.take();
    out.append(Uint8Array.of(2));
    const view = out.view();
    out.clear();
    out.append(Uint8Array.of(3));
    expect(taken).toEqual(Uint8Array.of(1));
    expect(view).toEqual(Uint8Array.of(3));
  });

  it('holds on to no slab of an exceptional turn', () => {
    const out = new ByteBuffer();
    out.append(bytesOf(5000 * KILOBYTE, 1));
    const large = out.take();
    out.append(bytesOf(10, 2));
    const small = out.take();
    expect(large.length).toBe(5000 * KILOBYTE);
    expect(small.buffer).not.toBe(large.buffer);
    expect(small.buffer.byteLength).toBeLessThanOrEqual(4096 * KILOBYTE);
  });

  it('hands out many small turns from one slab', () => {
    const out = new ByteBuffer();
    out.append(bytesOf(90, 1));
    const { buffer } = out.take();
    for (let turn = 0; turn < 100; turn++) {
      out.append(bytesOf(90, 1));
      expect(out.take().buffer).toBe(buffer);
    }
  });

  it('notices writing without room', () => {
    const out = new ByteBuffer();
    out.byte(1);
    expect(() => out.take()).toThrow(InvariantError);
  });
});
