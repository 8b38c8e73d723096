/** What a caller gave, as bytes that are ours. */
import { Slab } from '../transport/slab.ts';
import type { Codec } from './codec.ts';

const SLAB_BYTES = 16 * 1024;
const slab = new Slab(SLAB_BYTES, SLAB_BYTES / 4);

/** Encodes; a codec that throws makes a promise that is rejected, as callers expect it of what is awaited. */
export function encoded<T>(codec: Codec<T>, value: T): Uint8Array | Promise<never> {
  try {
    const bytes = codec.encode(value);
    // What the caller has in hand it may write to again, while this waits to be sent.
    return Object.is(bytes, value) ? slab.copy(bytes) : bytes;
  } catch (error) {
    return Promise.reject(error);
  }
}
