/**
 * Upstream: which replica a client talks to. It keeps a connection to each, hears from them who leads, and prefers the
 * leader, which hands nothing on; while there is none it stays where it is, or takes whoever speaks.
 *
 *   ready, LEADER, silence, no progress → home is another connection → what has no answer is sent again there
 *
 * Invariant: a session has one home. The connection to the one before is closed when that changes, so that nothing
 * comes from it any more.
 */
import type { Peer } from '../evpaxos/peer.ts';
import { ballotOwner } from '../paxos/ballot.ts';
import { Capability, Role } from '../transport/messages.ts';
import type { Clock } from '../transport/transport.ts';

/** An acceptor speaks once a second. One that was silent for so long is not talked to, if there is another. */
const SILENT_MS = 1500;
/** It is looked so often at least, whatever happens in between. */
const LOOK_MS = 100;
/** Who has answered nothing for so long, while something waits, is left for another; for as long at least. */
const STUCK_MS = 5000;

export interface UpstreamOptions {
  readonly clock: Clock;
  /** a leader that was not heard for so long is gone */
  readonly leaderTimeoutMs: number;
  /** our connections that are up */
  readonly ready: () => Iterable<Peer>;
  /** there is another home, or none */
  readonly moved: (home: Peer | undefined) => void;
  /** true while something waits for an answer */
  readonly isWaitedFor: () => boolean;
}

interface Heard {
  readonly ballot: number;
  readonly at: number;
}

export class Upstream {
  readonly #options: UpstreamOptions;
  /** what each connection said last of who leads */
  readonly #heard = new Map<Peer, Heard>();
  #home: Peer | undefined;
  /** when something last came back, or nothing waited */
  #progressAt = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #mustLook = true;
  #left: { readonly peer: Peer; readonly until: number } | undefined;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.#progressAt = options.clock.now();
  }

  get home(): Peer | undefined {
    return this.#home;
  }

  /** The id of the proposer that leads, as far as anybody says; undefined: nobody is known to. */
  get leaderId(): number | undefined {
    const ballot = this.#leaderBallot(this.#options.clock.now());
    return ballot === 0 ? undefined : ballotOwner(ballot);
  }

  onPeerReady(): void {
    this.#mustLook = true;
  }

  onLeader(peer: Peer, ballot: number): void {
    if (this.#heard.get(peer)?.ballot !== ballot) this.#mustLook = true;
    this.#heard.set(peer, { ballot, at: this.#options.clock.now() });
  }

  onPeerClosed(peer: Peer): void {
    this.#heard.delete(peer);
    this.#mustLook = true;
    if (this.#left?.peer === peer) this.#left = undefined;
    if (peer === this.#home) this.#move(undefined);
  }

  /** Home has answered something. */
  answered(): void {
    this.#progressAt = this.#options.clock.now();
  }

  /** Looks whether another home is better. Cheap; to be called at the end of every turn. */
  look(): void {
    const now = this.#options.clock.now();
    if (!this.#mustLook && now - this.#lookedAt < LOOK_MS) return;
    this.#mustLook = false;
    this.#lookedAt = now;
    if (!this.#options.isWaitedFor()) this.#progressAt = now;
    const isStuck = now - this.#progressAt > STUCK_MS;
    // Without a leader nobody has an answer: what was sent would only be sent to everybody.
    if (this.#home !== undefined && isStuck && this.leaderId !== undefined) this.#leave(this.#home, now);
    const best = this.#best(now);
    if (best !== this.#home) this.#move(best);
  }

  #leave(home: Peer, now: number): void {
    this.#left = { peer: home, until: now + STUCK_MS };
    this.#progressAt = now;
  }

  #best(now: number): Peer | undefined {
    const usable = [...this.#options.ready()].filter(isReplica);
    const left = this.#left !== undefined && now < this.#left.until ? this.#left.peer : undefined;
    const speaking = usable.filter((peer) => peer.silentMs <= SILENT_MS && peer !== left);
    const leaderId = this.leaderId;
    const leader = speaking.find((peer) => peer.peerHello?.id === leaderId);
    if (leader !== undefined) return leader;
    const hears = (peer: Peer) => now - (this.#heard.get(peer)?.at ?? -Infinity) <= this.#timeoutMs;
    const choice = speaking.some(hears) ? speaking.filter(hears) : speaking;
    const home = this.#home;
    if (home !== undefined && (choice.includes(home) || choice.length === 0)) {
      if (usable.includes(home)) return home;
    }
    return choice[0] ?? usable[0];
  }

  get #timeoutMs(): number {
    return 2 * this.#options.leaderTimeoutMs;
  }

  #leaderBallot(now: number): number {
    let highest = 0;
    for (const { ballot, at } of this.#heard.values())
      if (now - at <= this.#timeoutMs && ballot > highest) highest = ballot;
    return highest;
  }

  #move(to: Peer | undefined): void {
    const from = this.#home;
    this.#home = to;
    this.#progressAt = this.#options.clock.now();
    if (from !== undefined && !from.isClosed) from.close();
    this.#options.moved(to);
  }
}

/** One of ours that has a state machine's messages, and learns. */
function isReplica(peer: Peer): boolean {
  return peer.can(Capability.commands) && peer.hasRole(Role.learner) && peer.hasRole(Role.proposer);
}
