/** The commands that look into a data directory, on directories that a storage and a snapshot store have left. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open as openDatabase } from 'lmdb';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { runToEnd } from '../../test/support/command.ts';
import { Ledger } from '../../test/support/ledger.ts';
import { ByteWriter } from '../statemachine/bytes.ts';
import { jsonCodec } from '../statemachine/codec.ts';
import {
  encodeClock,
  encodeClose,
  encodeDigest,
  encodeKeep,
  encodeOpen,
  encodeRunHead,
} from '../statemachine/items.ts';
import { MachineHost } from '../statemachine/machine-host.ts';
import { FileSnapshotStore } from '../statemachine/snapshot-files.ts';
import { LmdbStorage } from '../storage/lmdb.ts';
import { keyOf } from '../storage/record.ts';
import { SeededRandom } from '../transport/random.ts';

const TIME_MS = Date.UTC(2026, 10, 30, 9);
const scratch = mkdtempSync(join(tmpdir(), 'libpaxos-inspect-'));
afterAll(() => rmSync(scratch, { recursive: true }));

let path = '';
let directories = 0;
beforeEach(() => {
  path = join(scratch, `acceptor_${directories++}`);
});

/** A value that a leader made at TIME_MS. */
function value(...items: ((out: ByteWriter) => void)[]): Uint8Array {
  const out = new ByteWriter();
  encodeClock(out, TIME_MS, 7);
  for (const encode of items) encode(out);
  return out.take();
}

function run(session: number, first: number, ...commands: readonly (string | Uint8Array)[]) {
  return (out: ByteWriter) => {
    encodeRunHead(out, session, first - 1, first, commands.length);
    for (const command of commands) {
      const bytes = Buffer.from(command);
      out.uint53(bytes.length);
      out.append(bytes);
    }
  };
}

/** Instances 1 to 3 trimmed; values of all kinds above; 9 promised only, 10 and 11 without a record. */
const VALUES: readonly Uint8Array[] = [
  value((out) => encodeOpen(out, 1, 2, 60_000)),
  value(run(1, 1, '"a"', '"b"')),
  new Uint8Array(0),
  value(
    (out) => encodeKeep(out, 1, 2),
    (out) => encodeClose(out, 1),
    (out) => encodeDigest(out, 5, 99),
  ),
  value((out) => out.byte(77)),
];

async function fill(): Promise<void> {
  const options = { path, acceptorId: 2, clusterName: 'north', sync: false, mapSizeBytes: 10_485_760 };
  const storage = await LmdbStorage.open(options);
  for (let id = 1; id <= 3; id++) storage.put(id, 12, 12, Buffer.from('raw value'));
  VALUES.forEach((bytes, i) => void storage.put(4 + i, 22, 12, bytes));
  storage.put(9, 22, 0, new Uint8Array(0));
  storage.put(12, 22, 22, Buffer.from('raw value'));
  storage.put(13, 22, 22, Buffer.from([0, 1, 255]));
  storage.setPromiseFloor(22);
  storage.identities.note(0, 0xabc);
  storage.trim(3);
  await storage.commit();
  await storage.close();
}

/** Flips a bit of a record behind the storage's back. */
async function damage(instanceId: number): Promise<void> {
  const database = openDatabase<Uint8Array, Uint8Array>({
    path,
    noSubdir: false,
    encoding: 'binary',
    keyEncoding: 'binary',
  });
  const content = Buffer.from(database.getBinary(keyOf(instanceId)) ?? []);
  content[9] = (content[9] ?? 0) ^ 1;
  await database.put(keyOf(instanceId), content);
  await database.close();
}

/** A snapshot after one instance with one command, as a replica would make it. */
async function makeSnapshot(): Promise<string> {
  const host = new MachineHost<string, number>({
    machine: new Ledger(),
    codecs: { command: jsonCodec(), result: jsonCodec() },
    listener: {
      answered: () => undefined,
      opened: () => undefined,
      passedOver: () => undefined,
      diverged: () => undefined,
      notDeterministic: () => undefined,
    },
  });
  host.apply(
    1,
    value((out) => encodeOpen(out, 1, 2, 60_000)),
  );
  host.apply(2, value(run(1, 1, '"a"')));
  const options = { path, clusterName: 'north', random: new SeededRandom(1), report: () => undefined };
  const store = await FileSnapshotStore.open(options);
  const { instanceId, chunks } = host.capture();
  await store.write(instanceId, chunks);
  await store.close();
  return readdirSync(path).find((name) => name.endsWith('.lps')) ?? '';
}

