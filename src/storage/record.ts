/**
 * Records: what may be written, and how a record and the storage's own state look on disk. Knows no database.
 *
 *   key      instance id, 8 bytes, big-endian, so that keys sort as numbers; key 0 holds the state
 *   record   promisedBallot u32 | acceptedBallot u32 | value | checksum u32
 *   state    format u32 | acceptor u32 | trim u64 | floor u32 | highestAccepted u64 | highestBallot u32
 *            | identity, 16 bytes | cluster name, UTF-8 | checksum u32
 *
 * All integers are big-endian. The checksum is the CRC-32 of the key and of all that stands before the checksum: a
 * record under another's key is as wrong as one with a flipped bit. The same conditions are checked before a record is
 * written and after it is read.
 */
import { MAX_BALLOT } from '../paxos/ballot.ts';
import { invariant } from '../paxos/invariant.ts';
import type { AcceptorRecord, StorageState } from '../paxos/storage.ts';
import { crc32 } from './crc32.ts';

/** The version of this layout; a directory of another version is refused. */
export const FORMAT_VERSION = 1;

export const KEY_BYTES = 8;
export const RECORD_HEADER_BYTES = 8;
export const CHECKSUM_BYTES = 4;

const STATE_HEADER_BYTES = 48;
const UINT32 = 2 ** 32;
const EMPTY = new Uint8Array(0);

/** Whose storage this is, beside what Paxos keeps in it. */
export interface StoredState extends StorageState {
  readonly format: number;
  readonly acceptorId: number;
  readonly clusterName: string;
  /** 128 random bits in hex, drawn when the storage was made */
  readonly identity: string;
}

/** A record with the instance it belongs to. */
export type AcceptedRecord = AcceptorRecord & { readonly instanceId: number };

/** A record with its instance, always of the same shape. */
export function withId(
  instanceId: number,
  { promisedBallot, acceptedBallot, value }: AcceptorRecord,
): AcceptedRecord {
  return { instanceId, promisedBallot, acceptedBallot, value };
}

/** Stops the process if a caller asks for a record that no acceptor may write. */
export function checkRecord(
  instanceId: number,
  promisedBallot: number,
  acceptedBallot: number,
  valueBytes: number,
  trimInstanceId: number,
): void {
  invariant(Number.isSafeInteger(instanceId), 'an instance id is an integer below 2^53');
  invariant(instanceId > trimInstanceId, 'records are written above the trim point');
  invariant(
    isSound(promisedBallot, acceptedBallot, valueBytes),
    'a record promises what it accepted, or more',
  );
}

/** Whether these can stand in one record. */
function isSound(promisedBallot: number, acceptedBallot: number, valueBytes: number): boolean {
  const ballots = promisedBallot > 0 && promisedBallot <= MAX_BALLOT && acceptedBallot >= 0;
  return ballots && acceptedBallot <= promisedBallot && (acceptedBallot > 0 || valueBytes === 0);
}

/** Writes an instance id as a key at `offset`. */
export function writeKey(view: DataView, offset: number, instanceId: number): void {
  view.setUint32(offset, Math.floor(instanceId / UINT32));
  view.setUint32(offset + 4, instanceId % UINT32);
}

/** An instance id's key, in a buffer of its own. */
export function keyOf(instanceId: number): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  writeKey(viewOf(key), 0, instanceId);
  return key;
}

/** The instance id of a key. */
export function instanceIdOf(key: Uint8Array): number {
  const view = viewOf(key);
  return view.getUint32(0) * UINT32 + view.getUint32(4);
}

/** A record as stored, or undefined if its checksum or its numbers are wrong. The value is a view of `content`. */
export function decodeRecord(key: Uint8Array, content: Uint8Array): AcceptorRecord | undefined {
  const end = content.length - CHECKSUM_BYTES;
  if (end < RECORD_HEADER_BYTES || !isIntact(key, content)) return undefined;

  const view = viewOf(content);
  const promisedBallot = view.getUint32(0);
  const acceptedBallot = view.getUint32(4);
  if (!isSound(promisedBallot, acceptedBallot, end - RECORD_HEADER_BYTES)) return undefined;
  const value = end === RECORD_HEADER_BYTES ? EMPTY : content.subarray(RECORD_HEADER_BYTES, end);
  return { promisedBallot, acceptedBallot, value };
}

/** The state as stored under `key`. */
export function encodeState(key: Uint8Array, state: StoredState): Uint8Array {
  const name = Buffer.from(state.clusterName, 'utf8');
  const content = new Uint8Array(STATE_HEADER_BYTES + name.length + CHECKSUM_BYTES);
  const view = viewOf(content);
  view.setUint32(0, state.format);
  view.setUint32(4, state.acceptorId);
  writeKey(view, 8, state.trimInstanceId);
  view.setUint32(16, state.promiseFloor);
  writeKey(view, 20, state.highestAccepted);
  view.setUint32(28, state.highestBallot);
  content.set(Buffer.from(state.identity, 'hex'), 32);
  content.set(name, STATE_HEADER_BYTES);
  const end = content.length - CHECKSUM_BYTES;
  view.setUint32(end, crc32(content.subarray(0, end), crc32(key)));
  return content;
}

/** The state as read from under `key`, or undefined if its checksum is wrong. */
export function decodeState(key: Uint8Array, content: Uint8Array): StoredState | undefined {
  const end = content.length - CHECKSUM_BYTES;
  if (end < STATE_HEADER_BYTES || !isIntact(key, content)) return undefined;

  const view = viewOf(content);
  return {
    format: view.getUint32(0),
    acceptorId: view.getUint32(4),
    trimInstanceId: instanceIdOf(content.subarray(8, 16)),
    promiseFloor: view.getUint32(16),
    highestAccepted: instanceIdOf(content.subarray(20, 28)),
    highestBallot: view.getUint32(28),
    identity: Buffer.from(content.subarray(32, STATE_HEADER_BYTES)).toString('hex'),
    clusterName: Buffer.from(content.subarray(STATE_HEADER_BYTES, end)).toString('utf8'),
  };
}

function isIntact(key: Uint8Array, content: Uint8Array): boolean {
  const end = content.length - CHECKSUM_BYTES;
  return viewOf(content).getUint32(end) === crc32(content.subarray(0, end), crc32(key));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
