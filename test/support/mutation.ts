/**
 * Mutation: what nodes said to each other, damaged. Streams come from recordings of the original's nodes; what is
 * damaged is drawn from a seeded generator, so that a run can be repeated.
 */
import { Decoder } from '../../src/transport/decode.ts';
import { MessageLog } from '../../src/transport/message-log.ts';
import { randomInt, type SeededRandom } from '../../src/transport/random.ts';
import { recordedStreams } from '../wire/recordings.ts';

export type Direction = 'toServer' | 'toClient';

/** The longest stretch of a stream that is damaged at a time, so that every damage in it matters. */
const MAX_STRETCH = 600;
/** What means something to msgpack: heads of integers, values, arrays and maps. */
const FIRST_HEAD = 0xc0;
const LAST_HEAD = 0xdf;

/** A stream, and where its messages begin. */
interface Stream {
  readonly bytes: Uint8Array;
  readonly starts: readonly number[];
}

/**
 * Stretches of recorded streams of one direction, each beginning with a message.
 *
 * @param link only what was said on connections to these nodes of the recording: `acceptor0`, `replica2`
 */
export function recordedBy(direction: Direction, link = /./): (random: SeededRandom) => Uint8Array {
  const streams: readonly Stream[] = recordedStreams()
    .filter(({ name }) => name.endsWith(direction) && link.test(name))
    .map(({ bytes }) => ({ bytes, starts: messageStarts(bytes) }));
  return (random) => {
    const { bytes, starts } = pick(random, streams);
    const from = pick(random, starts);
    return bytes.subarray(from, from + randomInt(random, 1, MAX_STRETCH));
  };
}

function pick<T>(random: SeededRandom, from: readonly T[]): T {
  const picked = from[randomInt(random, 0, from.length - 1)];
  if (picked === undefined) throw new Error('there is something to pick from');
  return picked;
}

function messageStarts(bytes: Uint8Array): number[] {
  const log = new MessageLog();
  const decoder = new Decoder(log, { maxMessageBytes: 2 ** 20 });
  const starts = [0];
  for (let at = 0; at + 1 < bytes.length; at++) {
    decoder.push(bytes.subarray(at, at + 1));
    if (log.messages.length === starts.length) starts.push(at + 1);
  }
  return starts;
}

/** Bytes with up to four of them changed, taken out, doubled, or replaced by what means something to msgpack. */
export function mutated(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const damage = Array.from(bytes);
  for (let left = randomInt(random, 1, 4); left > 0; left--) {
    const at = randomInt(random, 0, Math.max(0, damage.length - 1));
    const kind = randomInt(random, 0, 5);
    if (kind === 0) damage[at] = randomInt(random, 0, 255);
    else if (kind === 1) damage[at] = randomInt(random, FIRST_HEAD, LAST_HEAD);
    else if (kind === 2) damage.splice(at, randomInt(random, 1, 8));
    else if (kind === 3) damage.splice(at, 0, ...damage.slice(at, at + randomInt(random, 1, 8)));
    else if (kind === 4)
      damage.splice(at, 0, randomInt(random, FIRST_HEAD, LAST_HEAD), 0xff, 0xff, 0xff, 0xff);
    // A small integer becomes a large one: the message stays whole, and says something else.
    else damage.splice(at, 1, 0xce, ...Array.from({ length: 4 }, () => randomInt(random, 0, 255)));
  }
  return Uint8Array.from(damage);
}
