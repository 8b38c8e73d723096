/**
 * A replica with the simulator's store, as a process of its own: what a program would write, and what the tool asks of
 * it. Plain JavaScript, so that it starts as fast as a program that was built.
 *
 *   node store-replica.mjs dist|src sound|FAULT ID CONF EVERY_MS SESSION_TIMEOUT_MS
 *
 *   in, a line each:  {"n":1,"ask":"propose","command":…}  {"n":2,"ask":"read","query":…,"consistency":…}
 *                     {"n":1,"ask":"abort"}                {"n":3,"ask":"state","path":…}
 *   out:              {"type":"answer","n":1,"value":…}    {"type":"answer","n":2,"code":…,"message":…}
 *                     {"type":"progress",…}  {"type":"mark",…}  {"type":"event",…}
 *
 * A mark is a digest of the whole state before the first command at or above so many instances: whoever comes there
 * tells the same. It ends when nobody listens. A FAULT is planted, to see whether the judge notices: `stale-read` answers
 * now and then what was there before, `doubled-add` adds twice now and then, `other-state` keeps what only one replica has.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [where = 'dist', fault = 'sound', id = '0', conf = '', everyMs = '100', sessionTimeoutMs = '60000'] =
  process.argv.slice(2);
const load = (/** @type {string} */ path) =>
  import(new URL(`../../../${where}/${path}.${where === 'src' ? 'ts' : 'js'}`, import.meta.url).href);
/** @type {typeof import('../../../src/index.ts')} */
const { Replica } = await load('index');
/** @type {typeof import('../../../src/evpaxos/index.ts')} */
const { describeEvent } = await load('evpaxos/index');
/** @type {typeof import('../../../src/sim/commands/store-machine.ts')} */
const { StoreMachine } = await load('sim/commands/store-machine');

/** At every instance that this divides the state is told. */
const MARK_INSTANCES = 500;

const say = (/** @type {object} */ line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** What is wrong goes wrong once in so many times. */
const FAULTY_EVERY = 5;

class FaultyStore extends StoreMachine {
  /** @type {Map<string, string | number | null>} what was in a register before */
  #before = new Map();
  #times = 0;

  /**
   * @override
   * @param {import('../../../src/sim/commands/store-machine.ts').StoreCommand} command
   * @param {import('../../../src/index.ts').ApplyContext} context
   */
  apply(command, context) {
    const was = 'key' in command ? super.read(command) : null;
    const isTwice = fault === 'doubled-add' && command.type === 'add' && context.instanceId % 3 === 0;
    if (isTwice) super.apply(command, context);
    if (fault === 'other-state' && id === '1') context.random();
    const result = super.apply(command, context);
    if ('key' in command && super.read(command) !== was) this.#before.set(command.key, was);
    return result;
  }

  /**
   * @override
   * @param {import('../../../src/sim/commands/store-machine.ts').StoreQuery} query
   */
  read(query) {
    const isStale = fault === 'stale-read' && ++this.#times % FAULTY_EVERY === 0;
    const before = query.key === undefined ? undefined : this.#before.get(query.key);
    return isStale && before !== undefined ? before : super.read(query);
  }
}

class ToldStore extends (fault === 'sound' ? StoreMachine : FaultyStore) {
  /** @type {number | undefined} */
  #stretch = 0;

  /**
   * @override
   * @param {import('../../../src/sim/commands/store-machine.ts').StoreCommand} command
   * @param {import('../../../src/index.ts').ApplyContext} context
   */
  apply(command, context) {
    const stretch = Math.floor(context.instanceId / MARK_INSTANCES);
    // After a snapshot it is not known whether the first command behind a mark is among what it holds.
    if (this.#stretch !== undefined && stretch > this.#stretch)
      say({ type: 'mark', instance: stretch * MARK_INSTANCES, digest: digestOf(this.bytes()) });
    this.#stretch = stretch;
    return super.apply(command, context);
  }

  /**
   * @override
   * @param {import('../../../src/index.ts').SnapshotReader} reader
   */
  async restore(reader) {
    await super.restore(reader);
    this.#stretch = undefined;
  }

  bytes() {
    return Buffer.concat([...this.snapshot()]);
  }
}

const machine = new ToldStore();
/** @type {Map<number, AbortController>} by number of what is asked */
const asked = new Map();

function digestOf(/** @type {Uint8Array} */ bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

function end(/** @type {unknown} */ error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}

const replica = await Replica.start({
  config: conf,
  id: Number(id),
  machine,
  sessionTimeoutMs: Number(sessionTimeoutMs),
  observer: { report: (event) => process.stderr.write(`${describeEvent(event).text}\n`) },
}).catch(end);
if (replica === undefined) throw new Error('it has ended');

function tellProgress() {
  const { applied, isLeading } = replica?.status ?? {};
  say({ type: 'progress', delivered: applied, digest: '', leading: isLeading });
}

async function tellEvents() {
  for await (const event of replica?.events() ?? []) {
    say({ type: 'event', event });
    if (event.type === 'leader') tellProgress();
  }
}

/** What is asked: the answer, or an error with a code. */
async function answer(/** @type {any} */ { n, ask, command, query, consistency, path }) {
  if (ask === 'abort') return asked.get(n)?.abort();
  const controller = new AbortController();
  const { signal } = controller;
  asked.set(n, controller);
  try {
    say({ type: 'answer', n, value: await answerTo(ask) });
  } catch (/** @type {any} */ error) {
    say({ type: 'answer', n, code: error.code ?? 'UNKNOWN', message: error.message });
  } finally {
    asked.delete(n);
  }

  function answerTo(/** @type {string} */ what) {
    if (what === 'propose') return replica?.propose(command, { signal });
    if (what === 'read') return replica?.read(query, { signal, consistency });
    const state = machine.bytes();
    writeFileSync(path, state);
    return { applied: replica?.status.applied, digest: digestOf(state) };
  }
}

replica.closed.catch(end);
tellProgress();
setInterval(tellProgress, Number(everyMs));
tellEvents().catch(end);
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => answer(JSON.parse(line)));
lines.once('close', () => process.exit(0));
process.once('SIGTERM', async () => {
  await replica.close();
  process.exit(0);
});
