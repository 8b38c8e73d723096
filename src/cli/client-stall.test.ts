import { describe, expect, it } from 'vitest';
import { makeConfig } from '../config/index.ts';
import { stallReason } from './client-stall.ts';

const address = (port: number) => ({ host: '127.0.0.1', port });
const replicas = makeConfig({ replicas: [8800, 8801, 8802].map(address) });
const apart = makeConfig({ acceptors: [8800, 8801, 8802].map(address), proposers: [address(5550)] });

describe('why nothing is chosen', () => {
  it('names the acceptors to start, and how many of them', () => {
    expect(stallReason(replicas, { acceptors: [], proposers: [] })).toBe(
      '2 of 3 acceptors must be up, and none can be reached; ' +
        'start 2 of replica 0 (127.0.0.1:8800), 1 (127.0.0.1:8801) or 2 (127.0.0.1:8802).',
    );
    expect(stallReason(apart, { acceptors: [1], proposers: [0] })).toBe(
      '2 of 3 acceptors must be up, and only 1 can be reached; ' +
        'start acceptor 0 (127.0.0.1:8800) or 2 (127.0.0.1:8802).',
    );
    const two = makeConfig({ replicas: [8800, 8801].map(address) });
    expect(stallReason(two, { acceptors: [], proposers: [] })).toMatch(
      /start replica 0 \(127.0.0.1:8800\) and 1 \(127.0.0.1:8801\)\.$/,
    );
  });

  it('names the proposer to start', () => {
    expect(stallReason(apart, { acceptors: [0, 1], proposers: [] })).toBe(
      'no proposer can be reached; start proposer 0 (127.0.0.1:5550).',
    );
  });

  it('names no proposer whose port a mere acceptor has', () => {
    expect(stallReason(replicas, { acceptors: [0, 1], proposers: [] })).toBe(
      'no proposer can be reached; start proposer 2 (127.0.0.1:8802).',
    );
    expect(stallReason(replicas, { acceptors: [0, 1, 2], proposers: [] })).toMatch(
      /start replica 0 .* or 2 \(127.0.0.1:8802\) in place of the mere acceptor\.$/,
    );
  });

  it('says that the config has no proposer', () => {
    const none = makeConfig({ acceptors: [address(8800)] });
    expect(stallReason(none, { acceptors: [0], proposers: [] })).toMatch(/no proposer; add a "proposer"/);
  });

  it('points to the proposer if all that is needed is there', () => {
    expect(stallReason(apart, { acceptors: [0, 1], proposers: [0] })).toBe(
      '2 of 3 acceptors can be reached, and proposer 0, which gets nothing chosen; look at its log.',
    );
  });
});
