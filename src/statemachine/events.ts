/**
 * Events: what happens to a replica, for the program that it runs in. Each reader has a queue of its own; one that does
 * not read loses the oldest, and is told how many.
 */
import type { PaxosError } from '../paxos/error.ts';
import type { Divergence } from './digest.ts';
import type { SnapshotEvent } from './snapshots.ts';

/** How many events wait for a reader. */
export const MAX_WAITING_EVENTS = 1024;

export type MachineEvent =
  /** who leads from now on, as far as this replica knows; undefined: nobody */
  | { readonly type: 'leader'; readonly leaderId: number | undefined; readonly isSelf: boolean }
  /** this replica is behind, and fetches what it missed; or has it all */
  | { readonly type: 'catch-up-begun'; readonly instanceId: number }
  | { readonly type: 'catch-up-ended'; readonly instanceId: number }
  | SnapshotEvent
  /** this replica and another had other results for the same commands: one of them is wrong */
  | ({ readonly type: 'diverged' } & Divergence)
  /** `verifyDeterminism` found that the machine is not deterministic; the replica ends */
  | { readonly type: 'not-deterministic'; readonly error: PaxosError }
  /** an instance holds what is no command; every replica passes over it */
  | { readonly type: 'passed-over'; readonly instanceId: number; readonly reason: string }
  /** a reader did not read: so many events are missing here */
  | { readonly type: 'missed'; readonly count: number };

interface Reader {
  readonly queue: MachineEvent[];
  missed: number;
  /** who waits for the next one */
  readonly waiting: ((result: IteratorResult<MachineEvent>) => void)[];
}

export class Events {
  readonly #readers = new Set<Reader>();
  #ended = false;

  emit(event: MachineEvent): void {
    for (const reader of this.#readers) {
      const next = reader.waiting.shift();
      if (next !== undefined) {
        next({ done: false, value: event });
        continue;
      }
      if (reader.queue.length >= MAX_WAITING_EVENTS) {
        reader.queue.shift();
        reader.missed++;
      }
      reader.queue.push(event);
    }
  }

  /** Nothing more will happen: readers end, after what is still queued. */
  end(): void {
    this.#ended = true;
    for (const { waiting } of this.#readers)
      for (const next of waiting.splice(0)) next({ done: true, value: undefined });
  }

  /** From now on. */
  read(): AsyncIterableIterator<MachineEvent> {
    const reader: Reader = { queue: [], missed: 0, waiting: [] };
    this.#readers.add(reader);
    const iterator: AsyncIterableIterator<MachineEvent> = {
      next: () => this.#next(reader),
      return: () => {
        this.#readers.delete(reader);
        for (const next of reader.waiting.splice(0)) next({ done: true, value: undefined });
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  #next(reader: Reader): Promise<IteratorResult<MachineEvent>> {
    if (reader.missed > 0) {
      const count = reader.missed;
      reader.missed = 0;
      return Promise.resolve({ done: false, value: { type: 'missed', count } });
    }
    const event = reader.queue.shift();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (this.#ended || !this.#readers.has(reader)) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => reader.waiting.push(resolve));
  }
}
