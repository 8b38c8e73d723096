/**
 * A counter, the smallest state machine: three replicas add one every second each, and all count the same.
 *
 *   node counter.mjs ID paxos.conf
 */
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Replica } from 'libpaxos';

/** @import { SnapshotReader, StateMachine } from 'libpaxos' */

/** @implements {StateMachine<{ add: number }, number, null, number>} */
export class Counter {
  #count = 0;

  /** @param {{ add: number }} command */
  apply({ add }) {
    this.#count += add;
    return this.#count;
  }

  read() {
    return this.#count;
  }

  snapshot() {
    return JSON.stringify(this.#count);
  }

  /** @param {SnapshotReader} reader */
  async restore(reader) {
    this.#count = await reader.json();
  }
}

/** @param {string} id @param {string} config */
async function main(id, config) {
  const replica = await Replica.start({ config, id: Number(id), machine: new Counter() });
  console.log(`the count is ${await replica.read(null)}`);
  for (;;) {
    const count = await replica.propose({ add: 1 });
    console.log(`counted ${count}`);
    await pause(1000);
  }
}

const [, program, id = '0', config = 'paxos.conf'] = process.argv;
if (program === fileURLToPath(import.meta.url)) await main(id, config);
