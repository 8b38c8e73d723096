/**
 * Systems: how the servers of a cell are started, of ours or of the original, and which program puts them under load. All
 * on loopback, each in the same kind of storage.
 */
import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Entrant, Load, SystemName } from './cells.ts';
import { measureEtcd } from './etcd.ts';
import { type Measured, type Period, type Watched, watchLoad } from './load.ts';
import { freePorts, listening, pause, type Scene } from './scene.ts';

export const OUR_CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

/** Ours have a leader by then; the original tries a lost connection again after 2 s. */
const SETTLE_MS = { ours: 1000, original: 2500 } as const;
const THREE_IN_MEMORY = { values: 'raw', nodes: 3, topology: 'replicas', storage: 'memory' } as const;

/** Where the other systems are; undefined: not here. */
export interface Others {
  readonly originalBin: string | undefined;
  readonly etcd: Etcd | undefined;
}

/** The programs of etcd, and of what puts it under load. */
export interface Etcd {
  readonly etcdBin: string;
  readonly h2loadBin: string;
}

/** Whether it can be measured. Ours under raw values of the original's client needs that client. */
export function isHere(system: SystemName, { values }: Load, others: Others): boolean {
  if (isOriginal(system)) return others.originalBin !== undefined;
  if (system === 'ours') return values === 'commands' || others.originalBin !== undefined;
  return system !== 'etcd' || others.etcd !== undefined;
}

function isOriginal(system: SystemName): boolean {
  return system === 'original' || system === 'original, our client';
}

/** Starts a system, puts it under the cell's load, and measures it for a while. */
export async function measureLoad(
  scene: Scene,
  { system, outstanding }: Entrant,
  cell: Load,
  period: Period,
  others: Others,
): Promise<Measured> {
  const load = { ...cell, outstanding };
  if (system === 'etcd') {
    if (others.etcd === undefined) throw new Error('etcd is not here');
    return measureEtcd(scene, load, period, others.etcd);
  }
  const bin = isOriginal(system) ? others.originalBin : undefined;
  const values = bin === undefined ? load.values : 'raw';
  const { conf, servers } = await startServers(scene, { ...load, values }, bin);
  await pause(bin === undefined ? SETTLE_MS.ours : SETTLE_MS.original);
  const client = clientOf(scene, system, conf, load, others);
  return watchLoad(client, [...servers, { name: 'client', child: client }], period);
}

function clientOf(scene: Scene, system: SystemName, conf: string, load: Load, others: Others): ChildProcess {
  const { values, outstanding, valueBytes } = load;
  if (values === 'commands' && system === 'ours')
    return scene.program('commands-load', [conf, String(outstanding), String(valueBytes)]);
  if (system === 'ours' || system === 'original')
    return originalClient(scene, conf, load, others.originalBin);
  return scene.node(OUR_CLI, ['client', conf, '--json', '--percentiles', ...flagsOf(load)]);
}

/** Its output is a file's to it, and would come in blocks. */
function originalClient(scene: Scene, conf: string, load: Load, bin = ''): ChildProcess {
  return scene.spawn('stdbuf', ['-oL', join(bin, 'client'), conf, ...flagsOf(load)]);
}

function flagsOf({ outstanding, valueBytes }: Load): readonly string[] {
  return ['-o', String(outstanding), '-v', String(valueBytes)];
}

interface Started {
  readonly conf: string;
  readonly servers: readonly Watched[];
  readonly ports: readonly number[];
}

/** Three replicas of ours, in memory. */
export function ourReplicas(scene: Scene): Promise<Started> {
  return startServers(scene, THREE_IN_MEMORY, undefined);
}

/**
 * Writes a config and starts every node of it; they listen when this returns.
 * @param originalBin the folder of the original's programs; undefined: ours are started
 */
async function startServers(
  scene: Scene,
  { values, nodes, topology, storage }: Omit<Load, 'outstanding' | 'valueBytes'>,
  originalBin: string | undefined,
): Promise<Started> {
  const roles = topology === 'replicas' ? ['replica'] : ['acceptor', 'proposer'];
  const ports = await freePorts(nodes * roles.length);
  const places = roles.flatMap((role) =>
    Array.from({ length: nodes }, (_, id) => ({ role, id: String(id) })),
  );
  const lines = places.map(({ role, id }, i) => `${role} ${id} 127.0.0.1 ${ports[i]}`);
  lines.push('verbosity quiet', ...storageLines(scene, storage));
  if (values === 'commands') lines.push('value-format commands');
  const conf = join(scene.directory, 'paxos.conf');
  await writeFile(conf, `${lines.join('\n')}\n`);
  const start = (role: string, id: string) => {
    if (originalBin !== undefined) return scene.spawn(join(originalBin, role), [id, conf]);
    if (values === 'commands') return scene.program('commands-replica', [conf, id]);
    return scene.node(OUR_CLI, [role, id, conf]);
  };
  const servers = places.map(({ role, id }) => ({ name: `${role} ${id}`, child: start(role, id) }));
  for (const { child } of servers) child.stdout?.resume();
  await Promise.all(ports.map(listening));
  return { conf, servers, ports };
}

function storageLines({ directory }: Scene, storage: Load['storage']): string[] {
  if (storage === 'memory') return [];
  const sync = `lmdb-sync ${storage === 'lmdb-synced' ? 'yes' : 'no'}`;
  // The original stops for good when its map is full.
  return ['storage-backend lmdb', sync, `lmdb-env-path ${join(directory, 'acceptor')}`, 'lmdb-mapsize 4gb'];
}
