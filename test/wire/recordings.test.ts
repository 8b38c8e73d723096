import { decode as decodeMsgpack } from '@msgpack/msgpack';
import { describe, expect, it, vi } from 'vitest';
import { ByteBuffer } from '../../src/transport/buffer.ts';
import { Decoder } from '../../src/transport/decode.ts';
import { describeMessage, encodeMessage } from '../../src/transport/describe.ts';
import { type Message, MessageLog } from '../../src/transport/message-log.ts';
import { randomInt, SeededRandom } from '../../src/transport/random.ts';
import { originalName, type RecordedStream, recordedMessages, recordedStreams } from './recordings.ts';

// They compute for seconds, and a busy machine may take ten times as long.
vi.setConfig({ testTimeout: 120_000 });

const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

const scratch = new ByteBuffer();

/** Where to cut a stream: the length of the next piece. */
type Cut = () => number;

/** Decodes a stream in pieces; undefined if anything is wrong or left over. */
function decodePieces(bytes: Uint8Array, cut: Cut): readonly Message[] | undefined {
  const log = new MessageLog();
  const decoder = new Decoder(log, { maxMessageBytes: MAX_MESSAGE_BYTES });
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(at + cut(), bytes.length);
    if (decoder.push(bytes.subarray(at, end)) !== undefined) return undefined;
    at = end;
  }
  return decoder.waitingBytes === 0 ? log.messages : undefined;
}

/** How a stream decodes whole, in which the other ways must agree. */
function decodeWhole(stream: RecordedStream): readonly Message[] {
  return decodePieces(stream.bytes, () => stream.bytes.length) ?? [];
}

describe('every recorded message', () => {
  const recorded = recordedMessages();

  it('is of the nine types, of every integer width and every bin', () => {
    expect(recorded.length).toBe(73);
    expect(new Set(recorded.map(({ message }) => message.type)).size).toBe(9);
  });

  it.each(recorded)(
    'decodes to its fields and encodes to the very bytes: $message.type',
    ({ bytes, message }) => {
      expect(decodePieces(bytes, () => bytes.length)).toEqual([message]);
      const out = new ByteBuffer();
      encodeMessage(out, message);
      expect(Buffer.from(out.take()).equals(bytes)).toBe(true);
    },
  );
});

describe('every recorded stream', () => {
  const streams = recordedStreams();

  it('decodes whole, to as many messages of each type as were counted', () => {
    expect(streams.length).toBe(70);
    for (const stream of streams) {
      const messages = decodeWhole(stream);
      expect(messages.length, stream.name).toBe(stream.messages);
      const types: Record<string, number> = {};
      for (const message of messages) {
        const name = originalName(message);
        types[name] = (types[name] ?? 0) + 1;
      }
      expect(types, stream.name).toEqual(stream.types);
    }
  });

  it('encodes to the very bytes again', () => {
    for (const stream of streams) {
      const out = new ByteBuffer();
      for (const message of decodeWhole(stream)) encodeMessage(out, message);
      expect(Buffer.from(out.take()).equals(stream.bytes), stream.name).toBe(true);
    }
  });

  it('holds what another msgpack implementation reads in it', () => {
    for (const stream of streams) {
      const out = new ByteBuffer();
      for (const message of decodeWhole(stream)) {
        encodeMessage(out, message);
        const fields = Object.values(message).slice(1);
        const [, ...read] = decodeMsgpack(out.view()) as unknown[];
        expect(read, describeMessage(message)).toEqual(fields);
        out.clear();
      }
    }
  });

  it.each([
    ['1 to 64', Array.from({ length: 64 }, (_, i) => i + 1)],
    ['a power of two', Array.from({ length: 18 }, (_, i) => 2 ** i)],
  ])('decodes the same in pieces of %s bytes', (_, sizes) => {
    const differing: string[] = [];
    for (const stream of streams) {
      for (const size of sizes) {
        if (!holdsInPieces(stream.bytes, () => size)) differing.push(`${stream.name}: ${size}`);
      }
    }
    expect(differing).toEqual([]);
  });

  it('decodes the same in 1,000 random splits', () => {
    const differing: string[] = [];
    for (const stream of streams) {
      for (let seed = 0; seed < 1000; seed++) {
        const cut = randomCut(new SeededRandom(seed), stream.bytes.length);
        if (!holdsInPieces(stream.bytes, cut)) differing.push(`${stream.name}: seed ${seed}`);
      }
    }
    expect(differing).toEqual([]);
  });
});

/**
 * Whether a stream decodes to the same messages in pieces as whole. They are compared by their bytes, which is quick:
 * above it was seen that the messages of the whole stream encode to the very stream.
 */
function holdsInPieces(bytes: Uint8Array, cut: Cut): boolean {
  scratch.clear();
  for (const message of decodePieces(bytes, cut) ?? []) encodeMessage(scratch, message);
  return Buffer.compare(scratch.view(), bytes) === 0;
}

/** Pieces of one magnitude in each run, from 64 bytes up to the whole; all smaller sizes are tried above. */
function randomCut(random: SeededRandom, streamBytes: number): Cut {
  const largest = 2 ** randomInt(random, 6, Math.ceil(Math.log2(streamBytes)) + 1);
  return () => randomInt(random, 1, largest);
}
