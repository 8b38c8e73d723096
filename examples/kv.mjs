/**
 * A key-value store with compare-and-set and watch. Every change has a revision, and a change may ask for the key's last
 * one: so nobody overwrites what he has not seen. Three replicas add to one number that way, and lose no addition.
 *
 *   node kv.mjs ID paxos.conf
 */
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Replica } from 'libpaxos';

/** @import { SnapshotReader, StateMachine } from 'libpaxos' */

/**
 * @typedef {{ value: string, revision: number }} Entry
 * @typedef {{ key: string, value?: string, ifRevision?: number }} Change without a value: deletes; 0: if it is not there
 * @typedef {{ done: boolean, revision: number }} Outcome with the key's revision, which was another one if not done
 * @typedef {(key: string, entry: Entry | undefined) => void} Watcher
 */

/** @implements {StateMachine<Change, Outcome, string, Entry | undefined>} */
export class KeyValue {
  #revision = 0;
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  /** @type {Set<Watcher>} */
  #watchers = new Set();

  /** @param {Change} change */
  apply({ key, value, ifRevision }) {
    const { revision } = this.#entries.get(key) ?? { revision: 0 };
    if (ifRevision !== undefined && ifRevision !== revision) return { done: false, revision };
    this.#revision++;
    const entry = value === undefined ? undefined : { value, revision: this.#revision };
    if (entry === undefined) this.#entries.delete(key);
    else this.#entries.set(key, entry);
    // Later: what a watcher does, or throws, is no part of the command.
    for (const watcher of this.#watchers) queueMicrotask(() => watcher(key, entry));
    return { done: true, revision: this.#revision };
  }

  /** @param {string} key */
  read(key) {
    return this.#entries.get(key);
  }

  /** Tells of every change from now on, on this replica. @param {Watcher} watcher */
  watch(watcher) {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  snapshot() {
    return JSON.stringify({ revision: this.#revision, entries: [...this.#entries] });
  }

  /** @param {SnapshotReader} reader */
  async restore(reader) {
    /** @type {{ revision: number, entries: [string, Entry][] }} */
    const { revision, entries } = await reader.json();
    this.#revision = revision;
    this.#entries = new Map(entries);
  }
}

/** @param {string} id @param {string} config */
async function main(id, config) {
  const store = new KeyValue();
  const replica = await Replica.start({ config, id: Number(id), machine: store });
  const before = await replica.read('visits');
  console.log(before === undefined ? 'nobody was here yet' : `visits was ${before.value}`);
  store.watch((key, entry) => console.log(`${key} is ${entry?.value} (revision ${entry?.revision})`));
  for (;;) {
    const { value, revision } = (await replica.read('visits')) ?? { value: '0', revision: 0 };
    const change = { key: 'visits', value: String(Number(value) + 1), ifRevision: revision };
    const { done } = await replica.propose(change);
    if (!done) console.log('somebody was faster, once more');
    if (done) await pause(3000);
  }
}

const [, program, id = '0', config = 'paxos.conf'] = process.argv;
if (program === fileURLToPath(import.meta.url)) await main(id, config);
