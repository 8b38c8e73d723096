/**
 * Flip: reads a record from a disk that has flipped one of its bits. It is laid out, and read again, by the code that
 * LMDB's records pass through, so that a checksum which is not looked at shows here, too.
 */
import type { AcceptorRecord } from '../paxos/storage.ts';
import { Batch } from '../storage/batch.ts';
import { decodeRecord } from '../storage/record.ts';
import type { Random } from '../transport/transport.ts';

/** The record with the damage, if that goes unnoticed; undefined: it is noticed. */
export function readFlipped(
  instanceId: number,
  { promisedBallot, acceptedBallot, value }: AcceptorRecord,
  random: Random,
): AcceptorRecord | undefined {
  const batch = new Batch();
  batch.put(instanceId, promisedBallot, acceptedBallot, value);
  batch.seal();
  let read: AcceptorRecord | undefined;
  batch.forEach(0, (key, stored) => {
    const bytes = stored.slice();
    const bit = Math.floor(random.next() * bytes.length * 8);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    read = decodeRecord(key, bytes);
  });
  return read;
}
