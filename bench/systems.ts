/**
 * Systems: how the servers of a cell are started, of ours, of the original or of etcd, and which program puts them under
 * load. All on loopback, each in the same kind of storage.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LoadCell, Storage, SystemName } from './cells.ts';
import { type Measured, type Watched, watchLoad } from './load.ts';
import { freePorts, inScene, listening, pause, type Scene } from './scene.ts';

export const OUR_CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

/** Ours have a leader by then; the original tries a lost connection again after 2 s. */
const SETTLE_MS = { ours: 1000, original: 2500, etcd: 2500 } as const;

/** Where the other systems are; undefined: not here. */
export interface Others {
  readonly originalBin: string | undefined;
  readonly etcdBin: string | undefined;
}

export function isHere(system: SystemName, others: Others): boolean {
  if (system === 'original') return others.originalBin !== undefined;
  return system !== 'etcd' || others.etcdBin !== undefined;
}

/** Starts a system, puts it under the cell's load, measures for `seconds`, and ends it. */
export function measureLoad(
  system: SystemName,
  cell: LoadCell,
  seconds: number,
  others: Others,
): Promise<Measured> {
  return inScene(async (scene) => {
    if (system === 'etcd') return measureEtcd(scene, cell, seconds, others);
    const kind = system === 'original' ? 'original' : 'ours';
    const { conf, servers } = await startServers(scene, kind, cell, others);
    await pause(SETTLE_MS[kind]);
    const isOwnClient = system === 'ours, own client' || others.originalBin === undefined;
    const size = ['-o', String(cell.outstanding), '-v', String(cell.valueBytes)];
    const load = isOwnClient
      ? scene.spawn(process.execPath, [OUR_CLI, 'client', conf, '--json', '--percentiles', ...size])
      : scene.spawn('stdbuf', ['-oL', join(others.originalBin ?? '', 'client'), conf, ...size]);
    return watchLoad(load, [...servers, { name: 'client', child: load }], seconds);
  });
}

interface Shape {
  readonly nodes: number;
  readonly topology: 'replicas' | 'roles';
  readonly storage: Storage;
}

interface Started {
  readonly conf: string;
  readonly servers: readonly Watched[];
  readonly ports: readonly number[];
}

/** Writes a config and starts every node of it; they listen when this returns. */
export async function startServers(
  scene: Scene,
  kind: 'ours' | 'original',
  { nodes, topology, storage }: Shape,
  others: Others,
): Promise<Started> {
  const roles = topology === 'replicas' ? ['replica'] : ['acceptor', 'proposer'];
  const ports = await freePorts(nodes * roles.length);
  const lines: string[] = [];
  const places = roles.flatMap((role) => Array.from({ length: nodes }, (_, id) => ({ role, id })));
  for (const [i, { role, id }] of places.entries()) lines.push(`${role} ${id} 127.0.0.1 ${ports[i]}`);
  lines.push('verbosity quiet', ...storageLines(scene, storage));
  const conf = join(scene.directory, 'paxos.conf');
  await writeFile(conf, `${lines.join('\n')}\n`);
  const servers = places.map(({ role, id }) => {
    const [command, first] =
      kind === 'ours' ? [process.execPath, [OUR_CLI, role]] : [join(others.originalBin ?? '', role), []];
    const child = scene.spawn(command, [...first, String(id), conf]);
    child.stdout?.resume();
    return { name: `${role} ${id}`, child };
  });
  await Promise.all(ports.map(listening));
  return { conf, servers, ports };
}

function storageLines({ directory }: Scene, storage: Storage): string[] {
  if (storage === 'memory') return [];
  const sync = `lmdb-sync ${storage === 'lmdb-synced' ? 'yes' : 'no'}`;
  // The original stops for good when its map is full.
  return ['storage-backend lmdb', sync, `lmdb-env-path ${join(directory, 'acceptor')}`, 'lmdb-mapsize 4gb'];
}

/** Three members, which sync every entry to disk; puts by gRPC over HTTP/2, each with a key of its own. */
async function measureEtcd(
  scene: Scene,
  cell: LoadCell,
  seconds: number,
  { etcdBin }: Others,
): Promise<Measured> {
  const ports = await freePorts(2 * cell.nodes);
  const members = Array.from({ length: cell.nodes }, (_, id) => ({
    name: `etcd${id}`,
    client: `http://127.0.0.1:${ports[2 * id]}`,
    peer: `http://127.0.0.1:${ports[2 * id + 1]}`,
  }));
  const cluster = members.map(({ name, peer }) => `${name}=${peer}`).join(',');
  const servers = members.map(({ name, client, peer }) => {
    const listen = ['--listen-client-urls', client, '--advertise-client-urls', client];
    const peers = [
      '--listen-peer-urls',
      peer,
      '--initial-advertise-peer-urls',
      peer,
      '--initial-cluster',
      cluster,
    ];
    const rest = ['--data-dir', join(scene.directory, name), '--quota-backend-bytes', String(4 * 2 ** 30)];
    const child = scene.spawn(etcdBin ?? 'etcd', ['--name', name, ...listen, ...peers, ...rest]);
    child.stdout?.resume();
    return { name, child };
  });
  await Promise.all(ports.map(listening));
  await pause(SETTLE_MS.etcd);
  const size = [String(cell.outstanding), String(cell.valueBytes)];
  const load = scene.program('etcd-load', [members[0]?.client ?? '', ...size]);
  return watchLoad(load, [...servers, { name: 'client', child: load }], seconds);
}
