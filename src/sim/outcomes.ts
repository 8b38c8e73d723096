/**
 * Outcomes: how often each thing happened in a run, by name. Counted with every message, so it looks up once.
 */
export class Outcomes {
  readonly #counts = new Map<string, { count: number }>();

  count(outcome: string): void {
    const known = this.#counts.get(outcome);
    if (known === undefined) this.#counts.set(outcome, { count: 1 });
    else known.count++;
  }

  /** How often it happened. */
  of(outcome: string): number {
    return this.#counts.get(outcome)?.count ?? 0;
  }

  /** By name; `prefix` goes before each. */
  counts(prefix = ''): [outcome: string, count: number][] {
    return [...this.#counts].map(([outcome, { count }]) => [`${prefix}${outcome}`, count]);
  }
}
