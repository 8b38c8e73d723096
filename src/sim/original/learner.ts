/**
 * OriginalLearner: a learner as the original's is, its fault included: it counts the ballots that acceptors tell, which
 * after a REPEAT are those they promised. So nobody judges what it delivers.
 */
import { quorumSize } from '../../paxos/quorum.ts';
import type { Message } from '../../transport/message-log.ts';
import type { SimProcess } from '../process.ts';
import type { OriginalLinks } from './links.ts';

const HOLES_INTERVAL_MS = 100;
const REPEAT_BEYOND = 10;

interface Told {
  readonly ballot: number;
  readonly value: Uint8Array;
}

interface Instance {
  readonly told: Map<number, Told>;
  chosen: Uint8Array | undefined;
}

export interface OriginalLearnerOptions {
  readonly acceptors: number;
  readonly process: SimProcess;
  readonly links: OriginalLinks;
  readonly deliver: (instanceId: number, value: Uint8Array) => void;
}

export class OriginalLearner {
  readonly #options: OriginalLearnerOptions;
  readonly #instances = new Map<number, Instance>();
  #next = 1;
  #highestClosed = 0;

  constructor(options: OriginalLearnerOptions) {
    this.#options = options;
  }

  /** Looks for holes from now on. */
  start(): void {
    const { process, links } = this.#options;
    process.after(HOLES_INTERVAL_MS, () => {
      const from = this.#next;
      if (this.#highestClosed > from) {
        const to = Math.min(this.#highestClosed, from + REPEAT_BEYOND);
        links.tellAcceptors({ type: 'repeat', from, to });
      }
      this.start();
    });
  }

  receive(message: Message): void {
    if (message.type !== 'accepted' || message.instanceId < this.#next) return;
    const { acceptorId, instanceId, ballot, value } = message;
    let instance = this.#instances.get(instanceId);
    if (instance === undefined) {
      instance = { told: new Map(), chosen: undefined };
      this.#instances.set(instanceId, instance);
    }
    if (instance.chosen !== undefined || (instance.told.get(acceptorId)?.ballot ?? 0) >= ballot) return;
    instance.told.set(acceptorId, { ballot, value: value.slice() });
    let count = 0;
    for (const told of instance.told.values()) if (told.ballot === ballot) count++;
    if (count < quorumSize(this.#options.acceptors)) return;
    instance.chosen = value.slice();
    this.#highestClosed = Math.max(this.#highestClosed, instanceId);
    this.#deliver();
  }

  #deliver(): void {
    for (;;) {
      const chosen = this.#instances.get(this.#next)?.chosen;
      if (chosen === undefined) return;
      this.#instances.delete(this.#next);
      this.#options.deliver(this.#next++, chosen);
    }
  }
}