/** Everything in the directory but lmdb's table of readers. */
function contents(): readonly string[] {
  return readdirSync(path)
    .filter((name) => name !== 'lock.mdb' && statSync(join(path, name)).isFile())
    .map(
      (name) =>
        `${name} ${createHash('sha256')
          .update(readFileSync(join(path, name)))
          .digest('hex')}`,
    );
}

describe('inspect', () => {
  it('says whose the directory is and what it holds, and changes nothing', async () => {
    await fill();
    const before = contents();
    const { code, out, err } = await runToEnd('inspect', path);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.split('\n')[0]).toBe(`Acceptor 2 of cluster north, in ${path}`);
    for (const [title, text] of [
      ['promised', 'ballot 22 (proposer 2), for all instances'],
      ['accepted', 'up to instance 13'],
      ['trimmed', 'instances 1 to 3'],
      ['log', '8 records, instances 4 to 13, 2 of which have none'],
      ['values', '7, 1 of them no-ops, 72 B, ballots 12 to 22'],
      ['snapshots', 'none'],
      ['knows', 'acceptor 0 as abc'],
    ]) {
      expect(out).toMatch(new RegExp(`^  ${title} +${text?.replace(/[()]/g, '\\$&')}$`, 'm'));
    }
    expect(contents()).toEqual(before);
  });

  it('gives the same to a program', async () => {
    await fill();
    const { out } = await runToEnd('inspect', path, '--json');
    expect(JSON.parse(out)).toMatchObject({
      directory: path,
      inUseBy: null,
      acceptor: 2,
      cluster: 'north',
      trimmed: 3,
      promiseFloor: 22,
      highestBallot: 22,
      highestAccepted: 13,
      knownIdentities: { 0: 'abc' },
      records: { count: 8, first: 4, last: 13, accepted: 7, noOps: 1, lowestBallot: 12, damaged: 0 },
      snapshots: [],
    });
  });

  it('prints a line for each instance of a range', async () => {
    await fill();
    const { code, out } = await runToEnd('inspect', path, '--from', '1');
    expect(code).toBe(0);
    expect(out.split('\n').map((line) => line.trim().replaceAll(/ {2,}/g, '  '))).toEqual([
      'instance  promised  accepted  bytes  holds',
      '4  22  12  14  opens a session',
      '5  22  12  21  session 1: 2 commands',
      '6  22  12  0  no-op',
      '7  22  12  16  keeps session 1; closes session 1; digest of instance 5',
      '8  22  12  9  malformed from here on: item of kind 77, which there is not',
      '9  22  –  –  nothing accepted',
      '12  22  22  9  raw value',
      '13  22  22  3  0x0001ff',
      '',
    ]);
    const some = await runToEnd('inspect', path, '--from', '5', '--to', '6', '--json');
    const lines = some.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ instance, value: held }) => [instance, held.format])).toEqual([
      [5, 'commands'],
      [6, 'no-op'],
    ]);
    expect(lines[0].value.items[1].commands).toEqual([
      { bytes: 3, text: '"a"' },
      { bytes: 3, text: '"b"' },
    ]);
  });

  it('shows one instance item by item', async () => {
    await fill();
    const { code, out } = await runToEnd('inspect', path, '--instance', '5');
    expect(code).toBe(0);
    expect(out).toContain('  promised  ballot 22 (proposer 2)\n  accepted  ballot 12 (proposer 2)\n');
    expect(out).toContain(
      [
        '  CLOCK   2026-11-30T09:00:00.000Z, seed 7',
        '  RUN     session 1, 2 from 1 on, results up to 0 have arrived',
        '          1  "a"',
        '          2  "b"',
        '',
      ].join('\n'),
    );
    const others = await Promise.all(
      ['4', '6', '7', '8', '9', '13'].map((id) => runToEnd('inspect', path, '--instance', id)),
    );
    expect(others.map((each) => each.out.trim().split('\n').at(-1)?.trim())).toEqual([
      'OPEN    nonce 0000000100000002, ends 60000 ms after it was last heard of',
      'no-op: it fills a hole, and no replica does anything',
      'DIGEST  63 after instance 5',
      'MALFORMED from here on, and passed over: item of kind 77, which there is not',
      'accepted  nothing',
      '0x0001ff',
    ]);
  });

  it('says why there is no such instance', async () => {
    await fill();
    for (const [id, reason] of [
      ['2', 'it was trimmed, with all up to 3'],
      ['10', 'it was not there when that was chosen'],
      ['99', 'it accepted up to 13'],
    ] as const) {
      const { code, err } = await runToEnd('inspect', path, '--instance', id);
      expect({ code, err }).toEqual({
        code: 1,
        err: `error: ${path} has no record of instance ${id}: ${reason}\n`,
      });
    }
    expect((await runToEnd('inspect', path, '--instance', '0')).code).toBe(2);
  });

  it('tells damaged records, goes on behind them, and fails', async () => {
    await fill();
    await damage(5);
    const all = await runToEnd('inspect', path);
    expect(all.code).toBe(1);
    expect(all.out).toContain('1 record is damaged: of instance 5');
    expect(all.err).toContain(`error: ${path}: 1 record is damaged; stop this acceptor for good`);
    const range = await runToEnd('inspect', path, '--from', '5', '--to', '6');
    expect(range.code).toBe(1);
    expect(range.out).toMatch(/ 5 {2}damaged: its checksum is wrong\n.* 6 /);
  });

  it('leaves alone what is no storage of ours', async () => {
    writeFileSync(join(scratch, 'file'), 'x');
    for (const [directory, reason] of [
      [join(scratch, 'nowhere'), 'does not exist; give the data directory of an acceptor'],
      [join(scratch, 'file'), 'is not a directory'],
      [scratch, 'is not empty and not a storage of libpaxos'],
    ] as const) {
      for (const command of ['inspect', 'snapshot']) {
        const { code, err } = await runToEnd(command, directory);
        expect(code).toBe(1);
        expect(err).toContain(`error: ${directory} ${reason}`);
      }
    }
  });
});

