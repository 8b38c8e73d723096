/**
 * How a snapshot is kept and sent: one row of bytes that says whose it is, and that tells when a bit of it is wrong.
 *
 *   header    magic, 8 bytes | format u32 | instance u64 | snapshot id u64 | cluster name's length u16 | name | crc u32
 *   chunk     length u32, not 0 | crc u32 | bytes                                         … and again
 *   trailer   0 u32 | bytes of all chunks u64 | SHA-256 of everything before it, 32 bytes
 *
 * Integers are big-endian, crc is CRC-32. The chunks' checksums tell damage where it is met, the hash whether all of it
 * is what was written: a snapshot without its trailer is none. Nothing is allocated by a length above MAX_CHUNK_BYTES.
 */
import { createHash } from 'node:crypto';
import { PaxosError } from '../paxos/error.ts';
import { crc32 } from '../storage/crc32.ts';
import { ChunkReader } from './snapshot-reader.ts';
import type { SnapshotInfo } from './snapshot-store.ts';

export const SNAPSHOT_FORMAT = 1;
/** The most bytes of a chunk. */
export const MAX_CHUNK_BYTES = 64 * 1024;

const MAGIC = Buffer.from('LPXSNAP\n');
const FIXED_HEADER_BYTES = 30;
const CHUNK_HEAD_BYTES = 8;
const HASH_BYTES = 32;
const UINT32 = 2 ** 32;

/** Whose snapshot it is, and of when. */
export interface SnapshotHeader {
  readonly instanceId: number;
  readonly snapshotId: number;
  readonly clusterName: string;
}

/** What a snapshot has to be, to be taken. */
export interface ExpectedSnapshot extends Omit<SnapshotInfo, 'bytes'> {
  readonly clusterName: string;
}

/** The bytes of a snapshot with this content. */
export async function* encodeSnapshot(
  header: SnapshotHeader,
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let contentBytes = 0;
  const head = encodeHeader(header);
  hash.update(head);
  yield head;
  for await (const chunk of evenly(content)) {
    const frame = Buffer.alloc(CHUNK_HEAD_BYTES + chunk.length);
    frame.writeUInt32BE(chunk.length, 0);
    frame.writeUInt32BE(crc32(chunk), 4);
    frame.set(chunk, CHUNK_HEAD_BYTES);
    contentBytes += chunk.length;
    hash.update(frame);
    yield frame;
  }
  const end = Buffer.alloc(4 + 8);
  writeUint53(end, 4, contentBytes);
  yield Buffer.concat([end, hash.update(end).digest()]);
}

/**
 * The content of a snapshot, read from its bytes. Whoever reads to the end has what was written.
 *
 * @param pieces the bytes, cut anywhere
 * @throws PaxosError SNAPSHOT_CORRUPT, from within, if they are damaged or not of the expected snapshot
 */
export async function* decodeSnapshot(
  pieces: AsyncIterable<Uint8Array>,
  expected: ExpectedSnapshot,
): AsyncGenerator<Uint8Array> {
  const reader = new ChunkReader(pieces);
  try {
    const hash = createHash('sha256');
    checkExpected(await takeHeader(reader, (bytes) => hash.update(bytes)), expected);
    let contentBytes = 0;
    for (;;) {
      const length = await reader.take(4);
      hash.update(length);
      const bytes = Buffer.from(length).readUInt32BE();
      if (bytes === 0) break;
      if (bytes > MAX_CHUNK_BYTES) throw corrupt(`a chunk of ${bytes} bytes`);
      const rest = Buffer.from(await reader.take(4 + bytes));
      hash.update(rest);
      const chunk = rest.subarray(4);
      if (crc32(chunk) !== rest.readUInt32BE())
        throw corrupt(`the chunk at byte ${contentBytes} of its content`);
      contentBytes += bytes;
      yield chunk;
    }
    const size = Buffer.from(await reader.take(8));
    if (readUint53(size, 0) !== contentBytes) throw corrupt('its size');
    const sum = await reader.take(HASH_BYTES);
    if (Buffer.compare(hash.update(size).digest(), sum) !== 0) throw corrupt('its SHA-256');
    for await (const more of reader) if (more.length > 0) throw corrupt('what stands behind its end');
  } finally {
    await reader.close();
  }
}

