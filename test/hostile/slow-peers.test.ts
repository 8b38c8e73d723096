/**
 * Peers that do not read: original clients never read the connection they submit on, and any process can be stopped for
 * a while. Their values are taken all the same, in order; what they miss is dropped; nobody grows for their sake.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { Digest, MARK_INSTANCES } from '../../src/cli/progress.ts';
import { type Config, readConfig } from '../../src/config/index.ts';
import { Client, type Delivered, LearnerNode, type NodeHandle, Replica } from '../../src/evpaxos/index.ts';
import { ByteBuffer } from '../../src/transport/buffer.ts';
import { encodeClientValue } from '../../src/transport/encode.ts';
import { CommandDirectory } from '../support/command.ts';
import { Connection } from '../support/connection.ts';
import { Load } from '../support/load.ts';
import { CommandProcess } from '../support/processes.ts';
import { privateMemoryBytes } from '../support/strace.ts';

const MEGABYTE = 2 ** 20;
const MOST_MEMORY_BYTES = 300 * MEGABYTE;
const VALUES = 200_000;
const VALUE_BYTES = 64;
const VALUES_PER_WRITE = 1000;
const BACKLOG = 'max-peer-backlog 1mb';
const SLOW_LINE = /does not read/;

/** Numbers that have to come in order, each once. */
class Count {
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  count = 0;
  /** the first that came out of order */
  fault: string | undefined;

  readonly deliver = ({ value }: Delivered): void => {
    const number = new DataView(value.buffer, value.byteOffset).getUint32(0);
    if (number !== this.count) this.fault ??= `${number} came as number ${this.count}`;
    this.count++;
    for (const { count, resolve } of this.#waiting) if (count === this.count) resolve();
  };

  reached(count: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.count >= count) resolve();
      else this.#waiting.push({ count, resolve });
    });
  }
}

/** `count` CLIENT_VALUEs from number `first` on. */
function numbered(first: number, count: number): Uint8Array {
  const out = new ByteBuffer();
  for (let number = first; number < first + count; number++) {
    const value = new Uint8Array(VALUE_BYTES);
    new DataView(value.buffer).setUint32(0, number);
    encodeClientValue(out, value);
  }
  return out.take();
}

describe('a peer that does not read', () => {
  const ends: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  /** Three replicas, the first of them a process of its own. */
  async function replicas(
    counts: readonly Count[],
  ): Promise<{ config: Config; child: CommandProcess; path: string }> {
    const directory = await CommandDirectory.make(3, (ports) =>
      [...ports.map((port, id) => `replica ${id} 127.0.0.1 ${port}`), BACKLOG, ''].join('\n'),
    );
    ends.push(() => directory.close());
    const { config } = readConfig(directory.config);
    const child = new CommandProcess(['replica', '0', directory.config]);
    ends.push(() => child.signal('SIGKILL'));
    await child.out.first(/Listening on port/);
    for (const id of [1, 2]) {
      await here(Replica.start({ config, id, deliver: (chosen) => counts[id]?.deliver(chosen) }));
    }
    return { config, child, path: directory.config };
  }

  async function here(node: Promise<NodeHandle>): Promise<void> {
    const handle = await node;
    ends.push(() => handle.close());
  }

  it.each([
    ['leads', 0],
    ['follows', 1],
  ])(
    'gets all its values chosen in the order of submission, by a replica that %s',
    async (_how, id) => {
      const counts = [new Count(), new Count(), new Count()];
      const { config, child } = await replicas(counts);
      await here(LearnerNode.start({ config, deliver: (chosen) => counts[0]?.deliver(chosen) }));
      const submitter = await Connection.open(config.acceptors[id]?.port ?? 0);
      ends.push(() => submitter.close());
      submitter.stopReading();

      const memory: number[] = [];
      for (let first = 0; first < VALUES; first += VALUES_PER_WRITE) {
        await submitter.writeAll(numbered(first, VALUES_PER_WRITE));
        memory.push(privateMemoryBytes(child.pid) ?? 0);
      }
      await Promise.all(counts.map((count) => count.reached(VALUES)));
      memory.push(privateMemoryBytes(child.pid) ?? 0);
      expect(counts.map(({ fault }) => fault)).toEqual([undefined, undefined, undefined]);
      expect(Math.max(...memory)).toBeLessThan(MOST_MEMORY_BYTES);
      expect(submitter.heard.length).toBeLessThan(100);
      if (id > 0) return;
      const said = child.out.all.filter((line) => SLOW_LINE.test(line) && line.includes(submitter.name));
      expect(said).toHaveLength(1);
    },
    60_000,
  );

  it('learns all it missed, in the same order, when it was stopped for a while', async () => {
    const { config, child, path } = await replicas([]);
    const digest = new Digest();
    const marks = new Map<number, string>();
    const deliver = ({ instanceId, value }: Delivered): void => {
      digest.add(instanceId, value);
      if (instanceId % MARK_INSTANCES === 0) marks.set(instanceId, digest.text);
    };
    await here(LearnerNode.start({ config, deliver }));
    const client = await Client.start({ config, deliver: () => undefined });
    ends.push(() => client.close());
    const load = new Load(client, 100);
    const learner = new CommandProcess(['learner', '--json', path]);
    ends.push(() => learner.signal('SIGKILL'));
    await learner.out.first(/"delivered":[1-9]/);

    void learner.signal('SIGSTOP');
    const before = privateMemoryBytes(child.pid) ?? 0;
    await child.out.first(SLOW_LINE);
    await load.more(50_000);
    const grown = (privateMemoryBytes(child.pid) ?? 0) - before;
    void learner.signal('SIGCONT');
    await load.more(10_000);
    await load.stop();
    const [instance = 0, text] = [...marks].at(-1) ?? [];
    await learner.out.first(new RegExp(`"delivered":${instance},"digest":"${text}"`));
    expect(instance).toBeGreaterThan(60_000);
    // 64 bytes a value and what a record takes, twice over.
    expect(grown).toBeLessThan(64 * MEGABYTE);
  }, 60_000);
});
