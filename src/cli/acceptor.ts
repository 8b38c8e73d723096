/**
 * `acceptor ID [paxos.conf]`: remembers for the cluster what was promised and accepted.
 */
import type { Command } from 'commander';
import { AcceptorNode } from '../evpaxos/index.ts';
import { loadConfig, nodeCommand } from './arguments.ts';
import type { Io } from './io.ts';
import { Log } from './log.ts';
import { runUntilStopped } from './running.ts';

const HELP = `
An acceptor is the memory of the cluster: most of the acceptors must be up for values to be chosen.
It waits for proposers, learners and clients to connect, and contacts nobody.

  npx libpaxos acceptor 0 paxos.conf

You will see "Listening on port 8800", what a restart means with the storage that the config asks
for, and a line for each connection. Ctrl-C ends it.`;

export function acceptorCommand(io: Io): Command {
  return nodeCommand('acceptor', 'remember what is promised and accepted', 'acceptor')
    .addHelpText('after', HELP)
    .action(async (id: number, path: string) => {
      const config = loadConfig(path, io);
      const observer = new Log(io, config.verbosity);
      await runUntilStopped(await AcceptorNode.start({ config, id, observer }), io);
    });
}
