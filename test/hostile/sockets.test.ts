/**
 * Hostile inputs over real sockets, to nodes in processes of their own: each lives on, keeps its memory, and serves the
 * others meanwhile as before. In each cluster one acceptor of three is told nonsense.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Digest, MARK_INSTANCES } from '../../src/cli/progress.ts';
import { type Config, readConfig } from '../../src/config/index.ts';
import {
  AcceptorNode,
  Client,
  type Delivered,
  LearnerNode,
  type NodeHandle,
  ProposerNode,
  Replica,
} from '../../src/evpaxos/index.ts';
import { randomInt, SeededRandom } from '../../src/transport/random.ts';
import { CommandDirectory } from '../support/command.ts';
import { Connection } from '../support/connection.ts';
import { Load } from '../support/load.ts';
import { type Direction, mutated, recordedBy } from '../support/mutation.ts';
import { CommandProcess } from '../support/processes.ts';
import { privateMemoryBytes } from '../support/strace.ts';

const MEGABYTE = 2 ** 20;
const MOST_MEMORY_BYTES = 300 * MEGABYTE;
const OUTSTANDING = 100;
/** So many values are chosen between two inputs: each meets a node at work. */
const VALUES_PER_INPUT = 400;
/** Of what others had before and after. Measured again when it was less: another program may have had the machine. */
const LEAST_THROUGHPUT = 0.5;
const ROUNDS = 3;
const VALUES_TO_MEASURE = 10_000;
/** All kinds of nodes together are given 500. */
const MUTATIONS = 125;

/** A line of the client that counts values. */
const COUNT = /^[1-9]\d* value\/sec/;

/** The twelve; random bytes are drawn anew for each node. */
const INPUTS: Readonly<Record<string, (random: SeededRandom) => Uint8Array>> = {
  'an integer': () => Uint8Array.of(0x05),
  'a map': () => Uint8Array.of(0x81, 0xa1, 0x61, 0x01),
  'an empty array': () => Uint8Array.of(0x90),
  'a short array': () => Uint8Array.of(0x92, 0x00, 0x01),
  'a nil value': () => Uint8Array.of(0x94, 0x02, 0x01, 0x0a, 0xc0),
  'an integer as value': () => Uint8Array.of(0x94, 0x02, 0x01, 0x0a, 0x05),
  'a 4 GB bin header': () => Uint8Array.of(0x94, 0x02, 0x01, 0x0a, 0xc6, 0xff, 0xff, 0xff, 0xff),
  'REPEAT 0 to 2^32-1': () => Uint8Array.of(0x93, 0x05, 0x00, 0xce, 0xff, 0xff, 0xff, 0xff),
  '2,000 nested arrays': () => new Uint8Array(2000).fill(0x91),
  c1: () => Uint8Array.of(0xc1),
  '400 random bytes': (random) => Uint8Array.from({ length: 400 }, () => randomInt(random, 0, 255)),
  'TRIM 2^32-1': () => Uint8Array.of(0x92, 0x06, 0xce, 0xff, 0xff, 0xff, 0xff),
};

/** The twelve, and damaged stretches of what original nodes said. */
function inputs(direction: Direction, link: RegExp, seed: number): Uint8Array[] {
  const random = new SeededRandom(seed);
  const stretch = recordedBy(direction, link);
  const twelve = Object.values(INPUTS).map((input) => input(random));
  return [...twelve, ...Array.from({ length: MUTATIONS }, () => mutated(stretch(random), random))];
}

