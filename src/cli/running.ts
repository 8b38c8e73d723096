/**
 * Running: a node from its start to its end, whichever way that comes.
 */
import type { NodeHandle } from '../evpaxos/index.ts';
import { PaxosError } from '../paxos/error.ts';
import { CommandFailed, caughtSignal, ExitCode, type Io, stopped } from './io.ts';

/**
 * Waits until the command is to end, and closes the node.
 * @param tell where the last line goes; standard output unless told
 * @throws PaxosError why the node had to stop by itself
 */
export async function runUntilStopped(
  node: NodeHandle,
  io: Io,
  tell = (text: string) => io.out(text),
): Promise<void> {
  try {
    await Promise.race([stopped(io.stop), node.closed]);
    tellSignal(io, tell);
  } catch (error) {
    throw behindTrim(
      error,
      (trim) => `start with --after ${trim} if you have a checkpoint of instance ${trim}`,
    );
  } finally {
    await node.close();
  }
}

/**
 * What ended a node, in the words of the command line if it is instances that were trimmed.
 * @param advice what to do, given the trim point
 */
export function behindTrim(error: unknown, advice: (trimInstanceId: number) => string): unknown {
  if (!(error instanceof PaxosError) || error.code !== 'BEHIND_TRIM') return error;
  const { instanceId = 0, trimInstanceId = 0 } = error;
  const what = `instances ${instanceId} to ${trimInstanceId} were trimmed and cannot be learned any more`;
  return new CommandFailed(`${what}; ${advice(trimInstanceId)}`, ExitCode.behindTrim);
}

/** Says which signal ended the command, as the original does. */
export function tellSignal(io: Io, write: (text: string) => void): void {
  const signal = caughtSignal(io.stop);
  if (signal !== undefined) write(`Caught signal ${signal}\n`);
}
