/**
 * Running: a node from its start to its end, whichever way that comes.
 */
import type { NodeHandle } from '../evpaxos/index.ts';
import { caughtSignal, type Io, stopped } from './io.ts';

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
  } finally {
    await node.close();
  }
}

/** Says which signal ended the command, as the original does. */
export function tellSignal(io: Io, write: (text: string) => void): void {
  const signal = caughtSignal(io.stop);
  if (signal !== undefined) write(`Caught signal ${signal}\n`);
}
