import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Address } from '../transport/transport.ts';
import type { Options } from './config.ts';
import { type ConfigNodes, clusterFingerprint, configText, makeConfig } from './make.ts';
import { DEFAULT_OPTIONS } from './options.ts';
import { parseConfig } from './parse.ts';
import { ConfigError } from './problem.ts';

const THREE = [1, 2, 3].map((port) => ({ host: '127.0.0.1', port }));

function problemsOf(nodes: ConfigNodes, options?: Record<string, unknown>): readonly string[] {
  try {
    makeConfig(nodes, options);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('makeConfig', () => {
  it('gives replicas their positions as ids and leaves options at their defaults', () => {
    const nodes = THREE.map((address, id) => ({ id, ...address }));
    const config = makeConfig({ replicas: THREE });
    expect(config).toEqual({
      ...DEFAULT_OPTIONS,
      file: undefined,
      acceptors: nodes,
      proposers: nodes,
      replicas: true,
    });
  });

  it('keeps acceptors and proposers apart, after the replicas', () => {
    const config = makeConfig({
      replicas: [{ host: 'a', port: 1 }],
      acceptors: [{ host: 'b', port: 2 }],
      proposers: [{ host: 'c', port: 3 }],
    });
    expect(config.acceptors.map(({ id, host }) => `${id} ${host}`)).toEqual(['0 a', '1 b']);
    expect(config.proposers.map(({ id, host }) => `${id} ${host}`)).toEqual(['0 a', '1 c']);
    expect(makeConfig({ acceptors: THREE }).replicas).toBe(false);
  });

  it('takes options by their keys', () => {
    const options = { verbosity: 'quiet', storageBackend: 'lmdb', lmdbSync: true } as const;
    expect(makeConfig({ replicas: THREE }, options)).toMatchObject(options);
  });

  it('refuses nodes that a file could not have', () => {
    expect(problemsOf({})).toEqual(['nodes: no acceptors; give replicas or acceptors']);
    expect(
      problemsOf({ replicas: [...THREE, { host: '127.0.0.1', port: 3 }, { host: 'a b', port: 0 }] }),
    ).toEqual([
      'replicas[4]: "a b" is neither an address nor a host name; write it like 127.0.0.1 or node1.example.org',
      'replicas[3]: replica address 127.0.0.1 3 is taken by replicas[2]; give it another address or port',
    ]);
    const eleven = Array.from({ length: 11 }, (_, index) => ({ host: 'a', port: index + 1 }));
    expect(problemsOf({ acceptors: eleven })).toEqual([
      'acceptors[10]: a cluster has at most 10 acceptors; remove this acceptor',
    ]);
  });

  it.each([
    [{ verbosty: 'quiet' }, 'options: unknown option "verbosty"; did you mean "verbosity"?'],
    [
      { verbosity: 'loud' },
      /^options\.verbosity: verbosity must be quiet, error, info or debug, not "loud"; /,
    ],
    [{ verbosity: null }, /^options\.verbosity: .*, not a value of type object$/],
    [{ lmdbSync: 'yes' }, 'options.lmdbSync: lmdb-sync must be yes or no (true or false), not "yes"'],
    [
      { proposerTimeoutS: 0.5 },
      /^options\.proposerTimeoutS: .* 1 to 3600 seconds, a whole number, not 0\.5$/,
    ],
    [
      { proposerTimeoutS: 0 },
      'options.proposerTimeoutS: proposer-timeout 0 is out of range; use 1 to 3600 seconds',
    ],
    [{ maxMessageBytes: 1 }, 'options.maxMessageBytes: max-message 1 is out of range; use 1kb to 1gb'],
    [{ lmdbEnvPath: '' }, /^options\.lmdbEnvPath: lmdb-env-path must be a path, .*, not ""$/],
    [
      { lmdbEnvPath: ' /data' },
      /^options\.lmdbEnvPath: .* without control characters or outer spaces, not " \/data"$/,
    ],
    [{ clusterName: undefined }, /^options\.clusterName: cluster-name must be a name .*, not undefined$/],
    [
      { heartbeatIntervalMs: 400 },
      /^options\.heartbeatIntervalMs: heartbeat-interval \(400\) must be less than half/,
    ],
  ])('refuses the options %j', (options, problem) => {
    const problems = problemsOf({ replicas: THREE }, options);
    expect(problems).toHaveLength(1);
    if (typeof problem === 'string') expect(problems[0]).toBe(problem);
    else expect(problems[0]).toMatch(problem);
  });
});

describe('configText', () => {
  it('writes nodes, and options that are not at their defaults', () => {
    const config = makeConfig({ replicas: THREE }, { tcpNodelay: false, maxMessageBytes: 3 * 1024 ** 2 });
    expect(configText(config)).toBe(
      'replica 0 127.0.0.1 1\nreplica 1 127.0.0.1 2\nreplica 2 127.0.0.1 3\ntcp-nodelay no\nmax-message 3mb\n',
    );
  });

  const hosts = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.domain(),
    fc.constantFrom('localhost', 'Node-1', '_x', 'fe80::1%eth0'),
  );
  const addresses = fc
    .uniqueArray(fc.record({ host: hosts, port: fc.integer({ min: 1, max: 65_535 }) }), {
      minLength: 1,
      maxLength: 10,
      selector: ({ host, port }: Address) => `${host.toLowerCase()} ${port}`,
    })
    .chain((all) =>
      fc
        .tuple(fc.constant(all), fc.nat({ max: all.length }), fc.nat({ max: all.length }))
        .map(([list, a, b]) => ({
          replicas: list.slice(0, Math.min(a, b)),
          acceptors: list.slice(Math.min(a, b), Math.max(a, b)),
          proposers: list.slice(Math.max(a, b)),
        })),
    )
    .filter(({ replicas, acceptors }) => replicas.length + acceptors.length > 0);
  const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/);
  const path = fc.stringMatching(/^\/[A-Za-z0-9/ ._#-]*[A-Za-z0-9._#-]$/);
  const options = fc.record(
    {
      verbosity: fc.constantFrom<Options['verbosity'][]>('quiet', 'error', 'info', 'debug'),
      tcpNodelay: fc.boolean(),
      learnerCatchUp: fc.boolean(),
      proposerTimeoutS: fc.integer({ min: 1, max: 3600 }),
      proposerPreexecWindow: fc.integer({ min: 1, max: 65_536 }),
      storageBackend: fc.constantFrom<Options['storageBackend'][]>('memory', 'lmdb'),
      acceptorTrashFiles: fc.boolean(),
      lmdbSync: fc.boolean(),
      lmdbEnvPath: path,
      lmdbMapsizeBytes: fc.integer({ min: 65_536, max: 2 ** 44 }),
      clusterName: name,
      leaderTimeoutMs: fc.integer({ min: 50, max: 60_000 }),
      heartbeatIntervalMs: fc.integer({ min: 5, max: 24 }),
      maxMessageBytes: fc.integer({ min: 1024, max: 2 ** 30 }),
      maxPeerBacklogBytes: fc.integer({ min: 1024, max: 2 ** 34 }),
      maxWaitingBytes: fc.integer({ min: 1024, max: 2 ** 34 }),
    },
    { requiredKeys: ['heartbeatIntervalMs'] },
  );

  it('reads back as the same config, for any config', () => {
    fc.assert(
      fc.property(addresses, options, (nodes, overrides) => {
        const config = makeConfig(nodes, overrides);
        expect(parseConfig(configText(config)).config).toEqual(config);
      }),
      { numRuns: 500 },
    );
  });
});

describe('clusterFingerprint', () => {
  const base = makeConfig({ replicas: THREE });

  it('is 32 bits, the same in every version: FNV-1a of "3\\nraw\\nlibpaxos\\n"', () => {
    expect(clusterFingerprint(base)).toBe(0x59209898);
  });

  it('does not depend on addresses or other options', () => {
    const elsewhere = THREE.map(({ port }) => ({ host: 'elsewhere', port }));
    const options = { verbosity: 'quiet', maxMessageBytes: 2048 } as const;
    expect(clusterFingerprint(makeConfig({ acceptors: elsewhere }, options))).toBe(clusterFingerprint(base));
  });

  it('differs by acceptor count, by cluster name and by value format', () => {
    const others = [
      makeConfig({ replicas: THREE.slice(1) }),
      makeConfig({ replicas: THREE }, { clusterName: 'orders' }),
      makeConfig({ replicas: THREE }, { valueFormat: 'commands' }),
      base,
    ];
    expect(new Set(others.map(clusterFingerprint)).size).toBe(4);
  });
});
