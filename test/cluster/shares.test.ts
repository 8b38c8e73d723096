/**
 * Two clients at two replicas, one of which leads or neither: both get their share of what is chosen.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { makeConfig } from '../../src/config/index.ts';
import { Client, type NodeHandle, Replica } from '../../src/evpaxos/index.ts';
import { Load } from '../support/load.ts';
import { freePorts } from '../support/ports.ts';

const OUTSTANDING = 50;
const MEASURED_MS = 2000;

it.each([
  { at: [0, 1], name: 'the leader and a follower' },
  { at: [1, 2], name: 'two followers' },
])('clients at $name get between a third and two thirds each', async ({ at }) => {
  const nodes: NodeHandle[] = [];
  const keep = <T extends NodeHandle>(node: T): T => {
    nodes.push(node);
    return node;
  };
  const deliver = () => undefined;
  try {
    const replicas = (await freePorts(3)).map((port) => ({ host: '127.0.0.1', port }));
    const config = makeConfig({ replicas });
    const first = keep(await Replica.start({ config, id: 0, deliver }));
    for (const id of [1, 2]) keep(await Replica.start({ config, id, deliver }));
    const loads: Load[] = [];
    for (const proposerId of at) {
      loads.push(new Load(keep(await Client.start({ config, proposerId, deliver })), OUTSTANDING));
    }
    await Promise.all(loads.map((load) => load.more(1000)));
    expect(first.isLeading).toBe(true);

    const before = loads.map(({ chosen }) => chosen);
    await sleep(MEASURED_MS);
    const shares = loads.map(({ chosen }, i) => chosen - (before[i] ?? 0));
    const sum = shares.reduce((total, share) => total + share, 0);
    for (const share of shares) {
      expect(share / sum, shares.join(' and ')).toBeGreaterThan(1 / 3);
      expect(share / sum, shares.join(' and ')).toBeLessThan(2 / 3);
    }
    await Promise.all(loads.map((load) => load.stop()));
  } finally {
    await Promise.all(nodes.map((node) => node.close()));
  }
});
