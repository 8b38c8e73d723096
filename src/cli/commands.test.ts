import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  CommandDirectory,
  type RunningCommand,
  runToEnd,
  startListening,
  threeReplicas,
} from '../../test/support/command.ts';
import { freePorts } from '../../test/support/ports.ts';

const SECOND_LINE = /^\d+ value\/sec, \d+\.\d\d Mbps, latency min \d+ us max \d+ us avg \d+ us$/;
const DELIVERY_LINE = /^\d{10}\.\d{6} \[[0-9a-z]{16}\] 64 bytes$/;
const LOG_LINE = /^\d\d [A-Z][a-z]{2} \d\d:\d\d:\d\d\. \S/;

const directories: CommandDirectory[] = [];

afterEach(async () => {
  await Promise.all(directories.splice(0).map((directory) => directory.close()));
});

/** A directory with the tutorial's config, and nothing started. */
async function tutorial(...options: string[]): Promise<CommandDirectory> {
  const directory = await CommandDirectory.make(3, (ports) => threeReplicas(ports, options));
  directories.push(directory);
  return directory;
}

/** The tutorial's config, with these commands listening. */
async function listening(
  commands: readonly (readonly string[])[],
  ...options: string[]
): Promise<{ directory: CommandDirectory; nodes: RunningCommand[] }> {
  const make = () =>
    CommandDirectory.make(3, (ports, path) =>
      threeReplicas(
        ports,
        options.map((option) => option.replace('HERE', path)),
      ),
    );
  const started = await startListening(make, commands);
  directories.push(started.directory);
  return started;
}

const TWO_REPLICAS = [
  ['replica', '0', 'CONF'],
  ['replica', '1', 'CONF'],
] as const;

describe("the tutorial's five commands", () => {
  it('put values through, and print what the original prints', async () => {
    const { directory, nodes } = await listening([
      ['acceptor', '0', 'CONF'],
      ['acceptor', '1', 'CONF'],
      ['proposer', '2', 'CONF'],
    ]);
    const learner = directory.start('learner', 'CONF');
    const client = directory.start('client', 'CONF');
    const [, second = ''] = await client.out.matching(SECOND_LINE, 2);
    expect(Number.parseInt(second, 10)).toBeGreaterThan(0);
    await learner.out.matching(DELIVERY_LINE, 10);

    expect(client.out.all).toContain('Connected to proposer');
    const others = client.out.all.filter((line) => !SECOND_LINE.test(line) && !LOG_LINE.test(line));
    expect(others).toEqual(['Connected to proposer']);
    expect(learner.out.all.every((line) => DELIVERY_LINE.test(line) || LOG_LINE.test(line))).toBe(true);

    for (const command of [client, learner, ...nodes]) {
      expect(await command.stop()).toBe(0);
      expect(command.out.all.at(-1)).toBe('Caught signal 2');
      expect(command.err.text).toBe('');
    }
  });
});

