/**
 * The messages of CommandsMessageHandler as data, shown to people and encoded again: a part of describe.ts.
 */
import { assertNever } from '../paxos/invariant.ts';
import type { ByteBuffer } from './buffer.ts';
import * as encode from './encode-commands.ts';
import type { CommandsMessage } from './message-log.ts';
import { Consistency, ReadStatus } from './messages.ts';

/** How much of a value is shown. */
const SHOWN_BYTES = 24;

export function describeCommandsMessage(m: CommandsMessage): string {
  switch (m.type) {
    case 'confirm':
      return `confirm b=${m.ballot} token=${m.token} lease=${m.leaseMs}`;
    case 'confirmed':
      return `confirmed a${m.acceptorId} b=${m.ballot} token=${m.token}`;
    case 'readIndex':
      return `read-index token=${m.token}`;
    case 'readIndexIs':
      return `read-index-is token=${m.token} next=${m.next}`;
    case 'commands':
      return `commands session=${m.session} items=${describeBytes(m.items)}`;
    case 'results':
      return `results session=${m.session} results=${describeBytes(m.results)}`;
    case 'read':
      return `read token=${m.token} ${nameOf(Consistency, m.consistency)} query=${describeBytes(m.query)}`;
    case 'readResult':
      return `read-result token=${m.token} ${nameOf(ReadStatus, m.status)} answer=${describeBytes(m.answer)}`;
    case 'snapshotAt':
      return `snapshot-at i=${m.instanceId} id=${m.snapshotId} bytes=${m.bytes}`;
    case 'fetchSnapshot':
      return `fetch-snapshot id=${m.snapshotId} offset=${m.offset}`;
    case 'snapshotPiece':
      return `snapshot-piece id=${m.snapshotId} offset=${m.offset} total=${m.totalBytes} piece=${describeBytes(m.piece)}`;
    case 'sessionOpened':
      return `session-opened nonce=${m.nonceHigh}:${m.nonceLow} session=${m.session}`;
    default:
      return assertNever(m);
  }
}

export function encodeCommandsMessage(out: ByteBuffer, m: CommandsMessage): void {
  switch (m.type) {
    case 'confirm':
      encode.encodeConfirm(out, m.ballot, m.token, m.leaseMs);
      break;
    case 'confirmed':
      encode.encodeConfirmed(out, m.acceptorId, m.ballot, m.token);
      break;
    case 'readIndex':
      encode.encodeReadIndex(out, m.token);
      break;
    case 'readIndexIs':
      encode.encodeReadIndexIs(out, m.token, m.next);
      break;
    case 'commands':
      encode.encodeCommands(out, m.session, m.items);
      break;
    case 'results':
      encode.encodeResults(out, m.session, m.results);
      break;
    case 'read':
      encode.encodeRead(out, m.token, m.consistency, m.query);
      break;
    case 'readResult':
      encode.encodeReadResult(out, m.token, m.status, m.answer);
      break;
    case 'snapshotAt':
      encode.encodeSnapshotAt(out, m.instanceId, m.snapshotId, m.bytes);
      break;
    case 'fetchSnapshot':
      encode.encodeFetchSnapshot(out, m.snapshotId, m.offset);
      break;
    case 'snapshotPiece':
      encode.encodeSnapshotPiece(out, m.snapshotId, m.offset, m.totalBytes, m.piece);
      break;
    case 'sessionOpened':
      encode.encodeSessionOpened(out, m.nonceHigh, m.nonceLow, m.session);
      break;
    default:
      assertNever(m);
  }
}

/** A word as it is, other bytes in hex, or `-` for none; long ones are cut, and say how long they are. */
export function describeBytes(bytes: Uint8Array): string {
  if (bytes.length === 0) return '-';
  const shown = bytes.subarray(0, SHOWN_BYTES);
  const isWord = shown.every((byte) => byte > 0x20 && byte < 0x7f);
  const text = isWord ? String.fromCharCode(...shown) : hexOf(shown);
  return bytes.length > SHOWN_BYTES ? `${text}…(${bytes.length})` : text;
}

function hexOf(bytes: Uint8Array): string {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/** What a code is called. */
function nameOf(codes: Readonly<Record<string, number>>, code: number): string {
  return Object.keys(codes).find((name) => codes[name] === code) ?? String(code);
}
