/**
 * An acceptor with lmdb-sync yes, as a process, while its disk is slow, broken or full: nothing leaves it before what
 * it reveals is on disk.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LmdbStorage } from '../../src/storage/index.ts';
import {
  encodeAccept,
  encodePrepare,
  encodePrepareFrom,
  encodeQuery,
  encodeRepeat,
} from '../../src/transport/encode.ts';
import { CommandDirectory } from '../support/command.ts';
import { Connection } from '../support/connection.ts';
import { CommandProcess } from '../support/processes.ts';
import { Strace, whyNoStrace } from '../support/strace.ts';

const DELAY_MS = 200;
const VALUE = new TextEncoder().encode('a value');
const MEGABYTE = 1024 * 1024;
/** Values of 16,000 bytes that its 16 MB do not hold. */
const MORE_THAN_THE_JOURNAL = 1_200;
const OUTSTANDING = 50;

const noStrace = whyNoStrace();
const noMount = whyNoMount();

/** Why no small disk can be made here; undefined if one can. */
function whyNoMount(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'only root on Linux may mount a small disk';
  const directory = mkdtempSync(join(tmpdir(), 'libpaxos-mount-'));
  try {
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory]);
    if (status !== 0) return `a small disk cannot be mounted: ${String(stderr).trim()}`;
    execFileSync('umount', [directory]);
    return undefined;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('an acceptor with lmdb-sync yes', () => {
  const ends: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function configured(): Promise<CommandDirectory> {
    const directory = await CommandDirectory.make(1, ([port], path) =>
      [
        `replica 0 127.0.0.1 ${port}`,
        'storage-backend lmdb',
        'lmdb-sync yes',
        `lmdb-env-path ${join(path, 'disk', 'acceptor')}`,
        '',
      ].join('\n'),
    );
    mkdirSync(join(directory.path, 'disk'));
    ends.push(() => directory.close());
    return directory;
  }

  async function started(directory: CommandDirectory): Promise<CommandProcess> {
    const acceptor = new CommandProcess(['acceptor', '0', directory.config]);
    ends.push(() => acceptor.signal('SIGKILL'));
    await acceptor.out.first(/Listening on port/);
    return acceptor;
  }

  /** The file that makes a commit durable; the database behind it is written later. */
  function journalOf(directory: CommandDirectory): string {
    return join(directory.path, 'disk', 'acceptor_0', 'journal.bin');
  }

  async function connected(directory: CommandDirectory): Promise<Connection> {
    const connection = await Connection.open(directory.ports[0] ?? 0);
    ends.push(() => connection.close());
    return connection;
  }

  it('answers nothing sooner than a slow disk has it', async (context) => {
    context.skip(noStrace !== undefined, noStrace);
    const directory = await configured();
    const acceptor = await started(directory);
    const proposer = await connected(directory);
    const bystander = await connected(directory);
    const slow = `pwrite64:delay_enter=${DELAY_MS * 1000}`;
    const strace = await Strace.attach(acceptor.pid, slow, journalOf(directory));
    ends.push(() => strace.detach());

    const prepared = proposer.say((out) => encodePrepare(out, 1, 10));
    const promise = await proposer.first('promise');
    expect(promise.at - prepared).toBeGreaterThan(DELAY_MS);

    const accepted = proposer.say((out) => encodeAccept(out, 1, 10, VALUE));
    // An answer that writes nothing would tell of what is not on disk yet.
    bystander.say((out) => encodeRepeat(out, 1, 1));
    bystander.say((out) => encodePrepare(out, 1, 5));
    const told = [
      await proposer.first('accepted'),
      await bystander.first('accepted'),
      await bystander.first('promise'),
    ];
    for (const { at } of told) expect(at - accepted).toBeGreaterThan(DELAY_MS);

    const ranged = proposer.say((out) => encodePrepareFrom(out, 1, 100, 20));
    bystander.say((out) => encodeQuery(out, 7));
    const floor = [
      await proposer.first('promiseFrom'),
      await bystander.first('status', ({ token }) => token === 7),
    ];
    for (const { at } of floor) expect(at - ranged).toBeGreaterThan(DELAY_MS);
  }, 30_000);

  it('says nothing once the disk fails, and ends with one sentence', async (context) => {
    context.skip(noStrace !== undefined, noStrace);
    const directory = await configured();
    const acceptor = await started(directory);
    const proposer = await connected(directory);
    proposer.say((out) => encodeAccept(out, 1, 10, VALUE));
    await proposer.first('accepted');
    const strace = await Strace.attach(acceptor.pid, 'pwrite64:error=EIO', journalOf(directory));
    ends.push(() => strace.detach());

    const before = proposer.heard.length;
    proposer.say((out) => encodeAccept(out, 2, 10, VALUE));
    proposer.say((out) => encodePrepare(out, 3, 10));
    await proposer.closed;
    const said = proposer.heard.slice(before).map(({ message }) => message.type);
    expect(said.filter((type) => type !== 'acceptorState')).toEqual([]);
    expect(await acceptor.ended).toBe(1);
    expect(acceptor.err.all.at(-1)).toMatch(
      /^error: .*acceptor_0 could not be .*EIO.*; check the disk .* restart$/,
    );

    await started(directory);
    const later = await connected(directory);
    later.say((out) => encodeRepeat(out, 1, 9));
    expect((await later.first('accepted')).message.instanceId).toBe(1);
  }, 30_000);

  it('goes on while the database behind the journal is slow, and waits for it only when that is full', async (context) => {
    context.skip(noStrace !== undefined, noStrace);
    const directory = await configured();
    const acceptor = await started(directory);
    const proposer = await connected(directory);
    const strace = await Strace.attach(acceptor.pid, 'fdatasync:delay_enter=6000000');
    ends.push(() => strace.detach());
    const times: number[] = [];
    for (let i = 1; i <= MORE_THAN_THE_JOURNAL + OUTSTANDING; i++) {
      if (i <= MORE_THAN_THE_JOURNAL) proposer.say((out) => encodeAccept(out, i, 10, value(i)));
      if (i <= OUTSTANDING) continue;
      const answer = await proposer.first('accepted', ({ instanceId }) => instanceId === i - OUTSTANDING);
      times.push(answer.at);
    }
    // The database gets the first megabyte, and takes its time; the journal takes some thousand values meanwhile.
    const waited = times.findIndex((at, i) => at - (times[i - 1] ?? at) > 1_000);
    expect(waited).toBeGreaterThan(500);
    expect(acceptor.hasEnded).toBe(false);
    await acceptor.signal('SIGKILL');
    await strace.detach();

    const storage = await LmdbStorage.open(storageIn(directory));
    ends.push(() => storage.close());
    expect(differing(storage, MORE_THAN_THE_JOURNAL)).toEqual([]);
  }, 60_000);

  it('ends soon after the database behind the journal failed, though nobody asks, and has all it answered', async (context) => {
    context.skip(noStrace !== undefined, noStrace);
    const directory = await configured();
    const acceptor = await started(directory);
    const proposer = await connected(directory);
    const strace = await Strace.attach(acceptor.pid, 'fdatasync:error=EIO');
    ends.push(() => strace.detach());
    for (let i = 1; i <= 3; i++) proposer.say((out) => encodeAccept(out, i, 10, value(i)));
    await proposer.first('accepted', ({ instanceId }) => instanceId === 3);
    expect(await acceptor.ended).toBe(1);
    // The binding has written of it, too; the last word is ours.
    expect(acceptor.err.all.at(-1)).toMatch(
      /^error: .*acceptor_0 could not be .*EIO.*; check the disk .* restart$/,
    );
    await strace.detach();
    const storage = await LmdbStorage.open(storageIn(directory));
    ends.push(() => storage.close());
    expect(differing(storage, 3)).toEqual([]);
  }, 30_000);

  it('stops on a full disk with one sentence, and loses nothing that it answered', async (context) => {
    context.skip(noMount !== undefined, noMount);
    const directory = await configured();
    const disk = join(directory.path, 'disk');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=21m', 'tmpfs', disk]);
    ends.push(async () => execFileSync('umount', ['--lazy', disk]));
    const acceptor = await started(directory);
    const proposer = await connected(directory);
    for (let i = 1; i <= 500 && !proposer.isClosed; i++) {
      proposer.say((out) => encodeAccept(out, i, 10, value(i)));
      await proposer.first('accepted', ({ instanceId }) => instanceId === i).catch(() => undefined);
    }
    await proposer.closed;
    const answered = proposer.heard.filter(({ message }) => message.type === 'accepted').length;
    expect(answered).toBeGreaterThan(50);
    expect(answered).toBeLessThan(500);
    expect(await acceptor.ended).toBe(1);
    expect(acceptor.err.all).toEqual([
      expect.stringMatching(/^error: the disk of .*acceptor_0 is full; make room on it and restart$/),
    ]);

    execFileSync('mount', ['-o', 'remount,size=64m', disk]);
    const again = await started(directory);
    const learner = await connected(directory);
    learner.say((out) => encodeRepeat(out, 1, answered));
    await learner.first('accepted', ({ instanceId }) => instanceId === answered);
    learner.say((out) => encodeAccept(out, answered + 1, 10, value(answered + 1)));
    await learner.first('accepted', ({ instanceId }) => instanceId === answered + 1);
    await again.signal('SIGKILL');

    const storage = await LmdbStorage.open(storageIn(directory));
    ends.push(() => storage.close());
    expect(differing(storage, answered + 1)).toEqual([]);
  }, 60_000);

  it.for(['10m', '16424k'])('does not begin on a disk of %s, and says why', async (size, context) => {
    context.skip(noMount !== undefined, noMount);
    const directory = await configured();
    const disk = join(directory.path, 'disk');
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', disk]);
    ends.push(async () => execFileSync('umount', ['--lazy', disk]));
    const acceptor = new CommandProcess(['acceptor', '0', directory.config]);
    expect(await acceptor.ended).toBe(1);
    expect(acceptor.err.all).toEqual([
      expect.stringMatching(/^error: the disk of .*acceptor_0 is full; make room on it and restart$/),
    ]);
    expect(existsSync(journalOf(directory))).toBe(false);
    execFileSync('mount', ['-o', 'remount,size=64m', disk]);
    await started(directory);
  });

  it('is refused with one sentence while the disk has no room for what its journal has', async (context) => {
    context.skip(noMount !== undefined, noMount);
    const directory = await configured();
    const disk = join(directory.path, 'disk');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk]);
    ends.push(async () => execFileSync('umount', ['--lazy', disk]));
    const acceptor = await started(directory);
    const proposer = await connected(directory);
    for (let i = 1; i <= 50; i++) proposer.say((out) => encodeAccept(out, i, 10, value(i)));
    await proposer.first('accepted', ({ instanceId }) => instanceId === 50);
    await acceptor.signal('SIGKILL');

    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(join(disk, 'filler'), Buffer.alloc(bavail * bsize - 200_000));
    await expect(LmdbStorage.open(storageIn(directory))).rejects.toMatchObject({
      code: 'STORAGE_FULL',
      message: expect.stringMatching(/is full; make room on it and restart$/),
    });
    rmSync(join(disk, 'filler'));
    const storage = await LmdbStorage.open(storageIn(directory));
    ends.push(() => storage.close());
    expect(differing(storage, 50)).toEqual([]);
  }, 60_000);
});

function storageIn(directory: CommandDirectory) {
  const path = join(directory.path, 'disk', 'acceptor_0');
  return { path, acceptorId: 0, clusterName: 'libpaxos', sync: true, mapSizeBytes: MEGABYTE };
}

/** The instances up to `last` that do not have their value. */
function differing(storage: LmdbStorage, last: number): number[] {
  const all = Array.from({ length: last }, (_, i) => i + 1);
  return all.filter((i) => Buffer.compare(storage.get(i)?.value ?? new Uint8Array(0), value(i)) !== 0);
}

/** 16,000 bytes that tell instances apart. */
function value(instanceId: number): Uint8Array {
  return new Uint8Array(16_000).fill(instanceId % 251);
}
