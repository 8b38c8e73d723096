/**
 * Reads of a replicated state machine: a linearizable one holds all whose result anybody had before it was asked, on
 * whichever replica, whoever leads, and writes nothing to the log; a local one is answered at once.
 */
import { describe, expect, it } from 'vitest';
import { PaxosError } from '../../src/paxos/error.ts';
import { Ledger } from '../support/ledger.ts';
import { MachineCluster } from '../support/machine-cluster.ts';

type Cluster = MachineCluster<string, number, string, number>;

interface Readable {
  read(
    name: string,
    options?: { readonly signal?: AbortSignal; readonly consistency?: 'local' },
  ): Promise<number>;
}

/** Counts one after another, and reads all the while wherever it may: nothing that was counted is ever missing. */
class Watched {
  counted = 0;
  begun = 0;
  reads = 0;
  readonly wrong: string[] = [];
  #isOver = false;
  readonly #all: Promise<void>[] = [];

  count(by: { propose(name: string): Promise<number> }): void {
    const run = async () => {
      while (!this.#isOver) {
        this.begun++;
        const result = await by.propose('n');
        if (result !== this.counted + 1) this.wrong.push(`counted ${result} after ${this.counted}`);
        this.counted = result;
      }
    };
    this.#all.push(run());
  }

  /** Reads again and again, as long as it is answered. */
  watch(name: string, target: Readable): void {
    const run = async () => {
      while (!this.#isOver) {
        const before = this.counted;
        const answer = await target.read('n').catch((error: unknown) => {
          if (error instanceof PaxosError && error.code !== 'READ_FAILED') return undefined;
          throw error;
        });
        if (answer === undefined) return;
        this.reads++;
        const isRight = answer >= before && answer <= this.begun;
        if (!isRight) this.wrong.push(`${name} read ${answer}, where ${before} to ${this.begun} were right`);
      }
    };
    this.#all.push(run());
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#all);
  }
}

function clusterOf(seed = 1): Cluster {
  return new MachineCluster({ machine: () => new Ledger(), seed });
}

describe('reads', () => {
  it('hold all that was answered before, on the leader, on followers, and by clients', async () => {
    const cluster = clusterOf();
    await cluster.start();
    const watched = new Watched();
    watched.count(await cluster.client());
    for (const id of [0, 1, 2]) watched.watch(`replica ${id}`, cluster.replica(id));
    watched.watch('a client', await cluster.client());
    await cluster.pass(2000);
    await cluster.result(watched.stop());
    expect(watched.wrong).toEqual([]);
    expect([watched.counted, watched.reads].every((count) => count > 100)).toBe(true);
  });

  it('do so while leaders are killed', async () => {
    const cluster = clusterOf(2);
    await cluster.start();
    const watched = new Watched();
    watched.count(await cluster.client());
    watched.watch('a client', await cluster.client());
    for (const id of [0, 1, 2]) watched.watch(`replica ${id}`, cluster.replica(id));
    for (let round = 0; round < 3; round++) {
      const { reads } = watched;
      const killed = cluster.leader ?? 0;
      await cluster.pass(300);
      cluster.kill(killed);
      expect(await cluster.until(() => watched.reads > reads + 100)).toBe(true);
      await cluster.startReplica(killed);
      watched.watch(`replica ${killed}`, cluster.replica(killed));
      await cluster.until(() => cluster.leader !== undefined);
    }
    await cluster.pass(500);
    expect(watched.wrong).toEqual([]);
  });

  it('are not answered by a leader that was cut off, and does not know it yet', async () => {
    const cluster = clusterOf(3);
    await cluster.start();
    const old = cluster.leader ?? 0;
    expect(await cluster.result(cluster.replica(old).propose('n'))).toBe(1);
    for (const { id } of cluster.config.acceptors) {
      if (id === old) continue;
      cluster.network.setBlocked(`replica ${old}`, `replica ${id}`, true);
      cluster.network.setBlocked(`replica ${id}`, `replica ${old}`, true);
    }
    const other = cluster.replica((old + 1) % 3);
    expect(await cluster.result(other.propose('n'))).toBe(2);
    let answer: number | undefined;
    const reading = cluster
      .replica(old)
      .read('n')
      .then((read) => {
        answer = read;
      });
    expect(await cluster.result(cluster.replica(old).read('n', { consistency: 'local' }))).toBe(1);
    await cluster.pass(5000);
    expect(answer).toBeUndefined();
    cluster.network.healAll();
    await cluster.result(reading);
    expect(answer).toBe(2);
  });

  it('write nothing to the log', async () => {
    const cluster = clusterOf(4);
    await cluster.start();
    expect(await cluster.result(cluster.replica(0).propose('n'))).toBe(1);
    await cluster.pass(500);
    const { applied } = cluster.replica(0).status;
    const client = await cluster.client();
    for (let i = 0; i < 200; i++) {
      expect(await cluster.result(client.read('n'))).toBe(1);
      expect(await cluster.result(cluster.replica(i % 3).read('n'))).toBe(1);
    }
    expect(cluster.replica(0).status.applied).toBe(applied);
  });

  it('of many at once take few rounds', async () => {
    const cluster = clusterOf(5);
    await cluster.start();
    const client = await cluster.client();
    expect(await cluster.result(client.read('n'))).toBe(0);
    const reads = Array.from({ length: 5000 }, () => client.read(''));
    const from = cluster.now;
    expect(new Set(await cluster.result(Promise.all(reads)))).toEqual(new Set([0]));
    expect(cluster.now - from).toBeLessThan(1000);
  });

  it('end with a signal, and with what the machine throws', async () => {
    const cluster = clusterOf(6);
    await cluster.start();
    const client = await cluster.client();
    expect(await cluster.result(client.read('n'))).toBe(0);
    const codeOf = (reading: Promise<unknown>) =>
      reading.catch((error: unknown) =>
        error instanceof PaxosError ? `${error.code} ${error.message}` : '',
      );
    const abort = new AbortController();
    cluster.isolate('client 0');
    const [mine, theirs] = [0, 1].map(() => codeOf(client.read('n', { signal: abort.signal })));
    await cluster.pass(100);
    abort.abort();
    expect(await cluster.result(Promise.all([mine, theirs]))).toEqual([
      expect.stringMatching(/^ABORTED/),
      expect.stringMatching(/^ABORTED/),
    ]);
    cluster.isolate('client 0', false);
    expect(await cluster.result(codeOf(client.read('fail')))).toBe('READ_FAILED told to fail');
    expect(await cluster.result(codeOf(cluster.replica(0).read('fail')))).toBe('READ_FAILED told to fail');
  });
});
