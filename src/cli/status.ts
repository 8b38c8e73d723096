/**
 * `status [paxos.conf]`: how all nodes of a cluster are, in one table, and an exit code for whoever watches over it.
 */
import type { Command } from 'commander';
import pc from 'picocolors';
import { type ClusterStatus, ClusterWatch } from '../evpaxos/index.ts';
import type { Timer } from '../transport/transport.ts';
import { loadConfig, nodeCommand, parseSeconds } from './arguments.ts';
import { CommandFailed, ExitCode, type Io } from './io.ts';
import { statusLines } from './status-view.ts';

const WATCH_MS = 1000;
/** What is not a terminal has no end of a line. */
const UNBOUNDED_COLUMNS = 10_000;
const MS = 1000;

const HELP = `
Asks every node of the config how it is, all at once, and takes part in nothing: it may be run at any
time, beside any load. It works with whatever is up, and waits for no node longer than --timeout.

  npx libpaxos status paxos.conf
  npx libpaxos status paxos.conf --watch             once a second, until Ctrl-C
  npx libpaxos status paxos.conf --json              for a program to read
  npx libpaxos status paxos.conf --require-leader    a health check

You will see whether a quorum of the acceptors is up, who leads, and for each node:

  state      up; down (nobody listens there); unreachable; no answer; stalled (its disk does not finish
             a write); silent (its storage took the place of one that was lost); other cluster;
             not a node
  for        how long it has been up, or how long the others have missed it
  role       leader, follower, acceptor (takes no values), or original (LibPaxos3 in C)
  accepted   the highest instance it has a value for
  delivered  every instance up to here it has learned and handed on
  lag        how many chosen instances it does not have yet
  leader     whom it hears, and that one's ballot
  trimmed    what it was told to forget, up to here
  waiting    values that wait to be proposed
  storage    what survives (synced: all; unsynced: not a power cut; memory: nothing), and its size
  peers      who is connected to it; others are originals, or have not said who they are

Below the table stands what is wrong, and each node's last error. Originals say little of themselves:
how far they are is found by asking, and is at least so far.

Exit codes: 0 a quorum of acceptors is up; 4 it is not; 5 nobody leads, with --require-leader; 1 the
config cannot be used; 2 wrong arguments. --watch ends with 0.`;

interface StatusFlags {
  readonly json?: boolean;
  readonly watch?: boolean;
  readonly requireLeader?: boolean;
  readonly timeout: number;
}

export function statusCommand(io: Io): Command {
  return nodeCommand('status', 'say how all nodes of the cluster are')
    .option('--json', 'print one JSON object; with --watch one a line')
    .option('--watch', 'ask every second, and show it in place')
    .option('--require-leader', 'fail if nobody leads')
    .option('--timeout <S>', 'how long a node is waited for, in seconds; originals take one', parseSeconds, 2)
    .addHelpText('after', HELP)
    .action(async (path: string, flags: StatusFlags) => {
      const watch = new ClusterWatch(loadConfig(path, io), {
        clock: io.clock,
        timeoutMs: flags.timeout * MS,
      });
      try {
        if (flags.watch === true) await watchOn(watch, flags, io);
        else await showOnce(watch, flags, io);
      } finally {
        watch.close();
      }
    });
}

/** @throws CommandFailed if the cluster is not as it should be */
async function showOnce(watch: ClusterWatch, flags: StatusFlags, io: Io): Promise<void> {
  const end = () => watch.close();
  io.stop.addEventListener('abort', end, { once: true });
  const status = await watch.ask();
  if (io.stop.aborted) return;
  if (flags.json === true) io.out(`${JSON.stringify(status, null, 2)}\n`);
  else io.out(`${linesFor(status, io).join('\n')}\n`);
  judge(status, flags.requireLeader === true);
}

function judge({ acceptors, hasQuorum, leader }: ClusterStatus, requireLeader: boolean): void {
  const { count, quorum, up } = acceptors;
  if (!hasQuorum) {
    throw new CommandFailed(`${up} of ${count} acceptors are up, and ${quorum} must be`, ExitCode.noQuorum);
  }
  if (requireLeader && leader === null) throw new CommandFailed('nobody leads', ExitCode.noLeader);
}

/** Until Ctrl-C: in a terminal in one place, elsewhere one below the other. */
async function watchOn(watch: ClusterWatch, flags: StatusFlags, io: Io): Promise<void> {
  const isDrawn = flags.json !== true && io.screen() !== undefined;
  const stop = new Promise<void>((resolve) => {
    const end = () => {
      watch.close();
      resolve();
    };
    if (io.stop.aborted) end();
    else io.stop.addEventListener('abort', end, { once: true });
  });
  if (isDrawn) io.out('\x1b[?25l\x1b[2J');
  while (!io.stop.aborted) {
    const startedAt = io.clock.now();
    const status = await watch.ask();
    if (io.stop.aborted) break;
    if (flags.json === true) io.out(`${JSON.stringify(status)}\n`);
    else if (isDrawn) draw(linesFor(status, io), io);
    else io.out(`${linesFor(status, io).join('\n')}\n\n`);
    await Promise.race([pause(WATCH_MS - (io.clock.now() - startedAt), io), stop]);
  }
  if (isDrawn) io.out('\x1b[?25h');
}

/** Writes over what is there, line by line, so that nothing flickers; what does not fit is left out. */
function draw(lines: readonly string[], io: Io): void {
  const rows = io.screen()?.rows ?? lines.length + 1;
  const shown = lines.slice(0, rows - 1).map((line) => `${line}\x1b[K\n`);
  io.out(`\x1b[H\x1b[?7l${shown.join('')}\x1b[J\x1b[?7h`);
}

function linesFor(status: ClusterStatus, io: Io): readonly string[] {
  return statusLines(status, io.screen()?.columns ?? UNBOUNDED_COLUMNS, pc.createColors(io.colours));
}

function pause(delayMs: number, io: Io): Promise<void> {
  return new Promise((resolve) => {
    const timer: Timer = io.clock.after(Math.max(0, delayMs), resolve);
    io.stop.addEventListener('abort', () => timer.cancel(), { once: true });
  });
}
