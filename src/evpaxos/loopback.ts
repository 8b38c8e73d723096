/**
 * Loopback: a replica's connection with itself. Two links back to back, without a socket: what one end writes in a
 * turn reaches the other in the same turn, through the same codec as every other message; but for ACCEPT and ACCEPTED,
 * which are all that there is much of: they are handed over as they are, in their place between the others.
 */
import type { Config } from '../config/config.ts';
import type { MessageHandler } from '../transport/messages.ts';
import type { Link, LinkEvents } from '../transport/transport.ts';

/**
 * What may wait for this process itself, where `max-peer-backlog` is less: it reads as soon as its disk has written, and
 * what its learner misses it would have to ask for.
 */
const OWN_BACKLOG_BYTES = 16 * 1024 * 1024;

/** The most bytes that may wait for this process itself. */
export function ownBacklogBytes(config: Config): number {
  return Math.max(config.maxPeerBacklogBytes, OWN_BACKLOG_BYTES);
}

/** What each takes in a stretch, beside its value: measured, rounded. */
export const STRETCH_ENTRY_BYTES = 150;

/** Proposals at one ballot, or acceptances at one. The values are not written again by whoever has them. */
export interface Stretch {
  readonly ballot: number;
  readonly instanceIds: number[];
  readonly values: Uint8Array[];
}

const NO_VALUE = new Uint8Array(0);

/** Takes what one end says. */
export type LoopbackEnd = LinkEvents & { readonly take: (stretch: Stretch) => void };

class LoopbackLink implements Link {
  readonly remote = 'itself';
  readonly waitingBytes = 0;
  other: LoopbackLink | undefined;
  end: LoopbackEnd | undefined;
  #queue: (Uint8Array | Stretch)[] = [];
  #closed = false;

  write(bytes: Uint8Array): boolean {
    this.put(bytes);
    return false;
  }

  put(said: Uint8Array | Stretch): void {
    if (!this.#closed) this.#queue.push(said);
  }

  /** Adds to the stretch that was put last, or begins another. Hot. */
  add(instanceId: number, ballot: number, value: Uint8Array): void {
    const last = this.#queue.at(-1);
    if (last !== undefined && !(last instanceof Uint8Array) && last.ballot === ballot) {
      last.instanceIds.push(instanceId);
      last.values.push(value);
    } else this.put({ ballot, instanceIds: [instanceId], values: [value] });
  }

  pause(): void {}
  resume(): void {}

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    this.end?.closed(undefined);
    this.other?.close();
  }

  /** Hands what was said to the other end; true if there was anything. */
  deliver(): boolean {
    if (this.#queue.length === 0) return false;
    const queue = this.#queue;
    this.#queue = [];
    for (const said of queue) {
      if (this.#closed) break;
      if (said instanceof Uint8Array) this.other?.end?.data(said);
      else this.other?.end?.take(said);
    }
    return true;
  }
}

export interface Loopback {
  readonly outbound: Link;
  readonly inbound: Link;
  /** Hands a proposal to the acceptor's end. Hot. */
  propose(instanceId: number, ballot: number, value: Uint8Array): void;
  /** Hands acceptances to the other end. */
  tell(stretch: Stretch): void;
  /** Moves what was said, both ways; true if there was anything. */
  deliver(): boolean;
}

/** Makes the two ends, each with whoever takes what the other says. */
export function makeLoopback(
  outboundEnd: (link: Link) => LoopbackEnd,
  inboundEnd: (link: Link) => LoopbackEnd,
): Loopback {
  const outbound = new LoopbackLink();
  const inbound = new LoopbackLink();
  outbound.other = inbound;
  inbound.other = outbound;
  outbound.end = outboundEnd(outbound);
  inbound.end = inboundEnd(inbound);
  return {
    outbound,
    inbound,
    propose: (instanceId, ballot, value) => outbound.add(instanceId, ballot, value),
    tell: (stretch) => inbound.put(stretch),
    deliver: () => {
      const there = outbound.deliver();
      return inbound.deliver() || there;
    },
  };
}

/** Takes proposals, at the acceptor's end. */
export function takeProposed(acceptorsEnd: Pick<MessageHandler, 'accept'>): LoopbackEnd['take'] {
  return ({ ballot, instanceIds, values }) => {
    for (const [i, instanceId] of instanceIds.entries())
      acceptorsEnd.accept(instanceId, ballot, values[i] ?? NO_VALUE);
  };
}

/** Takes what the acceptor accepted, at the other end. */
export function takeAccepted(
  end: Pick<MessageHandler, 'accepted'> & { readonly acceptorId: number },
): LoopbackEnd['take'] {
  return ({ ballot, instanceIds, values }) => {
    for (const [i, instanceId] of instanceIds.entries())
      end.accepted(end.acceptorId, instanceId, ballot, ballot, values[i] ?? NO_VALUE);
  };
}
