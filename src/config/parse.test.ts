import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PaxosError } from '../paxos/error.ts';
import type { Config } from './config.ts';
import { DEFAULT_OPTIONS } from './options.ts';
import { parseConfig, readConfig } from './parse.ts';
import { ConfigError } from './problem.ts';

const NODE = 'replica 0 127.0.0.1 8800\n';

function configOf(text: string): Config {
  return parseConfig(NODE + text).config;
}

function warningsOf(text: string): readonly string[] {
  return parseConfig(NODE + text, 'paxos.conf').warnings;
}

/** The error lines of a text; the node that every text gets stands on line 1. */
function problemsOf(text: string): readonly string[] {
  return linesThrown(() => parseConfig(NODE + text, 'paxos.conf'));
}

function linesThrown(call: () => unknown): readonly string[] {
  try {
    call();
  } catch (error) {
    if (error instanceof PaxosError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('parseConfig', () => {
  it('leaves every option at its default that the file does not name', () => {
    const node = { id: 0, host: '127.0.0.1', port: 8800 };
    const nodes = { file: undefined, acceptors: [node], proposers: [node], replicas: true };
    expect(configOf('')).toEqual({ ...DEFAULT_OPTIONS, ...nodes });
  });

  it('reads every directive', () => {
    const config = configOf(`
      verbosity debug
      tcp-nodelay no
      learner-catch-up no
      proposer-timeout 10
      proposer-preexec-window 1024
      storage-backend lmdb
      acceptor-trash-files yes
      lmdb-sync yes
      lmdb-env-path /var/lib/my paxos/acceptor
      lmdb-mapsize 1gb
      cluster-name Orders_2.eu-west
      leader-timeout 300
      heartbeat-interval 50
      max-message 1mb
      max-peer-backlog 2mb
      max-waiting 3mb`);
    expect(config).toMatchObject({
      verbosity: 'debug',
      tcpNodelay: false,
      learnerCatchUp: false,
      proposerTimeoutS: 10,
      proposerPreexecWindow: 1024,
      storageBackend: 'lmdb',
      acceptorTrashFiles: true,
      lmdbSync: true,
      lmdbEnvPath: '/var/lib/my paxos/acceptor',
      lmdbMapsizeBytes: 1024 ** 3,
      clusterName: 'Orders_2.eu-west',
      leaderTimeoutMs: 300,
      heartbeatIntervalMs: 50,
      maxMessageBytes: 1024 ** 2,
      maxPeerBacklogBytes: 2 * 1024 ** 2,
      maxWaitingBytes: 3 * 1024 ** 2,
    });
  });

  it('takes keywords and words in upper and lower case', () => {
    expect(configOf('VERBOSITY Quiet\nTcp-NoDelay NO')).toMatchObject({
      verbosity: 'quiet',
      tcpNodelay: false,
    });
  });

  it('passes over comments, empty lines and lines of spaces, indented or not', () => {
    expect(configOf('# verbosity debug\n\n   \n\t\n  # verbosity debug\n#verbosity debug').verbosity).toBe(
      'info',
    );
  });

  it('takes tabs, indentation, trailing spaces, CRLF, a byte order mark and a last line without an end', () => {
    const { config } = parseConfig(
      '\uFEFFreplica\t0 \t127.0.0.1\t8800\r\n\tproposer-timeout\t 3  \r\n  lmdb-sync no',
    );
    expect(config).toMatchObject({ proposerTimeoutS: 3, lmdbSync: false });
    expect(config.acceptors).toEqual([{ id: 0, host: '127.0.0.1', port: 8800 }]);
  });

  it.each([
    ['10mb', 10 * 1024 ** 2],
    ['10 MB', 10 * 1024 ** 2],
    ['10\tMb', 10 * 1024 ** 2],
    ['512KB', 512 * 1024],
    ['2 gb', 2 * 1024 ** 3],
    ['10485760', 10_485_760],
    ['10mb # ten', 10 * 1024 ** 2],
    ['10mb#ten', 10 * 1024 ** 2],
    ['10mb and no more', 10 * 1024 ** 2],
    ['10485760 # ten', 10_485_760],
  ])('reads lmdb-mapsize %s as %i bytes', (text, bytes) => {
    expect(configOf(`lmdb-mapsize ${text}`).lmdbMapsizeBytes).toBe(bytes);
  });

  it.each(['10', '+10', '010', '10 seconds', '10s', '10 sec', '10 # ten', '10# ten'])(
    'reads proposer-timeout %s as 10, without a warning',
    (text) => {
      expect(configOf(`proposer-timeout ${text}`).proposerTimeoutS).toBe(10);
      expect(warningsOf(`proposer-timeout ${text}`)).toEqual([]);
    },
  );

  it('ignores text after a number, and warns where it may have been a unit', () => {
    expect(configOf('proposer-timeout 500 ms').proposerTimeoutS).toBe(500);
    expect(warningsOf('proposer-timeout 500 ms\nproposer-timeout 1.5')).toEqual([
      'paxos.conf:2: "ms" after 500 is ignored: proposer-timeout is in whole seconds',
      'paxos.conf:3: ".5" after 1 is ignored: proposer-timeout is in whole seconds',
      'paxos.conf:3: proposer-timeout is given again; this one counts, not paxos.conf:2',
    ]);
  });

  it('lets the last of two directives count, with a warning', () => {
    expect(configOf('verbosity debug\nverbosity quiet').verbosity).toBe('quiet');
    expect(warningsOf('verbosity debug\nverbosity quiet')).toEqual([
      'paxos.conf:3: verbosity is given again; this one counts, not paxos.conf:2',
    ]);
  });

  it('warns of what is allowed but hardly meant', () => {
    expect(warningsOf('lmdb-sync yes\nmax-message 128mb')).toEqual([
      'paxos.conf:2: lmdb-sync yes does nothing with storage-backend memory; add "storage-backend lmdb"',
      'paxos.conf: max-waiting (64mb) is below max-message (128mb): values above it are always refused; make them equal',
    ]);
  });

  it('tells where each option was set', () => {
    const { origins } = parseConfig(`${NODE}\nverbosity quiet`, 'paxos.conf');
    expect(origins).toEqual({ verbosity: { file: 'paxos.conf', line: 3 } });
  });
});

describe('parseConfig reports', () => {
  it.each([
    ['replcia 1 127.0.0.1 8801', 'unknown directive "replcia"; did you mean "replica"?'],
    ['verbosity=debug', 'unknown directive "verbosity=debug"; did you mean "verbosity"?'],
    ['lmdb_sync yes', 'unknown directive "lmdb_sync"; did you mean "lmdb-sync"?'],
    ['verbosity', 'verbosity has no value; use quiet, error, info or debug'],
    ['lmdb-env-path', 'lmdb-env-path has no value; use a path, to the end of the line'],
    [
      'verbosity loud',
      /^verbosity must be quiet, error, info or debug, not "loud"; the nearest that exists is "/,
    ],
    ['verbosity debgu', 'verbosity must be quiet, error, info or debug, not "debgu"; did you mean "debug"?'],
    ['storage-backend lmbd', 'storage-backend must be memory or lmdb, not "lmbd"; did you mean "lmdb"?'],
    ['tcp-nodelay on', 'tcp-nodelay must be yes or no, not "on"; did you mean "yes"?'],
    ['lmdb-sync ye', 'lmdb-sync must be yes or no, not "ye"; did you mean "yes"?'],
    [
      'lmdb-sync yes # durable',
      'lmdb-sync yes is followed by "# durable", which the original refuses; put comments on a line of their own',
    ],
    ['proposer-timeout soon', 'proposer-timeout must be 1 to 3600 seconds, not "soon"'],
    ['proposer-timeout 0', 'proposer-timeout 0 is out of range; use 1 to 3600 seconds'],
    ['proposer-timeout -1', 'proposer-timeout -1 is out of range; use 1 to 3600 seconds'],
    [
      'proposer-preexec-window 65537',
      'proposer-preexec-window 65537 is out of range; use 1 to 65536 instances',
    ],
    ['lmdb-mapsize big', 'lmdb-mapsize must be 64kb to 16384gb, not "big"'],
    [
      'lmdb-mapsize 10m',
      'lmdb-mapsize has the unit "m" after 10, where only kb, mb or gb may stand; did you mean "mb"?',
    ],
    [
      'lmdb-mapsize 1.5gb',
      /^lmdb-mapsize has the unit ".5gb" after 1, where only kb, mb or gb may stand; .*"gb"/,
    ],
    ['lmdb-mapsize 0', 'lmdb-mapsize 0 is out of range; use 64kb to 16384gb'],
    ['lmdb-mapsize -10mb', 'lmdb-mapsize -10485760 is out of range; use 64kb to 16384gb'],
    ['max-message 2gb', 'max-message 2gb is out of range; use 1kb to 1gb'],
    ['leader-timeout 49', 'leader-timeout 49 is out of range; use 50 to 60000 milliseconds'],
    ['leader-timeout 60001', 'leader-timeout 60001 is out of range; use 50 to 60000 milliseconds'],
    [
      'cluster-name two words',
      'cluster-name must be a name of 1 to 64 letters, digits, dots, underscores and hyphens, not "two words"',
    ],
    [
      `cluster-name ${'x'.repeat(65)}`,
      `cluster-name must be a name of 1 to 64 letters, digits, dots, underscores and hyphens, not "${'x'.repeat(60)}…"`,
    ],
    [
      'lmdb-env-path /tmp/\u0000',
      'lmdb-env-path must be a path, to the end of the line without control characters or outer spaces, not "/tmp/?"',
    ],
    [
      'heartbeat-interval 250',
      'heartbeat-interval (250) must be less than half of leader-timeout (500), so that one late heartbeat deposes no leader; use heartbeat-interval 100',
    ],
  ])('%s', (line, problem) => {
    const [first = '', ...others] = problemsOf(line);
    expect(others).toEqual([]);
    expect(first.startsWith('paxos.conf:2: ')).toBe(true);
    const message = first.slice('paxos.conf:2: '.length);
    if (typeof problem === 'string') expect(message).toBe(problem);
    else expect(message).toMatch(problem);
  });

  it('the default heartbeat interval too, if the leader timeout does not fit it', () => {
    expect(problemsOf('leader-timeout 200')).toEqual([
      'paxos.conf: heartbeat-interval (100) must be less than half of leader-timeout (200), so that one late heartbeat deposes no leader; use heartbeat-interval 40',
    ]);
    expect(problemsOf('leader-timeout 201')).toEqual([]);
  });

  it('every problem of a file, in the order of its lines', () => {
    const problems = problemsOf(
      'verbosity loud\nreplica 0 b 1\nfoo\nlmdb-sync maybe\nreplica 3 c 0\nleader-timeout 60',
    );
    expect(problems.map((line) => line.split(': ')[0])).toEqual([
      'paxos.conf:2',
      'paxos.conf:3',
      'paxos.conf:4',
      'paxos.conf:5',
      'paxos.conf:6',
      'paxos.conf',
    ]);
  });

  it('with code CONFIG_INVALID and the problems as data', () => {
    const call = () => parseConfig('replica 0 a 0');
    expect(call).toThrow(ConfigError);
    expect(call).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: 'line 1: port 0 is out of range; use 1 to 65535',
        problems: [{ where: 'line 1', message: 'port 0 is out of range; use 1 to 65535' }],
      }),
    );
  });

  it('at most a hundred lines of what is no config at all', () => {
    const lines = problemsOf('x\n'.repeat(500));
    expect(lines).toHaveLength(101);
    expect(lines.at(-1)).toBe('and 400 more');
  });
});

