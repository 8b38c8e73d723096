/** What a caller gave, as bytes that are ours. */
import type { Codec } from './codec.ts';

/** Encodes; a codec that throws makes a promise that is rejected, as callers expect it of what is awaited. */
export function encoded<T>(codec: Codec<T>, value: T): Uint8Array | Promise<never> {
  try {
    const bytes = codec.encode(value);
    // What the caller has in hand it may write to again, while this waits to be sent.
    return Object.is(bytes, value) ? bytes.slice() : bytes;
  } catch (error) {
    return Promise.reject(error);
  }
}
