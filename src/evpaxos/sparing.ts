/**
 * Sparing: a learner that hears from the leader what is chosen needs each value once. It asks the acceptors that it
 * does not need to keep their acceptances at that ballot to themselves.
 *
 *   CHOSEN(b) → SPARE(b) to all acceptors but the source   stuck, or the source is lost → SPARE(0) to all
 *
 * The source is our own acceptor, else the one in the leader's process. Without one nobody is spared.
 */
import { encodeSpare } from '../transport/encode.ts';
import { Capability } from '../transport/messages.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';

/** After something was missed, everybody is listened to for so long. */
const LISTEN_MS = 1000;

export class Sparing {
  readonly #peers: Peers;
  #ballot = 0;
  #source: Peer | undefined;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(peers: Peers) {
    this.#peers = peers;
  }

  /** The leader of `ballot` tells on this connection what is chosen. */
  heard(leader: Peer, ballot: number, now: number): void {
    if (ballot === this.#ballot || now < this.#notBefore) return;
    const { acceptors } = this.#peers;
    const own = acceptors.find((peer) => this.#peers.isSelf(peer));
    const source = own ?? acceptors.find((peer) => peer === leader || peer === leader.counterpart);
    if (source === undefined) return;
    this.#ballot = ballot;
    this.#source = source;
    this.#tell((peer) => peer !== source, ballot);
  }

  /** Something is missing: everybody is asked to speak again. */
  listen(now: number): void {
    this.#notBefore = now + LISTEN_MS;
    this.#end();
  }

  /** A connection to an acceptor is new: it has to be told, with the next CHOSEN. */
  opened(): void {
    this.#ballot = 0;
  }

  closed(peer: Peer): void {
    if (peer === this.#source) this.#end();
  }

  #end(): void {
    if (this.#source === undefined) return;
    this.#source = undefined;
    this.#ballot = 0;
    this.#tell(() => true, 0);
  }

  #tell(whom: (peer: Peer) => boolean, ballot: number): void {
    for (const peer of this.#peers.acceptors) {
      if (!peer.can(Capability.brief) || !whom(peer)) continue;
      encodeSpare(peer.out, ballot);
      peer.sent();
    }
  }
}
