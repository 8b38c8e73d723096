import { isDeepStrictEqual } from 'node:util';
import { decode as decodeMsgpack, encode as encodeMsgpack } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { ByteBuffer } from '../../src/transport/buffer.ts';
import { Decoder } from '../../src/transport/decode.ts';
import { encodeMessage } from '../../src/transport/describe.ts';
import { type Message, MessageLog } from '../../src/transport/message-log.ts';
import { MessageType } from '../../src/transport/messages.ts';
import { message } from './arbitrary.ts';

// They compute for seconds, and a busy machine may take ten times as long.
vi.setConfig({ testTimeout: 120_000 });

const MAX_MESSAGE_BYTES = 1024 * 1024;

interface Outcome {
  readonly messages: readonly Message[];
  readonly reason: string | undefined;
}

/** Decodes bytes cut into pieces of these lengths, the last one taking the rest. */
function decodePieces(bytes: Uint8Array, lengths: readonly number[]): Outcome {
  const log = new MessageLog();
  const decoder = new Decoder(log, { maxMessageBytes: MAX_MESSAGE_BYTES });
  let at = 0;
  for (const length of lengths) {
    decoder.push(bytes.subarray(at, at + length));
    at += length;
  }
  const reason = decoder.push(bytes.subarray(at));
  return { messages: log.messages, reason };
}

/** Large values make `toEqual` take seconds; what differs is in fast-check's counterexample anyway. */
function expectSame(found: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(found, expected)) expect(found).toEqual(expected);
}

function encodeAll(messages: readonly Message[]): Uint8Array {
  const out = new ByteBuffer();
  for (const each of messages) encodeMessage(out, each);
  return out.take();
}

/** The array that a message of ours or of the original's is on the wire: field values in the order of the encoder. */
function arrayOf({ type, ...fields }: Exclude<Message, { readonly type: 'unknown' }>): unknown[] {
  const plain = Object.values(fields).map((field) => {
    if (typeof field === 'string') return new TextEncoder().encode(field);
    return typeof field === 'boolean' ? Number(field) : field;
  });
  return [MessageType[type], ...plain];
}

/** Types from 64 to here are ours; those between are known, too. */
const LAST_KNOWN = Math.max(...Object.values(MessageType));

describe('any message', () => {
  it('encodes to bytes that decode to it', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), (messages) => {
        expectSame(decodePieces(encodeAll(messages), []), { messages, reason: undefined });
      }),
      { numRuns: 2000 },
    );
  });

  it('is to another msgpack implementation the array of its type and fields', () => {
    fc.assert(
      fc.property(message, (any) => {
        if (any.type === 'unknown') return;
        expectSame(decodeMsgpack(encodeAll([any])), arrayOf(any));
      }),
      { numRuns: 2000 },
    );
  });

  it('decodes from what another msgpack implementation encodes', () => {
    fc.assert(
      fc.property(message, (any) => {
        if (any.type === 'unknown') return;
        expectSame(decodePieces(encodeMsgpack(arrayOf(any)), []).messages, [any]);
      }),
      { numRuns: 2000 },
    );
  });

  it('is encoded in as few bytes as that implementation needs', () => {
    fc.assert(
      fc.property(message, (any) => {
        if (any.type === 'unknown') return;
        expectSame(encodeAll([any]), encodeMsgpack(arrayOf(any)));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('any stream', () => {
  const pieces = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 200 });

  it('decodes to the same messages however it is split', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), pieces, (messages, lengths) => {
        expectSame(decodePieces(encodeAll(messages), lengths), { messages, reason: undefined });
      }),
      { numRuns: 1000 },
    );
  });

  it('decodes the same however it is split, broken ones too', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), damage, pieces, (messages, changes, lengths) => {
        const bytes = encodeAll(messages).slice();
        for (const [at, byte] of changes) bytes[at % Math.max(1, bytes.length)] = byte;
        expectSame(decodePieces(bytes, lengths), decodePieces(bytes, []));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('any msgpack', () => {
  const leaf = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.string(),
    fc.uint8Array({ maxLength: 300 }),
    fc.date({ noInvalidDate: true }),
  );
  const { object } = fc.letrec((tie) => ({
    object: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, tie('array'), tie('map')),
    array: fc.array(tie('object'), { maxLength: 20 }),
    map: fc.dictionary(fc.string({ maxLength: 40 }), tie('object'), { maxKeys: 20 }),
  }));

  it('is skipped in an array of a type that nobody knows, to the byte', () => {
    const type = fc.oneof(fc.integer({ min: 9, max: 63 }), fc.integer({ min: LAST_KNOWN + 1 }), fc.integer({ max: -1 }));
    fc.assert(
      fc.property(type, fc.array(object, { maxLength: 20 }), (unknownType, objects) => {
        const next: Message = { type: 'ping', token: 1 };
        const bytes = Buffer.concat([encodeMsgpack([unknownType, ...objects]), encodeAll([next])]);
        const messages = [{ type: 'unknown', unknownType }, next];
        for (const lengths of [[], [1, 1, 1, 1, 1, 1, 1, 1], new Array<number>(bytes.length).fill(1)]) {
          expectSame(decodePieces(bytes, lengths), { messages, reason: undefined });
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is skipped behind the fields that are known', () => {
    fc.assert(
      fc.property(message, fc.array(object, { maxLength: 5 }), (any, objects) => {
        if (any.type === 'unknown') return;
        const next: Message = { type: 'ping', token: 1 };
        const bytes = Buffer.concat([encodeMsgpack([...arrayOf(any), ...objects]), encodeAll([next])]);
        expectSame(decodePieces(bytes, []), { messages: [any, next], reason: undefined });
      }),
      { numRuns: 500 },
    );
  });
});
