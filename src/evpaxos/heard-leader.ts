/**
 * HeardLeader: the leader as an acceptor hears it, by its heartbeats on the connection that it opened.
 */
import { ballotOwner } from '../paxos/ballot.ts';
import { Role } from '../transport/messages.ts';
import type { Clock } from '../transport/transport.ts';
import { areOneProcess } from './pairing.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import { hasOurProposer } from './routes.ts';

export class HeardLeader {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #peer: Peer | undefined;
  #ballot = 0;
  #chosen = 0;
  #heardAt = Number.NEGATIVE_INFINITY;

  /** @param timeoutMs a leader that was not heard for so long is gone */
  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** The connection of the one that was heard last. */
  get peer(): Peer | undefined {
    return this.#peer;
  }

  /** The ballot of the leader heard within the timeout, or 0. */
  get ballot(): number {
    return this.#clock.now() - this.#heardAt <= this.#timeoutMs ? this.#ballot : 0;
  }

  /** Every instance up to here is chosen, by a leader's word. */
  get chosen(): number {
    return this.#chosen;
  }

  /** A leader lives. @param chosen every instance up to here is chosen */
  hear(peer: Peer, ballot: number, chosen: number): void {
    this.#peer = peer;
    this.#ballot = ballot;
    this.#chosen = Math.max(this.#chosen, chosen);
    this.#heardAt = this.#clock.now();
  }

  /** A connection closed. If nothing connects us with the leader any more we do not hear it, and say so to all. */
  lose(peer: Peer, peers: Peers): void {
    const owner = ballotOwner(this.#ballot);
    if (!peer.hasRole(Role.proposer) || peer.peerHello?.id !== owner || hasOurProposer(peers, owner)) return;
    this.#heardAt = Number.NEGATIVE_INFINITY;
  }

  /**
   * True if somebody else asks at the ballot of the leader that we hear: an original with its id, perhaps. Who learns
   * from that leader what is chosen takes what we accepted at its ballot for what it proposed.
   */
  isIntruder(peer: Peer, ballot: number): boolean {
    if (ballot !== this.#ballot || this.#peer === undefined) return false;
    return peer !== this.#peer && !areOneProcess(peer, this.#peer);
  }
}
