/**
 * A replica that was down for many commands, long trimmed: how long after its start it is at the end, while others go
 * on. Three replicas as processes, lmdb synced.
 *
 *   npm run build && node --import tsx bench/commands-late.ts --commands 1000000 --per-second 20000 --state-mb 16
 *
 * At the end is who has applied what the leader had applied less than 100 ms before.
 */
import { parseArgs } from 'node:util';
import { library } from './built.ts';
import { CommandsCluster } from './commands-cluster.ts';
import { Paced } from './paced.ts';
import { pause } from './scene.ts';

const { bytesCodec, Client } = library;

const { values } = parseArgs({
  options: {
    commands: { type: 'string', default: '1000000' },
    'per-second': { type: 'string', default: '20000' },
    'state-mb': { type: 'string', default: '16' },
    'snapshot-log-size': { type: 'string', default: '8mb' },
  },
});
const OUTSTANDING = 2000;
const COMMAND_BYTES = 64;
const CLOSE_MS = 100;
const LOOK_MS = 10;
const GIVE_UP_MS = 120_000;
/** The pace goes on so long before the replica is started. */
const STEADY_MS = 2000;
const MB = 1024 * 1024;

const cluster = await CommandsCluster.start({
  storage: 'lmdb',
  lines: [`snapshot-log-size ${values['snapshot-log-size']}`],
  stateBytes: Number(values['state-mb']) * MB,
});
try {
  await run();
} finally {
  await cluster.close();
}

async function run(): Promise<void> {
  const client = await Client.connect<Uint8Array, Uint8Array>({
    config: cluster.configPath,
    codecs: { command: bytesCodec, result: bytesCodec },
  });
  const propose = () => client.propose(new Uint8Array(COMMAND_BYTES));
  await propose();
  const leader = await cluster.leaderId();
  const late = leader === 2 ? 1 : 2;
  const wentAt = await cluster.status(late);
  await cluster.killReplica(late);
  const began = performance.now();
  let left = Number(values.commands);
  const many = async () => {
    while (left-- > 0) await propose();
  };
  await Promise.all(Array.from({ length: OUTSTANDING }, many));
  const seconds = (performance.now() - began) / 1000;
  say(
    `${values.commands} commands in ${seconds.toFixed(1)} s, without replica ${late}, which had applied ${wentAt.applied}`,
  );
  const paced = new Paced(Number(values['per-second']), propose);
  await pause(STEADY_MS);
  const before = await cluster.status(leader);
  say(
    `the leader has applied ${before.applied} instances, its newest snapshot is of ${before.snapshotInstanceId}`,
  );
  const [startedAt, doneBefore] = [performance.now(), paced.done];
  const up = cluster.startReplica(late).then(() => performance.now() - startedAt);
  const [upMs] = [await up];
  const elapsed = await atTheEnd(leader, late, startedAt);
  const after = await cluster.status(late);
  const rate = (1000 * (paced.done - doneBefore)) / (performance.now() - startedAt);
  say(
    `replica ${late} listened after ${inSeconds(upMs)} and was at the end, instance ${after.applied}, after ${inSeconds(elapsed)}; ` +
      `meanwhile ${Math.round(rate).toLocaleString('en')} commands/s`,
  );
  await paced.stop();
  await client.close();
}

/** How long after its start a replica was at the end. */
async function atTheEnd(leader: number, late: number, startedAt: number): Promise<number> {
  while (performance.now() - startedAt < GIVE_UP_MS) {
    const askedAt = performance.now();
    const { applied } = await cluster.status(leader);
    while (performance.now() - askedAt < CLOSE_MS) {
      if ((await cluster.status(late)).applied >= applied) return performance.now() - startedAt;
      await pause(LOOK_MS);
    }
  }
  throw new Error(`replica ${late} is not at the end after ${GIVE_UP_MS / 1000} s`);
}

function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
