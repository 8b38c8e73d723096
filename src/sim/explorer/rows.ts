/**
 * Rows: states that are to be looked at, each a row of 32-bit integers, one after another in a typed array that grows.
 */
const FIRST_ROWS = 256;

export class Rows {
  readonly width: number;
  #data: Int32Array;
  #numbers: Int32Array;
  #count = 0;

  constructor(width: number) {
    this.width = width;
    this.#data = new Int32Array(width * FIRST_ROWS);
    this.#numbers = new Int32Array(FIRST_ROWS);
  }

  get count(): number {
    return this.#count;
  }

  /** @param state the state's number */
  push(row: Int32Array, state: number): void {
    if (this.#count === this.#numbers.length) this.#grow();
    this.#numbers[this.#count] = state;
    this.#data.set(row, this.#count * this.width);
    this.#count++;
  }

  /** Copies a row out; its state's number. */
  read(index: number, into: Int32Array): number {
    const at = index * this.width;
    for (let i = 0; i < this.width; i++) into[i] = this.#data[at + i] ?? 0;
    return this.#numbers[index] ?? 0;
  }

  clear(): void {
    this.#count = 0;
  }

  #grow(): void {
    const data = new Int32Array(this.#data.length * 2);
    data.set(this.#data);
    this.#data = data;
    const numbers = new Int32Array(this.#numbers.length * 2);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
  }
}

/** Rows by how many steps lead to them. What was looked at is used again. */
export class RowsBySteps {
  readonly #width: number;
  readonly #bySteps = new Map<number, Rows>();
  #spare: Rows[] = [];

  constructor(width: number) {
    this.#width = width;
  }

  push(row: Int32Array, state: number, steps: number): void {
    const rows = this.#bySteps.get(steps) ?? this.#spare.pop() ?? new Rows(this.#width);
    this.#bySteps.set(steps, rows);
    rows.push(row, state);
  }

  /** How many rows wait. */
  get waiting(): number {
    let waiting = 0;
    for (const { count } of this.#bySteps.values()) waiting += count;
    return waiting;
  }

  /** The rows with the fewest steps, and the number of these; undefined if none wait. */
  takeFirst(): { readonly steps: number; readonly rows: Rows } | undefined {
    const steps = Math.min(...this.#bySteps.keys());
    const rows = this.#bySteps.get(steps);
    if (rows === undefined) return undefined;
    this.#bySteps.delete(steps);
    return { steps, rows };
  }

  giveBack(rows: Rows): void {
    rows.clear();
    this.#spare.push(rows);
  }
}
