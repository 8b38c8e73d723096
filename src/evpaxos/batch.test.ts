import { afterEach, describe, expect, it } from 'vitest';
import { MemoryCluster } from '../../test/support/memory-cluster.ts';
import { PartitionCluster } from '../../test/support/partition-cluster.ts';
import { WaitingValues } from '../paxos/waiting.ts';
import { encodeForward } from '../transport/encode.ts';
import { Role } from '../transport/messages.ts';
import { SeededRandom } from '../transport/random.ts';
import { Batches, CLOCK_ITEM, encodeClock, MAX_BATCH_BYTES, MAX_CLOCK_BYTES } from './batch.ts';
import type { Node } from './node.ts';
import { maxValueBytes, type Value } from './values.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array) => new TextDecoder().decode(value);

function fragment(value: Uint8Array | string, more: Partial<Value> = {}): Value {
  const own = typeof value === 'string' ? bytes(value) : value;
  return { value: own, hops: 0, giver: undefined, token: 0, chosen: undefined, ...more };
}

function waitingOf(...values: readonly Value[]): WaitingValues<Value> {
  const waiting = new WaitingValues<Value>();
  for (const value of values) waiting.push(value);
  return waiting;
}

/** Where the CLOCK in front ends. */
function clockBytes(value: Uint8Array): number {
  if (value[0] !== CLOCK_ITEM) return 0;
  let at = 1;
  for (let varint = 0; varint < 2; varint++) {
    while ((value[at] ?? 0) >= 0x80) at++;
    at++;
  }
  return at;
}

const itemsOf = (value: Uint8Array) => text(value.subarray(clockBytes(value)));

describe('Batches', () => {
  const batches = new Batches({ wallMicros: () => 1_700_000_000_123_456 }, new SeededRandom(1));

  it('puts what waits one behind the other, and a clock in front', () => {
    const parts = [fragment('one'), fragment('two', { hops: 2 }), fragment('three')];
    const waiting = waitingOf(...parts);
    const joined = batches.join(waiting);
    expect(joined?.parts).toEqual(parts);
    expect(joined?.hops).toBe(2);
    expect(waiting.count).toBe(0);
    const value = joined?.value ?? bytes('');
    expect(value.subarray(0, 7)).toEqual(encodeClock(1_700_000_000_123, 0).subarray(0, 7));
    expect(itemsOf(value)).toBe('onetwothree');
    expect(batches.join(waiting)).toBeUndefined();
  });

  it('gives every value its own chance', () => {
    const values = [batches.join(waitingOf(fragment('x'))), batches.join(waitingOf(fragment('x')))];
    expect(values[0]?.value).not.toEqual(values[1]?.value);
  });

  it('takes no more than fits, and a larger one alone', () => {
    const half = () => fragment(new Uint8Array(MAX_BATCH_BYTES / 2).fill(0x61));
    const large = fragment(new Uint8Array(MAX_BATCH_BYTES + 1).fill(0x62));
    const waiting = waitingOf(half(), half(), fragment('c'), large, fragment('d'));
    const sizes = () => {
      const joined = batches.join(waiting);
      return joined?.parts?.map(({ value }) => value.length);
    };
    expect(sizes()).toEqual([MAX_BATCH_BYTES / 2, MAX_BATCH_BYTES / 2]);
    expect(sizes()).toEqual([1]);
    expect(sizes()).toEqual([MAX_BATCH_BYTES + 1]);
    expect(sizes()).toEqual([1]);
    expect(sizes()).toBeUndefined();
  });

  it('joins no more than a message may hold', () => {
    const small = new Batches({ wallMicros: () => 0 }, new SeededRandom(1), 100 + MAX_CLOCK_BYTES);
    const waiting = waitingOf(...Array.from({ length: 3 }, () => fragment(new Uint8Array(50))));
    expect([small.join(waiting)?.parts?.length, small.join(waiting)?.parts?.length]).toEqual([2, 1]);
  });

  it('joins what was joined before anew, part by part', () => {
    const [one, two, three] = [fragment('one'), fragment('two'), fragment('three')];
    const joined = batches.join(waitingOf(one, two));
    const again = batches.join(waitingOf(joined ?? one, three));
    expect(again?.parts).toEqual([one, two, three]);
    expect(itemsOf(again?.value ?? bytes(''))).toBe('onetwothree');
  });

  it('leaves the clock of another leader where it is', () => {
    const theirs = fragment(Uint8Array.from([...encodeClock(5, 6), 0x78]));
    const joined = batches.join(waitingOf(theirs, fragment('y')));
    expect(joined?.value).toEqual(Uint8Array.from([...encodeClock(5, 6), 0x78, 0x79]));
  });

  it('writes a clock of at most so many bytes', () => {
    expect(encodeClock(0, 0)).toEqual(Uint8Array.of(CLOCK_ITEM, 0, 0));
    expect(encodeClock(300, 127)).toEqual(Uint8Array.of(CLOCK_ITEM, 0xac, 0x02, 0x7f));
    expect(encodeClock(Number.MAX_SAFE_INTEGER, 2 ** 32 - 1)).toHaveLength(MAX_CLOCK_BYTES);
  });
});

