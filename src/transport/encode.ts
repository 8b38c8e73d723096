/**
 * Encode: one function a message, appending its bytes to a ByteBuffer.
 *
 *   types 0 to 8   the original's, byte for byte: [type, 32-bit integers in the shortest form, value as bin]
 *   types ≥ 64     ours: [type, fields in the order of MessageHandler's arguments], integers up to 53 bits, booleans
 *                  as 0 and 1, text as bin
 *
 * What is encoded was made by this process, so a field out of its range is a programmer's error.
 */

import { invariant } from '../paxos/invariant.ts';
import type { ByteBuffer } from './buffer.ts';
import { acceptor, begin, instance53 } from './encode-head.ts';
import {
  type AcceptorStatus,
  type Hello,
  MAX_REASON_BYTES,
  MAX_REPORT_BYTES,
  MAX_SOFTWARE_BYTES,
  MessageType,
} from './messages.ts';

const text = new TextEncoder();

export function encodePrepare(out: ByteBuffer, instanceId: number, ballot: number): void {
  begin(out, MessageType.prepare, 2, 0);
  instance53(out, instanceId);
  out.uint32(ballot);
}

export function encodePromise(
  out: ByteBuffer,
  acceptorId: number,
  instanceId: number,
  ballot: number,
  valueBallot: number,
  value: Uint8Array,
): void {
  begin(out, MessageType.promise, 5, value.length);
  acceptor(out, acceptorId);
  instance53(out, instanceId);
  out.uint32(ballot);
  out.uint32(valueBallot);
  out.value(value);
}

export function encodeAccept(out: ByteBuffer, instanceId: number, ballot: number, value: Uint8Array): void {
  begin(out, MessageType.accept, 3, value.length);
  instance53(out, instanceId);
  out.uint32(ballot);
  out.value(value);
}

export function encodeAccepted(
  out: ByteBuffer,
  acceptorId: number,
  instanceId: number,
  ballot: number,
  valueBallot: number,
  value: Uint8Array,
): void {
  begin(out, MessageType.accepted, 5, value.length);
  acceptor(out, acceptorId);
  instance53(out, instanceId);
  out.uint32(ballot);
  out.uint32(valueBallot);
  out.value(value);
}

export function encodePreempted(
  out: ByteBuffer,
  acceptorId: number,
  instanceId: number,
  ballot: number,
): void {
  begin(out, MessageType.preempted, 3, 0);
  acceptor(out, acceptorId);
  instance53(out, instanceId);
  out.uint32(ballot);
}

/** @param from first and @param to last instance asked for */
export function encodeRepeat(out: ByteBuffer, from: number, to: number): void {
  begin(out, MessageType.repeat, 2, 0);
  out.uint53(from);
  out.uint53(to);
}

export function encodeTrim(out: ByteBuffer, instanceId: number): void {
  begin(out, MessageType.trim, 1, 0);
  out.uint53(instanceId);
}

export function encodeAcceptorState(out: ByteBuffer, acceptorId: number, trimInstanceId: number): void {
  begin(out, MessageType.acceptorState, 2, 0);
  acceptor(out, acceptorId);
  out.uint53(trimInstanceId);
}

export function encodeClientValue(out: ByteBuffer, value: Uint8Array): void {
  begin(out, MessageType.clientValue, 1, value.length);
  out.value(value);
}

export function encodeHello(out: ByteBuffer, hello: Hello): void {
  const software = text.encode(hello.software);
  invariant(software.length <= MAX_SOFTWARE_BYTES, 'the software names itself in 64 bytes');
  invariant(hello.version >= 1 && hello.process >= 1, 'version and process are above 0');
  begin(out, MessageType.hello, 8, software.length);
  out.uint32(hello.version);
  out.uint32(hello.roles);
  acceptor(out, hello.id);
  out.uint32(hello.process);
  out.uint32(hello.capabilities);
  out.uint32(hello.fingerprint);
  out.value(software);
  out.uint53(hello.storage);
}

/** A longer reason is cut to MAX_REASON_BYTES. */
export function encodeRefused(out: ByteBuffer, code: number, reason: string): void {
  const bytes = new Uint8Array(MAX_REASON_BYTES);
  const { written } = text.encodeInto(reason, bytes);
  begin(out, MessageType.refused, 2, written);
  out.uint32(code);
  out.value(bytes.subarray(0, written));
}

export function encodePing(out: ByteBuffer, token: number): void {
  begin(out, MessageType.ping, 1, 0);
  out.uint53(token);
}

export function encodePong(out: ByteBuffer, token: number): void {
  begin(out, MessageType.pong, 1, 0);
  out.uint53(token);
}

export function encodeQuery(out: ByteBuffer, token: number): void {
  begin(out, MessageType.query, 1, 0);
  out.uint53(token);
}

export function encodeStatus(out: ByteBuffer, status: AcceptorStatus): void {
  begin(out, MessageType.status, 7, 0);
  acceptor(out, status.acceptorId);
  out.uint53(status.token);
  out.uint53(status.highestBallot);
  out.uint53(status.highestAccepted);
  out.uint53(status.trimInstanceId);
  out.uint53(status.chosen);
  out.uint53(status.leaderBallot);
}

