import { beforeEach, describe, expect, it } from 'vitest';
import { clusterStatus } from '../../src/evpaxos/index.ts';
import { whyNoOriginal } from './programs.ts';
import { Scene } from './scene.ts';
import { runClient } from './sequences.ts';

const MISSING = whyNoOriginal();
const VALUES = 1000;

beforeEach((context) => context.skip(MISSING !== undefined, MISSING));

describe('the status of original acceptors', () => {
  it('is that they are up, and how far they are', async () => {
    const scene = await Scene.make({ acceptors: 3, proposers: 1 });
    try {
      for (const id of [0, 1]) scene.original('acceptor', id);
      const third = scene.original('acceptor', 2);
      await scene.proposer(0);
      await runClient(scene, 0, await scene.learner(), VALUES);
      const status = await clusterStatus(scene.configFile);
      expect(status).toMatchObject({
        hasQuorum: true,
        acceptors: { up: 3 },
        leader: { proposerId: 0, isUp: true },
      });
      for (const { kind, state, role, accepted, trimmed } of status.nodes.slice(0, 3)) {
        expect({ kind, state, role, trimmed }).toEqual({
          kind: 'acceptor',
          state: 'up',
          role: 'original',
          trimmed: 0,
        });
        expect(accepted).toBeGreaterThanOrEqual(VALUES);
      }
      await third.end();
      const { nodes, acceptors } = await clusterStatus(scene.configFile);
      expect(nodes[2]).toMatchObject({ state: 'down', role: null });
      expect(acceptors.up).toBe(2);
    } finally {
      await scene.end();
    }
  });
});
