/**
 * Endurance: whether replicas grow, and whether they ever stand still, under a constant load with trim.
 */
import { connect } from 'node:net';
import type { FigureCell } from './cells.ts';
import { eachLine, type Watched } from './load.ts';
import { rssBytes } from './proc.ts';
import type { Scene } from './scene.ts';
import { ourReplicas } from './systems.ts';

const MILLION = 1_000_000;
const MANY_MILLIONS = 10;
const MINUTE_MS = 60_000;
const MEMORY_LIMIT_MS = 30 * MINUTE_MS;
/** The first connections make what all later ones use again. */
const FIRST_CONNECTIONS = 5000;
const CONNECTIONS = 20_000;
const CONNECTIONS_AT_ONCE = 100;
const CONNECTIONS_LIMIT_MS = 5 * MINUTE_MS;
const SECOND_MS = 1000;

/** RSS after 10 million values, as a multiple of that after 1 million: of the replica that grew most. */
export function memoryCell(): FigureCell {
  return {
    kind: 'figure',
    name: 'memory',
    what: '100 outstanding, 64 bytes, with trim',
    figures: [
      { name: 'RSS after 10 million values to that after 1 million', unit: '×', better: 'less', limit: 1.5 },
    ],
    measure: async (scene) => {
      const { conf, servers } = await ourReplicas(scene);
      let early: readonly number[] | undefined;
      let chosen = 0;
      await eachLine(scene.program('trimmed-load', [conf]), { patienceMs: MEMORY_LIMIT_MS }, (line) => {
        chosen += JSON.parse(line).values;
        if (chosen >= MILLION) early ??= held(servers);
        return chosen >= MANY_MILLIONS * MILLION;
      });
      return [growth(early ?? [], held(servers))];
    },
    maxRounds: 1,
    limitMs: MEMORY_LIMIT_MS,
  };
}

/**
 * RSS after 20,000 connections that were made and lost, as a multiple of what it was before. V8's heap grows in steps
 * of 30 MB, of its own accord: to hold it to less than one of them would tell of nothing.
 */
export function connectionsCell(): FigureCell {
  return {
    kind: 'figure',
    name: 'connections',
    what: '20,000 connections to each replica, made and lost',
    figures: [{ name: 'RSS after them to that before', unit: '×', better: 'less', limit: 1.5 }],
    measure: async (scene) => {
      const { servers, ports } = await ourReplicas(scene);
      await touch(ports, FIRST_CONNECTIONS);
      const early = held(servers);
      await touch(ports, CONNECTIONS);
      return [growth(early, held(servers))];
    },
    maxRounds: 1,
    limitMs: CONNECTIONS_LIMIT_MS,
  };
}

/** Minutes of constant load: no second without values, and no tail of latency. */
export function soakCell(minutes: number): FigureCell {
  const limitMs = (minutes + 1) * MINUTE_MS;
  return {
    kind: 'figure',
    name: 'soak',
    what: `${minutes} minutes at 100 outstanding, 64 bytes, with trim`,
    figures: [
      { name: 'values', unit: 'values/s', better: 'more' },
      { name: 'seconds without a value', unit: 's', better: 'less', limit: 0 },
      { name: 'p50', unit: 'us', better: 'less' },
      { name: 'p99.9', unit: 'us', better: 'less' },
      { name: 'p99.9 to p50', unit: '×', better: 'less', limit: 20 },
      { name: 'longest', unit: 'us', better: 'less' },
      { name: 'RSS at the end to that after a minute', unit: '×', better: 'less' },
    ],
    measure: (scene) => soak(scene, minutes, limitMs),
    maxRounds: 1,
    limitMs,
  };
}

async function soak(scene: Scene, minutes: number, limitMs: number): Promise<readonly number[]> {
  const { conf, servers } = await ourReplicas(scene);
  const seconds: number[] = [];
  const overall = { p50: 0, p999: 0, max: 0 };
  let early: readonly number[] = [];
  await eachLine(scene.program('trimmed-load', [conf]), { patienceMs: limitMs }, (line) => {
    const { values, overallUs } = JSON.parse(line);
    if (seconds.length > 0 || values > 0) seconds.push(values);
    Object.assign(overall, overallUs);
    if (seconds.length === 60) early = held(servers);
    return seconds.length >= minutes * 60;
  });
  const { p50, p999, max } = overall;
  const rate = seconds.reduce((total, values) => total + values, 0) / seconds.length;
  const silent = seconds.filter((values) => values === 0).length;
  return [rate, silent, p50, p999, p999 / p50, max, growth(early, held(servers))];
}

function held(servers: readonly Watched[]): readonly number[] {
  return servers.map(({ child }) => rssBytes(child.pid));
}

function growth(early: readonly number[], late: readonly number[]): number {
  return Math.max(...late.map((bytes, i) => bytes / (early[i] ?? Number.NaN)));
}

/** Makes and loses connections to each port, some at a time. */
async function touch(ports: readonly number[], count: number): Promise<void> {
  for (const port of ports) {
    for (let made = 0; made < count; made += CONNECTIONS_AT_ONCE)
      await Promise.all(Array.from({ length: CONNECTIONS_AT_ONCE }, () => lose(port)));
  }
}

/** Opens a connection, waits until something is said on it, and loses it. */
function lose(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.setTimeout(10 * SECOND_MS, () => socket.destroy(new Error(`port ${port} says nothing`)));
    socket.once('data', () => socket.destroy());
    socket.once('error', reject);
    socket.once('close', () => resolve());
  });
}
