import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  CommandDirectory,
  type RunningCommand,
  startListening,
  threeReplicas,
} from '../../test/support/command.ts';

const CHECKPOINT = /Counted (\d+) up to instance (\d+), and wrote it to state-\d$/;
const VALUES = 600;

const directories: CommandDirectory[] = [];

afterEach(async () => {
  await Promise.all(directories.splice(0).map((directory) => directory.close()));
});

function make(): Promise<CommandDirectory> {
  return CommandDirectory.make(3, (ports) => threeReplicas(ports));
}

/** Three counters, and a client whose values bring them to their checkpoints faster than their own would. */
async function threeCounters(): Promise<{ directory: CommandDirectory; nodes: RunningCommand[] }> {
  const ids = ['0', '1', '2'];
  const { directory, nodes } = await startListening(
    make,
    ids.map((id) => ['counter', id, 'CONF']),
  );
  directories.push(directory);
  const client = directory.start('client', 'CONF', '-o', '20', '--count', String(VALUES));
  expect(await client.exitCode).toBe(0);
  return { directory, nodes };
}

/** The counts that a counter said, by instance. */
function counts(counter: RunningCommand): Map<number, number> {
  const matches = counter.out.all.map((line) => CHECKPOINT.exec(line)).filter((match) => match !== null);
  return new Map(matches.map((match) => [Number(match[2]), Number(match[1])]));
}

/** The first checkpoint that follows what the client submitted. */
async function reachValues(counter: RunningCommand): Promise<void> {
  for (let count = 1; Math.max(0, ...counts(counter).keys()) < VALUES; count++) {
    await counter.out.matching(CHECKPOINT, count);
  }
}

describe('the counter', () => {
  it('counts the same on every replica, trims what all have in checkpoints, and goes on from its own', async () => {
    const { directory, nodes } = await threeCounters();
    await Promise.all(nodes.map(reachValues));
    await Promise.all(nodes.map((node) => node.out.first(/Trimmed up to instance \d+$/)));
    const [first = new Map<number, number>(), ...others] = nodes.map(counts);
    for (const other of others) {
      const common = [...other].filter(([instance]) => first.has(instance));
      expect(common.length).toBeGreaterThan(0);
      for (const [instance, count] of common)
        expect([instance, first.get(instance)]).toEqual([instance, count]);
    }

    const [, , last] = nodes;
    expect(await last?.stop()).toBe(0);
    const [count, instance] = (await readFile(join(directory.path, 'state-2'), 'utf8'))
      .split(' ')
      .map(Number);
    const again = directory.start('counter', '2', 'CONF');
    await again.out.first(new RegExp(`Going on from state-2: counted ${count} up to instance ${instance}$`));
    await again.out.first(CHECKPOINT);
    const [[nextInstance = 0, nextCount = 0] = []] = counts(again);
    expect(nextInstance).toBeGreaterThan(instance ?? 0);
    expect(nextCount).toBeGreaterThan(count ?? 0);
    await nodes[0]?.out.first(new RegExp(`Counted ${nextCount} up to instance ${nextInstance},`));
  });

  it('says what to do if its checkpoint is lost and the instances were trimmed', async () => {
    const { directory, nodes } = await threeCounters();
    const [, , last] = nodes;
    await last?.out.first(/Trimmed up to instance \d+$/);
    await last?.stop();
    await rm(join(directory.path, 'state-2'));
    const again = directory.start('counter', '2', 'CONF');
    expect(await again.exitCode).toBe(3);
    expect(again.err.text).toMatch(
      /^error: instances up to \d+ were trimmed and cannot be counted: copy the checkpoint of another replica to state-2\n$/,
    );
  });

  it('does not begin with a checkpoint that is damaged', async () => {
    const directory = await make();
    directories.push(directory);
    await writeFile(join(directory.path, 'state-0'), '12');
    const counter = directory.start('counter', '0', 'CONF');
    expect(await counter.exitCode).toBe(1);
    expect(counter.out.text).toBe('');
    expect(counter.err.text).toMatch(/^error: .*state-0 is damaged: .*\n$/);
  });

  it('ends if it cannot write its checkpoint, and submits no TRIM for it', async () => {
    const directory = await make();
    directories.push(directory);
    await mkdir(join(directory.path, 'state-0.new'));
    const counter = directory.start('counter', '0', 'CONF');
    directory.start('replica', '1', 'CONF');
    const learner = directory.start('learner', 'CONF');
    directory.start('client', 'CONF', '--count', '100');
    expect(await counter.exitCode).toBe(1);
    expect(counter.err.text).toMatch(/^error: cannot write the checkpoint .*state-0: EISDIR.*\n$/);
    await learner.stop();
    expect(learner.out.text).not.toContain('[TRIM');
  });
});
