/**
 * Leader election for an application: of several processes one does the work, and another one when it is gone. (Paxos has
 * a leader of its own, which is nobody's business here.) Each leadership has a term that only rises, for whoever is
 * told what to do: of two that both believe they lead, the higher term does.
 *
 *   node election.mjs ID paxos.conf
 */
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Replica } from 'libpaxos';

/** @import { ApplyContext, SnapshotReader, StateMachine } from 'libpaxos' */

const LEASE_MS = 2000;

/**
 * @typedef {{ leader: string, term: number, endsMs: number }} Office
 * @typedef {{ candidate: string, leaseMs: number }} Command 0 ms: resigns
 */

/** @implements {StateMachine<Command, Office, null, Office>} */
export class Election {
  /** @type {Office} */
  #office = { leader: '', term: 0, endsMs: 0 };

  /**
   * Who holds the office keeps it by asking for it again; when the lease has ended, whoever asks first gets it.
   * @param {Command} command @param {ApplyContext} context
   */
  apply({ candidate, leaseMs }, { timeMs }) {
    const { leader, term, endsMs } = this.#office;
    const isOpen = endsMs <= timeMs;
    if (leader === candidate && !isOpen) this.#office = { leader, term, endsMs: timeMs + leaseMs };
    else if (isOpen && leaseMs > 0)
      this.#office = { leader: candidate, term: term + 1, endsMs: timeMs + leaseMs };
    return this.#office;
  }

  read() {
    return this.#office;
  }

  snapshot() {
    return JSON.stringify(this.#office);
  }

  /** @param {SnapshotReader} reader */
  async restore(reader) {
    this.#office = await reader.json();
  }
}

/** @param {string} id @param {string} config */
async function main(id, config) {
  const replica = await Replica.start({ config, id: Number(id), machine: new Election() });
  const candidate = `replica ${id}`;
  let known = 0;
  for (;;) {
    // The lease counts from before it was asked for: so it ends here before it ends for the others.
    const endsAt = performance.now() + LEASE_MS;
    const { leader, term } = await replica.propose({ candidate, leaseMs: LEASE_MS });
    if (term !== known)
      console.log(`${leader === candidate ? 'leads' : `follows ${leader}`} in term ${term}`);
    known = term;
    if (leader === candidate && performance.now() < endsAt) console.log(`does the work of term ${term}`);
    await pause(LEASE_MS / 3);
  }
}

const [, program, id = '0', config = 'paxos.conf'] = process.argv;
if (program === fileURLToPath(import.meta.url)) await main(id, config);