describe('readConfig', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'paxos-config-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function file(name: string, text: string | Uint8Array): string {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  }

  it('reads a file and keeps its name', () => {
    const path = file('paxos.conf', NODE);
    const { config, origins } = readConfig(path);
    expect(config.file).toBe(path);
    expect(config.acceptors).toHaveLength(1);
    expect(origins).toEqual({});
  });

  it('reads our own directives from the second file beside it', () => {
    const path = file('paxos.conf', `${NODE}verbosity quiet\ncluster-name one`);
    file('paxos.conf.ours', '# ours\ncluster-name two\nmax-message 1mb\n');
    const { config, warnings, origins } = readConfig(path);
    expect(config).toMatchObject({
      verbosity: 'quiet',
      clusterName: 'two',
      maxMessageBytes: 1024 ** 2,
      file: path,
    });
    expect(warnings).toEqual([`${path}.ours:2: cluster-name is given again; this one counts, not ${path}:3`]);
    expect(origins.clusterName).toEqual({ file: `${path}.ours`, line: 2 });
  });

  it('refuses in the second file what the original knows, and reports both files together', () => {
    const path = file('paxos.conf', `${NODE}foo`);
    file('paxos.conf.ours', 'verbosity quiet\nr 1 a 1\nleader-timeuot 3\nmax-message 1');
    expect(linesThrown(() => readConfig(path))).toEqual([
      expect.stringMatching(/paxos\.conf:2: unknown directive "foo"; /),
      `${path}.ours:1: directive "verbosity" is one that the original knows, and belongs into "paxos.conf"`,
      `${path}.ours:2: directive "replica" is one that the original knows, and belongs into "paxos.conf"`,
      `${path}.ours:3: unknown directive "leader-timeuot"; did you mean "leader-timeout"?`,
      `${path}.ours:4: max-message 1 is out of range; use 1kb to 1gb`,
    ]);
  });

  it('says in one line that a file does not exist', () => {
    const path = join(folder, 'none.conf');
    expect(() => readConfig(path)).toThrow(
      new PaxosError(
        'CONFIG_UNREADABLE',
        `cannot read ${path}: there is no such file; give the path of a paxos.conf`,
      ),
    );
    const below = join(file('paxos.conf', NODE), 'paxos.conf');
    expect(linesThrown(() => readConfig(below))).toEqual([expect.stringMatching(/there is no such file/)]);
  });

  it('says in one line that a path is a directory, or cannot be a path', () => {
    expect(() => readConfig(folder)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_UNREADABLE',
        message: `cannot read ${folder}: it is a directory; give the path of a paxos.conf`,
      }),
    );
    expect(() => readConfig('a\0b')).toThrow(expect.objectContaining({ code: 'CONFIG_UNREADABLE' }));
  });

  it('does not overlook a second file that cannot be read', () => {
    const path = file('paxos.conf', NODE);
    mkdirSync(`${path}.ours`);
    expect(linesThrown(() => readConfig(path))).toEqual([
      `cannot read ${path}.ours: it is a directory; give the path of a paxos.conf`,
    ]);
  });

  it('reads a megabyte and refuses more', () => {
    const comment = `${NODE}#`.padEnd(1024 * 1024, 'x');
    expect(readConfig(file('full.conf', comment)).config.acceptors).toHaveLength(1);
    expect(linesThrown(() => readConfig(file('fuller.conf', `${comment}x`)))).toEqual([
      expect.stringMatching(/it is larger than 1 MB, so hardly a paxos\.conf; give the path of one$/),
    ]);
    expect(linesThrown(() => readConfig('/dev/zero'))).toEqual([
      expect.stringMatching(/it is larger than 1 MB/),
    ]);
  });
});
