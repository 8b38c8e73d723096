/**
 * What a peer of ours says of commands, reads and snapshots, handed to the node's roles. Who has not said HELLO is not
 * heard, and what no role of this node cares for is passed over.
 */
import type { CommandsMessageHandler } from '../transport/messages.ts';
import type { Peer } from './peer.ts';
import type { MachineHandler, ReadsHandler, Roles } from './roles.ts';

export class PeerCommands implements CommandsMessageHandler {
  readonly #peer: Peer;
  readonly #roles: Roles;

  constructor(peer: Peer, roles: Roles) {
    this.#peer = peer;
    this.#roles = roles;
  }

  confirm(ballot: number, token: number, leaseMs: number): void {
    const { acceptor } = this.#roles;
    if (this.#peer.isOurs && !this.#peer.isMuted) acceptor?.onConfirm(this.#peer, ballot, token, leaseMs);
  }

  /** A vote: it counts on our own connection to that acceptor alone. */
  confirmed(acceptorId: number, ballot: number, token: number): void {
    if (acceptorId !== this.#peer.acceptorId) return;
    this.#reads?.onConfirmed(this.#peer, ballot, token);
  }

  readIndex(token: number): void {
    this.#reads?.onReadIndex(this.#peer, token);
  }

  readIndexIs(token: number, next: number): void {
    this.#reads?.onReadIndexIs(this.#peer, token, next);
  }

  commands(session: number, items: Uint8Array): void {
    this.#machine?.onCommands(this.#peer, session, items);
  }

  results(session: number, results: Uint8Array): void {
    this.#machine?.onResults(this.#peer, session, results);
  }

  read(token: number, consistency: number, query: Uint8Array): void {
    this.#machine?.onRead(this.#peer, token, consistency, query);
  }

  readResult(token: number, status: number, answer: Uint8Array): void {
    this.#machine?.onReadResult(this.#peer, token, status, answer);
  }

  snapshotAt(instanceId: number, snapshotId: number, bytes: number): void {
    this.#machine?.onSnapshotAt(this.#peer, instanceId, snapshotId, bytes);
  }

  fetchSnapshot(snapshotId: number, offset: number): void {
    this.#machine?.onFetchSnapshot(this.#peer, snapshotId, offset);
  }

  snapshotPiece(snapshotId: number, offset: number, totalBytes: number, piece: Uint8Array): void {
    this.#machine?.onSnapshotPiece(this.#peer, snapshotId, offset, totalBytes, piece);
  }

  sessionOpened(nonceHigh: number, nonceLow: number, session: number): void {
    this.#machine?.onSessionOpened(this.#peer, nonceHigh, nonceLow, session);
  }

  get #reads(): ReadsHandler | undefined {
    return this.#peer.isOurs ? this.#roles.reads : undefined;
  }

  get #machine(): MachineHandler | undefined {
    return this.#peer.isOurs ? this.#roles.machine : undefined;
  }
}
