import { encode as encodeMsgpack } from '@msgpack/msgpack';
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../paxos/invariant.ts';
import { Decoder } from './decode.ts';
import { describeMessage } from './describe.ts';
import { MessageLog } from './message-log.ts';

const MEGABYTE = 1024 * 1024;
const MAX_MESSAGE_BYTES = 64 * MEGABYTE;

interface Decoded {
  /** each message in a line, and the reason why it ended, if it did */
  readonly lines: readonly string[];
  readonly reason: string | undefined;
  readonly waitingBytes: number;
}

/** Decodes a stream that comes in pieces of `pieceBytes`. */
function decodeBytes(
  bytes: Uint8Array,
  pieceBytes = bytes.length,
  maxMessageBytes = MAX_MESSAGE_BYTES,
): Decoded {
  const log = new MessageLog();
  const decoder = new Decoder(log, { maxMessageBytes });
  let reason: string | undefined;
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    reason = decoder.push(bytes.subarray(at, at + pieceBytes));
  }
  return { lines: log.messages.map(describeMessage), reason, waitingBytes: decoder.waitingBytes };
}

function fromHex(hex: string): Uint8Array {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

/** Decodes hex whole and byte by byte, which must not differ. */
function decodeHex(hex: string): Decoded {
  const whole = decodeBytes(fromHex(hex));
  expect(decodeBytes(fromHex(hex), 1)).toEqual(whole);
  return whole;
}

function linesOf(hex: string): readonly string[] {
  const { lines, reason, waitingBytes } = decodeHex(hex);
  expect(reason).toBeUndefined();
  expect(waitingBytes).toBe(0);
  return lines;
}

function reasonOf(hex: string): string | undefined {
  const { lines, reason, waitingBytes } = decodeHex(hex);
  expect(lines).toEqual([]);
  expect(waitingBytes).toBe(0);
  return reason;
}

describe('the forms of a field', () => {
  it('an integer may have any width', () => {
    const forms = ['0a', 'cc0a', 'cd000a', 'ce0000000a', 'cf000000000000000a'];
    const signed = ['d00a', 'd1000a', 'd20000000a', 'd3000000000000000a'];
    for (const form of [...forms, ...signed]) {
      expect(linesOf(`93 00 01 ${form}`), form).toEqual(['prepare i=1 b=10']);
      expect(linesOf(`93 00 ${form} 0b`), form).toEqual(['prepare i=10 b=11']);
      expect(linesOf(`92 42 ${form}`), form).toEqual(['ping token=10']);
    }
    expect(linesOf('92 cc06 05')).toEqual(['trim i=5']);
    expect(linesOf('dc0002 06 05')).toEqual(['trim i=5']);
    expect(linesOf('dd00000002 06 05')).toEqual(['trim i=5']);
  });

  it('a value may be bin or, as before msgpack 1.0, raw', () => {
    const value = '6162';
    for (const head of ['c402', 'c50002', 'c600000002', 'a2', 'd902', 'da0002', 'db00000002']) {
      expect(linesOf(`92 08 ${head} ${value}`), head).toEqual(['client-value value=ab']);
    }
    expect(linesOf('92 08 c400 92 08 a0')).toEqual(['client-value value=-', 'client-value value=-']);
  });

  it('an integer of the original’s ends at 2^32-1, one of ours at 2^53-1', () => {
    expect(linesOf('93 05 00 ceffffffff')).toEqual(['repeat i=0..4294967295']);
    expect(linesOf('92 06 ceffffffff')).toEqual(['trim i=4294967295']);
    expect(linesOf('93 00 01 ceffffffff')).toEqual(['prepare i=1 b=4294967295']);
    expect(reasonOf('92 06 cf0000000100000000')).toBe('trim: an integer above 4294967295');
    expect(linesOf('92 42 cf001fffffffffffff')).toEqual(['ping token=9007199254740991']);
    expect(reasonOf('92 42 cf0020000000000000')).toBe('ping: an integer above 9007199254740991');
  });
});

describe('a field that is wrong', () => {
  it('is named: not an integer', () => {
    const expected = 'where an integer was expected';
    const wrong: Record<string, string> = {
      c0: `nil ${expected} (byte 0xc0)`,
      c1: `a byte that msgpack never uses ${expected} (byte 0xc1)`,
      c3: `a boolean ${expected} (byte 0xc3)`,
      c40161: `bytes ${expected} (byte 0xc4)`,
      a161: `a string ${expected} (byte 0xa1)`,
      d90161: `a string ${expected} (byte 0xd9)`,
      ca3f800000: `a float ${expected} (byte 0xca)`,
      '9105': `an array ${expected} (byte 0x91)`,
      dd00000000: `an array ${expected} (byte 0xdd)`,
      '80': `a map ${expected} (byte 0x80)`,
      df00000000: `a map ${expected} (byte 0xdf)`,
      d40161: `an extension ${expected} (byte 0xd4)`,
      c7000000: `an extension ${expected} (byte 0xc7)`,
      ff: 'a negative integer',
      d0ff: 'a negative integer',
      d3ffffffffffffffff: 'a negative integer',
    };
    for (const [field, reason] of Object.entries(wrong)) {
      expect(reasonOf(`93 00 01 ${field}`), field).toBe(`prepare: ${reason}`);
      expect(reasonOf(`92 42 ${field}`), field).toBe(`ping: ${reason}`);
    }
  });

  it('is named: not bytes', () => {
    const expected = 'where bytes were expected';
    for (const [field, found] of [
      ['c0', 'nil'],
      ['05', 'an integer'],
      ['ce00000001', 'an integer'],
      ['90', 'an array'],
    ]) {
      expect(reasonOf(`94 02 01 0a ${field}`)).toContain(`accept: ${found} ${expected}`);
      expect(reasonOf(`92 08 ${field}`)).toContain(`clientValue: ${found} ${expected}`);
    }
  });

  it('is named: an id that does not exist', () => {
    const reason = 'acceptor or proposer id 10, where 0 to 9 exist';
    expect(reasonOf('96 01 0a 01 0a 00 c400')).toBe(`promise: ${reason}`);
    expect(reasonOf('96 03 0a 01 0a 0a c400')).toBe(`accepted: ${reason}`);
    expect(reasonOf('94 04 0a 01 0a')).toBe(`preempted: ${reason}`);
    expect(reasonOf('93 07 0a 00')).toBe(`acceptorState: ${reason}`);
    expect(reasonOf('99 40 01 01 0a 01 00 00 c400 00')).toBe(`hello: ${reason}`);
    expect(reasonOf('93 07 ceffffffff 00')).toContain('id 4294967295');
  });

  it('is named: instance 0, where only an instance will do', () => {
    const reason = 'instance id 0, which means none';
    expect(reasonOf('93 00 00 0a')).toBe(`prepare: ${reason}`);
    expect(reasonOf('96 01 00 00 0a 00 c400')).toBe(`promise: ${reason}`);
    expect(reasonOf('94 02 00 0a c40161')).toBe(`accept: ${reason}`);
    expect(reasonOf('96 03 00 00 0a 0a c40161')).toBe(`accepted: ${reason}`);
    expect(reasonOf('94 04 00 00 0a')).toBe(`preempted: ${reason}`);
    expect(reasonOf('94 46 00 01 0a')).toBe(`prepareFrom: ${reason}`);
    expect(reasonOf('96 47 00 0a 00 0a c40161')).toBe(`promisedValue: ${reason}`);
  });

  it('is named: a hello of version or process 0, and neither chosen nor returned', () => {
    expect(reasonOf('99 40 00 01 00 01 00 00 c400 00')).toBe('hello: version 0');
    expect(reasonOf('99 40 01 01 00 00 00 00 c400 00')).toBe('hello: process 0');
    expect(reasonOf('93 4c 01 02')).toBe('forwarded: 2 where 0 or 1 was expected');
  });

  it('is named: a text longer than texts are, by its header', () => {
    expect(reasonOf('99 40 01 01 00 01 00 00 c441')).toBe('hello: text of 65 bytes, and 64 may be');
    expect(reasonOf('93 41 01 c50101')).toBe('refused: text of 257 bytes, and 256 may be');
    expect(reasonOf('93 41 01 c6ffffffff')).toBe('refused: text of 4294967295 bytes, and 256 may be');
  });
});

describe('what is no message', () => {
  it.each([
    ['05', 'an integer where an array was expected (byte 0x05)'],
    ['c0', 'nil where an array was expected (byte 0xc0)'],
    ['c1', 'a byte that msgpack never uses where an array was expected (byte 0xc1)'],
    ['81a16101', 'a map where an array was expected (byte 0x81)'],
    ['90', 'an empty array where a message was expected'],
    ['dc0000', 'an empty array where a message was expected'],
    ['91c0', 'nil where a message type was expected (byte 0xc0)'],
    ['92c3c3', 'a boolean where a message type was expected (byte 0xc3)'],
    ['92cb3ff0000000000000', 'a float where a message type was expected (byte 0xcb)'],
    ['9190', 'an array where a message type was expected (byte 0x90)'],
    ['91a161', 'a string where a message type was expected (byte 0xa1)'],
    ['9100', 'prepare: 0 of its 2 fields'],
    ['920001', 'prepare: 1 of its 2 fields'],
    ['9403010a', 'accepted: 3 of its 5 fields'],
  ])('%s: %s', (hex, reason) => {
    expect(reasonOf(hex)).toBe(reason);
  });

  it('ends the stream: messages before it are handled, those behind it are not', () => {
    const { lines, reason } = decodeHex('92 06 05  c1  92 06 07');
    expect(lines).toEqual(['trim i=5']);
    expect(reason).toContain('0xc1');
  });

  it('leaves a decoder that goes on giving its reason', () => {
    const decoder = new Decoder(new MessageLog(), { maxMessageBytes: MAX_MESSAGE_BYTES });
    const reason = decoder.push(Uint8Array.of(0xc1));
    expect(reason).toBeDefined();
    expect(decoder.push(fromHex('920605'))).toBe(reason);
    expect(decoder.push(new Uint8Array(0))).toBe(reason);
  });
});

describe('what nobody knows', () => {
  it('is skipped and reported: an array of another type', () => {
    expect(linesOf('91 09')).toEqual(['unknown type=9']);
    expect(linesOf('91 3f')).toEqual(['unknown type=63']);
    expect(linesOf('91 7f')).toEqual(['unknown type=127']);
    expect(linesOf('91 cd03e8')).toEqual(['unknown type=1000']);
    expect(linesOf('91 cf8000000000000000')).toEqual(['unknown type=9223372036854776000']);
    expect(linesOf('91 ff')).toEqual(['unknown type=-1']);
    expect(linesOf('91 d0df')).toEqual(['unknown type=-33']);
    expect(linesOf('91 d38000000000000000')).toEqual(['unknown type=-9223372036854776000']);
  });

  it('is skipped whatever its content is', () => {
    const objects = [
      1,
      -1,
      -100_000,
      2 ** 40,
      1.5,
      null,
      true,
      'text',
      'x'.repeat(40),
      'x'.repeat(300),
      'x'.repeat(70_000),
      new Uint8Array(0),
      new Uint8Array(300),
      new Uint8Array(70_000),
      [],
      [1, [2, [3, []]]],
      new Array(20).fill([1]),
      new Array(70_000).fill(1),
      {},
      { a: 1, b: [2], c: { d: null } },
      new Date(0),
      new Date(2 ** 35 * 1000 + 1),
      new Date(-1),
    ];
    for (const object of objects) {
      const bytes = Buffer.concat([encodeMsgpack([9, object, 5]), fromHex('920605')]);
      for (const pieceBytes of [bytes.length, 1, 3]) {
        const { lines, reason } = decodeBytes(bytes, pieceBytes);
        expect(reason).toBeUndefined();
        expect(lines).toEqual(['unknown type=9', 'trim i=5']);
      }
    }
  });

  it('is skipped in every form that msgpack has', () => {
    const forms = [
      'ca3f800000',
      'd6 ff 00000000',
      'd4 01 00',
      'd5 01 0000',
      'd8 01 00000000000000000000000000000000',
      'c7 03 01 000000',
      'c8 0003 01 000000',
      'c9 00000003 01 000000',
      'c7 00 01',
      'de 0001 01 02',
      'df 00000001 01 02',
      'dc 0001 01',
      'dd 00000001 01',
      'd1ffff',
      'd2ffffffff',
    ];
    for (const form of forms) {
      expect(linesOf(`93 09 ${form} 05  92 06 05`), form).toEqual(['unknown type=9', 'trim i=5']);
    }
  });

  it('is skipped behind the fields that are known, in any message', () => {
    expect(linesOf('95 00 01 0a c0 91c3  92 06 05')).toEqual(['prepare i=1 b=10', 'trim i=5']);
    expect(linesOf('93 42 07 81a16101')).toEqual(['ping token=7']);
    expect(linesOf('94 08 c40161 05 c4020000')).toEqual(['client-value value=a']);
  });

  it('keeps no byte of it', () => {
    const log = new MessageLog();
    const decoder = new Decoder(log, { maxMessageBytes: MAX_MESSAGE_BYTES });
    decoder.push(fromHex('92 09 c6 03000000'));
    for (let i = 0; i < 48; i++) {
      expect(decoder.push(new Uint8Array(MEGABYTE))).toBeUndefined();
      expect(decoder.waitingBytes).toBe(0);
      expect(log.messages.length).toBe(i === 47 ? 1 : 0);
    }
  });

  it('is refused if it is not msgpack, or nested deeper than 32', () => {
    expect(reasonOf('92 09 c1')).toBe('a byte that msgpack never uses (byte 0xc1)');
    expect(linesOf(`92 09 ${'91'.repeat(31)} 05`)).toEqual(['unknown type=9']);
    expect(reasonOf(`92 09 ${'91'.repeat(32)} 05`)).toBe('arrays nested deeper than 32');
    expect(reasonOf(`92 09 ${'81 01'.repeat(32)} 05`)).toBe('arrays nested deeper than 32');
    expect(reasonOf(`92 09 ${'91'.repeat(2000)}`)).toBe('arrays nested deeper than 32');
  });
});

describe('the bound of a message', () => {
  const reason = `a message above ${MAX_MESSAGE_BYTES} bytes`;

  it('refuses by the header alone what announces more', () => {
    expect(reasonOf('92 08 c6ffffffff')).toBe(`clientValue: ${reason}`);
    expect(reasonOf('92 08 dbffffffff')).toBe(`clientValue: ${reason}`);
    expect(reasonOf('92 09 c6ffffffff')).toBe(reason);
    expect(reasonOf('92 09 c9ffffffff')).toBe(reason);
    expect(reasonOf('92 09 ddffffffff')).toBe(reason);
    expect(reasonOf('92 09 dfffffffff')).toBe(reason);
    expect(reasonOf('ddffffffff 09')).toBe(reason);
    expect(decodeHex('ddffffffff 06 05').reason).toBe(reason);
  });

  it('takes a message of exactly so many bytes, and none of one more', () => {
    const message = (valueBytes: number) =>
      Buffer.concat([
        fromHex('92 08 c5'),
        Uint8Array.of(valueBytes >> 8, valueBytes),
        new Uint8Array(valueBytes),
      ]);
    for (const pieceBytes of [1, 100, 3000]) {
      const taken = decodeBytes(message(2048 - 5), pieceBytes, 2048);
      expect(taken.lines.length).toBe(1);
      expect(taken.reason).toBeUndefined();
      const refused = decodeBytes(message(2048 - 4), pieceBytes, 2048);
      expect(refused.lines.length).toBe(0);
      expect(refused.reason).toBe('clientValue: a message above 2048 bytes');
    }
  });

  it('counts what is skipped', () => {
    const unknown = (objects: number) =>
      Buffer.concat([
        fromHex('dc'),
        Uint8Array.of((objects + 1) >> 8, objects + 1),
        new Uint8Array(objects + 1).fill(9),
      ]);
    expect(decodeBytes(unknown(2044), 7, 2048).lines).toEqual(['unknown type=9']);
    expect(decodeBytes(unknown(2045), 7, 2048).reason).toBe('a message above 2048 bytes');
    const nested = `93 09 ${'c8 03ff 00'.replaceAll(' ', '')}${'00'.repeat(1023)} c5 0400`;
    expect(decodeBytes(fromHex(nested), 7, 2048).reason).toBe('a message above 2048 bytes');
  });

  it('is 1,024 bytes or more, so that every message without a value is below it', () => {
    expect(() => new Decoder(new MessageLog(), { maxMessageBytes: 1023 })).toThrow(InvariantError);
  });

  it('takes memory for what came, not for what was announced', () => {
    const decoders = Array.from({ length: 200 }, () => {
      return new Decoder(new MessageLog(), { maxMessageBytes: MAX_MESSAGE_BYTES });
    });
    const before = process.memoryUsage().arrayBuffers;
    for (const decoder of decoders) {
      expect(decoder.push(fromHex('92 08 c603f00000 0102030405'))).toBeUndefined();
      expect(decoder.waitingBytes).toBe(12);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 0.3 * MEGABYTE);
  });
});

describe('a message in many pieces', () => {
  it('is gathered in linear time: 8 MB, 16 bytes at a time', () => {
    const value = Buffer.alloc(8 * MEGABYTE);
    for (let i = 0; i < value.length; i += 4) value.writeInt32LE(i, i);
    const head = Buffer.from(fromHex('92 08 c600800000'));
    const log = new MessageLog();
    const decoder = new Decoder(log, { maxMessageBytes: MAX_MESSAGE_BYTES });
    const bytes = Buffer.concat([head, value]);
    let waited = true;
    for (let at = 0; at < bytes.length; at += 16) {
      waited &&= decoder.waitingBytes === at;
      decoder.push(bytes.subarray(at, at + 16));
    }
    expect(waited).toBe(true);
    const [message] = log.messages;
    expect(message?.type === 'clientValue' && value.equals(message.value)).toBe(true);
    expect(decoder.waitingBytes).toBe(0);
  });

  it('may be followed by others in its last piece', () => {
    const log = new MessageLog();
    const decoder = new Decoder(log, { maxMessageBytes: MAX_MESSAGE_BYTES });
    decoder.push(fromHex('92 08 c4'));
    decoder.push(fromHex('03 61'));
    decoder.push(fromHex('62 63 92 06 05 92 06'));
    expect(log.messages.map(describeMessage)).toEqual(['client-value value=abc', 'trim i=5']);
    expect(decoder.waitingBytes).toBe(2);
  });

  it('gives values that stay as they are, whatever comes later', () => {
    const log = new MessageLog();
    const decoder = new Decoder(log, { maxMessageBytes: MAX_MESSAGE_BYTES });
    const bytes = fromHex('92 08 c403616161  92 08 c403626262  92 08 c403636363');
    for (let at = 0; at < bytes.length; at += 2) decoder.push(bytes.slice(at, at + 2));
    expect(log.messages.map(describeMessage)).toEqual([
      'client-value value=aaa',
      'client-value value=bbb',
      'client-value value=ccc',
    ]);
  });
});

describe('stop', () => {
  /** Decodes hex with a handler that stops the decoder at the first call of `method`. */
  function decodeUntil(method: 'trim' | 'unknown', hex: string, pieceBytes: number): Decoded {
    const log = new MessageLog();
    const decoder = new Decoder(log, { maxMessageBytes: MAX_MESSAGE_BYTES });
    log[method] = () => decoder.stop();
    const bytes = fromHex(hex);
    let reason: string | undefined;
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      reason ??= decoder.push(bytes.subarray(at, at + pieceBytes));
    }
    return { lines: log.messages.map(describeMessage), reason, waitingBytes: decoder.waitingBytes };
  }

  it('lets the running push return at once, and later ones do nothing', () => {
    const stopped = { lines: ['ping token=1'], reason: undefined, waitingBytes: 0 };
    for (const pieceBytes of [1, 2, 3, 5, 100]) {
      expect(decodeUntil('trim', '92 42 01  92 06 05  92 42 02  c1', pieceBytes)).toEqual(stopped);
      expect(decodeUntil('trim', '92 42 01  94 06 05 c1 c1  92 42 02', pieceBytes)).toEqual(stopped);
      expect(decodeUntil('unknown', '92 42 01  92 09 05  92 42 02', pieceBytes)).toEqual(stopped);
      expect(decodeUntil('unknown', '92 42 01  91 09  92 42 02', pieceBytes)).toEqual(stopped);
    }
  });

  it('lets go of what waited', () => {
    const decoder = new Decoder(new MessageLog(), { maxMessageBytes: MAX_MESSAGE_BYTES });
    decoder.push(fromHex('92 08 c4 05 01 02'));
    expect(decoder.waitingBytes).toBe(6);
    decoder.stop();
    expect(decoder.waitingBytes).toBe(0);
    expect(decoder.push(fromHex('c1'))).toBeUndefined();
  });
});

describe('text', () => {
  it('comes without what would steer a terminal or break a line of the log', () => {
    const log = new MessageLog();
    const decoder = new Decoder(log, { maxMessageBytes: MAX_MESSAGE_BYTES });
    const text = Buffer.from('a\n\u001b[31m\u0085é');
    decoder.push(Buffer.concat([fromHex('93 41 02 c4'), Uint8Array.of(text.length), text]));
    expect(log.messages).toEqual([{ type: 'refused', code: 2, reason: 'a\ufffd\ufffd[31m\ufffdé' }]);
  });

  it('may be no UTF-8', () => {
    expect(linesOf('93 41 02 c4 03 61 ff 62')).toEqual(['refused code=2 "a\ufffdb"']);
  });
});
