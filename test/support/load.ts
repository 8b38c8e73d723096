/**
 * Load: a well-behaved client that keeps values under way, and tells how fast they are chosen.
 */
import { performance } from 'node:perf_hooks';
import type { Client } from '../../src/evpaxos/index.ts';

const VALUE_BYTES = 64;

export class Load {
  readonly #client: Client;
  readonly #waiting = new Set<{ readonly count: number; readonly resolve: () => void }>();
  #given = 0;
  #chosen = 0;
  #isGiving = true;

  /** @param outstanding how many values are under way at any time */
  constructor(client: Client, outstanding: number) {
    this.#client = client;
    for (let i = 0; i < outstanding; i++) this.#give();
  }

  get chosen(): number {
    return this.#chosen;
  }

  /** Resolves when so many values more are chosen. */
  more(values: number): Promise<void> {
    return new Promise((resolve) => this.#waiting.add({ count: this.#chosen + values, resolve }));
  }

  /** How many values are chosen in a second, while `during` goes on and so many are chosen at least. */
  async rate(values: number, during: () => Promise<void> = async () => undefined): Promise<number> {
    const before = this.#chosen;
    const start = performance.now();
    await Promise.all([this.more(values), during()]);
    return (1000 * (this.#chosen - before)) / (performance.now() - start);
  }

  /** Gives no more; resolves when all that was given is chosen. */
  async stop(): Promise<void> {
    this.#isGiving = false;
    await this.more(this.#given - this.#chosen);
  }

  #give(): void {
    const value = Buffer.from(`good ${this.#given++}`.padEnd(VALUE_BYTES), 'latin1');
    this.#client.offer(value, () => {
      this.#chosen++;
      for (const one of this.#waiting) {
        if (one.count > this.#chosen) continue;
        this.#waiting.delete(one);
        one.resolve();
      }
      if (this.#isGiving) this.#give();
    });
  }
}
