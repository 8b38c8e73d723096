/**
 * State keys: what an object's future depends on, written down, so that a search can tell states it has been in. Two
 * objects with equal keys behave alike for ever.
 *
 * Clocks are left out: whoever searches lets everything time out at any moment. Acceptors are interchangeable but for
 * their ids; a writer with another order of acceptors writes the state as if they had been renamed.
 */

export class StateWriter {
  /** by position, the acceptor that is written there */
  readonly order: readonly number[];
  #text = '';

  /** @param order the acceptors of the cluster, each once */
  constructor(order: readonly number[]) {
    this.order = order;
  }

  /** What was written so far. */
  get key(): string {
    return this.#text;
  }

  number(value: number): void {
    this.#text += `${value} `;
  }

  /** A value, of which length and bytes are written; none is not the same as an empty one. */
  bytes(value: Uint8Array | undefined): void {
    this.#text += value === undefined ? '- ' : `${value.length}:${value.join()} `;
  }

  /** A set of acceptors. */
  mask(mask: number): void {
    let renamed = 0;
    for (let i = 0; i < this.order.length; i++) renamed |= ((mask >> (this.order[i] ?? 0)) & 1) << i;
    this.number(renamed);
  }
}
