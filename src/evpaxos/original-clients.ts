/**
 * OriginalClients: finds the connections by which original clients give values. Such a client opens two to a replica,
 * one behind the other: by the first it gives values and never looks at what comes back, but keeps it for as long as it
 * runs; by the second it learns, and says nothing. Acceptances go to the second alone: a write less for us in each turn,
 * a read less for it, and its memory stays as it is.
 *
 * A program that gives and learns by one connection is told everything there: it has no second.
 */
import type { Peer } from './peer.ts';

/** An original client opens its two connections in one go. */
const TOGETHER_MS = 50;

export class OriginalClients {
  /** the other connection of the same client; one that has none is its own */
  readonly #beside = new WeakMap<Peer, Peer>();

  /** True if an original client gives values on this connection, and learns on another that is up. */
  learnsBeside(peer: Peer, inbound: Iterable<Peer>): boolean {
    if (!peer.gaveValue || !peer.sendsOnlyValues || peer.isOurs) return false;
    // Looked for once, since what comes later is another program's; and again where another client's was taken for it.
    let beside = this.#beside.get(peer);
    if (beside === undefined || (beside !== peer && beside.gaveValue)) beside = this.#find(peer, inbound);
    return beside !== peer && isSilentOriginal(beside);
  }

  #find(giver: Peer, inbound: Iterable<Peer>): Peer {
    let found = giver;
    for (const peer of inbound) {
      if (!isSilentOriginal(peer) || this.#beside.has(peer) || hostOf(peer) !== hostOf(giver)) continue;
      if (Math.abs(peer.openedAtMs - giver.openedAtMs) > TOGETHER_MS) continue;
      found = peer;
      break;
    }
    this.#beside.set(giver, found);
    this.#beside.set(found, giver);
    return found;
  }
}

function isSilentOriginal(peer: Peer): boolean {
  return !peer.isClosed && !peer.gaveValue && peer.sendsOnlyValues && !peer.isOurs;
}

function hostOf(peer: Peer): string {
  return peer.remote.slice(0, peer.remote.lastIndexOf(':'));
}
