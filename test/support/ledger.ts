/**
 * Ledger: a state machine for tests. It counts, by name, how often it was told to, and remembers in which order: what is
 * applied twice, or not at all, shows.
 */
import type { ApplyContext, SnapshotReader, StateMachine } from '../../src/statemachine/machine.ts';

/** `name`: counts one. `fail`: throws. */
export type LedgerCommand = string;

export class Ledger implements StateMachine<LedgerCommand, number, string, number> {
  readonly counts = new Map<string, number>();
  #total = 0;

  apply(name: LedgerCommand, _context: ApplyContext): number {
    if (name === 'fail') throw new Error('told to fail');
    const count = (this.counts.get(name) ?? 0) + 1;
    this.counts.set(name, count);
    this.#total++;
    return count;
  }

  /** How often a name was counted; '': how often any was. */
  read(name: string): number {
    if (name === 'fail') throw new Error('told to fail');
    return name === '' ? this.#total : (this.counts.get(name) ?? 0);
  }

  snapshot(): string {
    return JSON.stringify({ total: this.#total, counts: [...this.counts] });
  }

  async restore(reader: SnapshotReader): Promise<void> {
    const { total, counts } = await reader.json<{ total: number; counts: [string, number][] }>();
    this.#total = total;
    this.counts.clear();
    for (const [name, count] of counts) this.counts.set(name, count);
  }
}