/** @param to the last instance whose record is asked for, 2^53-1 at most */
export function encodePrepareFrom(out: ByteBuffer, from: number, to: number, ballot: number): void {
  begin(out, MessageType.prepareFrom, 3, 0);
  instance53(out, from);
  instance53(out, to);
  out.uint53(ballot);
}

export function encodePromisedValue(
  out: ByteBuffer,
  acceptorId: number,
  ballot: number,
  instanceId: number,
  valueBallot: number,
  value: Uint8Array,
): void {
  begin(out, MessageType.promisedValue, 5, value.length);
  acceptor(out, acceptorId);
  out.uint53(ballot);
  instance53(out, instanceId);
  out.uint53(valueBallot);
  out.value(value);
}

export function encodePromiseFrom(
  out: ByteBuffer,
  acceptorId: number,
  ballot: number,
  from: number,
  to: number,
  promisedBallot: number,
  trimInstanceId: number,
  count: number,
): void {
  begin(out, MessageType.promiseFrom, 7, 0);
  acceptor(out, acceptorId);
  out.uint53(ballot);
  instance53(out, from);
  instance53(out, to);
  out.uint53(promisedBallot);
  out.uint53(trimInstanceId);
  out.uint53(count);
}

export function encodeHeartbeat(out: ByteBuffer, ballot: number, chosen: number, next: number): void {
  begin(out, MessageType.heartbeat, 3, 0);
  out.uint53(ballot);
  out.uint53(chosen);
  instance53(out, next);
}

export function encodeLeader(
  out: ByteBuffer,
  acceptorId: number,
  ballot: number,
  chosen: number,
  next: number,
): void {
  begin(out, MessageType.leader, 4, 0);
  acceptor(out, acceptorId);
  out.uint53(ballot);
  out.uint53(chosen);
  instance53(out, next);
}

export function encodeForward(out: ByteBuffer, token: number, hops: number, value: Uint8Array): void {
  begin(out, MessageType.forward, 3, value.length);
  out.uint53(token);
  out.uint53(hops);
  out.value(value);
}

export function encodeForwarded(out: ByteBuffer, token: number, chosen: boolean): void {
  begin(out, MessageType.forwarded, 2, 0);
  out.uint53(token);
  out.byte(chosen ? 1 : 0);
}

export function encodeRepair(out: ByteBuffer, acceptorId: number, instanceId: number): void {
  begin(out, MessageType.repair, 2, 0);
  acceptor(out, acceptorId);
  instance53(out, instanceId);
}

export function encodeAcceptedRange(
  out: ByteBuffer,
  acceptorId: number,
  ballot: number,
  from: number,
  to: number,
): void {
  begin(out, MessageType.acceptedRange, 4, 0);
  acceptor(out, acceptorId);
  out.uint53(ballot);
  instance53(out, from);
  instance53(out, to);
}

export function encodeChosen(out: ByteBuffer, ballot: number, from: number, to: number): void {
  begin(out, MessageType.chosen, 3, 0);
  out.uint53(ballot);
  instance53(out, from);
  instance53(out, to);
}

export function encodeSpare(out: ByteBuffer, ballot: number): void {
  begin(out, MessageType.spare, 1, 0);
  out.uint53(ballot);
}

export function encodeStorageIdentity(out: ByteBuffer, acceptorId: number, identity: number): void {
  begin(out, MessageType.storageIdentity, 2, 0);
  acceptor(out, acceptorId);
  out.uint53(identity);
}

export function encodeOriginals(out: ByteBuffer, acceptorId: number, areThere: boolean): void {
  begin(out, MessageType.originals, 2, 0);
  acceptor(out, acceptorId);
  out.uint53(areThere ? 1 : 0);
}

export function encodeFetch(out: ByteBuffer, from: number, to: number, bytes: number): void {
  begin(out, MessageType.fetch, 3, 0);
  instance53(out, from);
  out.uint53(to);
  out.uint53(bytes);
}

/** Hot while somebody catches up. */
export function encodeChosenValue(
  out: ByteBuffer,
  acceptorId: number,
  instanceId: number,
  ballot: number,
  value: Uint8Array,
): void {
  begin(out, MessageType.chosenValue, 4, value.length);
  acceptor(out, acceptorId);
  instance53(out, instanceId);
  out.uint53(ballot);
  out.value(value);
}

export function encodeFetched(
  out: ByteBuffer,
  acceptorId: number,
  from: number,
  to: number,
  next: number,
): void {
  begin(out, MessageType.fetched, 4, 0);
  acceptor(out, acceptorId);
  instance53(out, from);
  out.uint53(to);
  instance53(out, next);
}

export function encodeNodeQuery(out: ByteBuffer, token: number): void {
  begin(out, MessageType.nodeQuery, 1, 0);
  out.uint53(token);
}

export function encodeNodeStatus(out: ByteBuffer, token: number, report: string): void {
  const bytes = text.encode(report);
  invariant(bytes.length <= MAX_REPORT_BYTES, 'a node says what it is in 4,096 bytes');
  begin(out, MessageType.nodeStatus, 2, bytes.length);
  out.uint53(token);
  out.value(bytes);
}