describe('the client', () => {
  it('ends after a count, with a summary, and leaves the same lines with learner and replica', async () => {
    const { directory, nodes } = await listening([
      ['replica', '0', 'CONF', '-v'],
      ['replica', '1', 'CONF'],
    ]);
    const client = directory.start('client', 'CONF', '-o', '50', '--count', '2000', '--percentiles');
    expect(await client.exitCode).toBe(0);
    expect(client.out.all.at(-1)).toMatch(
      /^2000 values in \d+\.\d\d s: \d+ value\/sec, .* avg \d+ us, p50 \d+ us p99 \d+ us p99\.9 \d+ us$/,
    );
    const learner = directory.start('learner', 'CONF');
    const learned = await learner.out.matching(DELIVERY_LINE, 2000);
    expect(await nodes[0]?.out.matching(DELIVERY_LINE, 2000)).toEqual(learned);
    expect(new Set(learned).size).toBe(2000);
  });

  it('prints one JSON object a line, and nothing else, with --json', async () => {
    const { directory } = await listening(TWO_REPLICAS);
    const client = directory.start(
      'client',
      'CONF',
      '-o',
      '10',
      '--json',
      '--percentiles',
      '--seconds',
      '2.5',
    );
    expect(await client.exitCode).toBe(0);
    const objects = client.out.all.map((line) => JSON.parse(line));
    const summary = objects.pop();
    expect(summary).toMatchObject({
      type: 'summary',
      latencyUs: { percentiles: { p50: expect.any(Number) } },
    });
    expect(summary.values).toBeGreaterThan(0);
    for (const [index, object] of objects.entries()) {
      expect(object).toMatchObject({ type: 'second', second: index + 1 });
    }
    expect(client.err.text).toContain('Connected to proposer\n');
  });

  it('sends values of any size up to max-message', async () => {
    const { directory } = await listening(TWO_REPLICAS, 'max-message 3mb');
    const size = 3 * 1024 * 1024 - 64 - 32;
    const client = directory.start('client', 'CONF', '-o', '3', '-v', String(size), '--count', '6');
    expect(await client.exitCode).toBe(0);
    const tooLarge = directory.start('client', 'CONF', '-v', String(size + 1));
    expect(await tooLarge.exitCode).toBe(1);
    expect(tooLarge.err.text).toBe(
      `error: --value-size ${size + 1} is too large; max-message allows ${size}\n`,
    );
  });

  it('says why nothing is chosen, and goes on as soon as something can be', async () => {
    const { directory } = await listening([['acceptor', '0', 'CONF']]);
    const client = directory.start('client', 'CONF', '--count', '5');
    const sentence = await client.err.first(/^Nothing was chosen for \d+ s/);
    expect(sentence).toMatch(/: 2 of 3 acceptors must be up, and only 1 can be reached; start replica 1 /);
    directory.start('acceptor', '1', 'CONF');
    await client.err.first(/no proposer can be reached; start proposer 2 /);
    directory.start('proposer', '2', 'CONF');
    expect(await client.exitCode).toBe(0);
    expect(client.out.text).toMatch(/^5 values in /m);
  });

  it('fails if it was given an end and nothing was chosen by then', async () => {
    const directory = await tutorial();
    const client = directory.start('client', 'CONF', '--seconds', '0.3');
    expect(await client.exitCode).toBe(1);
    expect(client.out.text).toMatch(/^0 values in 0\.\d\d s: 0 value\/sec/m);
    expect(client.err.text).toMatch(
      /^error: nothing was chosen: 2 of 3 acceptors must be up, and none .*\n$/,
    );
  });

  it('ends without an error when it is interrupted before anything was chosen', async () => {
    const directory = await tutorial();
    const client = directory.start('client', 'CONF', '--count', '5');
    await client.out.first(/Connection refused/);
    expect(await client.stop(15)).toBe(0);
    expect(client.out.text).toMatch(/^Caught signal 15\n0 values in /m);
  });
});

