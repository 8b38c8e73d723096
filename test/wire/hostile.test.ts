import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Decoder } from '../../src/transport/decode.ts';
import { describeMessage } from '../../src/transport/describe.ts';
import { MessageLog } from '../../src/transport/message-log.ts';
import { randomInt, SeededRandom } from '../../src/transport/random.ts';
import { recordedMessages, recordedStreams } from './recordings.ts';

// They compute for seconds, and a busy machine may take ten times as long.
vi.setConfig({ testTimeout: 120_000 });

const MEGABYTE = 1024 * 1024;
const MAX_MESSAGE_BYTES = 64 * MEGABYTE;

interface Hostile {
  readonly what: string;
  /** the bytes; `then` follows so many `times`, or without it the bytes are repeated */
  readonly hex: string;
  readonly then?: string;
  readonly times?: number;
  /** the messages that are decoded from it, and the reason why the connection is closed; neither is also a claim */
  readonly messages?: readonly string[];
  readonly reason?: string;
}

const hostile: Hostile[] = JSON.parse(readFileSync(new URL('hostile.json', import.meta.url), 'utf8'));

function bytesOf({ hex, then, times = 1 }: Hostile): Uint8Array {
  return Buffer.from(then === undefined ? hex.repeat(times) : hex + then.repeat(times), 'hex');
}

interface Outcome {
  readonly messages: readonly string[];
  readonly reason: string | undefined;
}

/** Decodes bytes in pieces of `pieceBytes`, looking at every step whether no more waits than may. */
function decodeBytes(bytes: Uint8Array, pieceBytes: number, maxMessageBytes = MAX_MESSAGE_BYTES): Outcome {
  const log = new MessageLog();
  const decoder = new Decoder(log, { maxMessageBytes });
  let reason: string | undefined;
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    reason = decoder.push(bytes.subarray(at, at + pieceBytes));
    if (decoder.waitingBytes > maxMessageBytes) throw new Error(`${decoder.waitingBytes} bytes wait`);
  }
  return { messages: log.messages.map(describeMessage), reason };
}

describe('hostile input', () => {
  it.each(hostile)('$what', (input) => {
    const bytes = bytesOf(input);
    const outcome = { messages: input.messages ?? [], reason: input.reason };
    for (const pieceBytes of [bytes.length, 1, 3]) expect(decodeBytes(bytes, pieceBytes)).toEqual(outcome);
  });

  it('400 random bytes, 10,000 times: an end with a reason, or a wait for the rest', () => {
    const random = new SeededRandom(400);
    let ended = 0;
    for (let run = 0; run < 10_000; run++) {
      const bytes = Uint8Array.from({ length: 400 }, () => randomInt(random, 0, 255));
      if (decodeBytes(bytes, randomInt(random, 1, 400)).reason !== undefined) ended++;
    }
    expect(ended).toBeGreaterThan(9_900);
  });

  it('any bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 600 });
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 64 }), (any, pieceBytes) => {
        const whole = decodeBytes(any, Math.max(1, any.length), 1024);
        expect(decodeBytes(any, pieceBytes, 1024)).toEqual(whole);
        expect(whole.reason ?? '').not.toMatch(/\n/);
      }),
      { numRuns: 5000 },
    );
  });

  it('any bytes behind the head of a message', () => {
    const head = fc.tuple(fc.integer({ min: 0x90, max: 0x9f }), fc.integer({ min: 0, max: 0x7f }));
    const bytes = fc.uint8Array({ maxLength: 60 });
    fc.assert(
      fc.property(head, bytes, fc.integer({ min: 1, max: 8 }), (first, any, pieceBytes) => {
        const message = Uint8Array.of(...first, ...any);
        expect(decodeBytes(message, pieceBytes, 1024)).toEqual(decodeBytes(message, message.length, 1024));
      }),
      { numRuns: 5000 },
    );
  });
});

describe('a damaged recording', () => {
  /** A stretch of each stream, short enough that every damage in it matters. */
  const stretches = [
    ...recordedMessages().map(({ bytes }) => bytes),
    ...recordedStreams().map(({ bytes }) => bytes.subarray(0, 600)),
  ].filter((bytes) => bytes.length <= 600);

  it('decodes or ends with a reason, 100,000 times, and the same in pieces as whole', () => {
    const random = new SeededRandom(100_000);
    const reasons = new Set<string>();
    for (let run = 0; run < 100_000; run++) {
      const stretch = stretches[run % stretches.length] ?? new Uint8Array(0);
      const bytes = damaged(stretch, random);
      const { reason } = decodeBytes(bytes, randomInt(random, 1, 600));
      if (reason !== undefined) reasons.add(reason.replaceAll(/[0-9]+/g, 'N'));
      if (run % 100 === 0) expect(decodeBytes(bytes, 1), `run ${run}`).toEqual(decodeBytes(bytes, 600));
    }
    expect(reasons.size).toBeGreaterThan(50);
  });

  it('takes no more memory than a message that is trusted, whatever it announces', () => {
    const random = new SeededRandom(1);
    let most = 0;
    for (let run = 0; run < 20_000; run++) {
      const bytes = damaged(stretches[run % stretches.length] ?? new Uint8Array(0), random);
      const before = process.memoryUsage().arrayBuffers;
      decodeBytes(bytes, 100);
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(most).toBeLessThan(0.5 * MEGABYTE);
  });
});

/** Bytes with up to four of them changed, taken out, doubled, or replaced by what means something to msgpack. */
function damaged(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const damage = Array.from(bytes);
  for (let left = randomInt(random, 1, 4); left > 0; left--) {
    const at = randomInt(random, 0, Math.max(0, damage.length - 1));
    const kind = randomInt(random, 0, 4);
    if (kind === 0) damage[at] = randomInt(random, 0, 255);
    else if (kind === 1) damage[at] = randomInt(random, 0xc0, 0xdf);
    else if (kind === 2) damage.splice(at, randomInt(random, 1, 8));
    else if (kind === 3) damage.splice(at, 0, ...damage.slice(at, at + randomInt(random, 1, 8)));
    else damage.splice(at, 0, randomInt(random, 0xc0, 0xdf), 0xff, 0xff, 0xff, 0xff);
  }
  return Uint8Array.from(damage);
}
