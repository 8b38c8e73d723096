/**
 * `snapshot DIR`: the snapshots beside an acceptor's log, each read to its end and verified; and the state machine's
 * bytes out of one. Only reads.
 */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { PaxosError } from '../paxos/error.ts';
import { findSnapshots, lookInto, type StoredSnapshotFile } from '../statemachine/snapshot-directory.ts';
import { requireStorage } from '../storage/directory.ts';
import { parseInstance } from './arguments.ts';
import { number, type SnapshotLook, snapshotLines } from './inspect-view.ts';
import { CommandFailed, type Io } from './io.ts';
import { size } from './status-view.ts';

const HELP = `
Shows the snapshots that a replica with a state machine keeps beside its log, and verifies each of
them: every chunk's checksum, and the hash of the whole. Only reads: it may be used beside a replica
that runs, and changes nothing.

  npx libpaxos snapshot ./acceptor_0                         the newest first
  npx libpaxos snapshot ./acceptor_0 --extract state.json    what the machine's snapshot() gave
  npx libpaxos snapshot ./acceptor_0 --json                  for a program to read

You will see

  instance   the last one whose commands are in it
  machine    how much of it the state machine wrote; the rest are the clients' sessions
  log time   what context.timeMs was
  digest     the same on every replica for the same instance, or the machine is not deterministic

--extract writes the machine's own bytes to a new file, of the newest snapshot, or of --instance N.

Exit codes: 0; 1 it cannot be read, a snapshot is damaged, or there is none; 2 wrong arguments.`;

interface SnapshotFlags {
  readonly extract?: string;
  readonly instance?: number;
  readonly json?: boolean;
}

export function snapshotCommand(io: Io): Command {
  return new Command('snapshot')
    .summary('show and verify the snapshots in a data directory')
    .description('Show and verify the snapshots in a data directory, and take the state out of one.')
    .argument('<DIR>', 'the data directory: lmdb-env-path with _ and the id behind it')
    .option('--extract <FILE>', "write the machine's bytes of the newest one to this new file")
    .option('--instance <N>', 'only the one of this instance', parseInstance)
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (directory: string, flags: SnapshotFlags) => {
      const path = resolve(io.directory, directory);
      requireStorage(path);
      const found = await findSnapshots(path);
      const wanted = found.filter(({ instanceId }) => instanceId === (flags.instance ?? instanceId));
      const [newest] = wanted;
      if (newest === undefined) throw new CommandFailed(noneText(path, found, flags.instance));
      if (flags.extract !== undefined) await extract(newest, resolve(io.directory, flags.extract), io);
      else await show(wanted, path, flags, io);
    });
}

async function show(
  found: readonly StoredSnapshotFile[],
  path: string,
  flags: SnapshotFlags,
  io: Io,
): Promise<void> {
  const looks: SnapshotLook[] = [];
  for (const each of found) looks.push(await look(each));
  if (flags.json === true)
    io.out(`${JSON.stringify({ directory: path, snapshots: looks.map(jsonOf) }, null, 2)}\n`);
  else io.out(`${snapshotLines(looks, pc.createColors(io.colours)).join('\n')}\n`);
  const damaged = looks.filter((each) => 'damage' in each).length;
  if (damaged === 0) return;
  const advice = 'the replica uses an older one, or fetches one from another replica';
  throw new CommandFailed(`${path}: ${damaged} of ${looks.length} snapshots cannot be used; ${advice}`);
}

async function look(found: StoredSnapshotFile): Promise<SnapshotLook> {
  try {
    return { ...found, content: await lookInto(found) };
  } catch (error) {
    if (error instanceof PaxosError) return { ...found, damage: error.message };
    throw error;
  }
}

function jsonOf(look: SnapshotLook): unknown {
  const { file, instanceId: instance, snapshotId, bytes } = look;
  const start = { instance, id: snapshotId.toString(16), file, bytes };
  if ('damage' in look) return { ...start, verified: false, damage: look.damage };
  const { digest, ...content } = look.content;
  return { ...start, verified: true, ...content, digest: digest.toString(16) };
}

/** The file is there as a whole, or not at all. */
async function extract(found: StoredSnapshotFile, to: string, io: Io): Promise<void> {
  const file = await create(to);
  try {
    const { machineBytes } = await lookInto(found, async (bytes) => {
      await file.writeFile(bytes);
    });
    await file.close();
    io.out(`Wrote ${size(machineBytes)} to ${to}: the state after instance ${number(found.instanceId)}\n`);
  } catch (error) {
    await file.close();
    await rm(to, { force: true });
    throw error;
  }
}

async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx');
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    const reason = isThere ? 'there is such a file already; give another name' : String(error);
    throw new CommandFailed(`cannot write ${path}: ${reason}`);
  }
}

function noneText(
  path: string,
  found: readonly StoredSnapshotFile[],
  instanceId: number | undefined,
): string {
  if (instanceId === undefined || found.length === 0) {
    const when = 'a replica with a state machine makes one every snapshot-interval or snapshot-log-size';
    return `there are no snapshots in ${path}: ${when}`;
  }
  const there = found.map((each) => number(each.instanceId)).join(', ');
  return `${path} has no snapshot of instance ${number(instanceId)}; it has those of ${there}`;
}