describe('what goes wrong', () => {
  it('is a port that is taken', async () => {
    const directory = await tutorial();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(directory.ports[1], '0.0.0.0', () => resolve()));
    try {
      const acceptor = directory.start('acceptor', '1', 'CONF');
      expect(await acceptor.exitCode).toBe(1);
      expect(acceptor.err.text).toBe(
        `error: port ${directory.ports[1]} is already in use: ` +
          'end the process that listens there, or give this node another port\n',
      );
    } finally {
      server.close();
    }
  });

  it.each(['acceptor', 'proposer', 'replica', 'counter'])(
    'is an id that no line of the config has: %s',
    async (name) => {
      const directory = await tutorial();
      const command = directory.start(name, '3', 'CONF');
      expect(await command.exitCode).toBe(1);
      expect(command.err.text).toMatch(
        /^error: there is no (acceptor|proposer|replica) 3: the config has \1s 0 to 2\n$/,
      );
    },
  );

  it('is a client of a proposer that does not exist', async () => {
    const directory = await tutorial();
    const client = directory.start('client', 'CONF', '-p', '3');
    expect(await client.exitCode).toBe(1);
    expect(client.err.text).toBe('error: there is no proposer 3: the config has proposers 0 to 2\n');
  });

  it('is a data directory that another acceptor has', async () => {
    const { directory } = await listening(
      [['acceptor', '0', 'CONF']],
      'storage-backend lmdb',
      'lmdb-env-path HERE/data',
    );
    const text = await readFile(directory.config, 'utf8');
    const other = join(directory.path, 'other.conf');
    await writeFile(other, text.replace(/^replica 0 127.0.0.1 \d+/, 'replica 0 127.0.0.1 1'));
    const second = directory.start('acceptor', '0', other);
    expect(await second.exitCode).toBe(1);
    expect(second.err.text).toMatch(/^error: .*data_0 is in use by another acceptor .*\n$/);
  });

  it('is a proposer id that another process has, found out only after the start', async () => {
    // Most acceptors have to say so: no single one stops a node.
    const { directory } = await listening([...TWO_REPLICAS, ['acceptor', '2', 'CONF']]);
    const [port] = await freePorts(1);
    const text = await readFile(directory.config, 'utf8');
    const other = join(directory.path, 'other.conf');
    await writeFile(other, text.replace(/^replica 0 127.0.0.1 \d+/, `replica 0 127.0.0.1 ${port}`));
    const second = directory.start('proposer', '0', other);
    expect(await second.exitCode).toBe(1);
    expect(second.err.text).toMatch(
      /^error: proposer 0 is running already, at .*; give this one another id\n$/,
    );
  });

  it('is every fault of a config at once, each in its line', async () => {
    const directory = await tutorial('verbosty info', 'proposer-timeout soon');
    for (const words of [['learner'], ['config'], ['replica', '0']]) {
      const command = directory.start(...words, 'CONF');
      expect(await command.exitCode).toBe(1);
      expect(command.err.all.length).toBe(2);
      expect(command.err.all[0]).toMatch(/^error: .*paxos\.conf:4: .*did you mean "verbosity"\?$/);
      expect(command.err.all[1]).toMatch(/^error: .*paxos\.conf:5: /);
    }
  });

  it('is a value format that a command cannot read, said in a line', async () => {
    const directory = await tutorial('value-format commands');
    for (const words of [['replica', '0'], ['learner'], ['client'], ['counter', '0']]) {
      const command = directory.start(...words, 'CONF');
      expect(await command.exitCode).toBe(1);
      expect(command.err.text).toMatch(
        /^error: a (replica|learner|client).* deals in plain values, and this config says value-format commands: use value-format raw, .*\n$/,
      );
    }
  });

  it('is doubtful and said, but does not keep a node from starting', async () => {
    const directory = await CommandDirectory.make(
      1,
      ([port]) => `replica 5 127.0.0.1 ${port}\nverbosity error\n`,
    );
    directories.push(directory);
    const replica = directory.start('acceptor', '0', 'CONF');
    await replica.err.first(/^warning: .*paxos\.conf:1: /);
    expect(await replica.stop()).toBe(0);
    expect(replica.out.text).toBe('Caught signal 2\n');
  });
});

describe('config', () => {
  it('says what a file means, and starts nothing', async () => {
    const directory = await tutorial('lmdb-sync yes');
    const { code, out } = await runToEnd('config', directory.config);
    expect(code).toBe(0);
    expect(out).toContain('A quorum is 2 of 3 acceptors');
    expect(out).toMatch(/lmdb-sync +yes +line 4/);
  });

  it('says the same to programs', async () => {
    const directory = await tutorial();
    const { code, out } = await runToEnd('config', directory.config, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ acceptors: 3, quorum: 2, failuresSurvived: 1 });
  });
});
