/**
 * Arena: room for what stays, cut from few large pieces of memory.
 *
 * V8 looks through its whole heap for garbage whenever some 8 MB were asked for outside it, be they garbage or not, and a
 * storage grows by more than that each second. So memory is asked for seldom, and much at a time. It takes address space
 * alone until it is written.
 *
 * A piece is freed when nobody has a part of it any more: a storage that is trimmed in order frees one after another.
 */

const FIRST_PIECE_BYTES = 64 * 1024;
const MAX_PIECE_BYTES = 128 * 1024 * 1024;
/** A new piece is a fourth of what is held, so that no more than that waits to be freed with it. */
const SHARE = 4;
/** Once that has shrunk to a fourth, the piece is left to who has a part of it. */
const TOO_LARGE = 4;
/** Where room begins: numbers of 32 bits lie there, too. */
const ALIGNMENT = 4;

export class Arena {
  #piece = new ArrayBuffer(0);
  #used = 0;
  #heldBytes = 0;

  /** Room for so many bytes, all 0, which nobody else has. */
  take(bytes: number): Uint8Array {
    this.#heldBytes += bytes;
    if (bytes > FIRST_PIECE_BYTES) return new Uint8Array(bytes);
    if (this.#used + bytes > this.#piece.byteLength) {
      this.#piece = newPiece(this.#nextPieceBytes);
      this.#used = 0;
    }
    const room = new Uint8Array(this.#piece, this.#used, bytes);
    this.#used += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    return room;
  }

  /** So many bytes that were taken are needed no more. */
  giveUp(bytes: number): void {
    this.#heldBytes -= bytes;
    if (this.#piece.byteLength <= TOO_LARGE * this.#nextPieceBytes) return;
    this.#piece = new ArrayBuffer(0);
    this.#used = 0;
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
