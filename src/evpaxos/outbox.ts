/**
 * Outbox: what an acceptor says, held back until what it reveals is on disk.
 *
 *   handlers write records and encode answers → end of turn: one commit → durable → the answers leave
 *
 * One batch is under way; what later turns write and answer joins the next. An answer that wrote nothing waits all
 * the same, since it may reveal what a batch under way has not made durable yet.
 *
 * Invariant: no byte leaves before a commit that was begun after it was encoded has resolved.
 */
import type { PaxosError } from '../paxos/error.ts';
import type { Storage } from '../paxos/storage.ts';
import type { ByteBuffer } from '../transport/buffer.ts';
import type { Clock } from '../transport/transport.ts';
import type { Peer } from './peer.ts';
import type { Turn } from './turn.ts';

export class Outbox {
  readonly #storage: Storage;
  readonly #turn: Turn;
  readonly #failed: (error: unknown) => void;
  readonly #immediate: boolean;
  #holding: Peer[] = [];
  /** of these, those for whom nothing is held that is in a hurry */
  #unhurried = new Set<Peer>();
  #calls: (() => void)[] = [];
  #committing = false;
  #committingSince = 0;
  readonly #clock: Clock;
  #idle: (() => void)[] = [];

  /** @param failed told once, when a commit fails; nothing leaves afterwards */
  constructor(storage: Storage, turn: Turn, clock: Clock, failed: (error: PaxosError | unknown) => void) {
    this.#storage = storage;
    this.#turn = turn;
    this.#clock = clock;
    this.#failed = failed;
    // In memory there is nothing to wait for: answers go straight into what leaves this turn.
    this.#immediate = storage.durability === 'memory';
    turn.addStep(() => this.#step());
  }

  /** Where an answer to this peer is to be encoded. Hot. */
  to(peer: Peer): ByteBuffer {
    if (this.#immediate) {
      peer.sent();
      return peer.out;
    }
    if (this.#unhurried.size > 0) this.#unhurried.delete(peer);
    return this.#hold(peer);
  }

  /** Appends what may be written, once it is durable, with what comes after it. */
  appendUnhurried(peer: Peer, bytes: Uint8Array): void {
    if (this.#immediate) {
      peer.out.append(bytes);
      peer.sent(false);
      return;
    }
    if (peer.held.length === 0) this.#unhurried.add(peer);
    this.#hold(peer).append(bytes);
  }

  /**
   * Calls once all that was written is durable: for what leaves without being encoded. It leaves before all that waits for
   * the same commit, as on a connection of its own.
   */
  whenDurable(call: () => void): void {
    if (this.#immediate) {
      call();
      return;
    }
    this.#calls.push(call);
    this.#turn.schedule();
  }

  #hold(peer: Peer): ByteBuffer {
    if (peer.held.length === 0) this.#holding.push(peer);
    this.#turn.schedule();
    return peer.held;
  }

  /** For how long the commit has been under way that everything waits for, ms; 0: there is none. */
  get waitingMs(): number {
    return this.#committing ? this.#clock.now() - this.#committingSince : 0;
  }

  /** Resolves when no commit is under way. */
  async settled(): Promise<void> {
    if (!this.#committing) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #step(): boolean {
    if (this.#committing) return false;
    let durable: Promise<void> | undefined;
    try {
      durable = this.#storage.commit();
    } catch (error) {
      // It failed since the last turn, at work of its own.
      this.#committing = true;
      this.#failed(error);
      this.#becomeIdle();
      return false;
    }
    if (this.#holding.length === 0 && this.#calls.length === 0 && durable === undefined) return false;
    const calls = this.#calls;
    this.#calls = [];
    const unhurried = this.#unhurried;
    const batch = this.#holding.map((peer) => ({
      peer,
      bytes: peer.held.take(),
      isInHurry: !unhurried.has(peer),
    }));
    this.#holding = [];
    if (unhurried.size > 0) this.#unhurried = new Set();
    if (durable === undefined) {
      release(calls, batch);
      return true;
    }
    this.#committing = true;
    this.#committingSince = this.#clock.now();
    durable.then(
      () => {
        this.#committing = false;
        release(calls, batch);
        this.#turn.schedule();
        this.#becomeIdle();
      },
      (error: unknown) => {
        this.#failed(error);
        this.#becomeIdle();
      },
    );
    return false;
  }

  #becomeIdle(): void {
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }
}

interface Held {
  readonly peer: Peer;
  readonly bytes: Uint8Array;
  readonly isInHurry: boolean;
}

function release(calls: readonly (() => void)[], batch: readonly Held[]): void {
  for (const call of calls) call();
  for (const { peer, bytes, isInHurry } of batch) {
    if (peer.isClosed) continue;
    peer.out.append(bytes);
    peer.sent(isInHurry);
  }
}