describe('with value-format commands', () => {
  let cluster: MemoryCluster;
  let delivered: string[];
  let settled: string[];

  afterEach(() => cluster.closeAll());

  async function start(replicas: number, maxMessageBytes = 2 ** 20): Promise<void> {
    cluster = new MemoryCluster({ replicas }, { valueFormat: 'commands', maxMessageBytes });
    delivered = [];
    settled = [];
    for (let id = 0; id < replicas; id++) {
      const more = id === 0 ? { deliver: ({ value }: { value: Uint8Array }) => note(value) } : {};
      await cluster.replica(id, undefined, more);
    }
    cluster.world.advance(1000);
  }

  const note = (value: Uint8Array) => void delivered.push(itemsOf(value));

  function submit(node: Node | undefined, ...values: readonly string[]): void {
    for (const value of values) node?.values?.submit(bytes(value), () => settled.push(value));
  }

  it('what is submitted in a turn is one instance, and each giver is told', async () => {
    await start(3);
    submit(cluster.leader.node, 'a', 'b', 'c');
    cluster.world.advance(10);
    expect(delivered).toEqual(['abc']);
    expect(settled).toEqual(['a', 'b', 'c']);
  });

  it('values that were passed on share an instance with others, and their givers are told', async () => {
    await start(3);
    const follower = [...cluster.nodes.values()].find((node) => node !== cluster.leader.node);
    submit(follower, 'a', 'b');
    submit(cluster.leader.node, 'c');
    cluster.world.advance(100);
    expect(delivered.join('').split('').sort()).toEqual(['a', 'b', 'c']);
    expect(settled.sort()).toEqual(['a', 'b', 'c']);
  });

  it('what was with a leader that was outvoted is passed on to the next, and settled there', async () => {
    const parted = new PartitionCluster(3, 1, { valueFormat: 'commands' });
    await parted.start();
    const first = parted.leader ?? Number.NaN;
    const others = [0, 1, 2].filter((id) => id !== first);
    const chosen: string[] = [];
    const give = (value: string, to = first) => parted.submit(to, `<${value}>`, () => chosen.push(value));
    // Its ACCEPTs reach nobody: a and b share an instance that nobody else will ever hear of.
    parted.cutAllBut([[others[0] ?? first, others[1] ?? first]]);
    give('a');
    give('b');
    await parted.pass(5);
    give('c');
    expect(await parted.until(() => others.includes(parted.leader ?? first), 5000)).toBe(true);
    expect(chosen).toEqual([]);
    give('d', parted.leader);
    await parted.pass(1000);
    parted.cutAllBut([
      [0, 1],
      [0, 2],
      [1, 2],
    ]);
    expect(await parted.until(() => chosen.length === 4, 10_000)).toBe(true);
    expect(chosen.toSorted()).toEqual(['a', 'b', 'c', 'd']);
    await parted.until(() => parted.delivered.every((values) => values.length >= 2), 5000);
    for (const values of parted.delivered) {
      const items = values.flatMap((value) => value.match(/<.>/g) ?? []);
      expect(items.toSorted()).toEqual(['<a>', '<b>', '<c>', '<d>']);
    }
  });

  it('the largest value has room for the clock that a leader puts in front', async () => {
    await start(1, 2048);
    const { node } = cluster.leader;
    const limit = maxValueBytes(node.config) - MAX_CLOCK_BYTES;
    expect(() => node.values?.submit(new Uint8Array(limit + 1).fill(0x61))).toThrow(`allows ${limit}`);
    expect(node.values?.take(new Uint8Array(limit + 1).fill(0x61))?.message).toContain(`allows ${limit}`);
    submit(node, 'a'.repeat(limit));
    cluster.world.advance(10);
    expect(delivered).toEqual(['a'.repeat(limit)]);
    // What another leader has joined is as large as a message may be.
    const peer = cluster.connect('acceptor', 0);
    peer.sayHello(cluster.hello(Role.client));
    peer.say((out) => encodeForward(out, 1, 1, new Uint8Array(limit + MAX_CLOCK_BYTES).fill(CLOCK_ITEM)));
    await cluster.settled();
    expect(peer.messages).toContainEqual({ type: 'forwarded', token: 1, chosen: true });
  });
});

describe('a full queue', () => {
  it('tells when it has room again, once', async () => {
    const cluster = new MemoryCluster({ replicas: 3 }, { maxWaitingBytes: 4096, maxMessageBytes: 1024 });
    const node = await cluster.replica(0);
    let told = 0;
    const submit = () => node.values?.submit(new Uint8Array(500));
    expect(() => {
      for (;;) submit();
    }).toThrow('too many values wait');
    node.values?.whenRoom(() => told++);
    cluster.world.advance(100);
    expect(told).toBe(0);
    for (const id of [1, 2]) await cluster.replica(id);
    cluster.world.advance(2000);
    expect(told).toBe(1);
    submit();
    cluster.world.advance(100);
    expect(told).toBe(1);
    await cluster.closeAll();
  });
});
