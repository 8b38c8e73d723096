import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import type { ClusterStatus, NodeStatus } from '../evpaxos/index.ts';
import { duration, statusLines } from './status-view.ts';

const PLAIN = pc.createColors(false);

const UP: NodeStatus = {
  kind: 'replica',
  id: 0,
  host: '10.0.0.1',
  port: 8800,
  state: 'up',
  reason: null,
  forMs: 3_723_000,
  role: 'leader',
  software: 'libpaxos 1.2.3 (TypeScript)',
  claims: null,
  leaderBallot: 20,
  ballot: 20,
  accepted: 1_204_331,
  chosen: 1_204_331,
  delivered: 1_204_331,
  lag: 0,
  trimmed: 1_000_000,
  storage: {
    backend: 'lmdb',
    durability: 'synced',
    bytes: 1_500_000,
    limitBytes: 10_485_760,
    stalledMs: 0,
    isReplaced: false,
  },
  waiting: { values: 12, bytes: 1200 },
  peers: { replicas: 2, acceptors: 0, proposers: 0, learners: 1, clients: 0, others: 3 },
  missing: [],
  lastError: null,
};

const NOTHING = {
  forMs: null,
  role: null,
  software: null,
  leaderBallot: null,
  ballot: null,
  accepted: null,
  chosen: null,
  delivered: null,
  lag: null,
  trimmed: null,
  storage: null,
  waiting: null,
  peers: null,
} as const;

function statusOf(...nodes: NodeStatus[]): ClusterStatus {
  return {
    clusterName: 'libpaxos',
    acceptors: { count: nodes.length, quorum: 2, up: nodes.filter(({ state }) => state === 'up').length },
    hasQuorum: true,
    leader: { proposerId: 0, ballot: 20, isUp: true },
    chosen: 1_204_331,
    nodes,
  };
}

const FOLLOWER: NodeStatus = { ...UP, id: 1, role: 'follower', delivered: 1_204_000, lag: 331, ballot: 11 };
const DOWN: NodeStatus = {
  ...UP,
  ...NOTHING,
  id: 2,
  state: 'down',
  reason: 'connection refused',
  forMs: 12_000,
};

describe('statusLines', () => {
  it('is one table where there is room, numbers to the right', () => {
    expect(statusLines(statusOf(UP, FOLLOWER, DOWN), 1000, PLAIN)).toEqual([
      '2 of 3 acceptors up, 2 needed: a quorum. Leader: proposer 0, ballot 20. Chosen up to 1,204,331.',
      '',
      'node       address        state      for  role       accepted  delivered  lag         leader    trimmed  waiting  storage                      peers                            version',
      'replica 0  10.0.0.1:8800  up     1 h 2 m  leader    1,204,331  1,204,331    0  0 (ballot 20)  1,000,000       12  lmdb synced 1.4 MB of 10 MB  2 replicas, 1 learner, 3 others  1.2.3',
      'replica 1  10.0.0.1:8800  up     1 h 2 m  follower  1,204,331  1,204,000  331  0 (ballot 20)  1,000,000       12  lmdb synced 1.4 MB of 10 MB  2 replicas, 1 learner, 3 others  1.2.3',
      'replica 2  10.0.0.1:8800  down      12 s  –                 –          –    –              –          –        –  –                            –                                –',
      '',
      'replica 2 is down: connection refused.',
    ]);
  });

  it.each([80, 120, 60, 45])('has no line beyond %i columns, and leaves nothing out', (columns) => {
    const lines = statusLines(statusOf(UP, FOLLOWER, DOWN), columns, PLAIN);
    expect(lines.filter((line) => line.length > columns)).toEqual([]);
    const text = lines.join('\n');
    for (const wanted of ['1,204,000', '331', '1,000,000', '1.4 MB', '3 others', '1.2.3'])
      expect(text).toContain(wanted);
  });

  it('shows no column of which nothing is known', () => {
    const lines = statusLines(statusOf(DOWN, DOWN), 1000, PLAIN);
    expect(lines[2]).toBe('node       address        state   for');
  });

  it('says by words what colours show', () => {
    const lost = { ...statusOf(UP, DOWN, DOWN), hasQuorum: false, leader: null };
    expect(statusLines(lost, 1000, PLAIN)[0]).toBe(
      '1 of 3 acceptors up, 2 needed: NO QUORUM. Nobody is known to lead. Chosen up to 1,204,331.',
    );
    const coloured = statusLines(lost, 1000, pc.createColors(true)).join('\n');
    const escapes = new RegExp(`${String.fromCharCode(27)}${'\\['}[0-9]+m`, 'g');
    expect(coloured).toMatch(escapes);
    expect(coloured.replace(escapes, '')).toBe(statusLines(lost, 1000, PLAIN).join('\n'));
  });

  it('says what an original is known to have reached', () => {
    const original: NodeStatus = { ...UP, ...NOTHING, role: 'original', accepted: 1000, trimmed: 0 };
    expect(statusLines(statusOf(original), 1000, PLAIN)[3]).toMatch(/up {5}–|original/);
    expect(statusLines(statusOf(original), 1000, PLAIN)[3]).toContain('≥1,000');
  });

  it('has a sentence for each thing that is wrong', () => {
    const nodes: NodeStatus[] = [
      { ...UP, missing: [1, 2], lastError: { text: 'the disk is full', agoMs: 61_000 } },
      { ...FOLLOWER, claims: 'replica 2', leaderBallot: 31 },
      { ...DOWN, state: 'other cluster', reason: 'cluster-name differ' },
      { ...UP, id: 3, role: 'follower', state: 'stalled', reason: 'its disk does not finish a write' },
      { ...DOWN, id: 4, state: 'no answer', reason: null, software: 'libpaxos 1.2.2 (TypeScript)' },
    ];
    expect(statusLines(statusOf(...nodes), 1000, PLAIN).slice(9)).toEqual([
      'replica 0 has no connection to acceptor 1.',
      'replica 1: who answers there says it is replica 2.',
      'replica 1 hears another leader: proposer 1, ballot 31.',
      'replica 2 is of another cluster: cluster-name differ.',
      'replica 3 is stalled: its disk does not finish a write.',
      'replica 4 is there, and does not answer.',
      'Versions differ: libpaxos 1.2.3 (TypeScript), libpaxos 1.2.2 (TypeScript).',
      'replica 0, 1 m 1 s ago: the disk is full',
    ]);
  });
});

describe('duration', () => {
  it.each([
    [0, '0 s'],
    [999, '0 s'],
    [61_000, '1 m 1 s'],
    [3_600_000, '1 h'],
    [90_061_000, '1 d 1 h'],
    [86_400_000 * 400, '400 d'],
  ])('of %i ms is %s', (ms, text) => expect(duration(ms)).toBe(text));
});
