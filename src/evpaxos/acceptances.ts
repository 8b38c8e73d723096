/**
 * Acceptances: who is told what an acceptor accepted. The one who asked, if it is of ours, hears in a range that what
 * it sent is accepted; everybody else hears ACCEPTED with the value, but for those who asked to be spared.
 *
 *   note(asker, i, b, v) … → end of the turn, or another ballot or asker: one piece for each who is to hear it
 *
 * Encoded once, and copied once for each; handed over as it is within this process. Whatever is said goes the way of the
 * Outbox: when it is durable.
 */
import type { Config } from '../config/config.ts';
import { quorumSize } from '../paxos/quorum.ts';
import { ByteBuffer } from '../transport/buffer.ts';
import { encodeAccepted, encodeAcceptedRange } from '../transport/encode.ts';
import { Capability } from '../transport/messages.ts';
import { STRETCH_ENTRY_BYTES } from './loopback.ts';
import type { Outbox } from './outbox.ts';
import type { Peer } from './peer.ts';
import { ignoresAcceptances, isGiver } from './peer-context.ts';
import type { Peers } from './peers.ts';
import { ValueSlab } from './value-slab.ts';

/** So much is gathered before it is handed out, within a turn too: who falls behind is to be noticed. */
const MAX_PIECE_BYTES = 64 * 1024;

export interface AcceptancesOptions {
  readonly id: number;
  readonly config: Config;
  readonly peers: Peers;
}

export class Acceptances {
  readonly #acceptorId: number;
  readonly #peers: Peers;
  readonly #outbox: Outbox;
  /** a quorum of the other acceptors tells everybody the same */
  readonly #othersTell: boolean;
  /** what the others are to hear, who they are, and how many acceptances that is */
  readonly #piece = new ByteBuffer();
  #others: Peer[] = [];
  /** the learner and the proposer of this process, if they are to hear it, and what */
  #self: Peer | undefined;
  #instanceIds: number[] = [];
  #values: Uint8Array[] = [];
  readonly #slab = new ValueSlab();
  /** what these take */
  #bytes = 0;
  /** some were not to be told: that is over when less waits again */
  #misses = false;
  #count = 0;
  #asker: Peer | undefined;
  #ballot = 0;
  #isEmpty = false;
  /** what the asker is to hear; 0: nothing */
  #from = 0;
  #to = 0;

  constructor({ id, config, peers }: AcceptancesOptions, outbox: Outbox) {
    const acceptors = config.acceptors.length;
    this.#acceptorId = id;
    this.#othersTell = acceptors > quorumSize(acceptors);
    this.#peers = peers;
    this.#outbox = outbox;
  }

  /** `value` was accepted at `ballot`, as `asker` wanted. Hot. */
  note(asker: Peer, instanceId: number, ballot: number, value: Uint8Array): void {
    const isEmpty = value.length === 0;
    if (ballot !== this.#ballot || asker !== this.#asker || isEmpty !== this.#isEmpty) {
      this.flush();
      this.#asker = asker;
      this.#ballot = ballot;
      this.#isEmpty = isEmpty;
    }
    if (this.#count++ === 0) this.#gatherWhoHears();
    if (this.#hearsRanges(asker)) this.#extend(instanceId);
    if (this.#self !== undefined) this.#noteForSelf(this.#self, instanceId, value);
    if (this.#others.length === 0) return;
    encodeAccepted(this.#piece, this.#acceptorId, instanceId, ballot, ballot, value);
    if (this.#piece.length >= MAX_PIECE_BYTES) this.flush();
  }

  /** Hands out what was gathered; true if there was anything. */
  flush(): boolean {
    if (this.#count === 0) return false;
    if (this.#piece.length > 0) {
      const piece = this.#piece.view();
      for (const peer of this.#others) {
        if (peer.isClosed) continue;
        if (peer.isBehind()) peer.countDropped(this.#count);
        else if (this.#othersTell && isGiver(peer)) this.#outbox.appendUnhurried(peer, piece);
        else this.#outbox.to(peer).append(piece);
      }
      this.#piece.clear();
    }
    this.#tellSelf();
    this.#tellRange();
    this.#count = 0;
    return true;
  }

  #gatherWhoHears(): void {
    this.#others = [];
    this.#self = undefined;
    for (const peer of this.#peers.inbound) {
      // An original learner dies of an empty value.
      if (this.#isEmpty && !peer.isOurs) continue;
      if (
        ignoresAcceptances(peer) ||
        peer.sparedBallot === this.#ballot ||
        (peer === this.#asker && this.#hearsRanges(peer))
      )
        continue;
      if (this.#peers.isSelf(peer)) this.#self = peer;
      else this.#others.push(peer);
    }
  }

  /** A replica's learner wants the values of its own acceptor, whoever proposed them. */
  #hearsRanges(peer: Peer): boolean {
    return peer.can(Capability.brief) && !this.#peers.isSelf(peer);
  }

  /** The value stays for as long as the disk takes, and until it is learned what was chosen. */
  #noteForSelf(self: Peer, instanceId: number, value: Uint8Array): void {
    if (self.isBehind()) {
      self.countDropped();
      this.#misses = true;
      return;
    }
    const bytes = STRETCH_ENTRY_BYTES + value.length;
    this.#instanceIds.push(instanceId);
    // What this process proposes it keeps already.
    const isOwn = this.#asker !== undefined && this.#peers.isSelf(this.#asker);
    this.#values.push(isOwn ? value : this.#slab.keep(value));
    this.#bytes += bytes;
    self.backlog.waitApart(bytes);
  }

  #tellSelf(): void {
    const self = this.#self;
    if (self === undefined || this.#values.length === 0) return;
    const bytes = this.#bytes;
    const stretch = { ballot: this.#ballot, instanceIds: this.#instanceIds, values: this.#values };
    this.#instanceIds = [];
    this.#values = [];
    this.#bytes = 0;
    this.#outbox.whenDurable(() => {
      self.backlog.waitApart(-bytes);
      this.#peers.tellSelf(self, stretch);
      if (this.#misses && self.backlog.isBelow(Number.POSITIVE_INFINITY)) {
        this.#misses = false;
        self.drained();
      }
    });
  }

  #extend(instanceId: number): void {
    if (this.#to > 0 && instanceId === this.#to + 1) {
      this.#to = instanceId;
      return;
    }
    this.#tellRange();
    this.#from = instanceId;
    this.#to = instanceId;
  }

  #tellRange(): void {
    const asker = this.#asker;
    if (this.#to === 0 || asker === undefined) return;
    if (asker.isBehind()) asker.countDropped();
    else if (!asker.isClosed) {
      encodeAcceptedRange(this.#outbox.to(asker), this.#acceptorId, this.#ballot, this.#from, this.#to);
    }
    this.#to = 0;
  }
}
