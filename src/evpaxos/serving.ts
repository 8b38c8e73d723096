/**
 * Serving: tells learners that are behind what was chosen, as far as this process has learned it and its acceptor's
 * records hold it. A value told so needs no quorum's word.
 *
 *   FETCH(from, to) → CHOSEN_VALUE, CHOSEN_VALUE, … over as many turns as it takes → FETCHED(how far)
 *
 * It does not wait for the disk: what was chosen is durable at a quorum, and whoever hears it counts no vote of ours.
 * It comes last: so much is told in a turn, and to a peer only while little waits for it.
 */
import type { Acceptor } from '../paxos/acceptor.ts';
import type { Learned } from '../paxos/learned.ts';
import { encodeChosenValue, encodeFetched } from '../transport/encode.ts';
import type { Peer } from './peer.ts';

/** What is told in one turn, to all together: some 0.5 ms. What comes from elsewhere has its turn in between. */
const SERVED_BYTES_PER_TURN = 131_072;
/** A record costs about so much beside its value. */
const RECORD_BYTES = 64;
/** While so much waits for a peer it is told no more. */
const SERVED_AHEAD_BYTES = 524_288;
/** The most bytes of values that one question is answered with, whatever it asks for. */
const MAX_FETCH_BYTES = 67_108_864;

/** What a peer wants to hear. */
interface Wanted {
  readonly from: number;
  next: number;
  to: number;
  bytes: number;
}

export class Serving {
  readonly #acceptor: Acceptor;
  readonly #learned: Learned;
  readonly #wanted = new Map<Peer, Wanted>();

  constructor(acceptor: Acceptor, learned: Learned) {
    this.#acceptor = acceptor;
    this.#learned = learned;
  }

  /** A peer asks. What follows upon what it asked for is added to that; anything else takes its place. */
  fetch(peer: Peer, from: number, to: number, bytes: number): void {
    const known = this.#wanted.get(peer);
    if (to < from) this.#wanted.delete(peer);
    else if (known !== undefined && from === known.to + 1) {
      known.to = to;
      known.bytes = Math.min(known.bytes + bytes, MAX_FETCH_BYTES);
    } else this.#wanted.set(peer, { from, next: from, to, bytes: Math.min(bytes, MAX_FETCH_BYTES) });
  }

  /** Tells some of what is wanted. True if more of it can be told in the next turn; else a peer's link is waited for. */
  serve(): boolean {
    if (this.#wanted.size === 0) return false;
    const budget = SERVED_BYTES_PER_TURN / this.#wanted.size;
    let goesOn = false;
    for (const [peer, wanted] of this.#wanted) {
      if (peer.isClosed) {
        this.#wanted.delete(peer);
        continue;
      }
      const { length } = peer.out;
      const next = this.#tell(peer, wanted, budget);
      // To say that there is something to send asks for another turn: not while its link is waited for.
      if (peer.out.length > length) peer.sent();
      if (next === undefined) {
        // What is in nobody's hands leaves at the end of this turn, and nobody tells when it has.
        goesOn ||=
          peer.backlog.isBelow(SERVED_AHEAD_BYTES) ||
          (peer.link.waitingBytes === 0 && peer.held.length === 0);
        continue;
      }
      encodeFetched(peer.out, this.#acceptor.id, wanted.from, wanted.next - 1, next);
      peer.sent();
      this.#wanted.delete(peer);
    }
    return goesOn;
  }

  /** Tells a peer a part; undefined: there is more to come; else the first instance that can be told next. */
  #tell(peer: Peer, wanted: Wanted, budget: number): number | undefined {
    let left = budget;
    while (wanted.next <= wanted.to && wanted.bytes > 0) {
      const span = this.#learned.spanFrom(wanted.next);
      if (span === undefined || span.from > wanted.next) return span?.from ?? Number.MAX_SAFE_INTEGER;
      const last = Math.min(span.to, wanted.to);
      for (const { instanceId, acceptedBallot, value } of this.#acceptor.accepted(wanted.next, last)) {
        if (!peer.backlog.isBelow(SERVED_AHEAD_BYTES)) return undefined;
        const isTold = acceptedBallot >= span.ballot;
        left -= RECORD_BYTES + value.length;
        // A record that is missing, or too old to say anything, ends what can be told.
        if (isTold && instanceId !== wanted.next) return instanceId;
        if (isTold) this.#tellOne(peer, wanted, span.ballot, value);
        if (wanted.bytes <= 0) return wanted.next;
        if (left <= 0) return isTold ? undefined : instanceId + 1;
      }
      if (wanted.next <= last) return this.#learned.spanFrom(last + 1)?.from ?? Number.MAX_SAFE_INTEGER;
    }
    return wanted.next;
  }

  #tellOne(peer: Peer, wanted: Wanted, ballot: number, value: Uint8Array): void {
    encodeChosenValue(peer.out, this.#acceptor.id, wanted.next, ballot, value);
    wanted.next++;
    wanted.bytes -= value.length;
  }
}
