/**
 * `libpaxos status` against real processes: who is up, who leads, how it ends, and how long it takes where nobody
 * answers.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterStatus } from '../../src/evpaxos/index.ts';
import { RunningCommand, runToEnd } from '../support/command.ts';
import { freePorts } from '../support/ports.ts';
import { CommandProcess } from '../support/processes.ts';

const VALUES = 40;
/** --timeout, and how long a command may take that has to wait so long. */
const TIMEOUT_S = 1;
const LONGEST_MS = 2500;

let directory: string;
let config: string;
const replicas: CommandProcess[] = [];
const servers: Server[] = [];
const sockets: Socket[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'libpaxos-status-'));
  config = await configOf('paxos.conf', await freePorts(3));
  for (const id of [0, 1, 2]) replicas.push(new CommandProcess(['replica', String(id), config]));
  await Promise.all(replicas.map((replica) => replica.out.first(/Listening on port/)));
  const client = new CommandProcess(['client', config, '--count', String(VALUES)]);
  await client.ended;
}, 60_000);

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

afterAll(async () => {
  for (const replica of replicas) await replica.signal('SIGKILL');
  await rm(directory, { recursive: true });
});

async function configOf(name: string, ports: readonly number[], ...options: string[]): Promise<string> {
  const path = join(directory, name);
  const lines = [...ports.map((port, id) => `replica ${id} 127.0.0.1 ${port}`), ...options, ''];
  await writeFile(path, lines.join('\n'));
  return path;
}

async function statusOf(path: string): Promise<{ code: number; status: ClusterStatus; err: string }> {
  const { code, out, err } = await runToEnd('status', path, '--json', '--timeout', String(TIMEOUT_S));
  const status: ClusterStatus = JSON.parse(out);
  return { code, status, err };
}

