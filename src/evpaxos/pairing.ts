/**
 * Pairing: two processes that have each opened a connection to the other know it, by their HELLOs: what is said to the
 * other process then takes whichever of the two is written to anyway.
 */
import { Capability } from '../transport/messages.ts';
import type { Peer } from './peer.ts';

/** True if the other ends of two connections are the same process. */
export function areOneProcess(one: Peer, other: Peer): boolean {
  const [mine, theirs] = [one.peerHello, other.peerHello];
  if (mine === undefined || theirs === undefined) return false;
  return mine.process === theirs.process && mine.id === theirs.id && mine.roles === theirs.roles;
}

/** Pairs a connection with the one that goes the other way, if it is among these. */
export function pair(peer: Peer, others: Iterable<Peer>): void {
  if (!peer.can(Capability.brief)) return;
  for (const other of others) {
    if (!areOneProcess(other, peer)) continue;
    // The newest there is: an older one may be lost already, and not know it.
    unpair(other);
    unpair(peer);
    peer.counterpart = other;
    other.counterpart = peer;
  }
}

export function unpair(peer: Peer): void {
  if (peer.counterpart !== undefined) peer.counterpart.counterpart = undefined;
  peer.counterpart = undefined;
}
