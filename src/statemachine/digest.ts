/**
 * Digest: whether replicas answer alike. Each keeps a running digest over the instances and the results that they had;
 * a replica puts its own into the log now and then, and every other compares.
 *
 *   add(results) … endInstance(id) → value       compare(id, another's digest) → agreed | the stretch where not
 *
 * It finds accidents, a machine that is not deterministic, and no forgery: the digest is two 32-bit lanes over CRC-32s.
 * A difference stays in all that follows, so it is told once, with the stretch between the last comparison that agreed
 * and the first that did not.
 */
import { crc32 } from '../storage/crc32.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

/** How many instances back a digest may be compared. */
export const MAX_DIGEST_HISTORY = 16_384;

const UINT32 = 2 ** 32;
const UINT21 = 2 ** 21;

/** Two replicas have other results: the first in an instance above `agreedAt`, and not above `instanceId`. */
export interface Divergence {
  /** the last instance up to which digests were compared and agreed; 0: none was */
  readonly agreedAt: number;
  readonly instanceId: number;
  readonly ownDigest: number;
  readonly otherDigest: number;
}

export class RunningDigest {
  // Any but 0, which stays 0 when a 0 comes.
  #high = 0x6a09_e667;
  #low = 0xbb67_ae85;
  #changed = false;
  /** the last instance that was applied */
  #instanceId = 0;
  /** a ring: the instances that changed the digest, and what it was then */
  readonly #instances = new Float64Array(MAX_DIGEST_HISTORY);
  readonly #digests = new Float64Array(MAX_DIGEST_HISTORY);
  #count = 0;
  #agreedAt = 0;
  #hasDiverged = false;

  /** 53 bits. */
  get value(): number {
    return (this.#high % UINT21) * UINT32 + this.#low;
  }

  /** Results of the instance that is being applied. */
  add(results: Uint8Array): void {
    this.#mix(crc32(results));
  }

  /** A number that was an answer, up to 2^53-1. */
  addNumber(answer: number): void {
    this.#mix(answer % UINT32);
    this.#mix(Math.floor(answer / UINT32));
  }

  /** The instance is applied. One without results changes nothing. */
  endInstance(instanceId: number): void {
    this.#instanceId = instanceId;
    if (!this.#changed) return;
    this.addNumber(instanceId);
    this.#changed = false;
    this.#remember();
  }

  /**
   * Compares with what another replica says its digest was after an instance. Gives the stretch if it is the first
   * that differs. What is too long ago, or not yet, is compared with nothing.
   */
  compare(instanceId: number, otherDigest: number): Divergence | undefined {
    if (this.#hasDiverged || instanceId <= this.#agreedAt || instanceId > this.#instanceId) return undefined;
    const ownDigest = this.#after(instanceId);
    if (ownDigest === undefined) return undefined;
    if (ownDigest === otherDigest) {
      this.#agreedAt = instanceId;
      return undefined;
    }
    this.#hasDiverged = true;
    return { agreedAt: this.#agreedAt, instanceId, ownDigest, otherDigest };
  }

  /** Writes it to a snapshot, between two instances. */
  write(out: ByteWriter): void {
    out.uint53(this.#high);
    out.uint53(this.#low);
  }

  /** What `write` wrote after an instance. It can be compared from there on. */
  static read(reader: ByteReader, instanceId: number): RunningDigest {
    const digest = new RunningDigest();
    digest.#high = reader.uint32();
    digest.#low = reader.uint32();
    digest.#instanceId = instanceId;
    digest.#remember();
    return digest;
  }

  #remember(): void {
    const slot = this.#count % MAX_DIGEST_HISTORY;
    this.#instances[slot] = this.#instanceId;
    this.#digests[slot] = this.value;
    this.#count++;
  }

  #mix(value: number): void {
    const low = Math.imul(this.#low ^ value, 0x9e37_79b1);
    const high = Math.imul((this.#high + value) | 0, 0x85eb_ca77) ^ low;
    this.#low = (low ^ (high >>> 15)) >>> 0;
    this.#high = ((high << 13) | (high >>> 19)) >>> 0;
    this.#changed = true;
  }

  /** The digest after an instance; undefined if it is not known what that was. */
  #after(instanceId: number): number | undefined {
    const oldest = Math.max(0, this.#count - MAX_DIGEST_HISTORY);
    let low = oldest;
    let high = this.#count;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((this.#instances[middle % MAX_DIGEST_HISTORY] ?? 0) <= instanceId) low = middle + 1;
      else high = middle;
    }
    return low > oldest ? this.#digests[(low - 1) % MAX_DIGEST_HISTORY] : undefined;
  }
}
