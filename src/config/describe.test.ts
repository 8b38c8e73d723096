import { describe, expect, it } from 'vitest';
import {
  configDescription,
  describeConfig,
  durabilityOf,
  durabilitySentence,
  optionLines,
} from './describe.ts';
import { DEFAULT_OPTIONS, OPTIONS } from './options.ts';
import { parseConfig } from './parse.ts';

function described(text: string): string {
  return describeConfig(parseConfig(text, 'paxos.conf')).join('\n').replaceAll(/\s+/g, ' ');
}

function replicas(count: number): string {
  return Array.from({ length: count }, (_, id) => `r ${id} 10.0.0.${id + 1} 8800`).join('\n');
}

describe('describeConfig', () => {
  it('shows the nodes in a table, and each option with its value, origin and sentence', () => {
    const lines = describeConfig(
      parseConfig('r 0 node-1 8800\na 1 b 80\nproposer-timeout 2\np 1 b 81', 'paxos.conf'),
    );
    expect(lines.slice(0, 5)).toEqual([
      'Nodes',
      '  role      id  address  port',
      '  replica   0   node-1   8800',
      '  acceptor  1   b        80',
      '  proposer  1   b        81',
    ]);
    expect(lines).toContain('  proposer-timeout         2 s            line 3');
    expect(lines).toContain('  leader-timeout           500 ms         default');
    expect(lines).toContain('  verbosity                info           default');
    expect(lines).toContain('    An instance that no quorum has answered for this long is sent again.');
  });

  it('names the file of an option that another file set', () => {
    const parsed = parseConfig(replicas(1), 'paxos.conf');
    const origins = { clusterName: { file: 'paxos.conf.ours', line: 7 } };
    expect(describeConfig({ ...parsed, origins }).join('\n')).toContain('paxos.conf.ours:7');
  });

  it.each([
    [1, 'A quorum is 1 of 1 acceptor: if it is away, nothing is chosen until it is back.'],
    [
      2,
      'A quorum is 2 of 2 acceptors: if one is away, nothing is chosen until it is back. An even number survives no more than 1 would.',
    ],
    [3, 'A quorum is 2 of 3 acceptors: values are still chosen while 1 of them is away.'],
    [
      4,
      'A quorum is 3 of 4 acceptors: values are still chosen while 1 of them is away. An even number survives no more than 3 would.',
    ],
    [5, 'A quorum is 3 of 5 acceptors: values are still chosen while 2 of them are away.'],
  ])('says what %i acceptors survive', (count, sentence) => {
    expect(described(replicas(count))).toContain(`${sentence} Storage is`);
  });

  it('says that one host takes all its nodes with it', () => {
    const text = 'r 0 localhost 1\nr 1 localhost 2\nr 2 localhost 3';
    expect(described(text)).toContain('All are on one host, which takes them all with it when it fails.');
  });

  it('puts warnings first', () => {
    const lines = describeConfig(parseConfig('r 1 a 1', 'paxos.conf'));
    expect(lines[0]).toMatch(/^warning: paxos\.conf:1: replica ID 1 stands in position 0/);
    expect(lines[1]).toBe('');
  });

  it('keeps its lines to the width of a terminal', () => {
    for (const line of [...describeConfig(parseConfig(replicas(10))), ...optionLines()]) {
      expect(line.length).toBeLessThanOrEqual(110);
    }
  });
});

describe('configDescription', () => {
  it('is plain data that JSON keeps', () => {
    const description = configDescription(parseConfig('r 0 a 1\nr 1 a 2\nr 2 a 3\nmax-message 1mb'));
    expect(JSON.parse(JSON.stringify(description))).toEqual(description);
    expect(description).toMatchObject({
      file: null,
      acceptors: 3,
      proposers: 3,
      quorum: 2,
      failuresSurvived: 1,
      durability: { level: 'memory' },
      fingerprint: 0x59209898,
      warnings: [],
    });
    expect(description.nodes[2]).toEqual({ kind: 'replica', id: 2, host: 'a', port: 3 });
    expect(description.options.find(({ directive }) => directive === 'max-message')).toMatchObject({
      value: 1024 ** 2,
      text: '1mb',
      origin: { file: null, line: 4 },
      ours: true,
    });
    expect(description.options.find(({ directive }) => directive === 'verbosity')).toMatchObject({
      value: 'info',
      origin: null,
      ours: false,
    });
  });
});

describe('durability', () => {
  const lmdb = { ...DEFAULT_OPTIONS, storageBackend: 'lmdb', lmdbEnvPath: '/var/lib/acceptor' } as const;

  it('in memory is none: a restarted acceptor has forgotten its promises', () => {
    expect(durabilityOf(DEFAULT_OPTIONS)).toBe('memory');
    expect(durabilitySentence(DEFAULT_OPTIONS)).toContain(
      'an acceptor that restarts has forgotten its promises',
    );
  });

  it('in lmdb without sync survives the end of the process, not a power cut', () => {
    expect(durabilityOf(lmdb)).toBe('unsynced');
    expect(durabilitySentence(lmdb)).toMatch(/survives the end of the process .* but not a power cut/);
  });

  it('in lmdb with sync survives both', () => {
    const synced = { ...lmdb, lmdbSync: true };
    expect(durabilityOf(synced)).toBe('synced');
    expect(durabilitySentence(synced)).toMatch(/survives the end of the process and a power cut\.$/);
  });

  it('ends at the next start where the files are trashed, or below /tmp may', () => {
    const synced = { ...lmdb, lmdbSync: true };
    expect(durabilitySentence({ ...synced, acceptorTrashFiles: true })).toContain(
      'deletes it all at every start',
    );
    expect(durabilitySentence({ ...synced, lmdbEnvPath: '/tmp/acceptor' })).toContain('below /tmp');
    expect(durabilitySentence({ ...synced, lmdbEnvPath: '/tmpfiles/acceptor' })).not.toContain('/tmp,');
  });
});

describe('optionLines', () => {
  it('give every directive with what it takes, its default and its sentence', () => {
    const lines = optionLines();
    expect(lines).toContain('  leader-timeout  50 to 60000 milliseconds (default 500)');
    for (const { directive } of OPTIONS) {
      expect(lines.filter((line) => line.startsWith(`  ${directive}  `))).toHaveLength(1);
    }
  });
});
