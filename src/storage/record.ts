/**
 * Records: what may be written, and how a record and the storage's own state look on disk. Knows no database.
 *
 *   key      instance id, 8 bytes, big-endian, so that keys sort as numbers; key 0 holds the state
 *   record   promisedBallot u32 | acceptedBallot u32 | value | checksum u32
 *   state    format u32 | acceptor u32 | trim u64 | floor u32 | highestAccepted u64 | highestBallot u32
 *            | identity, 16 bytes | known identities, u64 for each of ten acceptors | cluster name, UTF-8 | checksum u32
 *
 * All integers are big-endian. The checksum is the CRC-32 of the key and of all that stands before the checksum: a
 * record under another's key is as wrong as one with a flipped bit. The same conditions are checked before a record is
 * written and after it is read.
 */
import { MAX_ACCEPTORS, MAX_BALLOT } from '../paxos/ballot.ts';
import { invariant } from '../paxos/invariant.ts';
import type { AcceptorRecord, StorageState } from '../paxos/storage.ts';
import { crc32 } from './crc32.ts';

/** The version of this layout; a directory of another version is refused. */
export const FORMAT_VERSION = 3;
/** The version before, without a journal: it is opened, and is of this one from then on. */
export const FORMER_VERSION = 2;

export const KEY_BYTES = 8;
export const RECORD_HEADER_BYTES = 8;
export const CHECKSUM_BYTES = 4;

const KNOWN_AT = 48;
const STATE_HEADER_BYTES = KNOWN_AT + 8 * MAX_ACCEPTORS;
const UINT32 = 2 ** 32;
const EMPTY = new Uint8Array(0);

/** Whose storage this is, beside what Paxos keeps in it. */
export interface StoredState extends StorageState {
  readonly format: number;
  readonly acceptorId: number;
  readonly clusterName: string;
  /** 128 random bits in hex, drawn when the storage was made */
  readonly identity: string;
  /** the identities of the acceptors' storages that were told, by acceptor id */
  readonly known: ReadonlyMap<number, number>;
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
export function writeKey(bytes: Uint8Array, offset: number, instanceId: number): void {
  writeUint32(bytes, offset, Math.floor(instanceId / UINT32));
  writeUint32(bytes, offset + 4, instanceId % UINT32);
}

/** An instance id's key, in a buffer of its own. */
export function keyOf(instanceId: number): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  writeKey(key, 0, instanceId);
  return key;
}

/** The instance id of a key, or of a u64 at `offset`. */
export function instanceIdOf(bytes: Uint8Array, offset = 0): number {
  return readUint32(bytes, offset) * UINT32 + readUint32(bytes, offset + 4);
}

/**
 * The ballot promised by the record that the first `length` bytes of `content` hold, or undefined if it is damaged: its
 * checksum does not match, or its numbers cannot be. No copy and no view is made: this is asked for every ACCEPT.
 */
export function decodePromise(
  key: Uint8Array,
  content: Uint8Array,
  length = content.length,
): number | undefined {
  const end = length - CHECKSUM_BYTES;
  if (end < RECORD_HEADER_BYTES || !isIntact(key, content, end)) return undefined;
  const promisedBallot = readUint32(content, 0);
  return isSound(promisedBallot, readUint32(content, 4), end - RECORD_HEADER_BYTES)
    ? promisedBallot
    : undefined;
}

/** A record as stored, or undefined if it is damaged. The value is a view of `content`. */
export function decodeRecord(key: Uint8Array, content: Uint8Array): AcceptorRecord | undefined {
  const promisedBallot = decodePromise(key, content);
  if (promisedBallot === undefined) return undefined;
  const end = content.length - CHECKSUM_BYTES;
  const value = end === RECORD_HEADER_BYTES ? EMPTY : content.subarray(RECORD_HEADER_BYTES, end);
  return { promisedBallot, acceptedBallot: readUint32(content, 4), value };
}

/** The state as stored under `key`. */
export function encodeState(key: Uint8Array, state: StoredState): Uint8Array {
  const name = Buffer.from(state.clusterName, 'utf8');
  const content = new Uint8Array(STATE_HEADER_BYTES + name.length + CHECKSUM_BYTES);
  writeUint32(content, 0, state.format);
  writeUint32(content, 4, state.acceptorId);
  writeKey(content, 8, state.trimInstanceId);
  writeUint32(content, 16, state.promiseFloor);
  writeKey(content, 20, state.highestAccepted);
  writeUint32(content, 28, state.highestBallot);
  content.set(Buffer.from(state.identity, 'hex'), 32);
  for (const [acceptorId, known] of state.known) writeKey(content, KNOWN_AT + 8 * acceptorId, known);
  content.set(name, STATE_HEADER_BYTES);
  const end = content.length - CHECKSUM_BYTES;
  writeUint32(content, end, crc32(content, 0, end, crc32(key)));
  return content;
}

/** The state as read from under `key`, or undefined if its checksum is wrong. */
export function decodeState(key: Uint8Array, content: Uint8Array): StoredState | undefined {
  const end = content.length - CHECKSUM_BYTES;
  if (end < STATE_HEADER_BYTES || !isIntact(key, content, end)) return undefined;
  const known = new Map<number, number>();
  for (let acceptorId = 0; acceptorId < MAX_ACCEPTORS; acceptorId++) {
    const identity = instanceIdOf(content, KNOWN_AT + 8 * acceptorId);
    if (identity > 0) known.set(acceptorId, identity);
  }
  return {
    format: readUint32(content, 0),
    acceptorId: readUint32(content, 4),
    trimInstanceId: instanceIdOf(content, 8),
    promiseFloor: readUint32(content, 16),
    highestAccepted: instanceIdOf(content, 20),
    highestBallot: readUint32(content, 28),
    identity: Buffer.from(content.subarray(32, KNOWN_AT)).toString('hex'),
    known,
    clusterName: Buffer.from(content.subarray(STATE_HEADER_BYTES, end)).toString('utf8'),
  };
}

/** Whether the checksum at `end` is that of the key and the content before it. */
function isIntact(key: Uint8Array, content: Uint8Array, end: number): boolean {
  return readUint32(content, end) === crc32(content, 0, end, crc32(key));
}

/** By hand: a DataView on a short buffer costs more than all else that is done with a record (measured). */
export function readUint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16);
  return (high | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;
}

export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
