/**
 * How an encoded message begins, and the fields whose range the encoder holds itself to: a field out of its range is a
 * programmer's error, since what is encoded was made by this process.
 */
import { MAX_ACCEPTORS } from '../paxos/ballot.ts';
import { invariant } from '../paxos/invariant.ts';
import { type ByteBuffer, MAX_INTEGER_BYTES, MAX_VALUE_HEAD_BYTES } from './buffer.ts';

/** The most bytes of a message without its value: no message has more than 7 integers. */
const MAX_HEAD_BYTES = 2 + 7 * MAX_INTEGER_BYTES + MAX_VALUE_HEAD_BYTES;

const FIXARRAY = 0x90;

/** Reserves room for the whole message and writes the array's head and the type, both of one byte. */
export function begin(out: ByteBuffer, type: number, fields: number, valueBytes: number): void {
  out.reserve(MAX_HEAD_BYTES + valueBytes);
  out.byte(FIXARRAY + 1 + fields);
  out.byte(type);
}

export function acceptor(out: ByteBuffer, acceptorId: number): void {
  invariant(acceptorId >= 0 && acceptorId < MAX_ACCEPTORS, 'an id is 0 to 9');
  out.uint32(acceptorId);
}

export function instance53(out: ByteBuffer, instanceId: number): void {
  invariant(instanceId >= 1, 'an instance id is 1 or more');
  out.uint53(instanceId);
}
