/**
 * Arena: room for what stays, cut from few large pieces of memory.
 *
 * V8 looks through its whole heap for garbage whenever some 8 MB were asked for outside it, be they garbage or not, and a
 * storage grows by more than that each second. So memory is asked for seldom, and much at a time. It takes address space
 * alone until it is written.
 *
 * A piece of which every part was given up is written anew: memory that was never written costs a page fault for each
 * 4 kB: 15 % of all CPU time of three replicas that are given commands of 1,000 bytes and trim, and of their client. A storage that is
 * trimmed in order gives up one piece after another. So who gives a part up looks at it no more.
 */

const FIRST_PIECE_BYTES = 64 * 1024;
const MAX_PIECE_BYTES = 128 * 1024 * 1024;
/** A new piece is a fourth of what is held, so that no more than that waits to be given up with it. */
const SHARE = 4;
/** Once that has shrunk to a fourth, the piece is left to who has a part of it. */
const TOO_LARGE = 4;
/** Where room begins: numbers of 32 bits lie there, too. */
const ALIGNMENT = 4;

interface Piece {
  readonly memory: ArrayBuffer;
  /** bytes that were taken and not given up */
  held: number;
}

export class Arena {
  #piece: Piece = { memory: new ArrayBuffer(0), held: 0 };
  #used = 0;
  #heldBytes = 0;
  /** those of which a part is held, the one that is cut from left out */
  readonly #pieces = new Map<ArrayBufferLike, Piece>();
  /** those of which none is */
  #spare: ArrayBuffer[] = [];
  #spareBytes = 0;

  /** Room for so many bytes, which nobody else has. What is in it may be anything. */
  take(bytes: number): Uint8Array {
    this.#heldBytes += bytes;
    if (bytes > FIRST_PIECE_BYTES) return new Uint8Array(bytes);
    if (this.#used + bytes > this.#piece.memory.byteLength) this.#begin(this.#nextMemory());
    const room = new Uint8Array(this.#piece.memory, this.#used, bytes);
    this.#piece.held += bytes;
    this.#used += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    return room;
  }

  /** Room that was taken is needed no more, and will be written by somebody else. */
  giveUp({ buffer, byteLength }: ArrayBufferView): void {
    this.#heldBytes -= byteLength;
    const piece = buffer === this.#piece.memory ? this.#piece : this.#pieces.get(buffer);
    if (piece !== undefined) {
      piece.held -= byteLength;
      if (piece.held === 0) this.#isFree(piece);
    }
    if (this.#piece.memory.byteLength > TOO_LARGE * this.#nextPieceBytes) this.#begin(new ArrayBuffer(0));
    this.#dropSpare(this.#heldBytes);
  }

  #begin(memory: ArrayBuffer): void {
    const before = this.#piece;
    this.#piece = { memory, held: 0 };
    this.#used = 0;
    if (before.held > 0) this.#pieces.set(before.memory, before);
    else this.#keepSpare(before.memory);
  }

  #isFree(piece: Piece): void {
    if (piece === this.#piece) {
      this.#used = 0;
      return;
    }
    this.#pieces.delete(piece.memory);
    this.#keepSpare(piece.memory);
  }

  #keepSpare(memory: ArrayBuffer): void {
    this.#spare.push(memory);
    this.#spareBytes += memory.byteLength;
  }

  /** No more is kept for later than is held. */
  #dropSpare(maxBytes: number): void {
    while (this.#spareBytes > maxBytes) this.#spareBytes -= this.#spare.shift()?.byteLength ?? 0;
  }

  #nextMemory(): ArrayBuffer {
    const bytes = this.#nextPieceBytes;
    for (let memory = this.#spare.pop(); memory !== undefined; memory = this.#spare.pop()) {
      this.#spareBytes -= memory.byteLength;
      if (TOO_LARGE * memory.byteLength >= bytes) return memory;
    }
    return newPiece(bytes);
  }

  get #nextPieceBytes(): number {
    return Math.max(FIRST_PIECE_BYTES, Math.min(Math.ceil(this.#heldBytes / SHARE), MAX_PIECE_BYTES));
  }
}

/** Less than asked for, where the process may not have so much. */
function newPiece(bytes: number): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch (error) {
    if (!(error instanceof RangeError) || bytes === FIRST_PIECE_BYTES) throw error;
    return new ArrayBuffer(FIRST_PIECE_BYTES);
  }
}
