/**
 * Writes: whose connections have something to send, and when that is written: at the end of the turn, one write each, or,
 * where nobody is in a hurry, with what comes after it.
 *
 *   changed(peer) → end of the turn: flush      changed(peer, false) → that of some later turn
 *
 * Knows nothing of what is said.
 */
import type { Clock, Timer } from '../transport/transport.ts';
import type { Peer } from './peer.ts';
import type { Turn } from './turn.ts';

/** What is in no hurry is written after so long at the latest, or once it is so much. */
const UNHURRIED_MS = 2;
const UNHURRIED_BYTES = 32 * 1024;

export class Writes {
  readonly #turn: Turn;
  readonly #clock: Clock;
  readonly #dirty: Peer[] = [];
  readonly #unhurried = new Set<Peer>();
  #timer: Timer | undefined;

  constructor(turn: Turn, clock: Clock) {
    this.#turn = turn;
    this.#clock = clock;
    turn.setFlush(() => this.flush());
  }

  /** Those that are written at the end of this turn. */
  get dirty(): readonly Peer[] {
    return this.#dirty;
  }

  /** The peer has something to send, or may have changed what a turn's steps can do. */
  changed(peer: Peer, isInHurry = true): void {
    if (isInHurry || peer.out.length >= UNHURRIED_BYTES) {
      if (!peer.dirty) this.#dirty.push(peer);
      peer.dirty = true;
      this.#turn.schedule();
    } else if (!peer.dirty) {
      this.#unhurried.add(peer);
      this.#timer ??= this.#clock.after(UNHURRIED_MS, () => this.#hurry());
    }
  }

  /** Bytes came from the peer. Who only spoke has no place in the order of writes: first goes what others wait for. */
  heard(peer: Peer): void {
    if (peer.out.length > 0 && !this.#unhurried.has(peer)) this.changed(peer);
    else this.#turn.schedule();
  }

  flush(): void {
    for (const peer of this.#dirty) {
      peer.dirty = false;
      peer.flush();
    }
    this.#dirty.length = 0;
  }

  /** Writes all that there is; nothing is to come. */
  close(): void {
    this.#timer?.cancel();
    this.#hurry();
    this.flush();
  }

  #hurry(): void {
    this.#timer = undefined;
    for (const peer of this.#unhurried) if (peer.out.length > 0) this.changed(peer);
    this.#unhurried.clear();
  }
}
