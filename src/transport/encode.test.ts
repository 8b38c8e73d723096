import { decode } from '@msgpack/msgpack';
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../paxos/invariant.ts';
import { ByteBuffer } from './buffer.ts';
import { Decoder } from './decode.ts';
import * as encode from './encode.ts';
import { MessageLog } from './message-log.ts';

/** The bytes that `write` appends, as hex. */
function hexOf(write: (out: ByteBuffer) => void): string {
  const out = new ByteBuffer();
  write(out);
  return Buffer.from(out.take()).toString('hex');
}

/** What another msgpack implementation reads in the bytes that `write` appends. */
function readBack(write: (out: ByteBuffer) => void): unknown {
  const out = new ByteBuffer();
  write(out);
  return decode(out.take());
}

const value = Uint8Array.of(0x61, 0x62);
const noValue = new Uint8Array(0);

describe('the original’s messages', () => {
  it('are its bytes', () => {
    expect(hexOf((out) => encode.encodePrepare(out, 1, 10))).toBe('9300010a');
    expect(hexOf((out) => encode.encodePromise(out, 0, 1, 10, 0, noValue))).toBe('960100010a00c400');
    expect(hexOf((out) => encode.encodePromise(out, 2, 1, 31, 21, value))).toBe('960102011f15c4026162');
    expect(hexOf((out) => encode.encodeAccept(out, 70_001, 11, value))).toBe('9402ce000111710bc4026162');
    expect(hexOf((out) => encode.encodeAccepted(out, 1, 300, 11, 11, value))).toBe(
      '960301cd012c0b0bc4026162',
    );
    expect(hexOf((out) => encode.encodePreempted(out, 1, 200, 21))).toBe('940401ccc815');
    expect(hexOf((out) => encode.encodeRepeat(out, 1, 11))).toBe('9305010b');
    expect(hexOf((out) => encode.encodeTrim(out, 0xffff_ffff))).toBe('9206ceffffffff');
    expect(hexOf((out) => encode.encodeAcceptorState(out, 2, 0))).toBe('93070200');
    expect(hexOf((out) => encode.encodeClientValue(out, value))).toBe('9208c4026162');
  });

  it('carry integers in the shortest form', () => {
    const trims = [0, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0xffff_ffff];
    expect(trims.map((id) => hexOf((out) => encode.encodeTrim(out, id)).slice(4))).toEqual([
      '00',
      '7f',
      'cc80',
      'ccff',
      'cd0100',
      'cdffff',
      'ce00010000',
      'ceffffffff',
    ]);
  });

  it('carry a value as bin8, bin16 or bin32, the shortest that holds it', () => {
    const heads = [0, 255, 256, 65_535, 65_536, 20_000_000].map((length) =>
      hexOf((out) => encode.encodeClientValue(out, new Uint8Array(length))).slice(4, 14),
    );
    expect(heads).toEqual(['c400', 'c4ff000000', 'c501000000', 'c5ffff0000', 'c600010000', 'c601312d00']);
  });

  it('end at ballot 2^32-1: the next one is a programmer’s error', () => {
    const out = new ByteBuffer();
    encode.encodePrepare(out, 1, 2 ** 32 - 1);
    expect(() => encode.encodePrepare(out, 1, 2 ** 32)).toThrow(InvariantError);
    expect(() => encode.encodeAccept(out, 1, 2 ** 32, value)).toThrow(InvariantError);
  });

  it('hold an instance above 2^32-1 as uint64, which originals cannot, and only a decoder told so takes', () => {
    const said = (out: ByteBuffer) => {
      encode.encodePrepare(out, 2 ** 32, 10);
      encode.encodeAccept(out, 2 ** 40, 10, value);
      encode.encodeAccepted(out, 1, 2 ** 52, 10, 10, value);
      encode.encodeRepeat(out, 2 ** 32, 2 ** 33);
      encode.encodeTrim(out, 2 ** 32);
      encode.encodeAcceptorState(out, 0, 2 ** 32);
    };
    const out = new ByteBuffer();
    said(out);
    const log = new MessageLog();
    const wide = new Decoder(log, { maxMessageBytes: 65_536, lastInstance: 2 ** 52 });
    expect(wide.push(out.view())).toBeUndefined();
    expect(log.messages).toMatchObject([
      { type: 'prepare', instanceId: 2 ** 32 },
      { type: 'accept', instanceId: 2 ** 40 },
      { type: 'accepted', instanceId: 2 ** 52 },
      { type: 'repeat', from: 2 ** 32, to: 2 ** 33 },
      { type: 'trim', instanceId: 2 ** 32 },
      { type: 'acceptorState', trimInstanceId: 2 ** 32 },
    ]);
    const narrow = new Decoder(new MessageLog(), { maxMessageBytes: 65_536 });
    expect(narrow.push(out.view())).toContain('an integer above 4294967295');
  });
});

