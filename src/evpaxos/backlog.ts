/**
 * Backlog: what waits for a peer, here and in its link, and how much of that is too much.
 *
 *   out: leaves at the end of this turn      held: leaves once the open batch is durable      link: was written
 *
 * Asked for once a turn, since a broadcast asks for every message: what waits in the link is as of the last write.
 */
import { ByteBuffer } from '../transport/buffer.ts';
import type { Link } from '../transport/transport.ts';
import { Drops } from './drops.ts';
import type { PeerContext } from './peer-context.ts';

/** A link keeps each write apart, at 200 bytes: no more than this waits there in perhaps small pieces. */
const MAX_AHEAD_BYTES = 64 * 1024;

export class Backlog {
  readonly out = new ByteBuffer();
  readonly held = new ByteBuffer();
  readonly #link: Link;
  readonly #drops: Drops;
  readonly #maxBytes: number;
  #linkBytes = 0;
  #apartBytes = 0;

  constructor({ observer, maxBacklogBytes }: PeerContext, link: Link) {
    this.#link = link;
    this.#drops = new Drops(observer, link);
    this.#maxBytes = maxBacklogBytes;
  }

  /** True if more waits than `times` the most that is allowed. Hot. */
  exceeds(times: number): boolean {
    const bytes = this.#bytes;
    if (bytes <= times * this.#maxBytes) return false;
    // Who has read all that was written has not fallen behind: a turn's worth is nothing yet, however little is allowed.
    return this.#linkBytes > 0 || bytes > times * MAX_AHEAD_BYTES;
  }

  /** True while so little waits that what could be sent later may be sent now. */
  isBelow(bytes: number): boolean {
    return this.#bytes < Math.min(bytes, this.#maxBytes / 2);
  }

  get #bytes(): number {
    return this.#linkBytes + this.out.length + this.held.length + this.#apartBytes;
  }

  /** So many bytes more, or fewer, wait elsewhere, without being encoded. */
  waitApart(bytes: number): void {
    this.#apartBytes += bytes;
  }

  countDropped(messages: number): void {
    this.#drops.count(messages, this.#bytes);
  }

  /** Writes what was encoded in this turn, unless too much waits in the link: then it gathers until that is gone. */
  flush(): void {
    if (this.out.length === 0 || this.#linkBytes > MAX_AHEAD_BYTES) return;
    if (this.#link.write(this.out.take())) this.out.reuse();
    this.#linkBytes = this.#link.waitingBytes;
  }

  /** What waited in the link is gone. */
  drained(): void {
    this.#linkBytes = 0;
    this.#drops.end();
  }
}
