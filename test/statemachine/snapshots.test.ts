/**
 * Snapshots of replicas: made as the log grows, told to the others, and what the acceptors forget then; fetched by who
 * is too far behind, through cut connections; and gone on from after a restart.
 */
import { describe, expect, it } from 'vitest';
import type { MachineEvent } from '../../src/statemachine/index.ts';
import type { SnapshotReader } from '../../src/statemachine/machine.ts';
import { Ledger } from '../support/ledger.ts';
import { MachineCluster } from '../support/machine-cluster.ts';

const KB = 1024;

function clusterOf(snapshotLogBytes: number, seed = 1): MachineCluster<string, number, string, number> {
  return new MachineCluster({ machine: () => new Ledger(), seed, options: { snapshotLogBytes } });
}

type Cluster = ReturnType<typeof clusterOf>;

/** Everything that a replica tells from now on. */
function heardBy(cluster: Cluster, id: number): MachineEvent[] {
  const events: MachineEvent[] = [];
  const reading = async () => {
    for await (const event of cluster.replica(id).events()) events.push(event);
  };
  reading().catch((error: unknown) => cluster.failures.push(String(error)));
  return events;
}

const types = (events: readonly MachineEvent[]) => events.map(({ type }) => type);

function trimmedBy(cluster: Cluster, id: number): number {
  const points = cluster.events.map(({ process, event }) =>
    process === `replica ${id}` && event.type === 'trimmed' ? event.instanceId : 0,
  );
  return Math.max(0, ...points);
}

async function level(cluster: Cluster): Promise<void> {
  const applied = () => new Set([0, 1, 2].map((id) => cluster.replica(id).status.applied));
  expect(await cluster.until(() => applied().size === 1)).toBe(true);
  const [one, ...others] = cluster.machines.map(
    (machine) => machine instanceof Ledger && [...machine.counts],
  );
  for (const other of others) expect(other).toEqual(one);
}

async function write(cluster: Cluster, name: string, count: number, bytes = 8): Promise<void> {
  const { leader = 0 } = cluster;
  for (let i = 0; i < count; i++) {
    const command = `${name}-${i}-`.padEnd(bytes, '.');
    expect(await cluster.result(cluster.replica(leader).propose(command))).toBe(1);
  }
}

/** A ledger that is emptied when it is restored, and is not filled before the test says so. */
class HeldLedger extends Ledger {
  isRestoring = false;
  goOn: () => void = () => undefined;

  override async restore(reader: SnapshotReader): Promise<void> {
    this.counts.clear();
    this.isRestoring = true;
    await new Promise<void>((resolve) => {
      this.goOn = resolve;
    });
    await super.restore(reader);
  }
}

