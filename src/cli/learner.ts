/**
 * `learner [paxos.conf]`: prints what is chosen, in order.
 */
import type { Command } from 'commander';
import { LearnerNode } from '../evpaxos/index.ts';
import { addLearningOptions, loadConfig, nodeCommand } from './arguments.ts';
import { deliveryLine } from './client-value.ts';
import type { Io } from './io.ts';
import { Log } from './log.ts';
import { afterOf, type LearningFlags, learning } from './progress.ts';

const HELP = `
A learner hears from the acceptors what is chosen. It prints every value once, in the order that is
the same on all learners, from the first on (learner-catch-up no: from now on).

  npx libpaxos learner paxos.conf
  npx libpaxos learner paxos.conf --json         print how far it is instead, for a program to read
  npx libpaxos learner paxos.conf --after 1000   begin at instance 1001

You will see a line for each value that a client submitted: when, in seconds since 1970, its first
16 characters, and its size. Other values are shown without the time.

  1763978587.104233 [k3x09qz2m1v7c4wb] 64 bytes

If the acceptors have trimmed what it needs, it ends with exit code 3 and says up to which instance.`;

export function learnerCommand(io: Io): Command {
  return addLearningOptions(nodeCommand('learner', 'print what is chosen, in order'))
    .addHelpText('after', HELP)
    .action(async (path: string, flags: LearningFlags) => {
      const config = loadConfig(path, io);
      const { tell, deliver, run } = learning(io, flags, (value) => io.out(deliveryLine(value)));
      const observer = new Log(io, config.verbosity, tell);
      await run(await LearnerNode.start({ config, observer, deliver, ...afterOf(flags) }));
    });
}
