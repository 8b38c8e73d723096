/**
 * `config [paxos.conf] [--json]`: checks a config and says what it means.
 */
import type { Command } from 'commander';
import { configDescription, describeConfig, optionLines, readConfig } from '../config/index.ts';
import { nodeCommand } from './arguments.ts';
import type { Io } from './io.ts';

const HELP = `
Checks a paxos.conf, and says what it means: the nodes, how many may be away, what survives a
restart, and every option with its value and where it was set. Starts nothing.

  npx libpaxos config paxos.conf

You will see all that is wrong with the file, with line numbers, and exit code 1; or its meaning.

Options that a config may set:
`;

interface ConfigFlags {
  readonly json?: boolean;
}

export function configCommand(io: Io): Command {
  return nodeCommand('config', 'check a config and say what it means')
    .option('--json', 'the same as one JSON object')
    .addHelpText('after', () => `${HELP}\n${optionLines().join('\n')}`)
    .action((path: string, flags: ConfigFlags) => {
      const parsed = readConfig(path);
      if (flags.json === true) io.out(`${JSON.stringify(configDescription(parsed), null, 2)}\n`);
      else io.out(`${describeConfig(parsed).join('\n')}\n`);
    });
}
