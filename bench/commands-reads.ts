/**
 * Linearizable reads of a state machine through a Client, against three replicas as processes: alone, and while commands
 * go on. How many instances the log grew by is counted: reads add none.
 *
 *   npm run build && node --import tsx bench/commands-reads.ts --seconds 5 --reads 256 --commands-per-second 2000
 *                                                              --storage memory --read-lease 0
 */
import { parseArgs } from 'node:util';
import { library } from './built.ts';
import { CommandsCluster } from './commands-cluster.ts';
import { Paced } from './paced.ts';
import { pause } from './scene.ts';

const { bytesCodec, Client } = library;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    reads: { type: 'string', default: '256' },
    'commands-per-second': { type: 'string', default: '2000' },
    storage: { type: 'string', default: 'memory' },
    'read-lease': { type: 'string', default: '0' },
  },
});
const WARM_UP_MS = 1500;
const seconds = Number(values.seconds);
const lines = values['read-lease'] === '0' ? [] : [`read-lease ${values['read-lease']}`];
const cluster = await CommandsCluster.start({ storage: values.storage, lines });
try {
  await run();
} finally {
  await cluster.close();
}

async function run(): Promise<void> {
  const codecs = { command: bytesCodec, result: bytesCodec, query: bytesCodec, answer: bytesCodec };
  const connect = () =>
    Client.connect<Uint8Array, Uint8Array, Uint8Array, Uint8Array>({ config: cluster.configPath, codecs });
  const [reader, writer] = [await connect(), await connect()];
  await writer.propose(new Uint8Array(64));
  let reads = 0;
  let isOver = false;
  const one = async () => {
    while (!isOver) {
      await reader.read(new Uint8Array(8));
      reads++;
    }
  };
  const all = Array.from({ length: Number(values.reads) }, one);
  await pause(WARM_UP_MS);
  await measure('reads alone', () => reads, undefined);
  const perSecond = Number(values['commands-per-second']);
  const paced = new Paced(perSecond, () => writer.propose(new Uint8Array(64)));
  await pause(WARM_UP_MS);
  await measure(`with ${perSecond.toLocaleString('en')} commands/s wanted`, () => reads, paced);
  isOver = true;
  await paced.stop();
  await Promise.all(all);
  await reader.close();
  await writer.close();
}

async function measure(what: string, reads: () => number, paced: Paced | undefined): Promise<void> {
  const leader = await cluster.leaderId();
  const before = await cluster.status(leader);
  const [readsBefore, doneBefore, cpuBefore, at] = [
    reads(),
    paced?.done ?? 0,
    cluster.cpuMicros,
    performance.now(),
  ];
  await pause(1000 * seconds);
  const elapsed = (performance.now() - at) / 1000;
  const after = await cluster.status(leader);
  const count = reads() - readsBefore;
  const rate = (number: number) => Math.round(number / elapsed).toLocaleString('en');
  process.stdout.write(
    `${what}: ${rate(count)} reads/s, ${rate((paced?.done ?? 0) - doneBefore)} commands/s; the log grew by ` +
      `${(after.applied - before.applied).toLocaleString('en')} instances in ${count.toLocaleString('en')} reads; ` +
      `CPU of the replicas ${((cluster.cpuMicros - cpuBefore) / count).toFixed(1)} us a read\n`,
  );
}
