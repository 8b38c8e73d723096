/**
 * Silence: cuts off acceptors that speak no more. Without it a machine that lost its power would be taken for alive until
 * TCP gives up, a quarter of an hour later. Looks are counted, not time: a node that stood still itself has heard nobody.
 */
import type { Config } from '../config/config.ts';
import type { Clock, Timer } from '../transport/transport.ts';
import type { Peers } from './peers.ts';
import type { Turn } from './turn.ts';

/** Acceptors speak once a second. One that was silent for so many seconds is cut off, and tried again. */
const SILENT_SECONDS = 5;
/** It is looked for so often at least; twice in a leader timeout, if that is short. */
const LOOK_MS = 250;

export interface SilenceOptions {
  readonly clock: Clock;
  readonly turn: Turn;
  readonly config: Config;
}

export class Silence {
  readonly #peers: Peers;
  readonly #options: SilenceOptions;
  #timer: Timer | undefined;

  constructor(peers: Peers, options: SilenceOptions) {
    this.#peers = peers;
    this.#options = options;
  }

  start(): void {
    const { clock, config, turn } = this.#options;
    const lookMs = Math.min(LOOK_MS, config.leaderTimeoutMs / 2);
    const cutMs = Math.max(1000 * SILENT_SECONDS, 4 * config.leaderTimeoutMs);
    this.#timer = clock.after(lookMs, () => {
      for (const peer of [...this.#peers.ready(), ...this.#peers.inbound]) {
        if (this.#peers.isSelf(peer)) continue;
        peer.silentMs += lookMs;
        // Of others nobody knows whether they have anything to say.
        if (peer.isAcceptor && peer.silentMs > cutMs) peer.link.close();
      }
      turn.schedule();
      this.start();
    });
  }

  close(): void {
    this.#timer?.cancel();
  }
}
