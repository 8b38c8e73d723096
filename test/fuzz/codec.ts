/**
 * The codec as a target: any bytes, as a connection may bring them.
 *
 * Must hold: nothing is thrown; the same comes of them whole and in pieces, whatever lies behind them in memory; no more
 * waits than may; what was decoded is what another implementation of msgpack reads there, and is the same once more
 * when it is encoded and decoded again.
 */
import { isDeepStrictEqual } from 'node:util';
import { decodeMulti } from '@msgpack/msgpack';
import fc from 'fast-check';
import { ByteBuffer } from '../../src/transport/buffer.ts';
import { Decoder } from '../../src/transport/decode.ts';
import { encodeMessage } from '../../src/transport/describe.ts';
import { type Message, MessageLog } from '../../src/transport/message-log.ts';
import { message } from '../wire/arbitrary.ts';
import { type FuzzTarget, mustHold } from './target.ts';

const MAX_MESSAGE_BYTES = 1024;
const MAX_BYTES = 4096;
const PIECES = [1, 7] as const;
/** What lies around an input in memory: a read beyond its ends shows. */
const POISON = 0x93;
const MARGIN_BYTES = 64;
/** What comes behind: whoever waits for more than a message may have goes on waiting. */
const FILLER = new Uint8Array(2 * MAX_MESSAGE_BYTES);
const ROUGHLY = 2 ** -48;
const SAMPLES = 200;
const SAMPLE_BYTES = 200;

interface Decoded {
  readonly messages: readonly Message[];
  readonly reason: string | undefined;
}

export const codec: FuzzTarget = {
  name: 'codec',
  maxBytes: MAX_BYTES,
  batch: 200,
  beginnings: encodedSamples,
  words: encodedSamples().filter(({ length }) => length < 40),
  run: (input) => {
    const whole = decoded(input, input.length);
    for (const pieceBytes of PIECES) {
      const same = isDeepStrictEqual(decoded(input, pieceBytes), whole);
      mustHold(same, () => `in pieces of ${pieceBytes} it is read otherwise than whole`);
    }
    mustHold(!/\n/.test(whole.reason ?? ''), () => 'the reason has more than one line');
    mustBeAsMsgpackHasIt(input, whole);
    if (whole.reason === undefined) decoded(Buffer.concat([input, FILLER]), MAX_MESSAGE_BYTES);
    mustSurviveTheWay(whole.messages);
    const reason = whole.reason?.replaceAll(/0x\w+|\d+/g, 'N') ?? 'waits';
    return [reason, ...whole.messages.map(({ type }) => type)];
  },
};

function decoded(input: Uint8Array, pieceBytes: number): Decoded {
  const log = new MessageLog();
  const decoder = new Decoder(log, { maxMessageBytes: MAX_MESSAGE_BYTES });
  let reason: string | undefined;
  for (let at = 0; at < input.length; at += pieceBytes) {
    const piece = input.subarray(at, at + pieceBytes);
    // In memory of its own, since what is decoded may be a view.
    const memory = new Uint8Array(piece.length + 2 * MARGIN_BYTES).fill(POISON);
    memory.set(piece, MARGIN_BYTES);
    reason = decoder.push(memory.subarray(MARGIN_BYTES, MARGIN_BYTES + piece.length));
    const waiting = decoder.waitingBytes;
    mustHold(waiting <= MAX_MESSAGE_BYTES, () => `${waiting} bytes wait`);
    mustHold(reason === undefined || waiting === 0, () => `${waiting} bytes wait after the end`);
  }
  return { messages: log.messages, reason };
}

/** What another implementation finds, as far as it gets. */
function* readByMsgpack(input: Uint8Array): Generator<unknown> {
  try {
    yield* decodeMulti(input, { useBigInt64: true, rawStrings: true });
  } catch {
    // What is behind is no msgpack, or not whole: ours may have skipped it, or waits for the rest.
  }
}

/** They have a text, in which what is no UTF-8, or would not fit on a line, is mended on the way in. */
const TEXTS: readonly Message['type'][] = ['hello', 'refused', 'nodeStatus'];

/** Compares what was decoded, written anew, with what stands in the input; fields behind those we know are skipped. */
function mustBeAsMsgpackHasIt(input: Uint8Array, { messages, reason = '' }: Decoded): void {
  const read = readByMsgpack(input);
  for (const [index, one] of messages.entries()) {
    const there = read.next();
    if (there.done === true) return;
    const ours = one.type === 'unknown' ? [one.unknownType] : [...readByMsgpack(encoded(one))].flat();
    const theirs: readonly unknown[] = Array.isArray(there.value) ? there.value.slice(0, ours.length) : [];
    const hasText = TEXTS.includes(one.type);
    const isSame = (field: unknown, i: number) =>
      (hasText && field instanceof Uint8Array) || isSameField(ours[i], field);
    const same = theirs.length === ours.length && theirs.every(isSame);
    mustHold(same, () => `message ${index} is read as ${show(ours)}, and is ${show(theirs)}`);
  }
  if (!reason.includes('where an array was expected')) return;
  const there = read.next();
  mustHold(there.done === true || !Array.isArray(there.value), () => `${reason}, and there is one`);
}

function isSameField(ours: unknown, theirs: unknown): boolean {
  const isInteger = typeof theirs === 'bigint' || typeof theirs === 'number';
  if (!isInteger) return isDeepStrictEqual(ours, theirs);
  const [left, right] = [Number(ours), Number(theirs)];
  // The type of an unknown message may be beyond 2^53, where it is only roughly right.
  return left === right || (Math.abs(right) > 2 ** 53 && Math.abs(left / right - 1) < ROUGHLY);
}

/** What was decoded is decoded again from what we would write. */
function mustSurviveTheWay(messages: readonly Message[]): void {
  for (const one of messages) {
    if (one.type === 'unknown') continue;
    const again = decoded(encoded(one), MAX_MESSAGE_BYTES).messages;
    mustHold(isDeepStrictEqual(again, [one]), () => `it is written as ${show(again)}, and was ${show(one)}`);
  }
}

function encoded(one: Message): Uint8Array {
  const out = new ByteBuffer();
  encodeMessage(out, one);
  return out.take();
}

function encodedSamples(): Uint8Array[] {
  return fc
    .sample(message, { numRuns: SAMPLES, seed: 1 })
    .map(encoded)
    .filter(({ length }) => length <= SAMPLE_BYTES);
}

function show(what: unknown): string {
  const plain = (_key: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value);
  return JSON.stringify(what, plain).slice(0, 300);
}
