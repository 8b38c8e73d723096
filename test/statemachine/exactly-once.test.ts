/**
 * Commands through replicas that are killed, clients that are cut off and connect elsewhere, and messages that come
 * twice: each is applied once, if its result was told, and at most once if not.
 */
import { describe, expect, it } from 'vitest';
import { PaxosError } from '../../src/paxos/error.ts';
import { Ledger } from '../support/ledger.ts';
import { MachineCluster } from '../support/machine-cluster.ts';

/** What a promise comes to: its value, or the code of its error. */
function outcome<T>(promise: Promise<T>): Promise<T | string> {
  return promise.catch((error: unknown) => (error instanceof PaxosError ? error.code : String(error)));
}

/** Proposes `name-0`, `name-1`, … a few at a time; what each came to. */
class Writer {
  readonly outcomes = new Map<string, number | string>();
  #isOver = false;
  #given = 0;
  readonly #all: Promise<void>[];

  constructor(name: string, target: { propose(name: string): Promise<number> }, outstanding: number) {
    this.#all = Array.from({ length: outstanding }, () => this.#write(name, target));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#all);
  }

  async #write(name: string, target: { propose(name: string): Promise<number> }): Promise<void> {
    while (!this.#isOver) {
      const command = `${name}-${this.#given++}`;
      this.outcomes.set(command, await outcome(target.propose(command)));
    }
  }
}

/** Every command with a result was applied once, with that result; all others at most once; alike everywhere. */
function expectOnce(
  cluster: MachineCluster<string, number, string, number>,
  machines: readonly number[],
  writers: readonly Writer[],
) {
  const [first] = machines.map((id) => cluster.machines[id]);
  if (!(first instanceof Ledger)) throw new Error('there is no machine');
  for (const { outcomes } of writers) {
    for (const [command, result] of outcomes) {
      const count = first.counts.get(command) ?? 0;
      if (typeof result === 'number') expect([command, count, result]).toEqual([command, 1, 1]);
      else expect(count).toBeLessThanOrEqual(1);
    }
  }
  for (const id of machines) {
    const other = cluster.machines[id];
    expect(other instanceof Ledger && [...other.counts]).toEqual([...first.counts]);
  }
}

const levelled = (cluster: MachineCluster<string, number, string, number>, ids: readonly number[]) =>
  cluster.until(() => new Set(ids.map((id) => cluster.replica(id).status.applied)).size === 1);

/** How often a replica counted something. */
function read(cluster: MachineCluster<string, number, string, number>, id: number, name: string): unknown {
  return cluster.machines[id]?.read?.(name);
}

