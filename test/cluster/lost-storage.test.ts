/**
 * An acceptor whose data directory was deleted, for real: three processes on lmdb, one killed and started again on
 * nothing. It says so, and is not counted, by the others or by `libpaxos status`.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { ClusterStatus } from '../../src/evpaxos/index.ts';
import { runToEnd } from '../support/command.ts';
import { freePorts } from '../support/ports.ts';
import { CommandProcess } from '../support/processes.ts';

it('is silent, with a line, and is no part of a quorum', { timeout: 60_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'libpaxos-lost-'));
  const config = join(directory, 'paxos.conf');
  const lines = (await freePorts(3)).map((port, id) => `replica ${id} 127.0.0.1 ${port}`);
  const path = join(directory, 'acceptor');
  const storage = ['storage-backend lmdb', 'lmdb-sync yes', `lmdb-env-path ${path}`, ''];
  await writeFile(config, [...lines, ...storage].join('\n'));
  const start = (id: number) => new CommandProcess(['replica', String(id), config]);
  const replicas = [0, 1, 2].map(start);
  onTestFinished(async () => {
    await Promise.all(replicas.map((replica) => replica.signal('SIGKILL')));
    await rm(directory, { recursive: true });
  });
  await Promise.all(replicas.map((replica) => replica.out.first(/Listening on port/)));
  expect(await new CommandProcess(['client', config, '--count', '20']).ended).toBe(0);

  await replicas[2]?.signal('SIGKILL');
  await rm(`${path}_2`, { recursive: true });
  const again = start(2);
  replicas[2] = again;
  await Promise.any([
    again.out.first(/knows acceptor 2 with another storage/),
    again.err.first(/another storage/),
  ]);

  const { out } = await runToEnd('status', config, '--json');
  const status: ClusterStatus = JSON.parse(out);
  expect(status.nodes[2]?.state).toBe('silent');
  expect(status.acceptors).toEqual({ count: 3, quorum: 2, up: 2 });
  expect(await new CommandProcess(['client', config, '--count', '20']).ended).toBe(0);

  await replicas[1]?.signal('SIGKILL');
  const { code } = await runToEnd('status', config);
  expect(code).toBe(4);
});
