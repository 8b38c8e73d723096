/**
 * Encode, for CommandsMessageHandler: one function a message, like those of encode.ts.
 */
import type { ByteBuffer } from './buffer.ts';
import { acceptor, begin, instance53 } from './encode-head.ts';
import { MessageType } from './messages.ts';

export function encodeConfirm(out: ByteBuffer, ballot: number, token: number, leaseMs: number): void {
  begin(out, MessageType.confirm, 3, 0);
  out.uint53(ballot);
  out.uint53(token);
  out.uint53(leaseMs);
}

export function encodeConfirmed(out: ByteBuffer, acceptorId: number, ballot: number, token: number): void {
  begin(out, MessageType.confirmed, 3, 0);
  acceptor(out, acceptorId);
  out.uint53(ballot);
  out.uint53(token);
}

export function encodeReadIndex(out: ByteBuffer, token: number): void {
  begin(out, MessageType.readIndex, 1, 0);
  out.uint53(token);
}

/** @param next the first instance that need not be applied; 0: not known here */
export function encodeReadIndexIs(out: ByteBuffer, token: number, next: number): void {
  begin(out, MessageType.readIndexIs, 2, 0);
  out.uint53(token);
  out.uint53(next);
}

/** The items are one value, one behind the other. */
export function encodeCommands(out: ByteBuffer, session: number, ...items: Uint8Array[]): void {
  let bytes = 0;
  for (const item of items) bytes += item.length;
  begin(out, MessageType.commands, 2, bytes);
  out.uint53(session);
  out.valueHead(bytes);
  for (const item of items) out.append(item);
}

export function encodeResults(out: ByteBuffer, session: number, results: Uint8Array): void {
  begin(out, MessageType.results, 2, results.length);
  out.uint53(session);
  out.value(results);
}

export function encodeRead(out: ByteBuffer, token: number, consistency: number, query: Uint8Array): void {
  begin(out, MessageType.read, 3, query.length);
  out.uint53(token);
  out.uint32(consistency);
  out.value(query);
}

export function encodeReadResult(out: ByteBuffer, token: number, status: number, answer: Uint8Array): void {
  begin(out, MessageType.readResult, 3, answer.length);
  out.uint53(token);
  out.uint32(status);
  out.value(answer);
}

export function encodeSnapshotAt(
  out: ByteBuffer,
  instanceId: number,
  snapshotId: number,
  bytes: number,
): void {
  begin(out, MessageType.snapshotAt, 3, 0);
  instance53(out, instanceId);
  out.uint53(snapshotId);
  out.uint53(bytes);
}

export function encodeFetchSnapshot(out: ByteBuffer, snapshotId: number, offset: number): void {
  begin(out, MessageType.fetchSnapshot, 2, 0);
  out.uint53(snapshotId);
  out.uint53(offset);
}

export function encodeSnapshotPiece(
  out: ByteBuffer,
  snapshotId: number,
  offset: number,
  totalBytes: number,
  piece: Uint8Array,
): void {
  begin(out, MessageType.snapshotPiece, 4, piece.length);
  out.uint53(snapshotId);
  out.uint53(offset);
  out.uint53(totalBytes);
  out.value(piece);
}

export function encodeSessionOpened(
  out: ByteBuffer,
  nonceHigh: number,
  nonceLow: number,
  session: number,
): void {
  begin(out, MessageType.sessionOpened, 3, 0);
  out.uint32(nonceHigh);
  out.uint32(nonceLow);
  out.uint53(session);
}
