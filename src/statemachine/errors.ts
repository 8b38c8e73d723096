/** Errors that several of this room's faces have in common. */
import { PaxosError } from '../paxos/error.ts';

/** A signal ended the wait. */
export function aborted(what: 'read' | 'command'): PaxosError {
  if (what === 'read') return new PaxosError('ABORTED', 'the wait for the answer was aborted');
  return new PaxosError('ABORTED', 'the wait was aborted; the command may still be applied');
}

/** The handle was closed. */
export function closed(what: 'client' | 'replica'): PaxosError {
  return new PaxosError('CLOSED', `the ${what} was closed; commands without a result may still be applied`);
}