describe('hostile inputs', () => {
  const ends: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function configured(count: number, lines: (ports: readonly number[]) => readonly string[]) {
    const directory = await CommandDirectory.make(count, (ports) => [...lines(ports), ''].join('\n'));
    ends.push(() => directory.close());
    return { directory, config: readConfig(directory.config).config };
  }

  function child(directory: CommandDirectory, ...words: string[]): CommandProcess {
    const command = new CommandProcess([...words, directory.config]);
    ends.push(() => command.signal('SIGKILL'));
    return command;
  }

  async function listening(directory: CommandDirectory, ...words: string[]): Promise<CommandProcess> {
    const command = child(directory, ...words);
    await command.out.first(/Listening on port/);
    return command;
  }

  async function here(node: Promise<NodeHandle>): Promise<void> {
    const handle = await node;
    ends.push(() => handle.close());
  }

  async function loaded(config: Config): Promise<Load> {
    const client = await Client.start({ config, deliver: () => undefined });
    ends.push(() => client.close());
    const load = new Load(client, OUTSTANDING);
    await load.more(VALUES_TO_MEASURE);
    return load;
  }

  /** Gives every input on a connection of its own, each while values go through. */
  async function attack(port: number, load: Load, all: readonly Uint8Array[]): Promise<void> {
    for (const bytes of all) {
      const connection = await Connection.open(port);
      connection.write(bytes);
      await load.more(VALUES_PER_INPUT);
      await connection.close();
    }
  }

  /** The node lives, has not grown, and gives the others at least half of what they had. */
  async function withstands(node: CommandProcess, load: Load, during: () => Promise<void>): Promise<void> {
    let best = 0;
    for (let round = 0; round < ROUNDS && best < LEAST_THROUGHPUT; round++) {
      const before = await load.rate(VALUES_TO_MEASURE);
      const meanwhile = await load.rate(VALUES_TO_MEASURE, during);
      const after = await load.rate(VALUES_TO_MEASURE);
      best = Math.max(best, meanwhile / Math.min(before, after));
    }
    expect(node.hasEnded, node.err.text).toBe(false);
    expect(privateMemoryBytes(node.pid) ?? 0).toBeLessThan(MOST_MEMORY_BYTES);
    expect(best).toBeGreaterThanOrEqual(LEAST_THROUGHPUT);
  }

  it('an acceptor and a proposer live on', async () => {
    const { directory, config } = await configured(4, (ports) => [
      ...ports.slice(0, 3).map((port, id) => `acceptor ${id} 127.0.0.1 ${port}`),
      `proposer 0 127.0.0.1 ${ports[3]}`,
    ]);
    const [acceptorPort = 0, , , proposerPort = 0] = directory.ports;
    const acceptor = await listening(directory, 'acceptor', '0');
    for (const id of [1, 2]) await here(AcceptorNode.start({ config, id }));
    const proposer = await listening(directory, 'proposer', '0');
    const load = await loaded(config);
    await withstands(acceptor, load, () => attack(acceptorPort, load, inputs('toServer', /./, 1)));
    await withstands(proposer, load, () => attack(proposerPort, load, inputs('toServer', /./, 2)));
    await load.stop();
  }, 60_000);

  it('a replica lives on', async () => {
    const { directory, config } = await configured(3, (ports) =>
      ports.map((port, id) => `replica ${id} 127.0.0.1 ${port}`),
    );
    const replica = await listening(directory, 'replica', '0');
    for (const id of [1, 2]) await here(Replica.start({ config, id, deliver: () => undefined }));
    const load = await loaded(config);
    const port = directory.ports[0] ?? 0;
    await withstands(replica, load, () => attack(port, load, inputs('toServer', /./, 3)));
    await load.stop();
  }, 60_000);

  it('a learner and a client live on, connected to an acceptor that says nothing else', async () => {
    const { directory, config } = await configured(4, (ports) => [
      ...ports.slice(0, 3).map((port, id) => `acceptor ${id} 127.0.0.1 ${port}`),
      `proposer 0 127.0.0.1 ${ports[3]}`,
    ]);
    for (const id of [1, 2]) await here(AcceptorNode.start({ config, id }));
    await here(ProposerNode.start({ config, id: 0 }));
    const marks = new Map<number, string>();
    const all = new Digest();
    const deliver = ({ instanceId, value }: Delivered): void => {
      all.add(instanceId, value);
      if (instanceId % MARK_INSTANCES === 0) marks.set(instanceId, all.text);
    };
    await here(LearnerNode.start({ config, deliver }));
    const load = await loaded(config);
    const learner = child(directory, 'learner', '--json', '--every', '100');
    const client = child(directory, 'client', '--outstanding', '10');
    await learner.out.first(/"delivered":[1-9]/);
    await client.out.first(/^\d+ value/);

    const said = inputs('toClient', /(acceptor|replica)0/, 4);
    // Each of the four that connect gets them all, in turn, whenever it comes again.
    let served = 0;
    const server = createServer((socket: Socket) => {
      socket.on('error', () => undefined);
      socket.write(said[served++ % said.length] ?? Uint8Array.of(0x05));
      void load.more(VALUES_PER_INPUT).then(() => socket.destroy());
    });
    server.listen(directory.ports[0] ?? 0, '127.0.0.1');
    await once(server, 'listening');
    ends.push(async () => void server.close());
    const allServed = async (): Promise<void> => {
      while (served < said.length) await load.more(VALUES_PER_INPUT);
    };
    await withstands(learner, load, allServed);
    await withstands(client, load, async () => undefined);
    const lines = client.out.all.filter((line) => COUNT.test(line)).length;
    await client.out.matching(COUNT, lines + 2);
    await load.stop();
    // It learned what a learner in this process learned: their digests are the same.
    const [instance = 0, digest] = [...marks].at(-1) ?? [];
    await learner.out.first(new RegExp(`"delivered":${instance},"digest":"${digest}"`));
  }, 60_000);
});
