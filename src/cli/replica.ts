/**
 * `replica ID [paxos.conf] [-v]`: acceptor, proposer and learner in one process, on one port.
 */
import type { Command } from 'commander';
import { Replica } from '../evpaxos/index.ts';
import { loadConfig, nodeCommand } from './arguments.ts';
import { deliveryLine } from './client-value.ts';
import type { Io } from './io.ts';
import { Log } from './log.ts';
import { runUntilStopped } from './running.ts';

const HELP = `
A replica is an acceptor, a proposer and a learner in one process, on one port. Three of them are a
cluster that survives the loss of one.

  npx libpaxos replica 0 paxos.conf
  npx libpaxos replica 1 paxos.conf -v     print what is delivered

You will see its connections to the other replicas, and "Leading from instance 1 on" on one of them.
Ctrl-C ends it.`;

interface ReplicaFlags {
  readonly verbose?: boolean;
}

export function replicaCommand(io: Io): Command {
  return nodeCommand('replica', 'be acceptor, proposer and learner in one', 'replica')
    .option('-v, --verbose', 'print delivered values')
    .addHelpText('after', HELP)
    .action(async (id: number, path: string, flags: ReplicaFlags) => {
      const config = loadConfig(path, io);
      const observer = new Log(io, config.verbosity);
      const deliver = ({ value }: { readonly value: Uint8Array }) => {
        if (flags.verbose === true) io.out(deliveryLine(value));
      };
      await runUntilStopped(await Replica.start({ config, id, observer, deliver }), io);
    });
}
