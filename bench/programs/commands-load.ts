/**
 * CommandsLoad: keeps N commands of a state machine under way through one client, and prints a line a second.
 *
 *   node --import tsx bench/programs/commands-load.ts paxos.conf 1000 64
 */
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

async function proposeForEver(): Promise<void> {
  for (;;) {
    const startedAt = performance.now();
    await client.propose(command);
    tally.add(command.length, 1000 * (performance.now() - startedAt));
  }
}

for (let i = 0; i < Number(outstanding); i++) void proposeForEver();
printSeconds(tally);
process.once('SIGTERM', () => process.exit(0));
