/**
 * Turn: what a node does when all input that was ready has been handled. Steps run in order, again and again until
 * none makes progress; then, once, everything that left in this turn is written, one write a socket.
 *
 *   bytes → handlers → [deliver, propose, own acceptor, commit]* → flush
 */
import type { Clock } from '../transport/transport.ts';

/** Does what can be done now; true if it did something that an earlier step may have to react to. */
export type TurnStep = () => boolean;

export class Turn {
  readonly #clock: Clock;
  readonly #steps: TurnStep[] = [];
  #flush: () => void = () => undefined;
  #scheduled = false;
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds a step behind those that are there. */
  addStep(step: TurnStep): void {
    this.#steps.push(step);
  }

  /** Sets what ends every turn. */
  setFlush(flush: () => void): void {
    this.#flush = flush;
  }

  /** Asks for a turn's end; many calls in one turn are one. */
  schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.#clock.endOfTurn(this.#run);
  }

  stop(): void {
    this.#stopped = true;
  }

  readonly #run = (): void => {
    this.#scheduled = false;
    if (this.#stopped) return;
    for (let progress = true; progress && !this.#stopped; ) {
      progress = false;
      for (const step of this.#steps) if (step()) progress = true;
    }
    this.#flush();
  };
}
