/** CommandsReplica: a replica of a state machine that counts, in a process of its own. Says how it is when asked. */
import { createInterface } from 'node:readline';
import type { SnapshotReader, StateMachine } from '../../src/index.ts';
import { library } from '../built.ts';

const { bytesCodec, Replica } = library;
const [path = '', id = '0', stateBytes = '0'] = process.argv.slice(2);

const COUNT_BYTES = 8;
const CHUNK_BYTES = 64 * 1024;

class Counting implements StateMachine<Uint8Array, Uint8Array, Uint8Array, Uint8Array> {
  readonly #result = new Uint8Array(COUNT_BYTES);
  readonly #view = new DataView(this.#result.buffer);
  /** what is in a snapshot beside the count */
  readonly #ballast: Uint8Array;
  #count = 0;

  constructor(ballastBytes: number) {
    this.#ballast = new Uint8Array(ballastBytes);
  }

  apply(): Uint8Array {
    this.#count++;
    return this.read();
  }

  read(): Uint8Array {
    this.#view.setFloat64(0, this.#count);
    return this.#result;
  }

  *snapshot(): Generator<Uint8Array> {
    yield this.read().slice();
    for (let at = 0; at < this.#ballast.length; at += CHUNK_BYTES)
      yield this.#ballast.subarray(at, at + CHUNK_BYTES);
  }

  async restore(reader: SnapshotReader): Promise<void> {
    const bytes = await reader.bytes();
    this.#count = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0);
  }
}

const replica = await Replica.start({
  config: path,
  id: Number(id),
  machine: new Counting(Number(stateBytes)),
  volatile: true,
  codecs: { command: bytesCodec, result: bytesCodec, query: bytesCodec, answer: bytesCodec },
});
process.stdout.write('up\n');
createInterface({ input: process.stdin }).on('line', () => {
  process.stdout.write(`${JSON.stringify(replica.status)}\n`);
});
// A profile is written by a process that ends by itself.
process.once('SIGTERM', () => process.exit(0));
