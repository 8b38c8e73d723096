/**
 * kill -9 of an acceptor with lmdb-sync yes, again and again under load. Both acceptors of the cluster are a quorum, so
 * every chosen value stands on what the killed one has kept.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { makeConfig } from '../../src/config/index.ts';
import { AcceptorNode, Client, LearnerNode, ProposerNode } from '../../src/evpaxos/index.ts';
import { LmdbStorage } from '../../src/storage/index.ts';
import { randomInt, SeededRandom } from '../../src/transport/random.ts';
import { CommandDirectory } from '../support/command.ts';
import { CommandProcess } from '../support/processes.ts';
import { Witness } from '../support/witness.ts';

const KILLS = 20;
const OUTSTANDING = 200;
/** A kill comes when so many values more were delivered, drawn for each. */
const MOST_DELIVERED_BETWEEN = 1500;
const SEED = 9;

const ends: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** What a learner delivered: how much, and a digest that is equal only for equal sequences. */
class Sequence {
  readonly #hash = createHash('sha256');
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  readonly values: string[] = [];

  readonly deliver = ({ value }: { readonly value: Uint8Array }): void => {
    this.#hash.update(value);
    this.values.push(Buffer.from(value).toString('latin1'));
    for (const { count, resolve } of [...this.#waiting]) if (this.values.length >= count) resolve();
  };

  reached(count: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.values.length >= count) resolve();
      else this.#waiting.push({ count, resolve });
    });
  }

  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}

it('keeps all that it answered, however often it is killed', async () => {
  const directory = await CommandDirectory.make(3, ([killed, other, proposer], path) =>
    [
      `acceptor 0 127.0.0.1 ${killed}`,
      `acceptor 1 127.0.0.1 ${other}`,
      `proposer 0 127.0.0.1 ${proposer}`,
      'storage-backend lmdb',
      'lmdb-sync yes',
      `lmdb-env-path ${join(path, 'acceptor')}`,
      '',
    ].join('\n'),
  );
  ends.push(() => directory.close());
  const [killedPort = 0, ...ports] = directory.ports;
  const witness = await Witness.start(killedPort);
  ends.push(() => witness.close());
  const [other, proposerAt] = ports.map((port) => ({ host: '127.0.0.1', port }));
  if (other === undefined || proposerAt === undefined) throw new Error('three ports were asked for');
  const config = makeConfig({
    acceptors: [{ host: '127.0.0.1', port: witness.port }, other],
    proposers: [proposerAt],
  });

  const start = async (): Promise<CommandProcess> => {
    const acceptor = new CommandProcess(['acceptor', '0', directory.config]);
    ends.push(() => acceptor.signal('SIGKILL'));
    await acceptor.out.first(/Listening on port/);
    return acceptor;
  };
  const sequence = new Sequence();
  for (const node of [
    await AcceptorNode.start({ config, id: 1 }),
    await ProposerNode.start({ config, id: 0 }),
    await LearnerNode.start({ config, deliver: sequence.deliver }),
  ]) {
    ends.push(() => node.close());
  }
  let acceptor = await start();
  const client = await Client.start({ config, deliver: () => undefined });
  ends.push(() => client.close());

  const given: string[] = [];
  let isGiving = true;
  let settled = 0;
  let allSettled: () => void = () => undefined;
  const give = (): void => {
    const text = `value ${given.length}`.padEnd(64);
    given.push(text);
    client.offer(Buffer.from(text, 'latin1'), () => {
      settled++;
      if (isGiving) give();
      else if (settled === given.length) allSettled();
    });
  };
  for (let i = 0; i < OUTSTANDING; i++) give();

  const random = new SeededRandom(SEED);
  for (let kill = 0; kill < KILLS; kill++) {
    await sequence.reached(sequence.values.length + randomInt(random, 1, MOST_DELIVERED_BETWEEN));
    expect(await acceptor.signal('SIGKILL')).toBe('SIGKILL');
    acceptor = await start();
  }
  isGiving = false;
  await new Promise<void>((resolve) => {
    allSettled = resolve;
  });
  await sequence.reached(given.length);
  expect(new Set(sequence.values)).toEqual(new Set(given));
  expect(await acceptor.signal('SIGKILL')).toBe('SIGKILL');

  const path = join(directory.path, 'acceptor_0');
  const options = { acceptorId: 0, clusterName: 'libpaxos', sync: true, mapSizeBytes: 2 ** 20 };
  const storage = await LmdbStorage.open({ path, ...options });
  expect(witness.compare(storage)).toEqual([]);
  expect(witness.instances).toBeGreaterThanOrEqual(sequence.values.length);
  await storage.close();

  // Whoever learns it all from the two as they are now learns the same.
  await start();
  const later = new Sequence();
  const learner = await LearnerNode.start({ config, deliver: later.deliver });
  ends.push(() => learner.close());
  const length = sequence.values.length;
  await later.reached(length);
  expect([later.values.length, later.digest()]).toEqual([length, sequence.digest()]);
}, 120_000);