describe('a replicated state machine', () => {
  it('applies a command once, on every replica, and gives its result', async () => {
    const cluster = new MachineCluster({ machine: () => new Ledger() });
    await cluster.start();
    const client = await cluster.client();
    expect(await cluster.result(client.propose('a'))).toBe(1);
    expect(await cluster.result(client.propose('a'))).toBe(2);
    expect(await cluster.result(cluster.replica(cluster.follower).propose('a'))).toBe(3);
    expect(await cluster.result(cluster.replica(cluster.leader ?? 0).propose('a'))).toBe(4);
    expect(await cluster.result(outcome(client.propose('fail')))).toBe('COMMAND_FAILED');
    await levelled(cluster, [0, 1, 2]);
    expect(cluster.machines.map((machine) => machine.read?.(''))).toEqual([4, 4, 4]);
    expect(cluster.failures).toEqual([]);
  });

  it('goes on with the next leader, whoever is killed, and applies nothing twice', async () => {
    const cluster = new MachineCluster({ machine: () => new Ledger() });
    await cluster.start();
    const client = await cluster.client();
    const writer = new Writer('a', client, 50);
    for (let round = 0; round < 3; round++) {
      await cluster.pass(300);
      const killed = cluster.leader ?? 0;
      const before = writer.outcomes.size;
      cluster.kill(killed);
      expect(await cluster.until(() => writer.outcomes.size > before + 200, 10_000)).toBe(true);
      await cluster.startReplica(killed);
      await cluster.until(() => cluster.leader !== undefined);
    }
    await cluster.result(writer.stop());
    await levelled(cluster, [0, 1, 2]);
    expect([...writer.outcomes.values()].every((result) => result === 1)).toBe(true);
    expectOnce(cluster, [0, 1, 2], [writer]);
  });

  it('follows a client that is cut off again and again, while all that it sends comes twice', async () => {
    const cluster = new MachineCluster({ machine: () => new Ledger(), seed: 2 });
    await cluster.start();
    cluster.network.tamper = (from, _to, bytes) => (from.startsWith('client') ? [bytes, bytes] : [bytes]);
    const writers = [new Writer('a', await cluster.client(), 20), new Writer('b', await cluster.client(), 1)];
    for (let i = 0; i < 40; i++) {
      await cluster.pass(50);
      for (const { id } of cluster.config.acceptors) cluster.network.cut(`client ${i % 2}`, `replica ${id}`);
    }
    await cluster.result(Promise.all(writers.map((writer) => writer.stop())));
    await levelled(cluster, [0, 1, 2]);
    for (const { outcomes } of writers) {
      expect(outcomes.size).toBeGreaterThan(40);
      expect([...outcomes.values()].every((result) => result === 1)).toBe(true);
    }
    expectOnce(cluster, [0, 1, 2], writers);
  });

  it('finds another replica for a client whose own is cut off from the others', async () => {
    const cluster = new MachineCluster({ machine: () => new Ledger() });
    await cluster.start();
    const client = await cluster.client();
    const writer = new Writer('a', client, 10);
    await cluster.pass(200);
    const left = cluster.leader ?? 0;
    expect(client.replicaId).toBe(left);
    for (const { id } of cluster.config.acceptors) {
      if (id === left) continue;
      cluster.network.setBlocked(`replica ${left}`, `replica ${id}`, true);
      cluster.network.setBlocked(`replica ${id}`, `replica ${left}`, true);
    }
    await cluster.pass(10_000);
    const before = writer.outcomes.size;
    expect(client.replicaId).not.toBe(left);
    await cluster.pass(500);
    expect(writer.outcomes.size).toBeGreaterThan(before);
    cluster.network.healAll();
    await cluster.pass(2000);
    await cluster.result(writer.stop());
    await levelled(cluster, [0, 1, 2]);
    expectOnce(cluster, [0, 1, 2], [writer]);
  });

  it('forgets a session by the log’s time, and says so where a command may have been applied', async () => {
    const cluster = new MachineCluster({ machine: () => new Ledger() });
    await cluster.start();
    const other = await cluster.client();
    const client = await cluster.client(2000);
    expect(await cluster.result(client.propose('first'))).toBe(1);
    const keepsLogTime = new Writer('x', other, 1);
    // What it sends arrives; what it is answered does not.
    for (const { id } of cluster.config.acceptors)
      cluster.network.setBlocked(`replica ${id}`, 'client 1', true);
    const lost = outcome(client.propose('lost'));
    await cluster.pass(8000);
    cluster.network.healAll();
    expect(await cluster.result(lost)).toBe('SESSION_EXPIRED');
    expect(await cluster.result(client.propose('next'))).toBe(1);
    expect(await cluster.result(other.propose('lost'))).toBe(2);
    await cluster.result(keepsLogTime.stop());
  });

  it('applies nothing twice for a client whose lost connection speaks late', async () => {
    const cluster = new MachineCluster({ machine: () => new Ledger() });
    await cluster.start();
    const leader = cluster.leader ?? 0;
    const said: Uint8Array[] = [];
    cluster.network.tamper = (from, to, bytes) => {
      if (from === 'client 0' && to === `replica ${leader}`) said.push(bytes);
      return [bytes];
    };
    const client = await cluster.client(1000);
    // The leader is known by then, and talked to.
    await cluster.pass(500);
    expect(await cluster.result(client.propose('first'))).toBe(1);
    const late = await cluster.stranger(leader);
    // While the next command is on its way, what the client said before comes again.
    const others = cluster.config.acceptors.filter(({ id }) => id !== leader);
    for (const { id } of others) cluster.network.setBlocked(`replica ${id}`, `replica ${leader}`, true);
    const before = said.length;
    const next = outcome(client.propose('next'));
    await cluster.until(() => said.length > before);
    await cluster.pass(10);
    for (const bytes of said.slice(0, before)) late.write(bytes);
    await cluster.pass(10);
    for (const { id } of others) cluster.network.setBlocked(`replica ${id}`, `replica ${leader}`, false);
    await cluster.until(() => read(cluster, leader, 'next') === 1);
    // Its session expires while it cannot say anything, and its connection is still there.
    cluster.isolate('client 0');
    const other = new Writer('x', await cluster.client(), 1);
    await cluster.pass(3000);
    cluster.network.healAll();
    expect(await cluster.result(outcome(client.propose('last')))).toBe(1);
    expect([1, 'SESSION_EXPIRED']).toContain(await cluster.result(next));
    await cluster.result(other.stop());
    expect(read(cluster, leader, 'next')).toBe(1);
  });

  it('gives a client that was away, with nothing on its way, a new session without a word', async () => {
    const cluster = new MachineCluster({ machine: () => new Ledger() });
    await cluster.start();
    const other = new Writer('x', await cluster.client(), 1);
    const client = await cluster.client(2000);
    expect(await cluster.result(client.propose('a'))).toBe(1);
    const { sessions } = cluster.replica(0).status;
    cluster.isolate('client 1');
    await cluster.pass(10_000);
    expect(cluster.replica(0).status.sessions).toBe(sessions - 1);
    cluster.isolate('client 1', false);
    expect(await cluster.result(client.propose('a'))).toBe(2);
    await cluster.result(other.stop());
  });

  it('keeps the session of a client that is idle', async () => {
    const cluster = new MachineCluster({ machine: () => new Ledger() });
    await cluster.start();
    const client = await cluster.client(2000);
    expect(await cluster.result(client.propose('a'))).toBe(1);
    const { sessions } = cluster.replica(0).status;
    await cluster.pass(20_000);
    expect([sessions, cluster.replica(0).status.sessions]).toEqual([1, 1]);
    expect(await cluster.result(client.propose('a'))).toBe(2);
    expect(cluster.replica(0).status.sessions).toBe(1);
  });

  it('stops waiting when the signal says so', async () => {
    const cluster = new MachineCluster({ machine: () => new Ledger() });
    await cluster.start();
    const client = await cluster.client();
    cluster.isolate('client 0');
    const abort = new AbortController();
    const waits = outcome(client.propose('a', { signal: abort.signal }));
    await cluster.pass(1000);
    abort.abort();
    expect(await cluster.result(waits)).toBe('ABORTED');
  });
});
