/** Paced: does something so many times a second, with so many under way at most. */
const TICK_MS = 5;
const SECOND_MS = 1000;
/** Behind so many that have no answer the pace is given up. */
const MAX_UNDER_WAY = 10_000;

export class Paced {
  readonly #once: () => Promise<unknown>;
  readonly #timer: NodeJS.Timeout;
  #due: number;
  #underWay = 0;
  #done = 0;
  #at = performance.now();
  #failure: unknown;

  constructor(perSecond: number, once: () => Promise<unknown>) {
    this.#once = once;
    this.#due = 0;
    this.#timer = setInterval(() => this.#tick(perSecond), TICK_MS);
  }

  /** How often it was done. */
  get done(): number {
    return this.#done;
  }

  /** Begins no more, and waits for what is under way. @throws what one of them threw */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    while (this.#underWay > 0) await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    if (this.#failure !== undefined) throw this.#failure;
  }

  #tick(perSecond: number): void {
    const now = performance.now();
    this.#due = Math.min(this.#due + (perSecond * (now - this.#at)) / SECOND_MS, MAX_UNDER_WAY);
    this.#at = now;
    while (this.#due >= 1 && this.#underWay < MAX_UNDER_WAY) {
      this.#due--;
      this.#underWay++;
      this.#once().then(
        () => {
          this.#underWay--;
          this.#done++;
        },
        (error: unknown) => {
          this.#underWay--;
          this.#failure ??= error;
        },
      );
    }
  }
}
