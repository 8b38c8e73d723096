/**
 * Routes: to whom a node gives the values that it does not propose itself.
 *
 * A client gives them to its proposer, a proposer that follows to the leader, an acceptor to a proposer connected to
 * it. Originals are known by what they do: whoever sends PREPARE or ACCEPT is a proposer.
 */
import { ballotOwner } from '../paxos/ballot.ts';
import { Role } from '../transport/messages.ts';
import type { Clock } from '../transport/transport.ts';
import type { Observer } from './observer.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import type { Route } from './values.ts';

/** How long a client waits for the proposer it was told to use, before it takes another. */
const PREFERRED_PROPOSER_MS = 500;

/** An acceptor speaks once a second. A client takes another proposer than one that was silent for so long. */
const SILENT_PROPOSER_MS = 1500;

export interface LeaderRoute {
  readonly leaderId: number;
  /** the acceptor that told of the leader last */
  readonly via: Peer | undefined;
  readonly leaderTimeoutMs: number;
}

/** What a node has that its values' way depends on. */
export interface Router {
  readonly peers: Peers;
  readonly proposer: { route(): Route } | undefined;
  readonly acceptor: { readonly leaderBallot: number } | undefined;
  readonly learner: { readonly chosenBallot: number } | undefined;
}

/** Where a node's waiting values go, by what it is: asked at every turn. */
export function valueRoute(
  { peers, proposer, acceptor, learner }: Router,
  options: Pick<ClientRouteOptions, 'proposerId' | 'clock' | 'observer'>,
): () => Route {
  if (proposer !== undefined) return () => proposer.route();
  if (acceptor !== undefined) return acceptorRoute(peers, acceptor, options.observer);
  return clientRoute({ ...options, peers, chosenBallot: () => learner?.chosenBallot ?? 0 });
}

/** To the leader: by our connection to it, by its connection to us, unless it is silent there, or by an acceptor. */
export function leaderRoute(peers: Peers, { leaderId, via, leaderTimeoutMs }: LeaderRoute): Route {
  const direct = peers.proposer(leaderId);
  const isHeard = (peer: Peer) => !peer.isOurs || peer.silentMs <= leaderTimeoutMs;
  if (direct !== undefined && isHeard(direct) && (!direct.isOurs || direct.hasRole(Role.proposer)))
    return direct;
  for (const peer of peers.inbound) if (isProposer(peer, leaderId) && isHeard(peer)) return peer;
  if (via !== undefined && !via.isClosed && !peers.isSelf(via)) return via;
  for (const peer of peers.acceptors) if (peer.isOurs && !peers.isSelf(peer)) return peer;
  return 'nowhere';
}

/** True if a proposer of ours with this id is connected to us, or we to it. */
export function hasOurProposer(peers: Peers, id: number): boolean {
  const isOurs = (peer: Peer) => peer.isOurs && isProposer(peer, id);
  return [...peers.ready(), ...peers.inbound].some(isOurs);
}

/** From a mere acceptor: to the leader it hears, or else to any proposer that is connected to it. */
function acceptorRoute(
  peers: Peers,
  acceptor: { readonly leaderBallot: number },
  observer: Observer,
): () => Route {
  let toldNone = false;
  return () => {
    const { leaderBallot } = acceptor;
    let found: Peer | undefined;
    for (const peer of peers.inbound) {
      if (leaderBallot > 0 && isProposer(peer, ballotOwner(leaderBallot))) return peer;
      if (peer.hasRole(Role.proposer) || (!peer.isOurs && peer.proposesWith > 0)) found ??= peer;
    }
    if (found === undefined && !toldNone) observer.report({ type: 'no-proposer' });
    toldNone = found === undefined;
    return found ?? 'nowhere';
  };
}

interface ClientRouteOptions {
  readonly peers: Peers;
  readonly proposerId: number;
  /** the ballot at which an instance was chosen within the leader timeout, or 0 */
  readonly chosenBallot: () => number;
  readonly clock: Clock;
  readonly observer: Observer;
}

/**
 * From a client: to the proposer it was told to use, or to another while that one is away, silent or none. While an
 * original gets values chosen everybody else passes theirs on to it: then straight to that one. By way of ours a value
 * takes five messages to be chosen and told, and that of an original's client three: it would get a third, or less.
 */
function clientRoute(options: ClientRouteOptions): () => Route {
  const { peers, proposerId, chosenBallot, clock, observer } = options;
  const startedAt = clock.now();
  let told: Peer | undefined;
  const isSilent = (peer: Peer) => peer.isAcceptor && peer.silentMs > SILENT_PROPOSER_MS;
  const ours = () => [...peers.ready()].filter((peer) => peer.hasRole(Role.proposer));
  return () => {
    const active = activeOriginal(peers, chosenBallot());
    if (active !== undefined && !isSilent(active)) return active;
    const preferred = peers.proposer(proposerId);
    const isTaken = preferred !== undefined && (!preferred.isOurs || preferred.hasRole(Role.proposer));
    if (isTaken && !isSilent(preferred)) return preferred;
    if (preferred === undefined && clock.now() - startedAt < PREFERRED_PROPOSER_MS) return 'nowhere';
    const other = ours().find((peer) => !isSilent(peer)) ?? (isTaken ? preferred : ours()[0]);
    if (other !== undefined) {
      if (told !== other && other !== preferred) {
        const reason = whyNot(preferred, isTaken);
        observer.report({ type: 'other-proposer', asked: proposerId, remote: other.remote, reason });
      }
      told = other;
      return other;
    }
    // An acceptor of ours hands values on to a proposer connected to it, as soon as there is one; an original's drops
    // them, and nobody would know.
    for (const peer of peers.ready()) if (peer.isOurs || peer.destination.proposerId >= 0) return peer;
    return preferred ?? 'nowhere';
  };
}

/** The original whose ballot this is, if it is one, and we are connected to it. */
function activeOriginal(peers: Peers, ballot: number): Peer | undefined {
  if (ballot === 0) return undefined;
  const owner = ballotOwner(ballot);
  const peer = peers.proposer(owner);
  return peer === undefined || peer.isOurs || hasOurProposer(peers, owner) ? undefined : peer;
}

function whyNot(preferred: Peer | undefined, isProposer: boolean): string {
  if (preferred === undefined) return 'cannot be reached';
  return isProposer ? 'is silent' : 'is an acceptor only';
}

function isProposer(peer: Peer, id: number): boolean {
  if (peer.isOurs) return peer.hasRole(Role.proposer) && peer.peerHello?.id === id;
  return peer.proposesWith > 0 && ballotOwner(peer.proposesWith) === id;
}
