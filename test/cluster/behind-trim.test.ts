/**
 * Who starts on a cluster that has trimmed what it needs: told so at once, in one line, with an exit code of its own.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type NodeEvent, Replica } from '../../src/evpaxos/index.ts';
import { freePorts } from '../support/ports.ts';
import { CommandProcess } from '../support/processes.ts';

const TRIMMED = 10;
const VALUES = 20;
const AT_ONCE_MS = 1000;
const LINE = 'error: instances 1 to 10 were trimmed and cannot be learned any more; start with --after 10';

const replicas: Replica[] = [];
const processes: CommandProcess[] = [];
let directory: string;
let config: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'libpaxos-behind-'));
  config = join(directory, 'paxos.conf');
  const ports = await freePorts(3);
  await writeFile(config, ports.map((port, id) => `replica ${id} 127.0.0.1 ${port}\n`).join(''));
  const trimmed = [0, 1, 2].map(async (id) => {
    await new Promise<void>((resolve, reject) => {
      const report = (event: NodeEvent) => event.type === 'trimmed' && resolve();
      const observer = { report };
      Replica.start({ config, id, observer, deliver: () => undefined }).then((replica) => {
        replicas[id] = replica;
        if (id === 0) fill(replica).catch(reject);
      }, reject);
    });
  });
  await Promise.all(trimmed);
});

afterEach(async () => {
  for (const running of processes.splice(0)) await running.signal('SIGKILL');
});

afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.close()));
  await rm(directory, { recursive: true });
});

async function fill(replica: Replica): Promise<void> {
  for (let i = 1; i <= VALUES; i++) await replica.submit(Buffer.from(`value ${i}`));
  replica.sendTrim(TRIMMED);
}

function start(...words: string[]): CommandProcess {
  const started = new CommandProcess(words);
  processes.push(started);
  return started;
}

/** How long a process lived once its program was loaded. */
async function endOf(running: CommandProcess): Promise<{ code: unknown; ms: number }> {
  await running.out.first(/Connect to/);
  const startedAt = performance.now();
  const code = await running.ended;
  return { code, ms: performance.now() - startedAt };
}

describe('on a cluster that was trimmed', () => {
  it('a learner ends within a second with one line and exit code 3', async () => {
    const learner = start('learner', config);
    const { code, ms } = await endOf(learner);
    process.stdout.write(`a learner behind the trim point: ended after ${Math.round(ms)} ms\n`);
    expect(code).toBe(3);
    expect(learner.err.all).toEqual([expect.stringContaining(LINE)]);
    expect(learner.out.text).not.toContain('trimmed');
    expect(ms).toBeLessThan(AT_ONCE_MS);
  });

  it('a learner that has a checkpoint prints what is above it', async () => {
    const learner = start('learner', config, '--after', String(TRIMMED), '--json', '--every', '20');
    expect(await learner.out.first(/"delivered":20,/)).toContain('"type":"progress"');
  });

  it('a replica that begins at 1 again ends so too, and goes on with a checkpoint', async () => {
    await replicas[2]?.close();
    const lost = start('replica', '2', config);
    const { code, ms } = await endOf(lost);
    expect(code).toBe(3);
    expect(lost.err.all).toEqual([expect.stringContaining(LINE)]);
    expect(ms).toBeLessThan(AT_ONCE_MS);
    const back = start('replica', '2', config, '--after', String(TRIMMED), '--json', '--every', '20');
    await back.out.first(/"delivered":20,/);
  });
});