describe('snapshots of replicas', () => {
  it('are made as the log grows, and acceptors forget what a quorum has in them, no more', async () => {
    const cluster = clusterOf(2 * KB);
    await cluster.start();
    const events = heardBy(cluster, 0);
    cluster.kill(cluster.follower);
    const up = [0, 1, 2].filter((id) => cluster.isUp(id));
    await write(cluster, 'a', 200);
    await cluster.pass(2000);
    expect(types(events)).toContain('snapshot-made');
    const made = up.map((id) => cluster.replica(id).status.snapshotInstanceId);
    for (const id of up) {
      expect(trimmedBy(cluster, id)).toBeGreaterThan(0);
      expect(trimmedBy(cluster, id)).toBeLessThanOrEqual(Math.min(...made));
    }
    expect(cluster.failures).toEqual([]);
  });

  it('leave who missed no more than one the log', async () => {
    const cluster = clusterOf(2 * KB);
    await cluster.start();
    await write(cluster, 'a', 200);
    const { leader = 0 } = cluster;
    const events = heardBy(cluster, leader);
    const away = cluster.follower;
    cluster.kill(away);
    for (let i = 0; !types(events).includes('snapshot-made'); i++) await write(cluster, `b${i}`, 1);
    await cluster.pass(2000);
    await cluster.startReplica(away);
    const heard = heardBy(cluster, away);
    await level(cluster);
    expect(types(heard)).not.toContain('snapshot-fetching');
    expect(trimmedBy(cluster, leader)).toBeGreaterThan(0);
    expect(cluster.failures).toEqual([]);
  });

  it('are made of what was applied after some time, too, and not again of nothing', async () => {
    const cluster = new MachineCluster({
      machine: () => new Ledger(),
      options: { snapshotIntervalS: 10 },
    });
    await cluster.start();
    const events = heardBy(cluster, 0);
    expect(await cluster.result(cluster.replica(0).propose('a'))).toBe(1);
    await cluster.pass(60_000);
    const made = cluster.replica(0).status.snapshotInstanceId;
    expect(made).toBeGreaterThan(0);
    expect(events.filter(({ type }) => type === 'snapshot-made').length).toBeGreaterThan(0);
  });

  it('nothing is forgotten while no quorum has one', async () => {
    const cluster = clusterOf(2 * KB);
    await cluster.start();
    const { leader = 0 } = cluster;
    // The others cannot keep theirs.
    for (const id of [0, 1, 2]) if (id !== leader) await cluster.stores[id]?.close();
    await write(cluster, 'a', 200);
    await cluster.pass(2000);
    expect(cluster.replica(leader).status.snapshotInstanceId).toBeGreaterThan(0);
    expect([0, 1, 2].map((id) => trimmedBy(cluster, id))).toEqual([0, 0, 0]);
  });

  it('bring back a replica that is behind the trim point, through a connection that is cut on the way', async () => {
    const cluster = clusterOf(200 * KB, 3);
    await cluster.start();
    const client = await cluster.client();
    const away = cluster.follower;
    cluster.kill(away);
    await write(cluster, 'large', 200, 8 * KB);
    await cluster.pass(2000);
    expect(trimmedBy(cluster, cluster.leader ?? 0)).toBeGreaterThan(100);
    let events: readonly MachineEvent[] = [];
    const fetches = () => types(events).filter((type) => type === 'snapshot-fetching').length;
    let bytes = 0;
    let cuts = 0;
    cluster.network.tamper = (_from, to, piece) => {
      if (to !== `replica ${away}`) return [piece];
      // With the first piece of what was asked for: twice.
      bytes = fetches() > cuts ? bytes + piece.length : 0;
      if (bytes > 200 * KB && cuts < 2) {
        bytes = 0;
        cuts++;
        queueMicrotask(() => {
          for (const id of [0, 1, 2])
            if (id !== away) cluster.network.cut(`replica ${id}`, `replica ${away}`);
        });
      }
      return [piece];
    };
    await cluster.startReplica(away);
    events = heardBy(cluster, away);
    const proposed = client.propose('meanwhile');
    expect(await cluster.until(() => types(events).includes('snapshot-fetched'))).toBe(true);
    expect(await cluster.result(proposed)).toBe(1);
    expect(cuts).toBe(2);
    // It went on where it was: one snapshot's bytes came, and not much more.
    expect(fetches()).toBeGreaterThanOrEqual(3);
    await level(cluster);
    await cluster.pass(1500);
    // It was behind, and it says when that is over.
    expect(
      types(events)
        .filter((type) => type.startsWith('catch-up'))
        .at(-1),
    ).toBe('catch-up-ended');
    expect(types(events)).toContain('catch-up-begun');
    expect(cluster.failures).toEqual([]);
  });

  it('come without a rest where less may wait for a connection than a piece has', async () => {
    const options = { snapshotLogBytes: 200 * KB, maxPeerBacklogBytes: 16 * KB, maxMessageBytes: 64 * KB };
    const cluster = new MachineCluster({ machine: () => new Ledger(), seed: 3, options });
    await cluster.start();
    const away = cluster.follower;
    cluster.kill(away);
    await write(cluster, 'large', 100, 8 * KB);
    await cluster.pass(2000);
    await cluster.startReplica(away);
    const events = heardBy(cluster, away);
    const has = (type: MachineEvent['type']) => () => types(events).includes(type);
    expect(await cluster.until(has('snapshot-fetching'))).toBe(true);
    expect(await cluster.until(has('snapshot-fetched'), 1000)).toBe(true);
    expect(cluster.failures).toEqual([]);
  });

  it('are read from by nobody before they are restored', async () => {
    const cluster: Cluster = new MachineCluster({
      machine: () => new HeldLedger(),
      options: { snapshotLogBytes: 2 * KB },
    });
    await cluster.start();
    await write(cluster, 'a', 1);
    const away = cluster.follower;
    cluster.kill(away);
    await write(cluster, 'b', 200);
    await cluster.pass(2000);
    await cluster.startReplica(away);
    const machine = cluster.machines[away];
    if (!(machine instanceof HeldLedger)) throw new Error('there is no machine');
    expect(await cluster.until(() => machine.isRestoring)).toBe(true);
    const read = () => cluster.replica(away).read('a-0-....', { consistency: 'local' });
    await expect(cluster.result(read())).rejects.toMatchObject({ code: 'READ_UNAVAILABLE' });
    machine.goOn();
    await level(cluster);
    expect(await cluster.result(read())).toBe(1);
    expect(cluster.failures).toEqual([]);
  });

  it('are what a restarted replica goes on from, with the log behind', async () => {
    const cluster = clusterOf(2 * KB, 4);
    await cluster.start();
    const client = await cluster.client();
    expect(await cluster.result(client.propose('a'))).toBe(1);
    await write(cluster, 'b', 200);
    const killed = cluster.leader ?? 0;
    const { snapshotInstanceId } = cluster.replica(killed).status;
    expect(snapshotInstanceId).toBeGreaterThan(0);
    cluster.kill(killed);
    await cluster.startReplica(killed);
    expect(cluster.replica(killed).status.applied).toBeGreaterThanOrEqual(snapshotInstanceId);
    // Its session is in the snapshot, with all that was applied.
    expect(await cluster.result(client.propose('a'))).toBe(2);
    await level(cluster);
  });

  it('end a replica whose machine cannot restore them, with a sentence', async () => {
    const cluster = clusterOf(2 * KB, 5);
    await cluster.start();
    await write(cluster, 'b', 200);
    const killed = cluster.follower;
    cluster.kill(killed);
    const restore = Ledger.prototype.restore;
    Ledger.prototype.restore = () => Promise.reject(new Error('another version'));
    try {
      await expect(cluster.startReplica(killed)).rejects.toMatchObject({
        code: 'SNAPSHOT_CORRUPT',
        message: expect.stringContaining('another version'),
      });
    } finally {
      Ledger.prototype.restore = restore;
    }
  });
});
