import { describe, expect, it } from 'vitest';
import type { Config } from './config.ts';
import { checkHost, checkPort } from './nodes.ts';
import { parseConfig } from './parse.ts';
import { ConfigError } from './problem.ts';

function problemsOf(text: string): readonly string[] {
  try {
    parseConfig(text, 'paxos.conf');
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

function nodesOf(config: Config): { acceptors: readonly string[]; proposers: readonly string[] } {
  const names = (nodes: Config['acceptors']) => nodes.map(({ id, host, port }) => `${id} ${host} ${port}`);
  return { acceptors: names(config.acceptors), proposers: names(config.proposers) };
}

const ELEVEN = Array.from({ length: 11 }, (_, id) => `replica ${id} 127.0.0.1 ${8800 + id}`);

describe('node lines', () => {
  it('make each replica an acceptor and a proposer on one port', () => {
    const { config, warnings } = parseConfig(
      'verbosity quiet\n\nreplica 0 127.0.0.1 8800\nreplica 1 127.0.0.1 8801\nreplica 2 127.0.0.1 8802',
    );
    const three = ['0 127.0.0.1 8800', '1 127.0.0.1 8801', '2 127.0.0.1 8802'];
    expect(nodesOf(config)).toEqual({ acceptors: three, proposers: three });
    expect(config.replicas).toBe(true);
    expect(config.verbosity).toBe('quiet');
    expect(warnings).toEqual([]);
  });

  it('keep acceptors and proposers apart', () => {
    const { config } = parseConfig('acceptor 0 a 1\nacceptor 1 b 2\nproposer 0 c 3');
    expect(nodesOf(config)).toEqual({ acceptors: ['0 a 1', '1 b 2'], proposers: ['0 c 3'] });
    expect(config.replicas).toBe(false);
  });

  it('have short forms and any case', () => {
    const { config } = parseConfig('r 0 a 1\nA 1 b 2\nP 1 c 3\nRePlIcA 2 d 4');
    expect(nodesOf(config)).toEqual({
      acceptors: ['0 a 1', '1 b 2', '2 d 4'],
      proposers: ['0 a 1', '1 c 3', '2 d 4'],
    });
  });

  it('take ids by position in file order, replica lines counting in both roles, as the original does', () => {
    const { config, warnings } = parseConfig(
      'proposer 0 a 1\nproposer 1 b 2\nreplica 2 c 3\nacceptor 1 d 4',
      'f',
    );
    expect(nodesOf(config)).toEqual({
      acceptors: ['0 c 3', '1 d 4'],
      proposers: ['0 a 1', '1 b 2', '2 c 3'],
    });
    expect(config.replicas).toBe(false);
    expect(warnings).toEqual([
      'f:3: this replica is acceptor 0 and proposer 2, because ids go by position; put the replica lines before the others',
    ]);
  });

  it('warn of an ID that is not its position, and go by the position', () => {
    const { config, warnings } = parseConfig('replica 1 a 1\nreplica 2 b 2\nacceptor 7 c 3', 'paxos.conf');
    expect(nodesOf(config).acceptors).toEqual(['0 a 1', '1 b 2', '2 c 3']);
    expect(warnings).toEqual([
      'paxos.conf:1: replica ID 1 stands in position 0 and goes by that, as in the original; write "replica 0"',
      'paxos.conf:2: replica ID 2 stands in position 1 and goes by that, as in the original; write "replica 1"',
      'paxos.conf:3: acceptor ID 7 stands in position 2 and goes by that, as in the original; write "acceptor 2"',
    ]);
  });

  it('keep host names as they are written', () => {
    const { config } = parseConfig('r 0 Node-1.example.org 8800\nr 1 localhost 8800\nr 2 fe80::1%eth0 8800');
    expect(config.acceptors.map(({ host }) => host)).toEqual([
      'Node-1.example.org',
      'localhost',
      'fe80::1%eth0',
    ]);
  });

  it('ignore text after the port', () => {
    const { config, warnings } = parseConfig(
      'replica 0 10.0.0.1 8800 the first machine\nreplica 1 10.0.0.2 8800# the second\nreplica 2 10.0.0.3 8800 #',
    );
    expect(config.acceptors.map(({ port }) => port)).toEqual([8800, 8800, 8800]);
    expect(warnings).toEqual([]);
  });

  it('warn of letters that stick to the port, and ignore them', () => {
    const { config, warnings } = parseConfig('replica 0 10.0.0.1 88oo');
    expect(config.acceptors[0]?.port).toBe(88);
    expect(warnings).toEqual(['line 1: "oo" after port 88 is ignored; put a space before comments']);
  });

  it('may put an acceptor and a proposer of one id on one port, but warn if the ids differ', () => {
    expect(parseConfig('a 0 x 1\np 0 x 1').warnings).toEqual([]);
    expect(parseConfig('a 0 x 1\na 1 x 2\np 0 x 2').warnings).toEqual([
      'line 3: proposer 0 has the port of acceptor 1: only one of them can listen there',
    ]);
  });

  it('may do without proposers, with a warning', () => {
    expect(parseConfig('a 0 x 1', 'f').warnings).toEqual([
      'f: no proposers, so no value can be proposed; add "proposer" lines',
    ]);
  });
});

describe('node lines are refused', () => {
  it.each([
    ['replica', 'replica needs an ID, an address and a port; write it like "replica 0 127.0.0.1 8800"'],
    ['a 0', 'acceptor needs an ID, an address and a port; write it like "acceptor 0 127.0.0.1 8800"'],
    ['r 0 10.0.0.1', 'replica needs an ID, an address and a port; write it like "replica 0 127.0.0.1 8800"'],
    [
      'r 0 10.0.0.1 # 8800',
      'replica needs an ID, an address and a port; write it like "replica 0 127.0.0.1 8800"',
    ],
    [
      'r 0 10.0.0.1:8800',
      'replica 0 "10.0.0.1:8800" has no port; put a space before it: "replica 0 10.0.0.1 8800"',
    ],
    ['r zero 10.0.0.1 8800', 'ID "zero" is not a number; write "replica 0 127.0.0.1 8800"'],
    ['r 0 10.0.0.1 http', 'port "http" is not a number; use 1 to 65535'],
    ['r 0 10.0.0.1 0', 'port 0 is out of range; use 1 to 65535'],
    ['r 0 10.0.0.1 -1', 'port -1 is out of range; use 1 to 65535'],
    ['r 0 10.0.0.1 65536', 'port 65536 is out of range; use 1 to 65535'],
    ['r 0 10.0.0.256 1', '"10.0.0.256" is not an address; write four numbers from 0 to 255, like 127.0.0.1'],
    [
      'r 0 a/b 1',
      '"a/b" is neither an address nor a host name; write it like 127.0.0.1 or node1.example.org',
    ],
  ])('%s', (line, problem) => {
    expect(problemsOf(line)).toEqual([`paxos.conf:1: ${problem}`]);
  });

  it('when an ID stands twice in one role', () => {
    expect(problemsOf('r 0 a 1\nr 0 b 2\na 0 c 3\np 0 d 4')).toEqual([
      'paxos.conf:2: replica ID 0 is taken by paxos.conf:1; give it another',
      'paxos.conf:3: acceptor ID 0 is taken by paxos.conf:1; give it another',
      'paxos.conf:4: proposer ID 0 is taken by paxos.conf:1; give it another',
    ]);
  });

  it('when an address stands twice in one role, upper and lower case being one', () => {
    expect(problemsOf('r 0 node 1\na 1 NODE 1\np 1 node 1\np 2 node 2')).toEqual([
      'paxos.conf:2: acceptor address NODE 1 is taken by paxos.conf:1; give it another address or port',
      'paxos.conf:3: proposer address node 1 is taken by paxos.conf:1; give it another address or port',
    ]);
  });

  it('when there are more than ten', () => {
    expect(parseConfig(ELEVEN.slice(0, 10).join('\n')).config.acceptors).toHaveLength(10);
    expect(problemsOf(ELEVEN.join('\n'))).toEqual([
      'paxos.conf:11: a cluster has at most 10 acceptors; remove this replica',
    ]);
    expect(problemsOf(['a 0 x 1', ...ELEVEN.map((line) => line.replace('replica', 'p'))].join('\n'))).toEqual(
      ['paxos.conf:12: a cluster has at most 10 proposers; remove this proposer'],
    );
  });

  it('when eleven replicas stand on three addresses, which is wrong in two ways', () => {
    const lines = ELEVEN.map((_, id) => `replica ${id} 127.0.0.1 ${8800 + Math.min(id, 2)}`);
    const problems = problemsOf(['verbosity quiet', '', ...lines].join('\n'));
    expect(problems).toHaveLength(9);
    expect(problems.at(-2)).toBe('paxos.conf:13: a cluster has at most 10 acceptors; remove this replica');
  });

  it('when none is an acceptor', () => {
    const none = 'paxos.conf: no acceptors; add lines like "replica 0 127.0.0.1 8800"';
    expect(problemsOf('')).toEqual([none]);
    expect(problemsOf('proposer 0 a 1')).toEqual([none]);
  });

  it('once for one mistake: a line that cannot be read keeps its position', () => {
    expect(problemsOf('r 0 a 0\nr 1 b 2\nr 2 c 3')).toEqual([
      'paxos.conf:1: port 0 is out of range; use 1 to 65535',
    ]);
  });
});

describe('checkHost and checkPort', () => {
  it.each([
    '127.0.0.1',
    '0.0.0.0',
    'localhost',
    'a',
    '_db.internal',
    'host.',
    '::',
    '::1',
    'fe80::1%eth0',
    '1:2:3:4:5:6:7:8',
    '::ffff:10.0.0.1',
  ])('take %s', (host) => {
    expect(checkHost(host)).toBeUndefined();
  });

  it.each([
    '',
    '-a',
    'a-',
    'a b',
    'a:b',
    'cafe:8800',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    '1.2.3',
    '256.1.1.1',
    '1.2.3.4.5',
    '1..2.3',
    'é.example',
    'x'.repeat(254),
  ])('refuse "%s" as a host', (host) => {
    expect(checkHost(host)).toMatch(/address/);
  });

  it.each([0, -1, 1.5, 65_536, Number.NaN])('refuse %s as a port', (port) => {
    expect(checkPort(port)).toMatch(/out of range/);
  });
});
