/**
 * A test's cluster: what its user can rely on, and what it finds in machines that are wrong.
 */
import { describe, expect, it } from 'vitest';
import type { ApplyContext, SnapshotReader, StateMachine } from '../statemachine/index.ts';
import { TestCluster, TestClusterError } from './index.ts';

/** Adds, and answers with the sum. */
class Counter implements StateMachine<number, number, null, number> {
  sum = 0;

  apply(amount: number, _context: ApplyContext): number {
    if (amount === 0) throw new RangeError('nothing to add');
    this.sum += amount;
    return this.sum;
  }

  read(): number {
    return this.sum;
  }

  snapshot(): string {
    return JSON.stringify({ sum: this.sum });
  }

  async restore(reader: SnapshotReader): Promise<void> {
    this.sum = (await reader.json<{ sum: number }>()).sum;
  }
}

const start = (options: { seed?: number; replicas?: number; patienceMs?: number } = {}) =>
  TestCluster.start({ machine: () => new Counter(), ...options });

describe('a cluster for tests', () => {
  it('applies commands of replicas and clients, and reads them', async () => {
    await using cluster = await start();
    expect(await cluster.replica(0).propose(1)).toBe(1);
    const client = cluster.client();
    expect(await client.propose(2)).toBe(3);
    expect(await cluster.replica(2).read(null)).toBe(3);
    expect(await client.read(null)).toBe(3);
    await expect(client.propose(0)).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
      message: expect.stringContaining('nothing to add'),
    });
    await cluster.settle();
    const states = (await cluster.states()).map((state) => Buffer.from(state).toString());
    expect(states).toEqual(['{"sum":3}', '{"sum":3}', '{"sum":3}']);
  });

  it('loses its leader, and goes on; who was down comes back with everything', async () => {
    await using cluster = await start();
    const client = cluster.client();
    const { leader = 0 } = cluster;
    await client.propose(1);
    cluster.crash(leader);
    expect(cluster.replica(leader).isUp).toBe(false);
    expect(() => cluster.replica(leader).propose(1)).toThrow('is down');
    expect(await client.propose(1)).toBe(2);
    await cluster.restart(leader);
    await cluster.settle();
    expect(await cluster.states()).toHaveLength(3);
    expect(cluster.replica(leader).machine).toMatchObject({ sum: 2 });
  });

  it('answers nothing on the smaller side of a partition, and everything once it is healed', async () => {
    await using cluster = await start({ patienceMs: 20_000 });
    await cluster.replica(0).propose(1);
    cluster.partition([0], [1, 2]);
    const cutOff = cluster.replica(0).propose(10);
    let isAnswered = false;
    const answer = () => {
      isAnswered = true;
    };
    cutOff.then(answer, answer);
    expect(await cluster.replica(1).propose(100)).toBe(101);
    await cluster.advance(5000);
    expect(isAnswered).toBe(false);
    cluster.heal();
    expect(await cutOff).toBe(111);
  });

  it('rejects what a replica was asked that crashes', async () => {
    await using cluster = await start();
    cluster.partition([0], [1, 2]);
    const asked = cluster.replica(0).propose(1);
    cluster.crash(0);
    await expect(asked).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('keeps time still while nothing is waited for, and lets it pass as told', async () => {
    await using cluster = await start();
    const before = cluster.nowMs;
    await new Promise((resolve) => setImmediate(resolve));
    expect(cluster.nowMs).toBe(before);
    await cluster.advance(60_000);
    expect(cluster.nowMs).toBe(before + 60_000);
  });

  it('is the same with the same seed, to the byte, and another with another', async () => {
    const run = async (seed: number) => {
      await using cluster = await start({ seed });
      cluster.faults({ loss: 0.05, duplication: 0.1, reordering: 0.1, cutsEveryMs: 50, crashesEveryMs: 300 });
      const client = cluster.client();
      for (let i = 0; i < 30; i++) await client.propose(1);
      await cluster.settle();
      return { fingerprint: cluster.fingerprint, nowMs: cluster.nowMs };
    };
    const first = await run(7);
    expect(await run(7)).toEqual(first);
    expect((await run(8)).fingerprint).not.toBe(first.fingerprint);
  });

  it('applies exactly once under faults by chance', async () => {
    for (const seed of [1, 2, 3]) {
      await using cluster = await start({ seed, replicas: 5 });
      cluster.faults({
        tail: 0.02,
        loss: 0.05,
        cutsEveryMs: 30,
        crashesEveryMs: 200,
        partitionsEveryMs: 400,
      });
      const clients = [cluster.client(), cluster.client(), cluster.client()];
      for (let i = 0; i < 20; i++) await Promise.all(clients.map((client) => client.propose(1)));
      await cluster.settle();
      const states = await cluster.states();
      expect(states.map((state) => Buffer.from(state).toString())).toEqual(Array(5).fill('{"sum":60}'));
    }
  });
});

describe('what a cluster for tests finds', () => {
  const failing = async (machine: () => StateMachine<number, number>, verifyDeterminism: boolean) => {
    await using cluster = await TestCluster.start({ machine, verifyDeterminism, seed: 5 });
    for (let i = 0; i < 5; i++) await cluster.replica(0).propose(1);
    await cluster.settle();
    return cluster.states();
  };

  it('a machine that answers by chance, by applying each command twice', async () => {
    class Dice extends Counter {
      override apply(): number {
        return Math.random();
      }
    }
    const found = failing(() => new Dice(), true);
    await expect(found).rejects.toBeInstanceOf(TestClusterError);
    await expect(found).rejects.toThrow(/replica \d ended: .*\(seed 5\)$/);
  });

  it('a machine whose state is of its own, by comparing states', async () => {
    let made = 0;
    class Numbered extends Counter {
      readonly #number = made++;
      override snapshot(): string {
        return JSON.stringify({ sum: this.sum, number: this.#number });
      }
    }
    await expect(failing(() => new Numbered(), false)).rejects.toThrow(
      /states differ: from byte \d+ on, ".*number":0}" and ".*number":1}" \(seed 5\)$/,
    );
  });

  it('a machine that does not restore what it gave, by a restart behind a trimmed log', async () => {
    class Forgetful extends Counter {
      override async restore(reader: SnapshotReader): Promise<void> {
        await reader.bytes();
      }
    }
    await using cluster = await TestCluster.start({
      machine: () => new Forgetful(),
      config: { snapshotLogBytes: 1024 },
    });
    for (let i = 0; i < 100; i++) await cluster.replica(0).propose(1);
    cluster.crash(1);
    await cluster.restart(1);
    await cluster.settle();
    await expect(cluster.states()).rejects.toThrow(/states differ.*\(seed 1\)$/);
  });

  it('that nothing comes of what is asked, with the seed and the reason', async () => {
    await using cluster = await start({ seed: 9, patienceMs: 5000 });
    cluster.crash(0);
    cluster.crash(1);
    await expect(cluster.replica(2).propose(1)).rejects.toThrow(
      'nothing came of a command at replica 2 in 5000 ms of virtual time (seed 9)',
    );
    await expect(cluster.settle()).rejects.toThrow(/settling in 5000 ms .*: replica 2 waits .*\(seed 9\)$/);
  });

  it('what it was not asked for: more replicas than there can be, one that there is not', async () => {
    await expect(start({ replicas: 10 })).rejects.toThrow('1 to 9 replicas');
    await using cluster = await start();
    expect(() => cluster.replica(3)).toThrow('there is no replica 3: they are 0 to 2');
    await expect(cluster.restart(0)).rejects.toThrow('replica 0 is up already (seed 1)');
  });
});
