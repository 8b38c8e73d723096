/**
 * Replica.start and Client.connect: what they refuse, and how a machine that is not deterministic is found.
 */
import { describe, expect, it } from 'vitest';
import { Client, makeConfig, Replica, type StateMachine } from '../../src/index.ts';
import { MemoryStorage } from '../../src/storage/memory.ts';
import { Ledger } from '../support/ledger.ts';
import { MachineCluster } from '../support/machine-cluster.ts';
import { MemoryWorld } from '../support/memory-world.ts';

const nodes = { replicas: [1, 2, 3].map((port) => ({ host: 'memory', port })) };
const machine = new Ledger();

describe('Replica.start', () => {
  it('refuses a machine where values are plain, and plain values where they are commands', async () => {
    const raw = makeConfig(nodes);
    const commands = makeConfig(nodes, { valueFormat: 'commands' });
    await expect(Replica.start({ config: raw, id: 0, machine })).rejects.toMatchObject({
      code: 'MACHINE_NEEDS_COMMANDS',
      message: expect.stringContaining('value-format commands'),
    });
    await expect(Client.connect({ config: raw })).rejects.toMatchObject({ code: 'MACHINE_NEEDS_COMMANDS' });
    await expect(Replica.start({ config: commands, id: 0 })).rejects.toMatchObject({ code: 'VALUE_FORMAT' });
  });

  it('refuses storages that do not keep what is answered, unless that is meant', async () => {
    const memory = makeConfig(nodes, { valueFormat: 'commands' });
    const unsynced = makeConfig(nodes, { valueFormat: 'commands', storageBackend: 'lmdb', lmdbSync: false });
    for (const config of [memory, unsynced]) {
      await expect(Replica.start({ config, id: 0, machine })).rejects.toMatchObject({
        code: 'NOT_DURABLE',
        message: expect.stringContaining('volatile: true'),
      });
    }
    const storage = new MemoryStorage();
    await expect(Replica.start({ config: memory, id: 0, machine, storage })).rejects.toMatchObject({
      code: 'NOT_DURABLE',
    });
    const world = new MemoryWorld();
    const meant = { config: memory, id: 0, machine, volatile: true, transport: world, clock: world };
    const replica = await Replica.start(meant);
    expect(replica.status).toMatchObject({ id: 0, isLeading: false, applied: 0, sessions: 0 });
    await replica.close();
    await replica.close();
  });

  it('refuses an id that the config does not have', async () => {
    const config = makeConfig(nodes, { valueFormat: 'commands' });
    const starting = Replica.start({ config, id: 3, machine, volatile: true });
    await expect(starting).rejects.toMatchObject({ code: 'ID_UNKNOWN' });
  });
});

class Guessing implements StateMachine<string, number> {
  static drawn = 0;

  apply(): number {
    return Guessing.drawn++;
  }

  snapshot(): string {
    return '';
  }

  restore(): void {}
}

describe('determinism', () => {
  it('is verified where that is asked for: a replica whose machines differ ends, and says where', async () => {
    const cluster = new MachineCluster({
      machine: () => new Guessing(),
      replicas: 1,
      replicaOptions: { verifyDeterminism: new Guessing() },
    });
    await cluster.start();
    const events = cluster.replica(0).events();
    const client = await cluster.client();
    client.propose('a').catch(() => undefined);
    expect(await cluster.until(() => cluster.failures.length > 0)).toBe(true);
    expect(cluster.failures[0]).toMatch(/command 0 of instance \d+ gave/);
    const types: string[] = [];
    for await (const { type } of events) types.push(type);
    expect(types).toContain('not-deterministic');
  });

  it('is compared between replicas, by what the leader puts into the log now and then', async () => {
    const cluster = new MachineCluster({ machine: () => new Guessing() });
    await cluster.start();
    const diverged: number[] = [];
    for (const id of [0, 1, 2]) {
      const watch = async () => {
        for await (const event of cluster.replica(id).events())
          if (event.type === 'diverged') diverged.push(id);
      };
      watch().catch((error: unknown) => cluster.failures.push(String(error)));
    }
    const client = await cluster.client();
    await cluster.result(client.propose('a'));
    await cluster.pass(30_000);
    expect(diverged.length).toBeGreaterThan(0);
    expect(cluster.events.map(({ event }) => (event.type === 'warning' ? event.text : ''))).toContainEqual(
      expect.stringContaining('other results'),
    );
  });
});
