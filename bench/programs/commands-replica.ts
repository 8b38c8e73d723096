/** CommandsReplica: a replica of a state machine that counts. */
import type { StateMachine } from '../../src/index.ts';
import { library } from '../built.ts';

const { bytesCodec, Replica } = library;
const [config = '', id = '0'] = process.argv.slice(2);

class Counting implements StateMachine<Uint8Array, Uint8Array> {
  readonly #result = new Uint8Array(8);
  #count = 0;

  apply(): Uint8Array {
    this.#count++;
    new DataView(this.#result.buffer).setFloat64(0, this.#count);
    return this.#result;
  }

  snapshot(): string {
    return String(this.#count);
  }

  async restore(reader: { text(): Promise<string> }): Promise<void> {
    this.#count = Number(await reader.text());
  }
}

await Replica.start({
  config,
  id: Number(id),
  machine: new Counting(),
  volatile: true,
  codecs: { command: bytesCodec, result: bytesCodec },
});
// A profile is written by a process that ends by itself.
process.once('SIGTERM', () => process.exit(0));
