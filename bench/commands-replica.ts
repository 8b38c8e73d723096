/** A replica of bench/commands.ts: a state machine that counts, in a process of its own. */
import type { StateMachine } from '../src/index.ts';

// What was built, as a program would have it: compiled on the fly, functions are named again at every call.
const built: typeof import('../src/index.ts') = await import(
  new URL('../dist/index.js', import.meta.url).href
);
const { bytesCodec, Replica } = built;
const [path = '', id = '0'] = process.argv.slice(2);

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
  config: path,
  id: Number(id),
  machine: new Counting(),
  volatile: true,
  codecs: { command: bytesCodec, result: bytesCodec },
});
process.stdout.write('up\n');
// A profile is written by a process that ends by itself.
process.once('SIGINT', () => process.exit(0));
