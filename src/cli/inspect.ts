/**
 * `inspect DIR`: what an acceptor's data directory holds, whether its node runs or not. Only reads.
 */
import { resolve } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { findSnapshots } from '../statemachine/snapshot-directory.ts';
import { LmdbReader } from '../storage/lmdb-reader.ts';
import { parseInstance } from './arguments.ts';
import { type InstanceView, viewInstance, viewLog } from './inspect-log.ts';
import { instanceHead, instanceLine, instanceLines, logLines, number } from './inspect-view.ts';
import { CommandFailed, type Io } from './io.ts';

/** So many lines are printed before others have their turn. */
const TURN_LINES = 1024;

const HELP = `
Looks into the data directory of an acceptor or replica: whose it is, what it promised, its log. Only
reads: it may be used beside a node that runs, and changes nothing.

  npx libpaxos inspect ./acceptor_0                          an overview; every record is verified
  npx libpaxos inspect ./acceptor_0 --instance 4500          one instance, with all it holds
  npx libpaxos inspect ./acceptor_0 --from 4500 --to 4600    a line for each instance
  npx libpaxos inspect ./acceptor_0 --json                   for a program to read

You will see

  promised   no lower ballot gets anything accepted any more
  accepted   how far it has values. Whether they are chosen no acceptor knows alone
  trimmed    what it was told to forget
  log        the records that it has; with damaged ones, which
  identity   tells this storage from a new one in its place; and whom it knows

and of an instance the ballots, and its value: with value-format commands item by item, otherwise as
text if it is printable, and in hex if it is not.

For the snapshots beside the log there is npx libpaxos snapshot. Exit codes: 0; 1 it cannot be read,
records are damaged, or there is no such instance; 2 wrong arguments.`;

interface InspectFlags {
  readonly instance?: number;
  readonly from?: number;
  readonly to?: number;
  readonly json?: boolean;
}

export function inspectCommand(io: Io): Command {
  return new Command('inspect')
    .summary('look into the data directory of an acceptor')
    .description('Look into the data directory of an acceptor, whether it runs or not.')
    .argument('<DIR>', 'the data directory: lmdb-env-path with _ and the id behind it')
    .option('--instance <N>', 'one instance, with all it holds', parseInstance)
    .option('--from <N>', 'a line for each instance from this one on', parseInstance)
    .option('--to <N>', 'the last of them', parseInstance)
    .option('--json', 'print one JSON object; of instances one a line')
    .addHelpText('after', HELP)
    .action(async (directory: string, flags: InspectFlags) => {
      const path = resolve(io.directory, directory);
      const reader = await LmdbReader.open(path);
      try {
        if (flags.instance !== undefined) showInstance(reader, flags.instance, flags, io);
        else if (flags.from !== undefined || flags.to !== undefined) await showRange(reader, flags, io);
        else await showLog(reader, flags, io);
      } finally {
        await reader.close();
      }
    });
}

async function showLog(reader: LmdbReader, flags: InspectFlags, io: Io): Promise<void> {
  const view = await viewLog(reader, await findSnapshots(reader.path), io.stop);
  if (view === undefined) return;
  if (flags.json === true) io.out(`${JSON.stringify(view, null, 2)}\n`);
  else io.out(`${logLines(view, pc.createColors(io.colours)).join('\n')}\n`);
  failIfDamaged(view.records.damaged, reader.path);
}

function showInstance(reader: LmdbReader, instanceId: number, flags: InspectFlags, io: Io): void {
  const [stored] = reader.records(instanceId, instanceId);
  if (stored === undefined) throw new CommandFailed(missingText(reader, instanceId));
  const view = viewInstance(stored);
  if (flags.json === true) io.out(`${JSON.stringify(view)}\n`);
  else io.out(`${instanceLines(view, pc.createColors(io.colours)).join('\n')}\n`);
  failIfDamaged('damaged' in view ? 1 : 0, reader.path);
}

async function showRange(reader: LmdbReader, flags: InspectFlags, io: Io): Promise<void> {
  const { from = 1, to = Number.MAX_SAFE_INTEGER, json = false } = flags;
  const colours = pc.createColors(io.colours);
  const text = (view: InstanceView) => (json ? JSON.stringify(view) : instanceLine(view, colours));
  if (!json) io.out(`${instanceHead(colours)}\n`);
  let damaged = 0;
  let left = TURN_LINES;
  for (const stored of reader.records(from, to)) {
    if (stored.record === undefined) damaged++;
    io.out(`${text(viewInstance(stored))}\n`);
    if (--left > 0) continue;
    left = TURN_LINES;
    await new Promise((next) => setImmediate(next));
    if (io.stop.aborted) return;
  }
  failIfDamaged(damaged, reader.path);
}

/** @throws CommandFailed */
function failIfDamaged(damaged: number, path: string): void {
  if (damaged === 0) return;
  const what = damaged === 1 ? '1 record is damaged' : `${number(damaged)} records are damaged`;
  throw new CommandFailed(
    `${path}: ${what}; stop this acceptor for good and check the disk, the others go on while they are a quorum`,
  );
}

function missingText({ state, path }: LmdbReader, instanceId: number): string {
  const { trimInstanceId, highestAccepted } = state;
  const which = `${path} has no record of instance ${instanceId}`;
  if (instanceId <= trimInstanceId) return `${which}: it was trimmed, with all up to ${trimInstanceId}`;
  if (instanceId > highestAccepted) return `${which}: it accepted up to ${highestAccepted}`;
  return `${which}: it was not there when that was chosen`;
}
