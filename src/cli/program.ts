/**
 * The command line, as a function: arguments in, an exit code out. Everything else goes through Io.
 */
import { Command, CommanderError } from 'commander';
import pc from 'picocolors';
import { packageVersion } from '../evpaxos/hello.ts';
import { PaxosError } from '../paxos/error.ts';
import { acceptorCommand } from './acceptor.ts';
import { clientCommand } from './client.ts';
import { configCommand } from './config.ts';
import { counterCommand } from './counter.ts';
import { demoCommand } from './demo.ts';
import { exploreCommand } from './explore.ts';
import { inspectCommand } from './inspect.ts';
import { CommandFailed, ExitCode, type Io } from './io.ts';
import { learnerCommand } from './learner.ts';
import { proposerCommand } from './proposer.ts';
import { replicaCommand } from './replica.ts';
import { simCommand } from './sim.ts';
import { snapshotCommand } from './snapshot.ts';
import { statusCommand } from './status.ts';

const HELP_COLUMNS = 100;

const HELP = `
A cluster in one terminal each:

  npx libpaxos replica 0 paxos.conf
  npx libpaxos replica 1 paxos.conf
  npx libpaxos replica 2 paxos.conf
  npx libpaxos client paxos.conf

How they are, all of them:

  npx libpaxos status paxos.conf

Each command says more: npx libpaxos client -h`;

/**
 * Runs a command to its end.
 * @param argv the words after `libpaxos`
 * @returns the exit code: 0, or an ExitCode
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const program = makeProgram(io);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return usageFault(error, argv, program, io);
    tellError(error, io);
    return error instanceof CommandFailed ? error.exitCode : ExitCode.failed;
  }
}

function makeProgram(io: Io): Command {
  const program = new Command('libpaxos')
    .description(
      'Paxos: a cluster that agrees on one sequence of values, and keeps it while most of it is up.',
    )
    .usage('<command> [arguments]')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'say what it does')
    .helpCommand('help [command]', 'say what a command does')
    .exitOverride()
    .configureHelp(helpStyle(io))
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      outputError: () => undefined,
      getOutHelpWidth: () => HELP_COLUMNS,
      getErrHelpWidth: () => HELP_COLUMNS,
      getOutHasColors: () => io.colours,
      getErrHasColors: () => io.colours,
    })
    .addHelpText('after', HELP);
  const commands = [
    acceptorCommand,
    proposerCommand,
    learnerCommand,
    replicaCommand,
    clientCommand,
    counterCommand,
    configCommand,
    statusCommand,
    inspectCommand,
    snapshotCommand,
    demoCommand,
    simCommand,
    exploreCommand,
  ];
  for (const makeCommand of commands) program.addCommand(makeCommand(io).copyInheritedSettings(program));
  return program;
}

function helpStyle(io: Io) {
  const { bold } = pc.createColors(io.colours);
  return { styleTitle: (title: string) => bold(title) };
}

/** One line for a wrong command line; commander has printed what was asked for as help or version. */
function usageFault(error: CommanderError, argv: readonly string[], program: Command, io: Io): number {
  if (error.exitCode === 0) return 0;
  if (error.code === 'commander.help') return ExitCode.misused;
  const [first] = argv;
  const command = program.commands.find((known) => known.name() === first);
  const what = error.message.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\)$/, '; did you mean $1');
  const help = ['npx libpaxos', ...(command === undefined ? [] : [command.name()]), '-h'].join(' ');
  tellLine(`${what.replace(/[.?]?$/, (end) => (end === '?' ? '?' : ';'))} see ${help}`, io);
  return ExitCode.misused;
}

/** A fault as a line for each thing that is wrong. One of ours, and only that, comes with its stack. */
function tellError(error: unknown, io: Io): void {
  if (error instanceof PaxosError || error instanceof CommandFailed) {
    for (const line of error.message.split('\n')) tellLine(line, io);
    if (!(error instanceof PaxosError) || error.code !== 'INTERNAL') return;
  }
  tellLine(error instanceof Error ? (error.stack ?? error.message) : String(error), io);
}

function tellLine(line: string, io: Io): void {
  const { red } = pc.createColors(io.colours);
  io.err(`${red('error:')} ${line}\n`);
}
