/**
 * Figures: what is one number and no load. How fast a late learner learns, how long nothing is chosen after the leader
 * was killed, how soon an acceptor with a million records listens.
 */
import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { library } from './built.ts';
import { freePorts, listening, type Scene } from './scene.ts';
import { OUR_CLI, ourReplicas } from './systems.ts';

const HISTORY = 300_000;
const RECORDS = 1_000_000;
const LEADER_MS = 10_000;
const SECOND_MS = 1000;

/** Instances/s of a learner that begins at instance 1, beside replicas that have nothing else to do. */
export async function catchUpRate(scene: Scene): Promise<readonly number[]> {
  const { conf } = await ourReplicas(scene);
  await outputOf(scene.node(OUR_CLI, ['client', conf, '-o', '1000', '--count', String(HISTORY)]));
  return [Number(await outputOf(scene.program('learn', [conf, String(HISTORY)])))];
}

/** Milliseconds without a value at a client that has 10 under way, when the leader is killed. */
export async function failoverGap(scene: Scene): Promise<readonly number[]> {
  const { conf, servers } = await ourReplicas(scene);
  const leaderId = await leaderOf(conf);
  const { pid } = servers[leaderId]?.child ?? {};
  if (pid === undefined) throw new Error('who leads is no replica');
  // The program kills it itself, so that it knows the moment. Its values go to another: a client whose own proposer goes
  // has to find one as well.
  const other = (leaderId + 1) % servers.length;
  return [Number(await outputOf(scene.program('gap', [conf, String(other), String(pid)])))];
}

async function leaderOf(conf: string): Promise<number> {
  const giveUpAt = performance.now() + LEADER_MS;
  while (performance.now() < giveUpAt) {
    const { leader } = await library.clusterStatus(conf);
    if (leader?.isUp === true) return leader.proposerId;
  }
  throw new Error(`nobody leads after ${LEADER_MS / SECOND_MS} s`);
}

/** Seconds from the start of the process to its port. What it reads is in the machine's page cache. */
export async function recoveryTime(scene: Scene): Promise<readonly number[]> {
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
  await outputOf(scene.program('fill', [conf, String(RECORDS)]));
  const startedAt = performance.now();
  scene.node(OUR_CLI, ['acceptor', '0', conf]).stdout?.resume();
  await listening(port);
  return [(performance.now() - startedAt) / SECOND_MS];
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
