/**
 * Memory: whether a replica grows. Under constant load with trim, after 1 and 10 million values; and with connections
 * that are made and lost.
 *
 *   node --import tsx bench/memory.ts [--millions 10] [--connections 20000]
 */
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import type { Watched } from './load.ts';
import { rssBytes } from './proc.ts';
import { inScene, pause } from './scene.ts';
import { startServers } from './systems.ts';

const MILLION = 1_000_000;
const AT_ONCE = 100;
const IN_MEMORY = { nodes: 3, topology: 'replicas', storage: 'memory' } as const;
const NO_OTHERS = { originalBin: undefined, etcdBin: undefined };

const { values } = parseArgs({
  options: {
    millions: { type: 'string', default: '10' },
    connections: { type: 'string', default: '20000' },
  },
});

function megabytes(servers: readonly Watched[]): string {
  return servers.map(({ child }) => Math.round(rssBytes(child.pid) / 2 ** 20)).join(', ');
}

await inScene(async (scene) => {
  const { conf, servers, ports } = await startServers(scene, 'ours', IN_MEMORY, NO_OTHERS);
  const load = scene.program('trimmed-load', [conf]);
  let chosen = 0;
  load.stdout?.on('data', (bytes: Buffer) => {
    for (const line of bytes.toString().trim().split('\n')) {
      chosen = Number(line);
      process.stdout.write(
        `${chosen / MILLION} million values: RSS of the replicas ${megabytes(servers)} MB\n`,
      );
    }
  });
  while (chosen < Number(values.millions) * MILLION) await pause(200);
  load.kill('SIGKILL');
  await pause(1000);
  process.stdout.write(`load over: ${megabytes(servers)} MB\n`);
  const count = Number(values.connections);
  for (let made = 0; made < count; made += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => touch(ports[i % ports.length] ?? 0)));
    if ((made + AT_ONCE) % (count / 4) !== 0) continue;
    process.stdout.write(`${made + AT_ONCE} connections made and lost: ${megabytes(servers)} MB\n`);
  }
});

/** Opens a connection, waits until something is said on it, and loses it. */
function touch(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => socket.destroy());
    socket.once('error', () => socket.destroy());
    socket.once('close', () => resolve());
  });
}
