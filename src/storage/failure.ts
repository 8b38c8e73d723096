/**
 * Failures: what a database or a file system reports, as one line that says what to do.
 */
import { getSystemErrorName } from 'node:util';
import { PaxosError } from '../paxos/error.ts';
import { InvariantError } from '../paxos/invariant.ts';
import { diskFull } from './room.ts';

const ENOSPC = 28;
const MDB_MAP_FULL = -30_792;

/** Any failure as a PaxosError. lmdb hides the reason of a failed transaction behind a promise, `commitError`. */
export async function asPaxosError(error: unknown, path: string): Promise<PaxosError> {
  if (error instanceof PaxosError) return error;
  if (error instanceof InvariantError) throw error;
  const cause = await commitErrorOf(error);
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === ENOSPC || code === 'ENOSPC' || code === MDB_MAP_FULL) {
    return diskFull(path, cause);
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  const name = typeof code === 'number' && code > 0 ? `${getSystemErrorName(-code)}: ` : '';
  const what = `${path} could not be read or written (${name}${reason})`;
  return new PaxosError('STORAGE_FAILED', `${what}; check the disk and the permissions, then restart`, {
    cause,
  });
}

async function commitErrorOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error && 'commitError' in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (cause) {
    return cause;
  }
}

/** A storage of ours that no longer has what it held. */
export function recordsLost(path: string, what: string): PaxosError {
  return new PaxosError(
    'STORAGE_CORRUPT',
    `${path} is a storage of libpaxos, but ${what}: what this acceptor promised is lost; leave it stopped, and do ` +
      'not put an older copy in its place. The others go on while they are a quorum',
  );
}

/** A record whose checksum does not match. */
export function recordDamaged(path: string, instanceId: number): PaxosError {
  return new PaxosError(
    'STORAGE_CORRUPT',
    `${path}: the record of instance ${instanceId} is damaged (its checksum does not match); stop this acceptor for ` +
      'good and check the disk, and do not put an older copy in its place. The others go on while they are a quorum',
  );
}
