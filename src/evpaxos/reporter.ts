/**
 * Reporter: answers whoever asks a node how it is (NODE_QUERY) with a report of itself (NODE_STATUS). It looks and
 * changes nothing; what it does not see when it is asked, it has noted: the last error, and acceptors that were lost.
 *
 * Invariant: what an acceptor has not on its disk is in no report. So a report waits for the disk like a vote, and one
 * that would wait for a disk that has stalled leaves without it, and says that.
 */
import type { Config } from '../config/config.ts';
import type { Storage } from '../paxos/storage.ts';
import { encodeNodeStatus } from '../transport/encode.ts';
import { Role } from '../transport/messages.ts';
import type { Clock } from '../transport/transport.ts';
import type { AcceptorRole } from './acceptor.ts';
import type { LearnerRole } from './learner.ts';
import { describeEvent, type NodeEvent, type Observer } from './observer.ts';
import type { Peer } from './peer.ts';
import { isOnlooker } from './peer-context.ts';
import type { Peers } from './peers.ts';
import type { ProposerRole } from './proposer.ts';
import {
  type AcceptorReport,
  cleanText,
  type LostReport,
  type NodeReport,
  type PeersReport,
  type StorageReport,
} from './report.ts';
import type { PeerListener, StatusHandler } from './roles.ts';
import type { Turn } from './turn.ts';
import type { ValueQueue } from './values.ts';

/** A disk that has not finished a write for so long is said to have stalled. */
const STALLED_MS = 500;

export interface ReporterOptions {
  readonly config: Config;
  readonly roles: number;
  readonly id: number;
  readonly clock: Clock;
  readonly turn: Turn;
  readonly observer: Observer;
}

/** What there is to look at. */
export interface Reported {
  readonly peers: Peers;
  readonly acceptor: AcceptorRole | undefined;
  readonly proposer: ProposerRole | undefined;
  readonly learner: LearnerRole | undefined;
  readonly values: { readonly waiting: Pick<ValueQueue, 'waitingCount' | 'waitingBytes'> } | undefined;
}

export class Reporter implements Observer, PeerListener, StatusHandler {
  readonly #options: ReporterOptions;
  readonly #startedAt: number;
  #reported: Reported | undefined;
  #storage: Storage | undefined;
  #lastError: { readonly text: string; readonly at: number } | undefined;
  readonly #lostAt = new Map<number, number>();
  /** when each peer was answered last: once a turn is enough, however often it asks */
  readonly #answeredAt = new WeakMap<Peer, number>();

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
  }

  /** From now on there is a node to report of. */
  lookAt(reported: Reported, storage: Storage | undefined): void {
    this.#reported = reported;
    this.#storage = storage;
  }

  /** Notes errors on their way to the observer; a lost connection is told as such. */
  report(event: NodeEvent): void {
    const { observer, clock } = this.#options;
    if (event.type !== 'disconnected') {
      const { level, text } = describeEvent(event);
      if (level === 'error') this.#lastError = { text: cleanText(text), at: clock.now() };
    }
    observer.report(event);
  }

  onPeerReady(peer: Peer): void {
    if (peer.acceptorId >= 0) this.#lostAt.delete(peer.acceptorId);
  }

  onPeerClosed(peer: Peer): void {
    if (peer.acceptorId >= 0) this.#lostAt.set(peer.acceptorId, this.#options.clock.now());
  }

  onNodeQuery(peer: Peer, token: number): void {
    const { now } = this.#options.turn;
    const reported = this.#reported;
    if (reported === undefined || !peer.isOurs || peer.isBehind()) return;
    if (this.#answeredAt.get(peer) === now) return;
    this.#answeredAt.set(peer, now);
    const stalledMs = reported.acceptor?.diskWaitingMs ?? 0;
    const isStalled = stalledMs >= STALLED_MS;
    const text = JSON.stringify(this.#gather(reported, isStalled ? stalledMs : 0));
    if (reported.acceptor !== undefined && !isStalled) {
      encodeNodeStatus(reported.acceptor.outTo(peer), token, text);
      return;
    }
    encodeNodeStatus(peer.out, token, text);
    peer.sent();
  }

  #gather(reported: Reported, stalledMs: number): NodeReport {
    const { roles, id, clock } = this.#options;
    const { acceptor, proposer, learner, values } = reported;
    const waiting = values?.waiting;
    const now = clock.now();
    const status = stalledMs > 0 ? undefined : acceptor?.status(0);
    const error = this.#lastError;
    return {
      roles,
      id,
      upMs: Math.round(now - this.#startedAt),
      isLeading: proposer?.isLeading ?? false,
      ballot: proposer?.core.ballot ?? 0,
      leaderBallot: proposer?.leaderBallot || acceptor?.leaderBallot || 0,
      chosen: Math.max(learner?.delivered ?? 0, status?.chosen ?? 0),
      delivered: learner?.delivered ?? null,
      acceptor: status === undefined ? null : acceptorReport(status),
      storage: this.#storageReport(stalledMs),
      waiting: { values: waiting?.waitingCount ?? 0, bytes: waiting?.waitingBytes ?? 0 },
      peers: this.#peers(reported.peers),
      lost: this.#lost(reported, now),
      lastError: error === undefined ? null : { text: error.text, agoMs: Math.round(now - error.at) },
    };
  }

  #storageReport(stalledMs: number): StorageReport | null {
    const storage = this.#storage;
    if (storage === undefined) return null;
    const { durability } = storage;
    const isLmdb = durability !== 'memory';
    return {
      backend: isLmdb ? 'lmdb' : 'memory',
      durability,
      bytes: sizeOf(storage),
      limitBytes: isLmdb ? this.#options.config.lmdbMapsizeBytes : 0,
      stalledMs: Math.round(stalledMs),
      isReplaced: this.#reported?.acceptor?.isSilent === true,
    };
  }

  #peers(peers: Peers): PeersReport {
    const inbound = [...peers.inbound].filter((peer) => !peers.isSelf(peer) && !isOnlooker(peer));
    const count = (roles: number) => inbound.filter((peer) => peer.peerHello?.roles === roles).length;
    return {
      replicas: count(Role.acceptor | Role.proposer | Role.learner),
      acceptors: count(Role.acceptor),
      proposers: count(Role.proposer),
      learners: count(Role.learner),
      clients: count(Role.learner | Role.client) + count(Role.client),
      others: inbound.filter((peer) => !peer.isOurs).length,
    };
  }

  /** Whom it should be connected to, and is not. Only who learns or proposes connects to acceptors. */
  #lost({ peers, learner }: Reported, now: number): LostReport[] {
    if (learner === undefined) return [];
    const up = new Set(peers.acceptors.map((peer) => peer.acceptorId));
    const lost = this.#options.config.acceptors.filter(({ id }) => !up.has(id));
    return lost.map(({ id }) => {
      const at = this.#lostAt.get(id);
      return { acceptorId: id, ms: at === undefined ? null : Math.round(now - at) };
    });
  }
}

/** One that has failed says nothing any more; its node is about to end. */
function sizeOf(storage: Storage): number {
  try {
    return storage.sizeBytes;
  } catch {
    return 0;
  }
}

function acceptorReport(status: {
  readonly highestBallot: number;
  readonly highestAccepted: number;
  readonly trimInstanceId: number;
}): AcceptorReport {
  const { highestBallot, highestAccepted, trimInstanceId } = status;
  return { highestBallot, accepted: highestAccepted, trimmed: trimInstanceId };
}
