/**
 * Originals: what an acceptor does for original proposers and learners that ours need not. It moves on a proposer that
 * runs old history again. Of a no-op, which is an empty value, none of them must be told: an original proposer takes it for
 * none, and would have another chosen in its place; an original learner dies of it. So leaders are told while any are
 * connected, and fill nothing then; one that comes later, and would have to be told, is parted with.
 *
 * Invariant: no original is told of an accepted value that is empty.
 */
import type { Acceptor } from '../paxos/acceptor.ts';
import { MAX_WIRE_INSTANCE } from '../paxos/ballot.ts';
import { isNoOp } from '../paxos/no-op.ts';
import { encodeAcceptorState, encodeOriginals, encodePromise } from '../transport/encode.ts';
import { Role } from '../transport/messages.ts';
import type { Clock } from '../transport/transport.ts';
import type { Outbox } from './outbox.ts';
import type { Peer } from './peer.ts';
import { RefusalCode } from './peer-context.ts';
import type { Peers } from './peers.ts';

/** For so long after its start an acceptor cannot know who is there: an original that lost it comes again after 2 s. */
const COME_AGAIN_MS = 3000;

export interface OriginalsOptions {
  readonly acceptor: Acceptor;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly peers: Pick<Peers, 'inbound'>;
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
  #areThere = true;
  readonly #startedAt: number;

  constructor(options: OriginalsOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
  }

  /** A quorum of the acceptors is known to be of ours. */
  quorumIsOurs(): void {
    this.#isQuorumOurs = true;
  }

  /**
   * Tells leaders whether originals are connected, or may be soon, if that is news to them: now and then, since one that
   * only listens is not heard, and when a peer said HELLO or went.
   */
  look(changed?: Peer): void {
    const { clock, peers } = this.#options;
    const inbound = [...peers.inbound];
    const mayCome = clock.now() - this.#startedAt < COME_AGAIN_MS;
    const areThere = mayCome || inbound.some((peer) => !peer.isOurs && !peer.isClosed);
    const isNews = areThere !== this.#areThere;
    this.#areThere = areThere;
    if (isNews) for (const peer of inbound) this.#tell(peer);
    else if (areThere && changed !== undefined) this.#tell(changed);
  }

  #tell(peer: Peer): void {
    if (peer.outbound || peer.isClosed || !peer.hasRole(Role.proposer)) return;
    encodeOriginals(peer.out, this.#options.acceptor.id, this.#areThere);
    peer.sent();
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
