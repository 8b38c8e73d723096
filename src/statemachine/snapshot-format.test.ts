import { describe, expect, it } from 'vitest';
import { contentOf, streamOf } from './snapshot-conformance.ts';
import {
  decodeSnapshot,
  encodeSnapshot,
  MAX_CHUNK_BYTES,
  readSnapshotHeader,
  verifySnapshot,
} from './snapshot-format.ts';
import { gather } from './snapshot-reader.ts';

const HEADER = { instanceId: 2 ** 40 + 3, snapshotId: 2 ** 52 + 5, clusterName: 'käse' };

const encoded = (content: Uint8Array, chunkBytes?: number) =>
  gather(encodeSnapshot(HEADER, streamOf(content, chunkBytes)));

describe('the format of snapshots', () => {
  // The checksums are those of Python's zlib and hashlib.
  it('is what it was: files of older versions are read', async () => {
    const bytes = await encoded(Buffer.from('hello'));
    expect(Buffer.from(bytes).toString('hex')).toBe(
      '4c5058534e41500a' +
        '00000001' +
        '0000010000000003' +
        '0010000000000005' +
        '0005' +
        '6bc3a47365' +
        '797094f6' +
        '000000053610a686' +
        '68656c6c6f' +
        '000000000000000000000005' +
        'c2a390abab0b725a23caf284e9c8063e0f195989129c79c849b77a3d3147f57f',
    );
  });

  it('has the same bytes, however its content was cut', async () => {
    const content = contentOf(3 * MAX_CHUNK_BYTES + 1, 1);
    const whole = await encoded(content, content.length);
    for (const chunkBytes of [1_000, MAX_CHUNK_BYTES, MAX_CHUNK_BYTES + 1]) {
      expect(Buffer.compare(await encoded(content, chunkBytes), whole)).toBe(0);
    }
    const read = await gather(decodeSnapshot(streamOf(whole, 777), HEADER));
    expect(Buffer.compare(read, content)).toBe(0);
  });

  it('tells whose it is without being read whole', async () => {
    const bytes = await encoded(contentOf(100, 1));
    expect(await readSnapshotHeader(streamOf(bytes.subarray(0, 60), 7))).toEqual(HEADER);
    const wrong = bytes.slice();
    wrong[30] = 0;
    await expect(readSnapshotHeader(streamOf(wrong))).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' });
  });

  it('allocates nothing by a length that no chunk has', async () => {
    const bytes = Buffer.from(await encoded(contentOf(100, 1)));
    bytes.writeUInt32BE(2 ** 32 - 1, 39);
    await expect(verifySnapshot(streamOf(bytes), HEADER)).rejects.toMatchObject({
      code: 'SNAPSHOT_CORRUPT',
      message: expect.stringMatching(/chunk of 4294967295 bytes/),
    });
  });
});