describe('snapshot', () => {
  it('shows what there is, verified, and changes nothing', async () => {
    await fill();
    await makeSnapshot();
    const before = contents();
    const { code, out } = await runToEnd('snapshot', path);
    expect(code).toBe(0);
    expect(out).toMatch(/^instance +id +size +machine +sessions +log time +digest$/m);
    expect(out).toMatch(/^2 +[0-9a-f]+ +\d+ B +\d+ B +1 +2026-11-30T09:00:00[.]000Z +[0-9a-f]+ +verified$/m);
    const json = JSON.parse((await runToEnd('snapshot', path, '--json')).out);
    expect(json.snapshots).toMatchObject([
      { instance: 2, verified: true, clusterName: 'north', sessions: 1, timeMs: TIME_MS },
    ]);
    expect((await runToEnd('inspect', path)).out).toMatch(/snapshots +1, the newest of instance 2$/m);
    expect(contents()).toEqual(before);
  });

  it("takes the machine's bytes out, and never over a file that is there", async () => {
    await fill();
    await makeSnapshot();
    const file = join(scratch, `${directories}.json`);
    const { code, out } = await runToEnd('snapshot', path, '--extract', file);
    expect(code).toBe(0);
    expect(out).toMatch(/^Wrote \d+ B to .*: the state after instance 2$/m);
    expect(readFileSync(file, 'utf8')).toBe('{"total":1,"counts":[["a",1]]}');
    const again = await runToEnd('snapshot', path, '--extract', file);
    expect(again.code).toBe(1);
    expect(again.err).toContain('there is such a file already');
  });

  it('tells a damaged one, fails, and takes nothing out of it', async () => {
    await fill();
    const name = await makeSnapshot();
    const bytes = readFileSync(join(path, name));
    bytes[bytes.length - 50] = (bytes.at(-50) ?? 0) ^ 1;
    writeFileSync(join(path, name), bytes);
    const { code, out, err } = await runToEnd('snapshot', path);
    expect(code).toBe(1);
    expect(out).toContain('NOT USABLE');
    expect(err).toContain('1 of 1 snapshots cannot be used');
    const file = join(scratch, `${directories}.json`);
    expect((await runToEnd('snapshot', path, '--extract', file)).code).toBe(1);
    expect(readdirSync(scratch)).not.toContain(`${directories}.json`);
  });

  it('says that there is none', async () => {
    await fill();
    const none = await runToEnd('snapshot', path);
    expect([none.code, none.err]).toEqual([1, expect.stringContaining(`there are no snapshots in ${path}`)]);
    await makeSnapshot();
    const other = await runToEnd('snapshot', path, '--instance', '5');
    expect(other.err).toContain('has no snapshot of instance 5; it has those of 2');
  });
});
