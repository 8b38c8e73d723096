/**
 * Pending: the waits of a node's callers, so that each ends in one of three ways: what was waited for came, the caller's
 * signal aborted it, or the node was closed.
 */
import { PaxosError } from '../paxos/error.ts';

export class Pending {
  readonly #failing = new Set<(error: PaxosError) => void>();
  #isClosed = false;

  /**
   * @param begin begins what is waited for; gets what resolves the wait, and returns what withdraws it, if it can be
   * @param aborted what an abort means here, for people
   * @throws PaxosError what `begin` throws; ABORTED, CLOSED
   */
  wait<T>(
    begin: (resolve: (value: T) => void) => (() => void) | undefined,
    signal: AbortSignal | undefined,
    aborted: string,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      let withdraw: (() => void) | undefined;
      const settle = () => {
        this.#failing.delete(fail);
        signal?.removeEventListener('abort', abort);
      };
      const fail = (error: PaxosError) => {
        settle();
        withdraw?.();
        reject(error);
      };
      const abort = () => fail(new PaxosError('ABORTED', aborted));
      if (this.#isClosed) return fail(closedError());
      if (signal?.aborted === true) return abort();
      withdraw = begin((value) => {
        settle();
        resolve(value);
      });
      this.#failing.add(fail);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** The node is closed: nothing that is waited for comes any more. */
  close(): void {
    this.#isClosed = true;
    for (const fail of [...this.#failing]) fail(closedError());
  }
}

export function closedError(): PaxosError {
  return new PaxosError('CLOSED', 'the node was closed; values that were not chosen yet may still be chosen');
}

/** What ended a node. */
export function asPaxosError(error: unknown): PaxosError {
  if (error instanceof PaxosError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new PaxosError('INTERNAL', `this is a fault of libpaxos itself: ${text}`, { cause: error });
}
