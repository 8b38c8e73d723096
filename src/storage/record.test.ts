import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Batch } from './batch.ts';
import { crc32, crc32ByTable } from './crc32.ts';
import { decodeRecord, decodeState, encodeState, instanceIdOf, keyOf, type StoredState } from './record.ts';

const anyId = fc.oneof(
  fc.integer({ min: 1, max: 1_000 }),
  fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
);

/** One record as a batch stores it. */
function encoded(instanceId: number, promised: number, accepted: number, value: Uint8Array): Uint8Array {
  const batch = new Batch();
  batch.put(instanceId, promised, accepted, value);
  batch.seal();
  let stored = new Uint8Array(0);
  batch.forEach(0, (_, record) => {
    stored = new Uint8Array(record);
  });
  return stored;
}

describe('crc32', () => {
  test('is the CRC-32 of zlib, in one piece and in two', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, cut) => {
        expect(crc32ByTable(bytes)).toBe(zlibCrc32(bytes));
        expect(crc32(bytes)).toBe(zlibCrc32(bytes));
        const middle = Math.min(cut, bytes.length);
        expect(crc32(bytes, middle, bytes.length, crc32(bytes, 0, middle))).toBe(zlibCrc32(bytes));
      }),
    );
  });

  test('of "123456789" is the known value', () => {
    expect(crc32ByTable(Buffer.from('123456789'))).toBe(0xcbf4_3926);
  });
});

describe('keys', () => {
  test('sort as bytes as their instances sort as numbers', () => {
    fc.assert(
      fc.property(anyId, anyId, (a, b) => {
        expect(instanceIdOf(keyOf(a))).toBe(a);
        expect(Math.sign(Buffer.compare(keyOf(a), keyOf(b)))).toBe(Math.sign(a - b));
      }),
    );
  });
});

describe('records', () => {
  test('decode to what was put', () => {
    fc.assert(
      fc.property(anyId, fc.integer({ min: 1, max: 2 ** 31 }), fc.uint8Array(), (id, ballot, value) => {
        const record = decodeRecord(keyOf(id), encoded(id, ballot, ballot, value));
        expect(record).toEqual({ promisedBallot: ballot, acceptedBallot: ballot, value });
      }),
    );
  });

  test('with any flipped bit, cut short, or under any other key are refused', () => {
    const content = encoded(7, 21, 11, Buffer.from('a value of some length'));
    expect(decodeRecord(keyOf(7), content)).toBeDefined();
    for (let bit = 0; bit < content.length * 8; bit++) {
      const damaged = new Uint8Array(content);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeRecord(keyOf(7), damaged)).toBeUndefined();
    }
    for (let length = 0; length < content.length; length++) {
      expect(decodeRecord(keyOf(7), content.subarray(0, length))).toBeUndefined();
    }
    expect(decodeRecord(keyOf(8), content)).toBeUndefined();
  });

  test('with a right checksum and impossible numbers are refused', () => {
    const key = keyOf(7);
    const content = new Uint8Array(12);
    const view = new DataView(content.buffer);
    view.setUint32(0, 11);
    view.setUint32(4, 21);
    view.setUint32(8, crc32(content.subarray(0, 8), crc32(key)));
    expect(decodeRecord(key, content)).toBeUndefined();
  });
});

describe('the state', () => {
  const state: StoredState = {
    format: 1,
    acceptorId: 9,
    clusterName: 'Größe, 大',
    identity: '00112233445566778899aabbccddeeff',
    known: new Map([
      [0, 1],
      [9, 2 ** 53 - 1],
    ]),
    trimInstanceId: 2 ** 40 + 1,
    promiseFloor: 2 ** 31,
    highestAccepted: 2 ** 53 - 1,
    highestBallot: 2 ** 31,
  };

  test('decodes to what was encoded', () => {
    expect(decodeState(keyOf(0), encodeState(keyOf(0), state))).toEqual(state);
  });

  test('with a flipped bit, or too short, is refused', () => {
    const content = encodeState(keyOf(0), state);
    content[8] = (content[8] ?? 0) ^ 1;
    expect(decodeState(keyOf(0), content)).toBeUndefined();
    expect(decodeState(keyOf(0), content.subarray(0, 20))).toBeUndefined();
  });
});