describe('fields that are no such thing', () => {
  it('are a programmer’s error', () => {
    const out = new ByteBuffer();
    for (const id of [0, -1, 1.5, Number.NaN]) {
      expect(() => encode.encodePrepare(out, id, 10), `instance ${id}`).toThrow(InvariantError);
      expect(() => encode.encodePrepareFrom(out, id, 1, 10), `instance ${id}`).toThrow(InvariantError);
    }
    for (const id of [10, -1, 1.5]) {
      expect(() => encode.encodeAcceptorState(out, id, 0), `acceptor ${id}`).toThrow(InvariantError);
    }
    for (const token of [2 ** 53, -1, 1.5]) {
      expect(() => encode.encodePing(out, token), `token ${token}`).toThrow(InvariantError);
    }
  });

  it('as a hello of too long a name, version 0 or process 0', () => {
    const out = new ByteBuffer();
    const numbers = { version: 1, roles: 1, id: 0, process: 7, capabilities: 0, fingerprint: 0, storage: 0 };
    const hello = { ...numbers, software: 'x' };
    encode.encodeHello(out, { ...hello, software: 'é'.repeat(32) });
    const longName = { ...hello, software: 'é'.repeat(33) };
    expect(() => encode.encodeHello(out, longName)).toThrow(InvariantError);
    expect(() => encode.encodeHello(out, { ...hello, version: 0 })).toThrow(InvariantError);
    expect(() => encode.encodeHello(out, { ...hello, process: 0 })).toThrow(InvariantError);
  });
});

describe('our messages', () => {
  const max = Number.MAX_SAFE_INTEGER;
  const text = (words: string) => new TextEncoder().encode(words);

  it('are flat arrays of the type and the fields, in the order of the handler’s arguments', () => {
    const hello = {
      version: 1,
      roles: 7,
      id: 2,
      process: 4_000_000_000,
      capabilities: 5,
      fingerprint: 0xdead_beef,
      software: 'libpaxos 0.1.0',
      storage: 2 ** 53 - 1,
    };
    expect(readBack((out) => encode.encodeHello(out, hello))).toEqual([
      64,
      1,
      7,
      2,
      4_000_000_000,
      5,
      0xdead_beef,
      text('libpaxos 0.1.0'),
      2 ** 53 - 1,
    ]);
    const status = {
      acceptorId: 1,
      token: 2,
      highestBallot: 3,
      highestAccepted: max,
      trimInstanceId: 5,
      chosen: 6,
      leaderBallot: 7,
    };
    expect(readBack((out) => encode.encodeStatus(out, status))).toEqual([69, 1, 2, 3, max, 5, 6, 7]);
    expect(readBack((out) => encode.encodeRefused(out, 3, 'no'))).toEqual([65, 3, text('no')]);
    expect(readBack((out) => encode.encodePing(out, 9))).toEqual([66, 9]);
    expect(readBack((out) => encode.encodePong(out, 9))).toEqual([67, 9]);
    expect(readBack((out) => encode.encodeQuery(out, 9))).toEqual([68, 9]);
    expect(readBack((out) => encode.encodePrepareFrom(out, 1, max, 10))).toEqual([70, 1, max, 10]);
    expect(readBack((out) => encode.encodePromisedValue(out, 1, 10, 2 ** 32, 9, value))).toEqual([
      71,
      1,
      10,
      2 ** 32,
      9,
      value,
    ]);
    expect(readBack((out) => encode.encodePromiseFrom(out, 1, 10, 2, 3, 20, 0, 5))).toEqual([
      72, 1, 10, 2, 3, 20, 0, 5,
    ]);
    expect(readBack((out) => encode.encodeHeartbeat(out, 10, 6, 7))).toEqual([73, 10, 6, 7]);
    expect(readBack((out) => encode.encodeLeader(out, 1, 10, 6, 7))).toEqual([74, 1, 10, 6, 7]);
    expect(readBack((out) => encode.encodeForward(out, 1, 2, value))).toEqual([75, 1, 2, value]);
    expect(readBack((out) => encode.encodeForwarded(out, 1, true))).toEqual([76, 1, 1]);
    expect(readBack((out) => encode.encodeForwarded(out, 1, false))).toEqual([76, 1, 0]);
  });

  it('carry integers above 2^32-1 as uint64, up to 2^53-1', () => {
    expect(hexOf((out) => encode.encodePing(out, 2 ** 32 - 1))).toBe('9242ceffffffff');
    expect(hexOf((out) => encode.encodePing(out, 2 ** 32))).toBe('9242cf0000000100000000');
    expect(hexOf((out) => encode.encodePing(out, max))).toBe('9242cf001fffffffffffff');
  });

  it('cut the reason of a refusal at 256 bytes, between characters', () => {
    const [, , reason] = readBack((out) => encode.encodeRefused(out, 1, `a${'é'.repeat(200)}`)) as unknown[];
    expect(reason).toEqual(text(`a${'é'.repeat(127)}`));
  });
});
