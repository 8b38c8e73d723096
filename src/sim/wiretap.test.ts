/**
 * The wiretap: passes on what it is given, byte for byte, unless told to lose, double or swap; and complains of what no
 * process may write.
 */
import { describe, expect, test } from 'vitest';
import { ByteBuffer } from '../transport/buffer.ts';
import { describeMessage, encodeMessage } from '../transport/describe.ts';
import type { Message } from '../transport/message-log.ts';
import { SeededRandom } from '../transport/random.ts';
import { EventHash } from './event-hash.ts';
import type { Violation } from './violation.ts';
import { Wiretap } from './wiretap.ts';

const NO_FAULTS = { loss: 0, duplication: 0, reordering: 0 };

function bytesOf(...messages: readonly Message[]): Uint8Array {
  const buffer = new ByteBuffer();
  for (const message of messages) encodeMessage(buffer, message);
  return buffer.take();
}

function tap(faults = NO_FAULTS) {
  const seen: string[] = [];
  const complaints: Violation[] = [];
  const hash = new EventHash();
  const wiretap = new Wiretap({
    hash,
    random: new SeededRandom(1),
    now: () => 1.5,
    faults: () => faults,
    see: (from, to, messages) => seen.push(...messages.map((m) => `${from}>${to} ${describeMessage(m)}`)),
    complain: (violation) => complaints.push(violation),
  });
  return { wiretap, seen, complaints, hash };
}

const prepare = (instanceId: number): Message => ({ type: 'prepare', instanceId, ballot: 10 });
const commands: Message = { type: 'commands', session: 1, items: Uint8Array.of(1) };
const value: Message = { type: 'clientValue', value: Uint8Array.of(0x78) };

describe('Wiretap', () => {
  test('shows and counts each message, and passes the bytes on as they are', () => {
    const { wiretap, seen, hash } = tap();
    const before = hash.value;
    const bytes = bytesOf(prepare(1), prepare(2));
    expect(wiretap.pass('p0', 'a0', bytes)).toEqual([bytes]);
    expect(seen).toEqual(['p0>a0 prepare i=1 b=10', 'p0>a0 prepare i=2 b=10']);
    expect(wiretap.sent.counts('sent ')).toEqual([['sent prepare', 2]]);
    expect(hash.value).not.toBe(before);
  });

  test('loses and swaps only what the protocol asks for again, and doubles that and commands', () => {
    const lost = tap({ ...NO_FAULTS, loss: 1 }).wiretap;
    expect(lost.pass('p0', 'a0', bytesOf(prepare(1), value))).toEqual([bytesOf(value)]);
    expect(lost.pass('p0', 'a0', bytesOf(prepare(1)))).toEqual([]);
    const doubled = tap({ ...NO_FAULTS, duplication: 1 }).wiretap;
    expect(doubled.pass('p0', 'a0', bytesOf(prepare(1), value))).toEqual([
      bytesOf(prepare(1), prepare(1), value),
    ]);
    expect(doubled.pass('c0', 'r0', bytesOf(commands))).toEqual([bytesOf(commands, commands)]);
    expect(lost.pass('c0', 'r0', bytesOf(commands))).toEqual([bytesOf(commands)]);
    const swapped = tap({ ...NO_FAULTS, reordering: 1 }).wiretap;
    expect(swapped.pass('p0', 'a0', bytesOf(prepare(1), prepare(2)))).toEqual([
      bytesOf(prepare(2), prepare(1)),
    ]);
  });

  test('complains of what is no message, and of half a message', () => {
    const nonsense = tap();
    nonsense.wiretap.pass('p0', 'a0', Uint8Array.of(0xc1));
    expect(nonsense.complaints.map(({ checker }) => checker)).toEqual(['codec']);
    const half = tap();
    half.wiretap.pass('p0', 'a0', bytesOf(prepare(1)).subarray(0, 2));
    expect(half.complaints.map(({ message }) => message)).toEqual(['codec: p0 sent half a message']);
  });

  test('gives another hash for another moment, name, byte or order', () => {
    const hashes = new Set<number>();
    const moments: readonly [string, string, number, Uint8Array][] = [
      ['p0', 'a0', 1, Uint8Array.of(1, 2)],
      ['p0', 'a1', 1, Uint8Array.of(1, 2)],
      ['p0', 'a0', 1.0000001, Uint8Array.of(1, 2)],
      ['p0', 'a0', 1, Uint8Array.of(2, 1)],
      ['p0', 'a0', 1, Uint8Array.of(1, 2, 0)],
    ];
    for (const moment of moments) {
      const hash = new EventHash();
      hash.write(...moment);
      hashes.add(hash.value);
    }
    expect(hashes.size).toBe(moments.length);
  });
});
