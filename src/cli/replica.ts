/**
 * `replica ID [paxos.conf] [-v]`: acceptor, proposer and learner in one process, on one port.
 */
import type { Command } from 'commander';
import { Replica } from '../evpaxos/index.ts';
import { addLearningOptions, loadConfig, nodeCommand } from './arguments.ts';
import { deliveryLine } from './client-value.ts';
import type { Io } from './io.ts';
import { Log } from './log.ts';
import { afterOf, type LearningFlags, learning } from './progress.ts';

const HELP = `
A replica is an acceptor, a proposer and a learner in one process, on one port. Three of them are a
cluster that survives the loss of one.

  npx libpaxos replica 0 paxos.conf
  npx libpaxos replica 1 paxos.conf -v         print what is delivered
  npx libpaxos replica 2 paxos.conf --json     print how far it is, for a program to read

You will see its connections to the other replicas, and "Leading from instance 1 on" on one of them.
Ctrl-C ends it. If the acceptors have trimmed what it needs, it ends with exit code 3 and says up to
which instance: a checkpoint has to be there for it, and --after says where that ends.`;

interface ReplicaFlags extends LearningFlags {
  readonly verbose?: boolean;
}

export function replicaCommand(io: Io): Command {
  const command = nodeCommand('replica', 'be acceptor, proposer and learner in one', 'replica').option(
    '-v, --verbose',
    'print delivered values',
  );
  return addLearningOptions(command)
    .addHelpText('after', HELP)
    .action(async (id: number, path: string, flags: ReplicaFlags) => {
      const config = loadConfig(path, io);
      const { tell, deliver, run } = learning(io, flags, (value) => {
        if (flags.verbose === true) io.out(deliveryLine(value));
      });
      const observer = new Log(io, config.verbosity, tell);
      await run(await Replica.start({ config, id, observer, deliver, ...afterOf(flags) }));
    });
}
