/**
 * KeptSpans: what an acceptor has learned, from one process to the next. Written down once a second, with the commit of
 * what is told then; so one that is started again can tell all but the last second of it.
 */
import type { Learned } from '../paxos/learned.ts';
import type { Storage } from '../paxos/storage.ts';

export class KeptSpans {
  readonly #storage: Pick<Storage, 'spans'>;
  readonly #learned: Learned;
  #keptTo: number;

  /** Lets `learned`, which knows nothing yet, know what the last process kept. */
  constructor(storage: Pick<Storage, 'spans' | 'trimInstanceId'>, learned: Learned) {
    this.#storage = storage;
    this.#learned = learned;
    for (const { from, to, ballot } of storage.spans?.kept ?? []) learned.noteRange(ballot, from, to);
    learned.trim(storage.trimInstanceId);
    this.#keptTo = learned.highest;
  }

  keep(): void {
    const { highest, spans } = this.#learned;
    if (highest === this.#keptTo) return;
    this.#keptTo = highest;
    this.#storage.spans?.keep(spans);
  }
}
