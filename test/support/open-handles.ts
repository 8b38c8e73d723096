/** OpenHandles: which of this process's handles are open on a file, as Linux's /proc tells. */
import { readdirSync, readlinkSync, realpathSync } from 'node:fs';

const HANDLES = '/proc/self/fd';

export function openHandles(file: string): readonly number[] {
  const target = realpathSync(file);
  return readdirSync(HANDLES)
    .filter((name) => linkOf(name) === target)
    .map(Number);
}

/** Undefined: it was open for this very look. */
function linkOf(name: string): string | undefined {
  try {
    return readlinkSync(`${HANDLES}/${name}`);
  } catch {
    return undefined;
  }
}
