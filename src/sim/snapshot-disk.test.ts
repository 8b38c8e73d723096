import { describe, expect, it } from 'vitest';
import { gather } from '../statemachine/snapshot-reader.ts';
import { SeededRandom } from '../transport/random.ts';
import type { DiskFaults } from './disk.ts';
import { SimProcess } from './process.ts';
import { Scheduler } from './scheduler.ts';
import { SimSnapshotDisk } from './snapshot-disk.ts';

function scene() {
  const scheduler = new Scheduler();
  const faults: DiskFaults = { syncMs: 1, failNextSync: false, full: false, corruption: 0 };
  const disk = new SimSnapshotDisk({ random: new SeededRandom(1), faults, clusterName: 'c' });
  const start = () => new SimProcess({ scheduler, name: 'r0', drift: 1, slownessMs: 0 });
  const pass = async (ms: number) => {
    const end = scheduler.now + ms;
    do for (let i = 0; i < 50; i++) await null;
    while (scheduler.step(end));
  };
  return { scheduler, faults, disk, start, pass };
}

async function* content(text: string): AsyncGenerator<Uint8Array> {
  for (const letter of text) yield Buffer.from(letter);
}

const read = async (opened: { read(): AsyncIterable<Uint8Array> } | undefined) =>
  opened === undefined ? undefined : Buffer.from(await gather(opened.read())).toString();

describe('snapshots on a simulated disk', () => {
  it('are there for the next process once they are written', async () => {
    const { disk, start, pass } = scene();
    const process = start();
    const written = disk.open(process).write(7, content('abc'));
    await pass(100);
    const info = await written;
    process.kill();
    const next = disk.open(start());
    expect(next.newest).toEqual(info);
    expect(disk.everDurable).toBe(7);
    const text = next.open(info.snapshotId).then(read);
    await pass(100);
    expect(await text).toBe('abc');
  });

  it('are lost, all of them, with a process that ends before the last sync', async () => {
    const { disk, start, pass } = scene();
    const process = start();
    disk
      .open(process)
      .write(7, content('abc'))
      .catch(() => undefined);
    await pass(3);
    expect(disk.isWriting).toBe(true);
    process.kill();
    await pass(100);
    expect(disk.open(start()).snapshots).toEqual([]);
    expect([disk.isWriting, disk.everDurable]).toEqual([false, 0]);
  });

  it('fail as the disk does, and leave what was there', async () => {
    const { disk, faults, start, pass } = scene();
    const store = disk.open(start());
    const first = store.write(7, content('abc'));
    await pass(100);
    const info = await first;
    faults.full = true;
    const full = store.write(8, content('abc'));
    full.catch(() => undefined);
    await pass(100);
    await expect(full).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    faults.full = false;
    faults.failNextSync = true;
    const failed = store.write(9, content('abc'));
    failed.catch(() => undefined);
    await pass(100);
    await expect(failed).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    expect([store.snapshots, disk.isWriting]).toEqual([[info], false]);
  });

  it('with a flipped bit are found out, by whoever reads or fetches them', async () => {
    const { disk, faults, start, pass } = scene();
    const store = disk.open(start());
    const written = store.write(7, content('abc'));
    await pass(100);
    const info = await written;
    faults.corruption = 1;
    const damaged = store.open(info.snapshotId).then(read);
    damaged.catch(() => undefined);
    await pass(100);
    await expect(damaged).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' });
    const fetching = async () => {
      const incoming = await store.receive({ ...info, instanceId: 7 });
      const source = await store.open(info.snapshotId);
      if (source !== undefined) await incoming.append(await source.piece(0, info.bytes));
      return incoming.finish();
    };
    const fetched = fetching();
    fetched.catch(() => undefined);
    await pass(100);
    await expect(fetched).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' });
    // It was the reading that went wrong, not what is on the disk.
    faults.corruption = 0;
    const whole = store.open(info.snapshotId).then(read);
    await pass(100);
    expect(await whole).toBe('abc');
  });
});
