/**
 * Loopback: a replica's connection with itself. Two links back to back, without a socket: what one end writes in a
 * turn reaches the other in the same turn, through the same codec as every other message.
 */
import type { Link, LinkEvents } from '../transport/transport.ts';

class LoopbackLink implements Link {
  readonly remote = 'itself';
  readonly waitingBytes = 0;
  other: LoopbackLink | undefined;
  events: LinkEvents | undefined;
  #queue: Uint8Array[] = [];
  #closed = false;

  write(bytes: Uint8Array): boolean {
    if (!this.#closed) this.#queue.push(bytes);
    return false;
  }

  pause(): void {}
  resume(): void {}

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    this.events?.closed(undefined);
    this.other?.close();
  }

  /** Hands what was written to the other end; true if there was anything. */
  deliver(): boolean {
    if (this.#queue.length === 0) return false;
    const written = this.#queue;
    this.#queue = [];
    for (const bytes of written) this.other?.events?.data(bytes);
    return true;
  }
}

export interface Loopback {
  readonly outbound: Link;
  readonly inbound: Link;
  /** Moves what was written, both ways; true if there was anything. */
  deliver(): boolean;
}

/** Makes the two ends; tell each its events before the first delivery. */
export function makeLoopback(
  outboundEvents: (link: Link) => LinkEvents,
  inboundEvents: (link: Link) => LinkEvents,
): Loopback {
  const outbound = new LoopbackLink();
  const inbound = new LoopbackLink();
  outbound.other = inbound;
  inbound.other = outbound;
  outbound.events = outboundEvents(outbound);
  inbound.events = inboundEvents(inbound);
  return {
    outbound,
    inbound,
    deliver: () => {
      const there = outbound.deliver();
      return inbound.deliver() || there;
    },
  };
}
