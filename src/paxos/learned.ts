/**
 * Learned: which instances an acceptor knows to be chosen, and at which ballot. Contacts no one.
 *
 *   note(i, b) or noteRange(b, from, to), ever further up → spanFrom(i) → what can be told from there on
 *
 * That an instance was chosen at ballot b is true for ever, and of an acceptor's record there it follows: what was
 * accepted at b or above is what was chosen. So a record that holds enough is told as chosen, however often it was
 * accepted again since; one with a lower ballot, or none, says nothing.
 *
 * Holds a bounded number of spans, which grow at the upper end alone; what a learner passed over is never known here.
 * Beyond the bound the shortest is given up: it is as if that had not been learned.
 */

/** So many spans are known: there is a new one with every leader, and behind every stretch that was missed. */
export const MAX_LEARNED_SPANS = 1024;

/** Every instance from `from` to `to` was chosen, at `ballot`. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly ballot: number;
}

export class Learned {
  readonly #maxSpans: number;
  /** in order, apart from each other; the last of all is kept in the fields below */
  #spans: Span[] = [];
  #from = 0;
  #to = 0;
  #ballot = 0;

  constructor(maxSpans = MAX_LEARNED_SPANS) {
    this.#maxSpans = maxSpans;
  }

  /** All that is known, in order. */
  get spans(): readonly Span[] {
    if (this.#to === 0) return [];
    return [...this.#spans, { from: this.#from, to: this.#to, ballot: this.#ballot }];
  }

  /** The highest instance that is known to be chosen; 0: none. */
  get highest(): number {
    return this.#to;
  }

  /** An instance above all that is known was chosen at `ballot`. Hot: it comes with every delivery. */
  note(instanceId: number, ballot: number): void {
    if (instanceId === this.#to + 1 && ballot === this.#ballot) this.#to = instanceId;
    else this.noteRange(ballot, instanceId, instanceId);
  }

  /** A stretch was chosen at `ballot`; what of it is below the highest known is known already, or never will be. */
  noteRange(ballot: number, from: number, to: number): void {
    const first = Math.max(from, this.#to + 1);
    if (first > to || ballot <= 0) return;
    if (first === this.#to + 1 && ballot === this.#ballot) {
      this.#to = to;
      return;
    }
    if (this.#to > 0) this.#spans.push({ from: this.#from, to: this.#to, ballot: this.#ballot });
    if (this.#spans.length >= this.#maxSpans) this.#dropShortest();
    this.#from = first;
    this.#to = to;
    this.#ballot = ballot;
  }

  /** The rest of the span that `instanceId` is in, or else the next one above; undefined: there is none. */
  spanFrom(instanceId: number): Span | undefined {
    if (instanceId > this.#to) return undefined;
    if (instanceId >= this.#from) return { from: instanceId, to: this.#to, ballot: this.#ballot };
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#spans[middle]?.to ?? 0) < instanceId) low = middle + 1;
      else high = middle;
    }
    const span = this.#spans[low] ?? { from: this.#from, to: this.#to, ballot: this.#ballot };
    return span.from >= instanceId ? span : { ...span, from: instanceId };
  }

  /** What is at or below a trim point is told to nobody any more. */
  trim(instanceId: number): void {
    if ((this.#spans[0]?.to ?? Number.POSITIVE_INFINITY) > instanceId) return;
    this.#spans = this.#spans.filter(({ to }) => to > instanceId);
  }

  #dropShortest(): void {
    let shortest = 0;
    let length = Number.POSITIVE_INFINITY;
    for (const [i, { from, to }] of this.#spans.entries()) {
      if (to - from >= length) continue;
      shortest = i;
      length = to - from;
    }
    this.#spans.splice(shortest, 1);
  }
}
