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

/** True if an original client gives values on this connection, and learns on another that is up. */
export function learnsBeside(peer: Peer, inbound: Iterable<Peer>): boolean {
  if (!peer.gaveValue || !peer.sendsOnlyValues || peer.isOurs) return false;
  if (peer.beside === undefined) peer.beside = findBeside(peer, inbound);
  return isSilentOriginal(peer.beside) && peer.beside.beside === peer;
}

/** A connection is looked for once: what comes later is another program's. */
function findBeside(giver: Peer, inbound: Iterable<Peer>): Peer {
  for (const peer of inbound) {
    const isNear = Math.abs(peer.openedAtMs - giver.openedAtMs) <= TOGETHER_MS;
    if (!isNear || !isSilentOriginal(peer) || peer.beside !== undefined) continue;
    if (peer === giver || hostOf(peer) !== hostOf(giver)) continue;
    peer.beside = giver;
    return peer;
  }
  return giver;
}

function isSilentOriginal(peer: Peer): boolean {
  return !peer.isClosed && !peer.gaveValue && peer.sendsOnlyValues && !peer.isOurs;
}

function hostOf(peer: Peer): string {
  return peer.remote.slice(0, peer.remote.lastIndexOf(':'));
}
