/**
 * CommandsLoad: keeps N commands of a state machine under way through one client, and prints a line a second.
 *
 *   node --import tsx bench/programs/commands-load.ts paxos.conf 1000 64
 */
import { performance } from 'node:perf_hooks';
import { library, Tally } from '../built.ts';
import { printSeconds } from '../seconds.ts';

const { bytesCodec, Client } = library;
const [config = '', outstanding = '1', valueBytes = '64'] = process.argv.slice(2);
const command = new Uint8Array(Number(valueBytes)).fill(7);
const tally = new Tally(true);
const client = await Client.connect<Uint8Array, Uint8Array>({
  config,
  codecs: { command: bytesCodec, result: bytesCodec },
});

/** The clock is read once a command, and not by way of the global, which is a getter: both would be measured too. */
async function proposeForEver(): Promise<void> {
  let startedAt = performance.now();
  for (;;) {
    await client.propose(command);
    const endedAt = performance.now();
    tally.add(command.length, 1000 * (endedAt - startedAt));
    startedAt = endedAt;
  }
}

for (let i = 0; i < Number(outstanding); i++) void proposeForEver();
printSeconds(tally);
process.once('SIGTERM', () => process.exit(0));
