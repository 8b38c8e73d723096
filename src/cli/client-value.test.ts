import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../transport/random.ts';
import { deliveryLine, HEAD_BYTES, ownStamp, ValueMaker } from './client-value.ts';

const CLIENT = 0x01020304;
const STAMP = 1_763_978_587_104_233;

function make(textBytes: number, stamp = STAMP): Buffer {
  return Buffer.from(new ValueMaker(CLIENT, textBytes, new SeededRandom(1)).make(stamp));
}

describe('a client value', () => {
  it('is laid out as the C struct on a 64-bit machine, little-endian', () => {
    const value = make(64);
    expect(value.length).toBe(HEAD_BYTES + 64);
    expect(value.readInt32LE(0)).toBe(CLIENT);
    expect(value.readInt32LE(4)).toBe(0);
    expect(value.readBigInt64LE(8)).toBe(1_763_978_587n);
    expect(value.readBigInt64LE(16)).toBe(104_233n);
    expect(value.readBigUInt64LE(24)).toBe(64n);
    expect(value.toString('latin1', HEAD_BYTES)).toMatch(/^[0-9a-z]{63}\0$/);
  });

  it('has no byte that was not written, whatever its size', () => {
    for (const size of [1, 2, 16, 1000, 70_000]) {
      const text = make(size).toString('latin1', HEAD_BYTES);
      expect(text).toMatch(/^[0-9a-z]*\0$/);
      expect(text.length).toBe(size);
    }
  });

  it('holds times beyond 2038', () => {
    const value = make(8, 5_000_000_000_000_001);
    expect(value.readBigInt64LE(8)).toBe(5_000_000_000n);
    expect(ownStamp(value, CLIENT)).toBe(5_000_000_000_000_001);
  });

  it('is told from those of other clients, and from what is no client value at all', () => {
    const value = make(64);
    expect(ownStamp(value, CLIENT)).toBe(STAMP);
    expect(ownStamp(value, CLIENT + 1)).toBeUndefined();
    expect(ownStamp(value.subarray(0, HEAD_BYTES), CLIENT)).toBeUndefined();
    expect(ownStamp(new Uint8Array(0), CLIENT)).toBeUndefined();
  });
});

describe('a delivered value, as learners print it', () => {
  it('shows when it was submitted, its first 16 characters, and the size of its text', () => {
    const value = make(64);
    const text = value.toString('latin1', HEAD_BYTES, HEAD_BYTES + 16);
    expect(deliveryLine(value)).toBe(`1763978587.104233 [${text}] 64 bytes\n`);
  });

  it('pads microseconds to six digits, and ends the text at its NUL', () => {
    const value = make(4, 7_000_001);
    expect(deliveryLine(value)).toMatch(/^7\.000001 \[[0-9a-z]{3}\] 4 bytes\n$/);
  });

  it('shows what is no client value without a time, and does no harm to a terminal', () => {
    expect(deliveryLine(Buffer.from('COUNT\0'))).toBe('[COUNT] 6 bytes\n');
    expect(deliveryLine(Buffer.from('TRIM 0 100\0'))).toBe('[TRIM 0 100] 11 bytes\n');
    expect(deliveryLine(Buffer.from('\x1b[2Jabc'))).toBe('[.[2Jabc] 7 bytes\n');
    expect(deliveryLine(new Uint8Array(0))).toBe('[] 0 bytes\n');
    expect(deliveryLine(new Uint8Array(200).fill(0xff))).toBe(`[${'.'.repeat(16)}] 200 bytes\n`);
  });

  it('takes a head without a text for what it is', () => {
    expect(deliveryLine(make(64).subarray(0, 33))).toMatch(/^\[.*\] 33 bytes\n$/);
    const head = Buffer.alloc(HEAD_BYTES);
    expect(deliveryLine(head)).toBe('[] 32 bytes\n');
  });
});