/** Takes connections and says nothing, as a process does that hangs. */
async function hanging(): Promise<number> {
  const server = createServer((socket) => sockets.push(socket));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('libpaxos status', () => {
  it('shows the leader that leads, by its own log, and the same of all', async () => {
    const { code, status, err } = await statusOf(config);
    expect([code, err]).toEqual([0, '']);
    expect(status.acceptors).toEqual({ count: 3, quorum: 2, up: 3 });
    const { proposerId = -1, ballot = 0 } = status.leader ?? {};
    expect(replicas[proposerId]?.out.text).toContain(`with ballot ${ballot}`);
    expect(status.nodes.map(({ role }) => role).sort()).toEqual(['follower', 'follower', 'leader']);
    expect(status.nodes[proposerId]?.role).toBe('leader');
    for (const node of status.nodes) {
      expect(node.leaderBallot).toBe(ballot);
      expect(node.delivered).toBeGreaterThanOrEqual(VALUES);
    }
  });

  it('prints a table, numbers and words, without escapes where there is no terminal', async () => {
    const { code, out } = await runToEnd('status', config, '--require-leader');
    expect(code).toBe(0);
    expect(out).toMatch(/^3 of 3 acceptors up, 2 needed: a quorum[.] Leader: proposer \d, ballot \d+[.]/);
    expect(out.match(/^replica \d {2}127[.]0[.]0[.]1:\d+ +up /gm)).toHaveLength(3);
    expect(out).not.toContain(String.fromCharCode(27));
  });

  it('watches, a line a second for a program, and ends with Ctrl-C', async () => {
    const watching = new RunningCommand(['status', config, '--watch', '--json']);
    const lines = await watching.out.matching(/^\{/, 2);
    const last: ClusterStatus = JSON.parse(lines[1] ?? '');
    expect(last.hasQuorum).toBe(true);
    expect(await watching.stop()).toBe(0);
  });

  it('draws in one place in a terminal, and leaves the cursor as it was', async () => {
    const written: string[] = [];
    const screen = () => ({ columns: 80, rows: 12 });
    let drawn: () => void = () => undefined;
    const second = new Promise<void>((resolve) => {
      drawn = resolve;
    });
    const out = (text: string) => {
      written.push(text);
      if (written.filter((one) => one.includes('acceptors up')).length === 2) drawn();
    };
    const watching = new RunningCommand(['status', config, '--watch'], { out, screen });
    await second;
    expect(await watching.stop()).toBe(0);
    const frames = written.filter((one) => one.includes('acceptors up'));
    for (const frame of frames) {
      expect(frame.startsWith('\x1b[H')).toBe(true);
      expect(frame.split('\n').length).toBeLessThanOrEqual(12);
    }
    expect(written.at(-1)).toBe('\x1b[?25h');
  });

  it('says of another cluster that it is one', async () => {
    const { ports } = portsOf(config);
    const other = await configOf('other.conf', await ports, 'cluster-name another');
    const { code, status, err } = await statusOf(other);
    expect(status.nodes.map(({ state }) => state)).toEqual([
      'other cluster',
      'other cluster',
      'other cluster',
    ]);
    expect([code, err]).toEqual([4, 'error: 0 of 3 acceptors are up, and 2 must be\n']);
  });

  it('has no quorum, and its own exit code, where none is up, at once', async () => {
    const path = await configOf('none.conf', await freePorts(3));
    const startedAt = performance.now();
    const { code, status } = await statusOf(path);
    expect(code).toBe(4);
    expect(status).toMatchObject({ hasQuorum: false, leader: null, acceptors: { up: 0 } });
    expect(status.nodes.map(({ state }) => state)).toEqual(['down', 'down', 'down']);
    expect(performance.now() - startedAt).toBeLessThan(TIMEOUT_S * 1000);
  });

  it('waits no longer than it was told to for who takes connections and hangs', async () => {
    const path = await configOf('hanging.conf', [await hanging(), await hanging()]);
    const startedAt = performance.now();
    const { code, status } = await statusOf(path);
    expect(performance.now() - startedAt).toBeLessThan(LONGEST_MS);
    expect(code).toBe(4);
    expect(status.nodes.map(({ state }) => state)).toEqual(['no answer', 'no answer']);
  });

  it('fails with 1 on a config that cannot be used, and says why', async () => {
    const { code, err } = await runToEnd('status', join(directory, 'nowhere.conf'));
    expect(code).toBe(1);
    expect(err).toMatch(/^error: .*nowhere[.]conf/);
  });

  it('goes on with two of three, and says since when the third is missed; with one there is nobody', async () => {
    await replicas[2]?.signal('SIGKILL');
    const { code, status } = await statusOf(config);
    expect(code).toBe(0);
    expect(status.acceptors.up).toBe(2);
    expect(status.nodes[2]).toMatchObject({ state: 'down', role: null });
    expect(status.nodes[2]?.forMs).toBeLessThan(10_000);

    await replicas[1]?.signal('SIGKILL');
    expect((await statusOf(config)).code).toBe(4);
  });

  it('can require a leader', async () => {
    const [port = 0] = await freePorts(1);
    const path = join(directory, 'leaderless.conf');
    await writeFile(path, `acceptor 0 127.0.0.1 ${port}\n`);
    const acceptor = new CommandProcess(['acceptor', '0', path]);
    await acceptor.out.first(/Listening on port/);
    expect((await runToEnd('status', path)).code).toBe(0);
    const { code, err } = await runToEnd('status', path, '--require-leader');
    expect(code).toBe(5);
    expect(err).toMatch(/^error: nobody leads\n$/m);
    await acceptor.signal('SIGKILL');
  });
});

function portsOf(path: string): { readonly ports: Promise<number[]> } {
  const read = runToEnd('config', path, '--json').then(({ out }) => {
    const { nodes }: { nodes: { port: number }[] } = JSON.parse(out);
    return nodes.map(({ port }) => port);
  });
  return { ports: read };
}
