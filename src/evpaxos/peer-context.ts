/**
 * What a connection knows of the node around it, and of where it leads.
 */
import { type Hello, Role } from '../transport/messages.ts';
import type { Observer } from './observer.ts';
import type { Peer } from './peer.ts';
import type { Roles } from './roles.ts';

/** Why a connection is refused, as REFUSED tells it. */
export const RefusalCode = { otherCluster: 1, idInUse: 2, otherStorage: 3, original: 4 } as const;

/** Why one is cut off that asks for what must not be lost, and does not read it. */
export const DOES_NOT_READ = 'on and on, and does not read the answers';

/** What a peer needs of the node around it. */
export interface PeerContext {
  readonly roles: Roles;
  readonly observer: Observer;
  readonly hello: Hello;
  readonly maxMessageBytes: number;
  /** the highest instance id that it may name in the original's messages */
  readonly lastInstance: number;
  /** true: whoever says no HELLO is refused */
  readonly onlyOurs: boolean;
  /** what may wait for this peer before broadcasts to it are dropped */
  readonly maxBacklogBytes: number;
  /** the peer has something to send, or may have changed what a turn's steps can do */
  changed(peer: Peer, isInHurry?: boolean): void;
  /** bytes came from the peer: a turn's steps may have something to do */
  heard(peer: Peer): void;
  /** the acceptor that this peer is says that another living process has our proposer id */
  idInUse(peer: Peer, reason: string): void;
}

/** Where an outbound connection leads; -1: not to an acceptor, or not to a proposer. */
export interface Destination {
  readonly acceptorId: number;
  readonly proposerId: number;
}

export const NOWHERE: Destination = { acceptorId: -1, proposerId: -1 };

/**
 * False if whoever says this HELLO was refused: it belongs to another cluster, or has lost its storage; or if whoever
 * says none was, where values mean something else to originals, and an empty one would end them.
 */
export function isAdmitted(peer: Peer, hello: Hello | undefined, context: PeerContext): boolean {
  if (hello === undefined) {
    if (!context.onlyOurs) return true;
    peer.isMuted = true;
    const rule = 'with value-format commands only nodes of ours take part';
    peer.refuse(RefusalCode.original, `it said no HELLO: ${rule}`);
    return false;
  }
  if (hello.fingerprint === context.hello.fingerprint) {
    return context.roles.storages?.admits(peer, hello) !== false;
  }
  const ours = 'acceptor count, value-format or cluster-name differ';
  peer.refuse(RefusalCode.otherCluster, `it belongs to another cluster (${ours})`);
  return false;
}

/** True for who said HELLO and has no role: it asks, and is told nothing that it did not ask for. */
export function isOnlooker(peer: Peer): boolean {
  return peer.peerHello?.roles === 0;
}

/** True for who said HELLO and neither proposes nor learns: what acceptors accept is nothing to it. */
export function ignoresAcceptances(peer: Peer): boolean {
  return peer.isOurs && !peer.hasRole(Role.proposer) && !peer.hasRole(Role.learner);
}

/** True for an acceptor of ours that waits for no disk. The others are as it is, as a rule. */
export function isInMemory(peer: Peer): boolean {
  return peer.peerHello?.storage === 0 && peer.hasRole(Role.acceptor);
}

/**
 * True for an original's connection by which values are given, and nothing is asked. What was accepted is told there, too;
 * but whoever looks for it has a connection to each of the other acceptors as well, and there it is told at once.
 */
export function isGiver(peer: Peer): boolean {
  return peer.sends === 'values' && !peer.isOurs;
}