/**
 * Reads a snapshot to its end.
 * @throws PaxosError SNAPSHOT_CORRUPT, as decodeSnapshot
 */
export async function verifySnapshot(
  pieces: AsyncIterable<Uint8Array>,
  expected: ExpectedSnapshot,
): Promise<void> {
  for await (const chunk of decodeSnapshot(pieces, expected)) void chunk;
}

/**
 * The header of a snapshot.
 * @throws PaxosError SNAPSHOT_CORRUPT if it is damaged, STORAGE_FOREIGN if it is of another format
 */
export async function readSnapshotHeader(pieces: AsyncIterable<Uint8Array>): Promise<SnapshotHeader> {
  const reader = new ChunkReader(pieces);
  try {
    return await takeHeader(reader, () => undefined);
  } finally {
    await reader.close();
  }
}

async function takeHeader(reader: ChunkReader, read: (bytes: Uint8Array) => void): Promise<SnapshotHeader> {
  const fixed = Buffer.from(await reader.take(FIXED_HEADER_BYTES));
  if (!fixed.subarray(0, MAGIC.length).equals(MAGIC)) throw corrupt('its first bytes');
  const format = fixed.readUInt32BE(8);
  const rest = Buffer.from(await reader.take(fixed.readUInt16BE(28) + 4));
  const name = rest.subarray(0, -4);
  if (rest.readUInt32BE(name.length) !== crc32(name, 0, name.length, crc32(fixed)))
    throw corrupt('its header');
  if (format !== SNAPSHOT_FORMAT) {
    throw new PaxosError('STORAGE_FOREIGN', `the snapshot has format ${format}, not ${SNAPSHOT_FORMAT}`);
  }
  read(fixed);
  read(rest);
  return {
    instanceId: readUint53(fixed, 12),
    snapshotId: readUint53(fixed, 20),
    clusterName: name.toString('utf8'),
  };
}

function encodeHeader({ instanceId, snapshotId, clusterName }: SnapshotHeader): Uint8Array {
  const name = Buffer.from(clusterName, 'utf8');
  const header = Buffer.alloc(FIXED_HEADER_BYTES + name.length + 4);
  header.set(MAGIC);
  header.writeUInt32BE(SNAPSHOT_FORMAT, 8);
  writeUint53(header, 12, instanceId);
  writeUint53(header, 20, snapshotId);
  header.writeUInt16BE(name.length, 28);
  header.set(name, FIXED_HEADER_BYTES);
  const end = header.length - 4;
  header.writeUInt32BE(crc32(header, 0, end), end);
  return header;
}

function checkExpected(header: SnapshotHeader, expected: ExpectedSnapshot): void {
  if (header.clusterName !== expected.clusterName) {
    throw new PaxosError(
      'STORAGE_FOREIGN',
      `the snapshot belongs to cluster "${header.clusterName}", this is cluster "${expected.clusterName}"`,
    );
  }
  if (header.instanceId !== expected.instanceId || header.snapshotId !== expected.snapshotId) {
    throw corrupt('which snapshot it is');
  }
}

/** The same bytes in chunks of MAX_CHUNK_BYTES; the last one has what is left. */
async function* evenly(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(MAX_CHUNK_BYTES);
  let length = 0;
  for await (const bytes of content) {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + MAX_CHUNK_BYTES - length);
      chunk.set(part, length);
      length += part.length;
      at += part.length;
      if (length < MAX_CHUNK_BYTES) continue;
      yield chunk;
      length = 0;
    }
  }
  if (length > 0) yield chunk.subarray(0, length);
}

function writeUint53(bytes: Buffer, at: number, value: number): void {
  bytes.writeUInt32BE(Math.floor(value / UINT32), at);
  bytes.writeUInt32BE(value % UINT32, at + 4);
}

function readUint53(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * UINT32 + bytes.readUInt32BE(at + 4);
}

function corrupt(what: string): PaxosError {
  return new PaxosError('SNAPSHOT_CORRUPT', `the snapshot is damaged: ${what} cannot be right`);
}
