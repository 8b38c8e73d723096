/**
 * EtcdCluster: members of etcd, which sync every entry to disk, under puts. They come from h2load, a client in C that says the same
 * gRPC request again and again over HTTP/2: to the member that leads, from a few connections, all for one key. There is
 * no cheaper client; and what it counts is compared with how often the key was changed.
 */
import { spawnSync } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Load } from './cells.ts';
import { type Measured, type Period, watchLoad } from './load.ts';
import { freePorts, listening, pause, type Scene } from './scene.ts';
import { requestReader } from './seconds.ts';
import type { Etcd } from './systems.ts';

/** A member shares its work by connection. */
const STREAMS_PER_CONNECTION = 64;
const QUOTA_BYTES = 4 * 2 ** 30;
const KEY = 'benchmark';
const GRPC_HEAD_BYTES = 5;
const BYTES_FIELD = 2;
const VARINT_BITS = 7;
const LEADER_MS = 10_000;
const LOOK_AGAIN_MS = 100;
/** h2load is ended when the measurement is over; by itself after this, whatever happens. */
const SPARE_SECONDS = 30;

interface MemberStatus {
  readonly isLeader: boolean;
  /** counts every change of any key */
  readonly revision: number;
}

/** @throws Error if puts were counted that etcd does not know of */
export async function measureEtcd(scene: Scene, load: Load, period: Period, bins: Etcd): Promise<Measured> {
  const ports = await freePorts(2 * load.nodes);
  const members = Array.from({ length: load.nodes }, (_, id) => ({
    name: `etcd ${id}`,
    client: `http://127.0.0.1:${ports[2 * id]}`,
    peer: `http://127.0.0.1:${ports[2 * id + 1]}`,
  }));
  const cluster = members.map(({ name, peer }) => `${name}=${peer}`).join(',');
  const servers = members.map(({ name, client, peer }) => {
    const flags = {
      name,
      'data-dir': join(scene.directory, name),
      'quota-backend-bytes': QUOTA_BYTES,
      'listen-client-urls': client,
      'advertise-client-urls': client,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': cluster,
    };
    const child = scene.spawn(
      bins.etcdBin,
      Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`),
    );
    child.stdout?.resume();
    return { name, child };
  });
  await Promise.all(ports.map(listening));
  const leader = await leaderOf(members.map(({ client }) => client));
  const before = await statusOf(leader);
  const { client, output } = await putsTo(scene, leader, load, period, bins);
  const watched = [...servers, { name: 'client', child: client }];
  const measured = await watchLoad(client, watched, period, { read: requestReader(), output });
  const { revision } = await statusOf(leader);
  const put = revision - before.revision;
  // Those of the warm-up are in it, too: it is a refusal that this finds, which is an answer to h2load as any other.
  if (put < (measured.valuesPerSecond * period.seconds) / 2)
    throw new Error(`etcd knows of ${put} puts only`);
  return measured;
}

async function putsTo(scene: Scene, url: string, load: Load, period: Period, { h2loadBin }: Etcd) {
  const body = join(scene.directory, 'put');
  await writeFile(body, putRequest(load.valueBytes));
  // It opens its log by name, which a socket, as standard output is, cannot be.
  const log = join(scene.directory, 'requests');
  if (spawnSync('mkfifo', [log]).status !== 0) throw new Error('there is no mkfifo');
  const output = new Socket({ fd: openSync(log, constants.O_RDWR | constants.O_NONBLOCK), writable: false });
  const connections = Math.ceil(load.outstanding / STREAMS_PER_CONNECTION);
  const flags = {
    clients: connections,
    'max-concurrent-streams': Math.ceil(load.outstanding / connections),
    duration: period.warmUpSeconds + period.seconds + SPARE_SECONDS,
    data: body,
    'log-file': log,
  };
  const words = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  words.push('--header=content-type: application/grpc', '--header=te: trailers');
  const client = scene.spawn(h2loadBin, [...words, `${url}/etcdserverpb.KV/Put`]);
  client.stdout?.resume();
  client.once('close', () => output.destroy());
  return { client, output };
}

/** `PutRequest { key = 1, value = 2 }` behind the head of a gRPC message. */
function putRequest(valueBytes: number): Buffer {
  const body = Buffer.concat([field(1, Buffer.from(KEY)), field(2, Buffer.alloc(valueBytes, 'v'))]);
  const head = Buffer.alloc(GRPC_HEAD_BYTES);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

function field(number: number, bytes: Buffer): Buffer {
  const head = [(number << 3) | BYTES_FIELD];
  let rest = bytes.length;
  for (; rest > 0x7f; rest >>>= VARINT_BITS) head.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([...head, rest]), bytes]);
}

async function leaderOf(urls: readonly string[]): Promise<string> {
  const giveUpAt = performance.now() + LEADER_MS;
  while (performance.now() < giveUpAt) {
    for (const url of urls) {
      if ((await statusOf(url)).isLeader) return url;
    }
    await pause(LOOK_AGAIN_MS);
  }
  throw new Error('no member of etcd leads');
}

/** Over JSON, which a member offers beside gRPC. */
async function statusOf(url: string): Promise<MemberStatus> {
  const response = await fetch(`${url}/v3/maintenance/status`, { method: 'POST', body: '{}' });
  const { header, leader } = JSON.parse(await response.text());
  return {
    isLeader: leader !== undefined && leader === header?.member_id,
    revision: Number(header?.revision ?? 0),
  };
}
