/**
 * Turn: what a node does when all input that was ready has been handled. Steps run in order, again and again until
 * none makes progress; then, once, everything that left in this turn is written, one write a socket.
 *
 *   bytes → handlers → [deliver, propose, own acceptor, commit]* → flush → end
 */
import type { Clock } from '../transport/transport.ts';

/** So often the steps run in one turn; what is left then goes on in the next. */
const MAX_PASSES = 16;

/** Does what can be done now; true if it did something that an earlier step may have to react to. */
export type TurnStep = () => boolean;

export class Turn {
  readonly #clock: Clock;
  readonly #steps: TurnStep[] = [];
  #flush: () => void = () => undefined;
  #end: () => void = () => undefined;
  #askedAt = 0;
  #scheduled = false;
  #running = false;
  #stopped = false;
  #now: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The time of this turn, ms: the clock is asked once, not with every message. Behind by as long as the turn takes.
   */
  get now(): number {
    if (this.#now === undefined) {
      this.#now = this.#clock.now();
      if (!this.#running) this.schedule();
    }
    return this.#now;
  }

  /** When this turn, or the last one, was asked for by something else than a turn: input, a timer, a program; ms. */
  get askedAt(): number {
    return this.#askedAt;
  }

  /** True if another turn is to come. */
  get isScheduled(): boolean {
    return this.#scheduled;
  }

  /** Adds a step behind those that are there. */
  addStep(step: TurnStep): void {
    this.#steps.push(step);
  }

  /** Sets what writes what leaves in a turn. */
  setFlush(flush: () => void): void {
    this.#flush = flush;
  }

  /** Sets what is called behind that. */
  setEnd(end: () => void): void {
    this.#end = end;
  }

  /** Asks for a turn's end; many calls in one turn are one. */
  schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    if (!this.#running) this.#askedAt = this.#now ?? this.#clock.now();
    this.#clock.endOfTurn(this.#run);
  }

  stop(): void {
    this.#stopped = true;
  }

  readonly #run = (): void => {
    this.#scheduled = false;
    this.#now = undefined;
    if (this.#stopped) return;
    this.#running = true;
    try {
      this.#work();
    } finally {
      // Also where a program's own code threw, which may go on.
      this.#running = false;
      this.#now = undefined;
    }
  };

  #work(): void {
    let progress = true;
    for (let pass = 0; progress && pass < MAX_PASSES; pass++) {
      progress = false;
      for (const step of this.#steps) {
        if (this.#stopped) return;
        if (step()) progress = true;
      }
    }
    // A program that submits with every delivery never ends a turn: others have theirs first.
    if (progress) this.schedule();
    this.#flush();
    this.#end();
  }
}
