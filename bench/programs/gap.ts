/**
 * Gap: a client with 10 values under way, given to proposer P, kills the process that leads, and prints the longest time
 * between two deliveries from then on, ms.
 *
 *   node --import tsx bench/programs/gap.ts paxos.conf P PID
 */
import { library } from '../built.ts';

const { Client } = library;
const OUTSTANDING = 10;
const BEFORE_MS = 1500;
const AFTER_MS = 4000;

const [config = '', proposerId = '0', pid = ''] = process.argv.slice(2);
const value = new Uint8Array(64).fill(7);
let lastAt = 0;
let longestMs = 0;
// A proposer other than the one that is killed: a client whose own proposer goes has to find another as well.
const client = await Client.start({
  config,
  proposerId: Number(proposerId),
  deliver: () => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - lastAt);
    lastAt = now;
    client.offer(value);
  },
});
for (let i = 0; i < OUTSTANDING; i++) client.offer(value);
setTimeout(() => {
  lastAt = performance.now();
  longestMs = 0;
  process.kill(Number(pid), 'SIGKILL');
}, BEFORE_MS);
setTimeout(() => {
  process.stdout.write(`${Math.max(longestMs, performance.now() - lastAt)}\n`);
  void client.close();
}, BEFORE_MS + AFTER_MS);
