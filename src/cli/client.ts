/**
 * `client [paxos.conf]`: submits values, and says every second how many were chosen and how long it took.
 */
import type { Command } from 'commander';
import { loadConfig, nodeCommand, parseCount, parseId, parseSeconds } from './arguments.ts';
import { type ClientFlags, ClientRun } from './client-run.ts';
import type { Io } from './io.ts';

const HELP = `
A client gives values to a proposer and learns what is chosen. It keeps N of its values on their way
and submits a new one for each that it learns, so N sets the load.

  npx libpaxos client paxos.conf                          one value at a time
  npx libpaxos client paxos.conf -o 100 --percentiles     100 at a time
  npx libpaxos client paxos.conf -o 100 --count 100000    end after 100,000 values
  npx libpaxos client paxos.conf --seconds 10 --json      ten seconds, for a program to read

You will see "Connected to proposer", and from the first chosen value on a line every second:

  9120 value/sec, 6.68 Mbps, latency min 78 us max 1204 us avg 106 us

If nothing is chosen it says why. Ctrl-C ends it.`;

export function clientCommand(io: Io): Command {
  return nodeCommand('client', 'submit values and measure how they are chosen')
    .option('-o, --outstanding <N>', 'how many values are on their way at a time', parseCount, 1)
    .option('-v, --value-size <BYTES>', 'bytes of text in a value, beside its head of 32', parseCount, 64)
    .option('-p, --proposer-id <ID>', 'the proposer that gets the values', parseId, 0)
    .option('--percentiles', 'add p50, p99 and p99.9 of the latency')
    .option('--count <N>', 'end after N values, with a summary', parseCount)
    .option('--seconds <S>', 'end after S seconds, with a summary', parseSeconds)
    .option('--json', 'print one JSON object a line; the log goes to standard error')
    .addHelpText('after', HELP)
    .action(async (path: string, flags: ClientFlags) => {
      await new ClientRun(loadConfig(path, io), flags, io).run();
    });
}
