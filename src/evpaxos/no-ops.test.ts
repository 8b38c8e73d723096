import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryCluster, type RawPeer, type Sequence } from '../../test/support/memory-cluster.ts';
import { MemoryWorld } from '../../test/support/memory-world.ts';
import { makeConfig, type Options } from '../config/index.ts';
import { MemoryStorage } from '../storage/memory.ts';
import { encodePrepare, encodeRepeat } from '../transport/encode.ts';
import { SeededRandom } from '../transport/random.ts';
import { Replica } from './nodes.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array) => new TextDecoder().decode(value);
const NONE = new Uint8Array(0);

/** What a leader left that ended: instances 1 and 3 are accepted by all, of 2 nobody has heard. */
function withHole(): MemoryStorage {
  const storage = new MemoryStorage();
  storage.put(1, 10, 10, bytes('one'));
  storage.put(3, 10, 10, bytes('three'));
  return storage;
}

describe('a hole that nobody has a value for', () => {
  let cluster: MemoryCluster;
  let sequence: Sequence;

  afterEach(() => cluster.closeAll());

  async function start(ids: readonly number[], options: Partial<Options> = {}): Promise<void> {
    cluster = new MemoryCluster({ replicas: 3 }, options);
    sequence = { values: [] };
    for (const id of ids) await cluster.replica(id, id === 0 ? sequence : undefined, { storage: withHole() });
    cluster.world.advance(5000);
  }

  /** All replicas are up, the first leads, and an original is connected to one of them. */
  async function startBesideOriginal(at = 0): Promise<RawPeer> {
    cluster = new MemoryCluster({ replicas: 3 });
    sequence = { values: [] };
    await cluster.replica(0, sequence, { storage: withHole() });
    const original = at === 0 ? cluster.connect('acceptor', 0) : undefined;
    for (const id of [1, 2]) await cluster.replica(id, undefined, { storage: withHole() });
    const elsewhere = original ?? cluster.connect('acceptor', at);
    cluster.world.advance(5000);
    expect(cluster.leader.id).toBe(0);
    expect(sequence.values).toEqual(['one']);
    return elsewhere;
  }

  it('is filled at once with value-format commands, though a node has not been heard yet', async () => {
    await start([0, 1], { valueFormat: 'commands' });
    expect(sequence.values).toEqual(['one', '', 'three']);
  });

  it('is filled with raw, once every node has said HELLO', async () => {
    await start([0, 1]);
    expect(sequence.values).toEqual(['one']);
    await cluster.replica(2, undefined, { storage: withHole() });
    cluster.world.advance(5000);
    expect(sequence.values).toEqual(['one', '', 'three']);
  });

  it('is filled with raw while a node is away that has said HELLO', async () => {
    const original = await startBesideOriginal();
    await cluster.close('replica 2');
    original.link?.close();
    cluster.world.advance(4500);
    expect(sequence.values).toEqual(['one', '', 'three']);
  });

  it('waits for a value with raw while a connection is open to one that said no HELLO', async () => {
    const original = await startBesideOriginal();
    original.link?.close();
    cluster.world.advance(4500);
    expect(sequence.values).toEqual(['one', '', 'three']);
  });

  it('waits for a value with raw while an acceptor has a connection to one that said no HELLO', async () => {
    const original = await startBesideOriginal(1);
    original.link?.close();
    cluster.world.advance(4500);
    expect(sequence.values).toEqual(['one', '', 'three']);
  });

  it('is filled where it is far below what is chosen, and nobody prepares as far ahead', async () => {
    cluster = new MemoryCluster({ replicas: 1 }, { valueFormat: 'commands', proposerPreexecWindow: 4 });
    sequence = { values: [] };
    const storage = new MemoryStorage();
    storage.put(3000, 10, 10, bytes('last'));
    await cluster.replica(0, sequence, { storage });
    cluster.world.advance(3000);
    expect(sequence.values).toHaveLength(3000);
    expect(sequence.values.at(-1)).toBe('last');
    expect(new Set(sequence.values)).toEqual(new Set(['', 'last']));
  });
});

describe('an acceptor that holds a no-op', () => {
  let cluster: MemoryCluster;
  let original: RawPeer;

  beforeEach(async () => {
    cluster = new MemoryCluster({ acceptors: 1 });
    const storage = new MemoryStorage();
    storage.put(1, 10, 10, bytes('one'));
    storage.put(2, 10, 10, NONE);
    await cluster.acceptor(0, storage);
    original = cluster.connect('acceptor', 0);
  });

  afterEach(() => cluster.closeAll());

  const told = () => original.messages.flatMap((message) => (message.type === 'hello' ? [] : [message]));

  it('answers an original everywhere else', async () => {
    original.say((out) => encodePrepare(out, 1, 20));
    original.say((out) => encodePrepare(out, 3, 20));
    original.say((out) => encodeRepeat(out, 1, 1));
    await cluster.settled();
    expect(told().map(({ type }) => type)).toEqual(['promise', 'promise', 'accepted']);
    expect(original.isClosed).toBe(false);
  });

  it.each([
    [
      'prepares there, and would take it for none',
      (peer: RawPeer) => peer.say((out) => encodePrepare(out, 2, 20)),
    ],
    ['asks for it, and would end', (peer: RawPeer) => peer.say((out) => encodeRepeat(out, 2, 12))],
  ])('parts with one that %s', async (_what, ask) => {
    ask(original);
    await cluster.settled();
    expect(told()).toEqual([]);
    expect(original.isClosed).toBe(true);
    expect(cluster.events.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ type: 'refused', byUs: true, reason: expect.stringContaining('no-op') }),
    );
  });
});

describe('who takes values', () => {
  it('is not shown a no-op, and goes on behind it', async () => {
    const world = new MemoryWorld();
    const config = makeConfig({ replicas: [{ host: 'memory', port: 1 }] });
    const values: string[] = [];
    const options = { config, id: 0, transport: world, clock: world, random: new SeededRandom(1) };
    const replica = await Replica.start({
      ...options,
      storage: withHole(),
      deliver: ({ instanceId, value }) => void values.push(`${instanceId} ${text(value)}`),
    });
    world.advance(5000);
    expect(values).toEqual(['1 one', '3 three']);
    expect(replica.delivered).toBe(3);
    const closed = replica.close();
    world.settle();
    await closed;
  });

  it('is not shown one while it iterates', async () => {
    const world = new MemoryWorld();
    const config = makeConfig({ replicas: [{ host: 'memory', port: 1 }] });
    const options = { config, id: 0, transport: world, clock: world, random: new SeededRandom(1) };
    const replica = await Replica.start({ ...options, storage: withHole() });
    world.advance(5000);
    const closed = replica.close();
    world.settle();
    await closed;
    const instances: number[] = [];
    for await (const { instanceId } of replica) instances.push(instanceId);
    expect(instances).toEqual([1, 3]);
  });
});
