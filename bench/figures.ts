/**
 * Figures: what is one number and no load. How fast a late learner learns, how long nothing is chosen after the leader
 * was killed, how soon an acceptor with a million records listens.
 */
import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readConfig } from '../src/config/index.ts';
import { openStorage } from '../src/storage/index.ts';
import { freePorts, listening, pause, type Scene } from './scene.ts';
import { OUR_CLI, startServers } from './systems.ts';

const HISTORY = 300_000;
const RECORDS = 1_000_000;
const RECORDS_PER_COMMIT = 20_000;
const NO_OTHERS = { originalBin: undefined, etcdBin: undefined };
const IN_MEMORY = { nodes: 3, topology: 'replicas', storage: 'memory' } as const;

/** Instances/s of a learner that begins at instance 1, beside replicas that have nothing else to do. */
export async function catchUpRate(scene: Scene): Promise<number> {
  const { conf } = await startServers(scene, 'ours', IN_MEMORY, NO_OTHERS);
  await outputOf(
    scene.spawn(process.execPath, [OUR_CLI, 'client', conf, '-o', '1000', '--count', String(HISTORY)]),
  );
  return Number(await outputOf(scene.program('learn', [conf, String(HISTORY)])));
}

/** Milliseconds without a value at a client that has 10 under way, when the leader is killed. */
export async function failoverGap(scene: Scene): Promise<number> {
  const { conf, servers } = await startServers(scene, 'ours', IN_MEMORY, NO_OTHERS);
  await pause(1000);
  const leader = servers[0]?.child.pid;
  if (leader === undefined) throw new Error('the first replica did not start');
  // The program kills it itself, so that it knows the moment.
  return Number(await outputOf(scene.program('gap', [conf, String(leader)])));
}

/** Milliseconds from the start of the process to its port. */
export async function recoveryTime(scene: Scene): Promise<number> {
  const [port = 0] = await freePorts(1);
  const conf = join(scene.directory, 'paxos.conf');
  const lines = [
    `acceptor 0 127.0.0.1 ${port}`,
    'proposer 0 127.0.0.1 1',
    'verbosity quiet',
    'storage-backend lmdb',
    'lmdb-sync no',
    `lmdb-env-path ${join(scene.directory, 'acceptor')}`,
  ];
  await writeFile(conf, `${lines.join('\n')}\n`);
  await fill(conf);
  const startedAt = performance.now();
  scene.spawn(process.execPath, [OUR_CLI, 'acceptor', '0', conf]).stdout?.resume();
  await listening(port);
  return performance.now() - startedAt;
}

async function fill(conf: string): Promise<void> {
  const storage = await openStorage(readConfig(conf).config, 0);
  const value = new Uint8Array(64).fill(7);
  for (let instanceId = 1; instanceId <= RECORDS; instanceId++) {
    storage.put(instanceId, 10, 10, value);
    if (instanceId % RECORDS_PER_COMMIT === 0) await storage.commit();
  }
  await storage.close();
}

/** What a program printed, once it has ended. */
async function outputOf(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    text += bytes.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${child.spawnargs.join(' ')} ended with ${code}`);
  return text;
}
