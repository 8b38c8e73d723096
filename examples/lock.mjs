/**
 * A lock service. A lock is leased: who does not renew it loses it, so that a dead holder stops nobody. A holder that
 * only slept does not know that; hence each grant has a token that only rises, and what the lock protects refuses a
 * token below the highest it has seen (fencing).
 *
 *   node lock.mjs ID paxos.conf
 */
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Replica } from 'libpaxos';

/** @import { ApplyContext, SnapshotReader, StateMachine } from 'libpaxos' */

const LEASE_MS = 3000;

/**
 * @typedef {{ owner: string, token: number, endsMs: number }} Lease
 * @typedef {{ do: 'acquire', lock: string, owner: string, leaseMs: number }
 *   | { do: 'renew', lock: string, token: number, leaseMs: number }
 *   | { do: 'release' | 'write', lock: string, token: number }} Command
 * @typedef {{ done: boolean, token: number, owner?: string }} Outcome
 */

/** @implements {StateMachine<Command, Outcome, string, Lease | undefined>} */
export class Locks {
  #lastToken = 0;
  /** @type {Map<string, Lease>} */
  #leases = new Map();
  /** @type {Map<string, number>} what the locks protect, in small: the highest token of a write, by lock */
  #written = new Map();

  /** @param {Command} command @param {ApplyContext} context */
  apply(command, { timeMs }) {
    const lease = this.#leases.get(command.lock);
    // Log time, the same everywhere: a replica's own clock would decide otherwise on each of them.
    const held = lease !== undefined && lease.endsMs > timeMs ? lease : undefined;
    if (command.do === 'acquire') {
      const { lock, owner, leaseMs } = command;
      if (held !== undefined) return { done: false, token: held.token, owner: held.owner };
      this.#lastToken++;
      this.#leases.set(lock, { owner, token: this.#lastToken, endsMs: timeMs + leaseMs });
      return { done: true, token: this.#lastToken, owner };
    }
    const { lock, token } = command;
    if (command.do === 'write') {
      const highest = this.#written.get(lock) ?? 0;
      this.#written.set(lock, Math.max(highest, token));
      return { done: token >= highest, token: Math.max(highest, token) };
    }
    if (held?.token !== token) return { done: false, token };
    if (command.do === 'renew') held.endsMs = timeMs + command.leaseMs;
    else this.#leases.delete(lock);
    return { done: true, token };
  }

  /** Who had it last; it may have ended since. @param {string} lock */
  read(lock) {
    return this.#leases.get(lock);
  }

  snapshot() {
    return JSON.stringify([this.#lastToken, [...this.#leases], [...this.#written]]);
  }

  /** @param {SnapshotReader} reader */
  async restore(reader) {
    /** @type {[number, [string, Lease][], [string, number][]]} */
    const [lastToken, leases, written] = await reader.json();
    this.#lastToken = lastToken;
    this.#leases = new Map(leases);
    this.#written = new Map(written);
  }
}

/** @param {string} id @param {string} config */
async function main(id, config) {
  const replica = await Replica.start({ config, id: Number(id), machine: new Locks() });
  for (let round = 0; ; round++) {
    const acquire = { lock: 'door', owner: `replica ${id}`, leaseMs: LEASE_MS };
    const { done, token } = await replica.propose({ do: 'acquire', ...acquire });
    if (done) {
      const isSleepy = round % 7 === 6;
      console.log(`has the door, token ${token}${isSleepy ? ', and falls asleep with it' : ''}`);
      await pause(isSleepy ? 3 * LEASE_MS : 1000);
      const written = await replica.propose({ do: 'write', lock: 'door', token });
      console.log(
        written.done ? `wrote with token ${token}` : `refused: ${written.token} came after ${token}`,
      );
      await replica.propose({ do: 'release', lock: 'door', token });
    }
    // At random: asking in step with the others, one would never have its turn.
    await pause(100 + 600 * Math.random());
  }
}

const [, program, id = '0', config = 'paxos.conf'] = process.argv;
if (program === fileURLToPath(import.meta.url)) await main(id, config);
