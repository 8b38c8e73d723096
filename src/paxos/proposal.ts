/**
 * What a proposer is made with, and what it hands out: the ACCEPTs to send, and what became of what was proposed.
 */
import type { Join, Submission } from './waiting.ts';

/** An ACCEPT to be sent to every acceptor. */
export interface Accept {
  readonly instanceId: number;
  readonly ballot: number;
  readonly value: Uint8Array;
}

/** What became of an instance that was chosen. */
export interface Finished<S> {
  /** our own value that was chosen there, if it was one */
  readonly chosen: S | undefined;
}

export interface ProposerOptions<S = Submission> {
  /** 0 to 9 */
  readonly id: number;
  /** how many acceptors the cluster has, 1 to 10 */
  readonly acceptors: number;
  /** how many instances are prepared ahead; 128 unless told */
  readonly window?: number;
  /** how many instances may be open at once; a power of two, at least `window`. 8,192 unless told. */
  readonly inFlight?: number;
  /** makes one value of several that wait, for one instance; each has its own unless told */
  readonly join?: Join<S> | undefined;
}
