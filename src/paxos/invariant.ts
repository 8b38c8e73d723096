/**
 * Invariants: conditions that hold unless the program itself is wrong. They stay on in production, because a process
 * that stops is better than two values for one instance.
 */

/** A programmer's error was found; the process must not go on with this state. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Stops with an InvariantError unless `condition` holds. State the condition positively. */
export function invariant(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new InvariantError(`invariant broken: ${claim}`);
}

/** Closes a switch: reached only if a case is missing, which the compiler then reports. */
export function assertNever(value: never): never {
  throw new InvariantError(`unhandled case: ${String(value)}`);
}
