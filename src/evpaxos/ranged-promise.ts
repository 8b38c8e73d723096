/**
 * Ranged promises: an acceptor's answer to PREPARE_FROM, its accepted records of the stretch and then the promise.
 */
import type { Acceptor } from '../paxos/acceptor.ts';
import type { ByteBuffer } from '../transport/buffer.ts';
import { encodePromisedValue, encodePromiseFrom } from '../transport/encode.ts';

/** The most records that are told to one peer in one turn, whatever it asks for; it asks again. */
export const MAX_RECORDS_PER_TURN = 4096;
/** The most bytes of values in one answer to a ranged prepare. */
const MAX_RANGE_BYTES = 8 * 1024 * 1024;

/** Refuses: another ballot was promised. */
export function encodeRefusal(
  out: ByteBuffer,
  acceptor: Acceptor,
  from: number,
  ballot: number,
  promisedBallot = acceptor.preemptedBy,
): void {
  encodePromiseFrom(out, acceptor.id, ballot, from, from, promisedBallot, acceptor.trimInstanceId, 0);
}

/** Tells what is accepted from `from` to `to`, or as much of it as goes into one answer, and promises. */
export function encodeRangedPromise(
  out: ByteBuffer,
  acceptor: Acceptor,
  { from, to, ballot }: { readonly from: number; readonly to: number; readonly ballot: number },
): void {
  const { id, trimInstanceId } = acceptor;
  const first = Math.max(from, trimInstanceId + 1);
  let covered = to < acceptor.highestAccepted ? to : Number.MAX_SAFE_INTEGER;
  let count = 0;
  let bytes = 0;
  for (const { instanceId, acceptedBallot, value } of acceptor.accepted(first, to)) {
    if (count >= MAX_RECORDS_PER_TURN || bytes >= MAX_RANGE_BYTES) {
      covered = instanceId - 1;
      break;
    }
    encodePromisedValue(out, id, ballot, instanceId, acceptedBallot, value);
    count++;
    bytes += value.length;
  }
  encodePromiseFrom(out, id, ballot, first, covered, ballot, trimInstanceId, count);
}
