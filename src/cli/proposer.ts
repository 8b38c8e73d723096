/**
 * `proposer ID [paxos.conf]`: gets the values of clients chosen.
 */
import type { Command } from 'commander';
import { ProposerNode } from '../evpaxos/index.ts';
import { loadConfig, nodeCommand } from './arguments.ts';
import type { Io } from './io.ts';
import { Log } from './log.ts';
import { runUntilStopped } from './running.ts';

const HELP = `
A proposer takes values from clients and gets each of them chosen by the acceptors. One proposer
leads; others hand it their values, and one of them takes over when it falls silent.

  npx libpaxos proposer 2 paxos.conf

You will see "Connect to" and "Connected to" for each acceptor, and "Leading from instance 1 on" as
soon as most of them answer. Ctrl-C ends it.`;

export function proposerCommand(io: Io): Command {
  return nodeCommand('proposer', 'get values chosen', 'proposer')
    .addHelpText('after', HELP)
    .action(async (id: number, path: string) => {
      const config = loadConfig(path, io);
      const observer = new Log(io, config.verbosity);
      await runUntilStopped(await ProposerNode.start({ config, id, observer }), io);
    });
}
