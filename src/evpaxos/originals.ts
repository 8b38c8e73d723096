/**
 * Originals: what an acceptor does for original proposers and learners that ours need not. It moves on a proposer that
 * runs old history again; and it parts with whoever would have to be told of a no-op, which is an empty value: an
 * original proposer takes that for none, and would have another chosen in its place; an original learner dies of it.
 *
 * Invariant: no original is told of an accepted value that is empty.
 */
import type { Acceptor } from '../paxos/acceptor.ts';
import { MAX_WIRE_INSTANCE } from '../paxos/ballot.ts';
import { isNoOp } from '../paxos/no-op.ts';
import { encodeAcceptorState, encodePromise } from '../transport/encode.ts';
import type { Outbox } from './outbox.ts';
import type { Peer } from './peer.ts';
import { RefusalCode } from './peer-context.ts';

export interface OriginalsOptions {
  readonly acceptor: Acceptor;
  readonly outbox: Outbox;
  /** how many instances an original proposer prepares ahead */
  readonly window: number;
  /** every instance up to here is known to be chosen */
  readonly chosen: () => number;
}

export class Originals {
  readonly #options: OriginalsOptions;
  /** above which instance an original proposer was told to go on */
  readonly #movedOnTo = new WeakMap<Peer, number>();
  #isQuorumOurs = false;

  constructor(options: OriginalsOptions) {
    this.#options = options;
  }

  /** A quorum of the acceptors is known to be of ours. */
  quorumIsOurs(): void {
    this.#isQuorumOurs = true;
  }

  /** False if this accepted value must not be told to this peer, with which the acceptor has parted then. */
  mayBeTold(peer: Peer, value: Uint8Array): boolean {
    if (peer.isOurs || !isNoOp(value)) return true;
    const why = 'an instance was filled with a no-op, which an original cannot read; trim above it first';
    peer.refuse(RefusalCode.original, why);
    return false;
  }

  /**
   * An original proposer runs old instances again, one by one. A trim point above all that it has prepared moves it on
   * to what is not chosen yet, and the next promise, of whatever instance, makes it prepare there. Hot.
   *
   * An original client that had begun to learn below has to catch up then: only a quorum of ours is quick enough.
   */
  moveOn(peer: Peer, instanceId: number): void {
    if (!this.#isQuorumOurs) return;
    const { acceptor, outbox, window } = this.#options;
    const chosen = this.#options.chosen();
    if (instanceId + window > chosen || chosen >= MAX_WIRE_INSTANCE) return;
    if (instanceId <= (this.#movedOnTo.get(peer) ?? 0) || peer.isBehind()) return;
    this.#movedOnTo.set(peer, chosen);
    const promise = acceptor.receivePrepare(chosen + 1, 0);
    if (typeof promise === 'string') return;
    const { promisedBallot, acceptedBallot, value } = promise;
    if (acceptedBallot > 0 && !this.mayBeTold(peer, value)) return;
    const out = outbox.to(peer);
    encodeAcceptorState(out, acceptor.id, chosen);
    encodePromise(out, acceptor.id, chosen + 1, promisedBallot, acceptedBallot, value);
  }
}
