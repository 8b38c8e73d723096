/**
 * The bytes of a snapshot on their way out of a machine and into one: whatever a machine gives becomes a stream of
 * chunks, and a stream of chunks what a machine reads from.
 */

import { PaxosError } from '../paxos/error.ts';
import { invariant } from '../paxos/invariant.ts';
import type { SnapshotReader, SnapshotSource } from './machine.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * What a machine's `snapshot` gave, chunk by chunk. What is iterated over is begun at once: a generator runs up to its
 * first chunk before the next command is applied, and not whenever somebody reads.
 */
export function chunksOf(source: SnapshotSource): AsyncGenerator<Uint8Array> {
  if (typeof source === 'string') return each([encoder.encode(source)]);
  if (source instanceof Uint8Array) return each([source]);
  const chunks = Symbol.iterator in source ? source[Symbol.iterator]() : source[Symbol.asyncIterator]();
  const first = chunks.next();
  // Whoever reads is told; nobody may.
  if (first instanceof Promise) first.catch(() => undefined);
  return begun(first, chunks);
}

async function* each(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

type Chunk = IteratorResult<Uint8Array, unknown>;

async function* begun(
  first: Chunk | Promise<Chunk>,
  chunks: Iterator<Uint8Array, unknown> | AsyncIterator<Uint8Array, unknown>,
): AsyncGenerator<Uint8Array> {
  let isOver = false;
  try {
    for (let next = await first; ; next = await chunks.next()) {
      isOver = next.done === true;
      if (next.done === true) return;
      if (!(next.value instanceof Uint8Array))
        throw new Error('snapshot() gave a chunk that is no Uint8Array');
      yield next.value;
    }
  } finally {
    if (!isOver) await chunks.return?.();
  }
}

/** All chunks as one. */
export async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const gathered: Uint8Array[] = [];
  for await (const chunk of chunks) gathered.push(chunk);
  const [only] = gathered;
  return gathered.length === 1 && only !== undefined ? only : Buffer.concat(gathered);
}

/** Reads chunks once, in order: some bytes first, and the rest as a machine's reader. */
export class ChunkReader implements SnapshotReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  #isTaken = false;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /**
   * The next `length` bytes.
   * @throws PaxosError SNAPSHOT_CORRUPT if there are fewer
   */
  async take(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#rest.length === 0) {
        const { done, value } = await this.#chunks.next();
        if (done === true) throw new PaxosError('SNAPSHOT_CORRUPT', 'the snapshot ends too early');
        this.#rest = value;
      }
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    invariant(!this.#isTaken, 'a snapshot is read once');
    this.#isTaken = true;
    try {
      if (this.#rest.length > 0) yield this.#rest;
      for (;;) {
        const { done, value } = await this.#chunks.next();
        if (done === true) return;
        if (value.length > 0) yield value;
      }
    } finally {
      await this.close();
    }
  }

  bytes(): Promise<Uint8Array> {
    return gather(this);
  }

  async text(): Promise<string> {
    return decoder.decode(await this.bytes());
  }

  async json<T>(): Promise<T> {
    return JSON.parse(await this.text());
  }

  /** Nothing more is read; where the chunks come from is let go of. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}

/** Whether two streams have the same bytes: where they differ first, in bytes from the start; undefined: nowhere. */
export async function firstDifference(
  one: AsyncIterable<Uint8Array>,
  other: AsyncIterable<Uint8Array>,
): Promise<number | undefined> {
  const others = other[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  let at = 0;
  for await (const chunk of one) {
    for (const byte of chunk) {
      while (rest.length === 0) {
        const { done, value } = await others.next();
        if (done === true) return at;
        rest = value;
      }
      if (byte !== rest[0]) return at;
      rest = rest.subarray(1);
      at++;
    }
  }
  for (;;) {
    if (rest.length > 0) return at;
    const { done, value } = await others.next();
    if (done === true) return undefined;
    rest = value;
  }
}
