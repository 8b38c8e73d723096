/**
 * Script: what the programs of `npm run` have in common: how they read their options, what they say of a wrong one, and
 * their exit codes.
 *
 *   scriptCommand(…).option(…) → runScript: options → run → 0, or an ExitCode, or 128 and the signal
 */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { CommandFailed, caughtSignal, ExitCode, type Io } from '../src/cli/io.ts';
import { runInProcess } from '../src/cli/terminal.ts';

const SIGNALLED = 128;
const HELP_COLUMNS = 100;

/** A command without options. Its help and its complaints go through `io`. */
export function scriptCommand(io: Io, name: string, description: string, help: string): Command {
  return new Command(name)
    .description(description)
    .usage('[options]')
    .helpOption('-h, --help', 'say what it does')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      getOutHelpWidth: () => HELP_COLUMNS,
    })
    .addHelpText('after', help);
}

/** Reads the options and runs. Returns the exit code. */
export async function runScript<Flags extends object>(
  command: Command,
  argv: readonly string[],
  io: Io,
  run: (flags: Flags) => Promise<number>,
): Promise<number> {
  try {
    command.parse([...argv], { from: 'user' });
    return await run(command.opts<Flags>());
  } catch (error) {
    if (error instanceof CommandFailed) {
      io.err(`error: ${error.message}\n`);
      return error.exitCode;
    }
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    io.err(`see npm run ${command.name()} -- -h\n`);
    return ExitCode.misused;
  }
}

/** Runs it in this process. A terminal that is closed ends the run as Ctrl-C does. */
export async function startScript(main: (argv: readonly string[], io: Io) => Promise<number>): Promise<void> {
  process.once('SIGHUP', () => process.kill(process.pid, 'SIGTERM'));
  await runInProcess(process, main);
}

/** The exit code of a run that was stopped before its end. */
export function stoppedCode({ stop }: Io): number {
  return SIGNALLED + (caughtSignal(stop) ?? 0);
}

/** An option's value: a whole number. */
export function between(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It takes a whole number from ${least} to ${most}.`);
  };
}
