/**
 * Storages: which storage each acceptor of the cluster has, so that one whose storage was lost, and replaced by a new
 * one, is recognised: it has forgotten what it promised and accepted, and must not be counted.
 *
 *   an acceptor's HELLO names its storage → proposers tell all acceptors → these keep it, and tell every proposer
 *   a HELLO that names another one → refused, and told which was known → the acceptor falls silent, for ever
 *   two acceptors name two storages of a third → it lost one of them: refused, whichever it has, but told nothing, since
 *                                                nobody knows which; and nobody else is
 *
 * An acceptor keeps the first that it is told, durable with the promise that it gives next on that connection, and tells
 * it a proposer before it promises anything. So an acceptor that lost its storage is never counted beside one that knew
 * the lost one. What others tell makes no difference: those that lost theirs as well know of one another the new ones.
 */
import { MAX_ACCEPTORS } from '../paxos/ballot.ts';
import type { StorageIdentities } from '../paxos/storage.ts';
import { encodeStorageIdentity } from '../transport/encode.ts';
import { type Hello, Role } from '../transport/messages.ts';
import type { Peer } from './peer.ts';
import { RefusalCode } from './peer-context.ts';
import type { Peers } from './peers.ts';
import type { PeerListener, StoragesHandler } from './roles.ts';

const REASON = 'its storage is not the one that this acceptor had: it has forgotten what it promised';

export interface StoragesOptions {
  /** acceptor and proposer id of this process */
  readonly id: number;
  /** of the acceptor in this process; undefined: there is none, or it has nothing to lose */
  readonly identities: StorageIdentities | undefined;
  readonly isProposer: boolean;
  readonly peers: () => Peers;
  /** our own storage took the place of one that was lost */
  readonly replaced: () => void;
  /** an acceptor that this proposer heard, and may have counted, lost its storage */
  readonly distrusted: () => void;
}

export class Storages implements StoragesHandler, PeerListener {
  readonly #options: StoragesOptions;
  /** what others told, where no acceptor in this process keeps it */
  readonly #told = new Map<number, number>();
  /** what connected acceptors say of themselves, and nobody else has said yet */
  readonly #claims = new Map<number, number>();
  /** acceptors of whose storage another one tells otherwise than is known */
  readonly #contested = new Set<number>();

  constructor(options: StoragesOptions) {
    this.#options = options;
  }

  /** The acceptors whose storage is known, and which it is. */
  get #known(): ReadonlyMap<number, number> {
    return this.#options.identities?.known ?? this.#told;
  }

  /** True if this process's acceptor lost its storage, as it was told now or before it was started. */
  get isOwnReplaced(): boolean {
    const { id, identities } = this.#options;
    const known = identities?.known.get(id);
    return known !== undefined && known !== identities?.own;
  }

  /** Refuses an acceptor that has another storage than it had. */
  admits(peer: Peer, hello: Hello): boolean {
    const { acceptorId } = peer.destination;
    if (!this.#options.isProposer || !isThatAcceptor(hello, acceptorId)) return true;
    const known = this.#known.get(acceptorId) ?? this.#claims.get(acceptorId);
    const isContested = this.#contested.has(acceptorId);
    if (!isContested && (known === undefined || known === hello.storage)) return true;
    refuse(peer, isContested ? undefined : known);
    return false;
  }

  onPeerReady(peer: Peer): void {
    const { isProposer, identities } = this.#options;
    const { acceptorId, peerHello } = peer;
    if (isProposer && acceptorId >= 0 && peerHello !== undefined) {
      for (const [id, identity] of [...this.#known, ...this.#claims])
        if (!this.#contested.has(id)) say(peer, id, identity);
      if (isThatAcceptor(peerHello, acceptorId)) this.#claim(acceptorId, peerHello.storage);
    }
    if (!peer.outbound && identities !== undefined && peer.hasRole(Role.proposer)) {
      for (const [id, identity] of identities.known) say(peer, id, identity);
    }
  }

  onPeerClosed(_peer: Peer): void {}

  /** Told by an acceptor, on our connection to it, or by a proposer, on its connection to us. */
  onStorageIdentity(peer: Peer, acceptorId: number, identity: number): void {
    if (acceptorId >= MAX_ACCEPTORS || identity === 0) return;
    const { id, identities, replaced, isProposer } = this.#options;
    const isHeeded =
      peer.acceptorId >= 0 ? isProposer : identities !== undefined && peer.hasRole(Role.proposer);
    if (!isHeeded || (peer.acceptorId >= 0 && !isThatAcceptor(peer.peerHello, peer.acceptorId))) return;
    // That it has what it has an acceptor need not be told, least of all before it hears from others what it had.
    if (acceptorId === id && identity === identities?.own) return;
    const known = this.#known.get(acceptorId);
    if (known !== undefined) {
      if (known !== identity && peer.acceptorId >= 0) this.#contest(acceptorId);
      return;
    }
    this.#claims.delete(acceptorId);
    if (identities === undefined) this.#told.set(acceptorId, identity);
    else identities.note(acceptorId, identity);
    if (acceptorId === id && this.isOwnReplaced) replaced();
    this.#tellProposers(acceptorId, identity);
    if (isProposer) this.#tellAcceptors(acceptorId, identity);
  }

  /** An acceptor says which storage it has, and nobody has said otherwise: all others are told. */
  #claim(acceptorId: number, identity: number): void {
    if (identity === 0 || this.#known.has(acceptorId) || this.#claims.has(acceptorId)) return;
    this.#claims.set(acceptorId, identity);
    this.#tellAcceptors(acceptorId, identity);
  }

  /** An acceptor kept another storage of this one than is known: one of the two was lost. */
  #contest(acceptorId: number): void {
    if (this.#contested.has(acceptorId)) return;
    this.#contested.add(acceptorId);
    for (const peer of this.#options.peers().acceptors) {
      if (peer.acceptorId !== acceptorId || !isThatAcceptor(peer.peerHello, acceptorId)) continue;
      refuse(peer, undefined);
      this.#options.distrusted();
    }
  }

  /** All acceptors of ours hear it; the one that it concerns is heard no more, if it has another storage. */
  #tellAcceptors(acceptorId: number, identity: number): void {
    for (const peer of this.#options.peers().acceptors) {
      const { peerHello } = peer;
      if (peerHello === undefined) continue;
      const isReplaced =
        peer.acceptorId === acceptorId &&
        isThatAcceptor(peerHello, acceptorId) &&
        peerHello.storage !== identity;
      if (!isReplaced) {
        say(peer, acceptorId, identity);
        continue;
      }
      refuse(peer, identity);
      this.#options.distrusted();
    }
  }

  #tellProposers(acceptorId: number, identity: number): void {
    if (this.#options.identities === undefined) return;
    for (const peer of this.#options.peers().inbound)
      if (peer.hasRole(Role.proposer)) say(peer, acceptorId, identity);
  }
}

/** False for another process at its place, by a wrong line in somebody's config: it says nothing of that acceptor. */
function isThatAcceptor(hello: Hello | undefined, acceptorId: number): boolean {
  return hello !== undefined && hello.id === acceptorId && (hello.roles & Role.acceptor) !== 0;
}

function say(peer: Peer, acceptorId: number, identity: number): void {
  encodeStorageIdentity(peer.out, acceptorId, identity);
  peer.sent();
}

/** Hears an acceptor no more, and tells it which storage it had, if that is known. */
function refuse(peer: Peer, known: number | undefined): void {
  if (known !== undefined) say(peer, peer.acceptorId, known);
  peer.flush();
  peer.refuse(RefusalCode.otherStorage, REASON);
}
