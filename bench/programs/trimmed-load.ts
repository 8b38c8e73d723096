/**
 * TrimmedLoad: keeps 100 values of 64 bytes under way, trims what is 100,000 instances old, and prints how many were
 * chosen, every half a million.
 *
 *   node --import tsx bench/programs/trimmed-load.ts paxos.conf
 */
import { Client, LearnerNode } from '../../src/index.ts';

const OUTSTANDING = 100;
const KEPT = 100_000;
const SAID_EVERY = 500_000;

const [config = ''] = process.argv.slice(2);
const value = new Uint8Array(64).fill(7);
const trimmer = await LearnerNode.start({ config, deliver: () => undefined });
let chosen = 0;
const client = await Client.start({
  config,
  deliver: ({ instanceId }) => {
    chosen++;
    if (chosen % KEPT === 0) trimmer.sendTrim(instanceId - KEPT);
    if (chosen % SAID_EVERY === 0) process.stdout.write(`${chosen}\n`);
    client.offer(value);
  },
});
for (let i = 0; i < OUTSTANDING; i++) client.offer(value);
