/**
 * A job queue. Who takes a job has it for a while; if it is not done by then, it can be taken again. So every job is done
 * at least once, whoever dies over it; one that fails too often is put aside.
 *
 *   node queue.mjs ID paxos.conf
 */
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Replica } from 'libpaxos';

/** @import { ApplyContext, SnapshotReader, StateMachine } from 'libpaxos' */

const HIDDEN_MS = 4000;
export const MAX_ATTEMPTS = 5;

/**
 * @typedef {{ id: number, work: string, attempt: number, hiddenUntilMs: number }} Job
 * @typedef {{ do: 'add', work: string } | { do: 'take', hiddenMs: number }
 *   | { do: 'done' | 'retry', id: number, attempt: number }} Command done and retry: as it was taken, and no later one
 * @typedef {{ waiting: number, failed: string[] }} Summary
 */

/** @implements {StateMachine<Command, Job | boolean, null, Summary>} */
export class Queue {
  #lastId = 0;
  /** @type {Map<number, Job>} in the order in which they were added */
  #jobs = new Map();
  /** @type {string[]} */
  #failed = [];

  /** @param {Command} command @param {ApplyContext} context */
  apply(command, { timeMs }) {
    if (command.do === 'add') {
      const job = { id: ++this.#lastId, work: command.work, attempt: 0, hiddenUntilMs: 0 };
      this.#jobs.set(job.id, job);
      return job;
    }
    if (command.do === 'take') return this.#take(timeMs, command.hiddenMs);
    const job = this.#jobs.get(command.id);
    if (job === undefined || job.attempt !== command.attempt) return false;
    if (command.do === 'done') this.#jobs.delete(job.id);
    else job.hiddenUntilMs = 0;
    return true;
  }

  /** @param {number} timeMs @param {number} hiddenMs */
  #take(timeMs, hiddenMs) {
    for (const job of this.#jobs.values()) {
      if (job.hiddenUntilMs > timeMs) continue;
      if (job.attempt < MAX_ATTEMPTS) {
        job.attempt++;
        job.hiddenUntilMs = timeMs + hiddenMs;
        return job;
      }
      this.#jobs.delete(job.id);
      this.#failed.push(job.work);
    }
    return false;
  }

  read() {
    return { waiting: this.#jobs.size, failed: this.#failed };
  }

  snapshot() {
    return JSON.stringify([this.#lastId, [...this.#jobs.values()], this.#failed]);
  }

  /** @param {SnapshotReader} reader */
  async restore(reader) {
    /** @type {[number, Job[], string[]]} */
    const [lastId, jobs, failed] = await reader.json();
    this.#lastId = lastId;
    this.#jobs = new Map(jobs.map((job) => [job.id, job]));
    this.#failed = failed;
  }
}

/** @param {string} id @param {string} config */
async function main(id, config) {
  const replica = await Replica.start({ config, id: Number(id), machine: new Queue() });
  for (let count = 1; ; count++) {
    await replica.propose({ do: 'add', work: `letter ${count} of replica ${id}` });
    const job = await replica.propose({ do: 'take', hiddenMs: HIDDEN_MS });
    if (typeof job === 'object') {
      console.log(`takes job ${job.id}, ${job.work}${job.attempt > 1 ? `, attempt ${job.attempt}` : ''}`);
      await pause(1500);
      const end = Math.random() < 0.2 ? 'retry' : 'done';
      await replica.propose({ do: end, id: job.id, attempt: job.attempt });
      console.log(end === 'done' ? `did job ${job.id}` : `could not do job ${job.id}: somebody will`);
    }
  }
}

const [, program, id = '0', config = 'paxos.conf'] = process.argv;
if (program === fileURLToPath(import.meta.url)) await main(id, config);
