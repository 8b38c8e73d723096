/**
 * OpenSpans: what an open storage keeps of what its acceptor has learned, and whether that has yet to be written.
 *
 *   key     eight bytes of 0, and a 1: behind the state, before every record, and 0 to whoever reads it as an instance
 *   spans   from u64 | to u64 | ballot u32, for each | checksum u32
 *
 * Kept for speed alone: bytes that are damaged, or that nobody of ours wrote, are as good as none. Software that knows
 * nothing of it passes it over; what it leaves behind is still true.
 */
import { MAX_BALLOT } from '../paxos/ballot.ts';
import { MAX_LEARNED_SPANS, type Span } from '../paxos/learned.ts';
import type { StoredSpans } from '../paxos/storage.ts';
import { crc32 } from './crc32.ts';

export const SPANS_KEY = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 1);

const SPAN_BYTES = 20;
const CHECKSUM_BYTES = 4;

export class OpenSpans implements StoredSpans {
  readonly kept: readonly Span[];
  #changes: readonly Span[] | undefined;

  /** @param content what was read from under the key */
  constructor(content: Uint8Array | undefined) {
    this.kept = content === undefined ? [] : (decodeSpans(content) ?? []);
  }

  keep(spans: readonly Span[]): void {
    this.#changes = spans;
  }

  /** Whether there is something to write. */
  get changed(): boolean {
    return this.#changes !== undefined;
  }

  /** What to store under the key, if it changed since it was taken last. */
  takeChanges(): Uint8Array | undefined {
    const changes = this.#changes;
    this.#changes = undefined;
    return changes === undefined ? undefined : encodeSpans(changes);
  }
}

export function encodeSpans(spans: readonly Span[]): Uint8Array {
  const bytes = new Uint8Array(spans.length * SPAN_BYTES + CHECKSUM_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [i, { from, to, ballot }] of spans.entries()) {
    view.setBigUint64(i * SPAN_BYTES, BigInt(from));
    view.setBigUint64(i * SPAN_BYTES + 8, BigInt(to));
    view.setUint32(i * SPAN_BYTES + 16, ballot);
  }
  const end = spans.length * SPAN_BYTES;
  view.setUint32(end, crc32(bytes, 0, end, crc32(SPANS_KEY)));
  return bytes;
}

/** Undefined: these are no spans that were kept. */
export function decodeSpans(bytes: Uint8Array): readonly Span[] | undefined {
  const end = bytes.length - CHECKSUM_BYTES;
  const count = end / SPAN_BYTES;
  if (end < 0 || !Number.isInteger(count) || count > MAX_LEARNED_SPANS) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(end) !== crc32(bytes, 0, end, crc32(SPANS_KEY))) return undefined;
  const spans: Span[] = [];
  let last = 0;
  for (let at = 0; at < end; at += SPAN_BYTES) {
    const from = Number(view.getBigUint64(at));
    const to = Number(view.getBigUint64(at + 8));
    const ballot = view.getUint32(at + 16);
    if (from <= last || to < from || !Number.isSafeInteger(to) || ballot === 0 || ballot > MAX_BALLOT)
      return undefined;
    last = to;
    spans.push({ from, to, ballot });
  }
  return spans;
}
