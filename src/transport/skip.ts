/**
 * Skipper: passes over msgpack objects that nobody reads, as their bytes come, keeping none of them.
 *
 * Messages of unknown types, and fields that a later version put behind those we know, are of any well-formed content;
 * so their depth and size are bounded here, and what is not msgpack is a fault. A length is judged before its content
 * comes, and how the bytes were split makes no difference.
 */

/** Arrays in arrays; the message itself is the first. */
export const MAX_DEPTH = 32;

/** What a length counts. */
const CONTENT = 0;
const EXTENSION = 1;
const ARRAY = 2;
const MAP = 3;

export class Skipper {
  readonly #maxMessageBytes: number;
  /** How many objects are still to pass at each depth; `#depth` is the innermost, -1: there is nothing to skip. */
  readonly #left = new Float64Array(MAX_DEPTH);
  #depth = -1;
  /** How many bytes of a length are still to be read, the length so far, and what it counts. */
  #lengthBytes = 0;
  #length = 0;
  #counts = CONTENT;
  /** How many bytes of content are to be passed without a look. */
  #content = 0;
  /** How many bytes of this message were read or announced. */
  #messageBytes = 0;
  #fault: string | undefined;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  get active(): boolean {
    return this.#depth >= 0;
  }

  get fault(): string | undefined {
    return this.#fault;
  }

  /** Begins to skip the `objects` that are left of a message, `messageBytes` of which were read. */
  begin(objects: number, messageBytes: number): void {
    this.#messageBytes = messageBytes;
    this.#enter(objects);
    this.#leave();
  }

  /** Passes over what it can of bytes[at … end) and returns where it stopped; `active` and `fault` say why. */
  skip(bytes: Uint8Array, at: number, end: number): number {
    let next = at;
    while (next < end && this.#depth >= 0 && this.#fault === undefined) {
      if (this.#content > 0) {
        const passed = Math.min(this.#content, end - next);
        this.#content -= passed;
        next += passed;
      } else if (this.#lengthBytes > 0) {
        this.#length = this.#length * 0x100 + (bytes[next++] ?? 0);
        if (--this.#lengthBytes === 0) this.#measured(this.#counts, this.#length);
      } else {
        this.#object(bytes[next++] ?? 0);
      }
      this.#leave();
    }
    return next;
  }

  /** An object begins with this byte: its content, or a length, or its own objects follow. */
  #object(head: number): void {
    this.#left[this.#depth] = (this.#left[this.#depth] ?? 0) - 1;
    this.#announce(1);
    if (head < 0x80 || head >= 0xe0) return;
    if (head < 0x90) this.#enter(2 * (head & 0x0f));
    else if (head < 0xa0) this.#enter(head & 0x0f);
    else if (head < 0xc0) this.#pass(head & 0x1f);
    else if (head === 0xc1) this.#fault = 'a byte that msgpack never uses (byte 0xc1)';
    else if (head < 0xc4) return;
    else if (head < 0xc7) this.#measure(CONTENT, 1 << (head - 0xc4));
    else if (head < 0xca) this.#measure(EXTENSION, 1 << (head - 0xc7));
    else if (head < 0xcc) this.#pass(4 << (head - 0xca));
    else if (head < 0xd0) this.#pass(1 << (head - 0xcc));
    else if (head < 0xd4) this.#pass(1 << (head - 0xd0));
    else if (head < 0xd9) this.#pass(1 + (1 << (head - 0xd4)));
    else if (head < 0xdc) this.#measure(CONTENT, 1 << (head - 0xd9));
    else if (head < 0xde) this.#measure(ARRAY, 2 << (head - 0xdc));
    else this.#measure(MAP, 2 << (head - 0xde));
  }

  #measure(counts: number, lengthBytes: number): void {
    this.#announce(lengthBytes);
    this.#counts = counts;
    this.#lengthBytes = lengthBytes;
    this.#length = 0;
  }

  #measured(counts: number, length: number): void {
    if (counts === CONTENT) this.#pass(length);
    else if (counts === EXTENSION) this.#pass(1 + length);
    else if (counts === ARRAY) this.#enter(length);
    else this.#enter(2 * length);
  }

  #pass(bytes: number): void {
    this.#announce(bytes);
    this.#content = bytes;
  }

  #enter(objects: number): void {
    if (this.#depth + 1 === MAX_DEPTH) {
      this.#fault ??= `arrays nested deeper than ${MAX_DEPTH}`;
      return;
    }
    // An object has a byte at least, so that many objects are as good as that many bytes.
    if (this.#messageBytes + objects > this.#maxMessageBytes) this.#tooLarge();
    this.#depth++;
    this.#left[this.#depth] = objects;
  }

  /** Leaves every array and map whose objects have all passed. */
  #leave(): void {
    if (this.#content > 0 || this.#lengthBytes > 0) return;
    while (this.#depth >= 0 && this.#left[this.#depth] === 0) this.#depth--;
  }

  #announce(bytes: number): void {
    this.#messageBytes += bytes;
    if (this.#messageBytes > this.#maxMessageBytes) this.#tooLarge();
  }

  #tooLarge(): void {
    this.#fault ??= `a message above ${this.#maxMessageBytes} bytes`;
  }
}
